"""Problems: functions with exact derivatives, and functions of one's own."""

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
            "heron": "gradmix_problems.heron:Heron",
            "python": "gradmix_problems.python:PythonFunction",
        }
    }
