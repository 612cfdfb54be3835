"""Solvers: Newton's method, related methods and SciPy's, each with any differentiator."""

import gradmix


@gradmix.hookimpl
def gradmix_components() -> gradmix.Components:
    """Offer the solvers."""
    return {
        "solver": {
            "newton": "gradmix_solvers.newton:Newton",
            "gradient_descent": "gradmix_solvers.gradient_descent:GradientDescent",
            "gauss_newton": "gradmix_solvers.gauss_newton:GaussNewton",
            "levenberg_marquardt": "gradmix_solvers.levenberg_marquardt:LevenbergMarquardt",
            "scipy_optimize": "gradmix_solvers.scipy_optimize:ScipyOptimize",
            "scipy_ode": "gradmix_solvers.scipy_ode:ScipyOde",
        }
    }
