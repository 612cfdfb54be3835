"""Problems: functions with exact derivatives, and functions that users write themselves."""

import gradmix


@gradmix.hookimpl
def gradmix_components() -> gradmix.Components:
    """Offer the problems."""
    return {
        "problem": {
            "cubic": "gradmix_problems.cubic:Cubic",
            "polynomial": "gradmix_problems.polynomial:Polynomial",
            "lecture": "gradmix_problems.lecture:Lecture",
            "rosenbrock": "gradmix_problems.rosenbrock:Rosenbrock",
            "speelpenning": "gradmix_problems.speelpenning:Speelpenning",
            "helmholtz": "gradmix_problems.helmholtz:Helmholtz",
            "exponential_fit": "gradmix_problems.exponential_fit:ExponentialFit",
            "broyden": "gradmix_problems.broyden:Broyden",
            "diffusion": "gradmix_problems.diffusion:Diffusion",
            "chain": "gradmix_problems.chain:Chain",
            "kepler": "gradmix_problems.kepler:Kepler",
            "noisy": "gradmix_problems.rough:Noisy",
            "quantised": "gradmix_problems.rough:Quantised",
            "heron": "gradmix_problems.heron:Heron",
            "lotka_volterra": "gradmix_problems.lotka_volterra:LotkaVolterra",
            "mixture_objective": "gradmix_problems.mixture_objective:MixtureObjective",
            "more_garbow_hillstrom": "gradmix_problems.more_garbow_hillstrom:MoreGarbowHillstrom",
            "robertson": "gradmix_problems.robertson:Robertson",
            "network": "gradmix_problems.network:Network",
            "vector_map": "gradmix_problems.vector_map:VectorMap",
            "python": "gradmix_problems.python:PythonFunction",
        }
    }
