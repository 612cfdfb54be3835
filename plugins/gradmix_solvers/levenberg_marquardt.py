"""The solver ``levenberg_marquardt``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gradmix import (
    Differentiator,
    Equations,
    Iteration,
    LeastSquares,
    PositiveFloat,
    PositiveInt,
    Question,
    Solver,
    part,
)
from gradmix.arrays import Array
from gradmix_solvers.line_search import half_square
from gradmix_solvers.residuals import Fit, Residuals, fit_at

_MOST_DAMPING = 1e16


@dataclass
class LevenbergMarquardt(Solver):
    """Levenberg-Marquardt for nonlinear least squares: Gauss-Newton with steps that are damped as much as needed.

    Parameters
    ----------
    max_iter
        Maximum number of iterations.
    tol
        Stop when the undamped step is at most this fraction of the size of the unknowns.
    damping
        Damping of the first step, relative to the squared lengths of the Jacobian's columns.
    differentiator
        Differentiator for the Jacobians.

    Notes
    -----
    The damping falls if the actual decrease is close to the linear model's prediction, and grows if a step does not
    lower the sum of squares. Each unknown is scaled by the largest length that its column of the Jacobian has had so
    far, so units do not matter. Equations count as solved where they vanish, not where their squares have a minimum.
    Sources: Moré, in *Numerical Analysis, Dundee 1977* (1978) 105-116, for the scale; Madsen, Nielsen & Tingleff,
    *Methods for Non-Linear Least Squares Problems* (2004), algorithm 3.16, for the damping.

    Examples
    --------
    >>> import gradmix
    >>> rosenbrock = gradmix.LeastSquares(lambda x: np.stack([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]]), [-1.2, 1.0])
    >>> LevenbergMarquardt(differentiator=gradmix.differentiator("dual")).solve(rosenbrock).estimate.round(12)
    array([1., 1.])
    """

    solves: ClassVar[Mapping[type[Question], tuple[str, ...]]] = {
        LeastSquares: ("jacobian", "gradient"),
        Equations: ("jacobian",),
    }

    max_iter: PositiveInt = 200
    tol: PositiveFloat = 1e-10
    damping: PositiveFloat = 1e-3
    differentiator: Differentiator = part("dual")

    def iterate(self, question: Any) -> Iterator[Iteration[Array]]:
        """Yield the iterations; the first that finds no lower point is the last."""
        start = question.first
        here = fit_at(question, start, question.value(start), self.differentiator)
        damping, scales = self.damping, _lengths(here.J)
        for _ in range(self.max_iter):
            found = _lower(question, here, damping, scales)
            if found is not None:
                x, r, damping = found
                here = fit_at(question, x, r, self.differentiator)
                scales = np.maximum(scales, _lengths(here.J))
            converged = here.has_converged(question, start, self.tol, self.differentiator, is_lowest=found is None)
            yield here.iteration(question, converged)
            if found is None:
                return


def _lower(question: Residuals, here: Fit, damping: float, scales: Array) -> tuple[Array, Array, float] | None:
    """Return a lower point, its residuals and the next step's damping; None if there is none within rounding."""
    growth = 2.0
    scales = np.where(scales > 0, scales, 1.0)
    while damping <= _MOST_DAMPING:
        step = _damped_step(here, damping, scales)
        r = question.trial(here.x + step)
        value = half_square(r)
        linear = here.r + here.J @ step
        promised = here.objective - 0.5 * float(linear @ linear)
        if np.isfinite(value) and value < here.objective:
            ratio = (here.objective - value) / promised if promised > 0 else 1.0
            return here.x + step, r, damping * max(1.0 / 3.0, 1.0 - (2.0 * min(ratio, 2.0) - 1.0) ** 3)
        if not step.any() or np.array_equal(here.x + step, here.x):
            return None
        damping, growth = damping * growth, 2.0 * growth
    return None


def _damped_step(here: Fit, damping: float, scales: Array) -> Array:
    """Return the p that minimises ‖r + J p‖² + λ ‖D p‖², by least squares for an extended system."""
    n = len(here.x)
    system = np.concatenate([here.J / scales, np.sqrt(damping) * np.eye(n)])
    right = np.concatenate([-here.r, np.zeros(n)])
    return np.asarray(np.linalg.lstsq(system, right, rcond=None)[0] / scales)


def _lengths(J: Array) -> Array:
    return np.asarray(np.linalg.norm(J, axis=0))
