"""The solver ``newton``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gradmix import (
    Differentiator,
    Equations,
    Iteration,
    Minimum,
    NumericalError,
    PositiveFloat,
    PositiveInt,
    Question,
    Solver,
    part,
)
from gradmix.arrays import Array
from gradmix_solvers.line_search import Lower, backtrack
from gradmix_solvers.stationary import EPS, size_of, vanishes, way_down

_LEAST_CURVATURE = EPS**0.5
"""Lower bound of a curvature, as a fraction of the largest: a step along a flat direction is long, but finite."""


@dataclass
class Newton(Solver):
    """Newton's method for equations, F(x) = 0, and for minima of f, by Jacobians or Hessians of any differentiator.

    Parameters
    ----------
    max_iter
        Maximum number of iterations.
    tol
        Stop when no equation, or no entry of the gradient, exceeds the effect of a relative change of the unknowns by
        this value.
    line_search
        Whether to halve a step until it lowers the residual, or the objective, enough. Otherwise full steps are taken,
        as in the lecture; the method may then diverge.
    differentiator
        Differentiator for the derivatives.

    Notes
    -----
    If the Jacobian is singular, there is no step: the run ends with an error that names the iteration. For minima, the
    step uses the absolute values of the Hessian's eigenvalues, so that it leads down; near a minimum it is Newton's
    step. At a saddle point or a maximum the method goes on along a descent direction, and never counts as converged.
    Sources: Dennis & Schnabel, *Numerical Methods for Unconstrained Optimization and Nonlinear Equations* (1983),
    chapters 5 and 6; Nocedal & Wright, *Numerical Optimization* (2006), section 3.4.

    Examples
    --------
    >>> import gradmix
    >>> kepler = gradmix.Equations(lambda E: E - 0.5 * np.sin(E) - 1.0, 1.0)
    >>> newton = Newton(differentiator=gradmix.differentiator("dual"))
    >>> [f"{each.metrics['residual']:.0e}" for each in newton.iterations(kepler)]
    ['8e-02', '1e-03', '6e-07', '9e-14']
    """

    solves: ClassVar[Mapping[type[Question], tuple[str, ...]]] = {
        Equations: ("jacobian",),
        Minimum: ("gradient", "hessian"),
    }

    max_iter: PositiveInt = 100
    tol: PositiveFloat = 1e-12
    line_search: bool = True
    differentiator: Differentiator = part("dual")

    def iterate(self, question: Any) -> Iterator[Iteration[Array]]:
        """Yield the iterations."""
        return self._minima(question) if isinstance(question, Minimum) else self._roots(question)

    def _roots(self, question: Equations) -> Iterator[Iteration[Array]]:
        x = start = question.first
        F, J = question.value(x), question.jacobian(x, self.differentiator)
        for iteration in range(1, self.max_iter + 1):
            lower = self._step(question, x, F, _newton_step(F, J, iteration, x), -float(F @ F))
            if lower is not None:
                x, F = lower.x, lower.values
                J = question.jacobian(x, self.differentiator)
            converged = vanishes(F, J, size_of(x, start), self.tol)
            yield Iteration(x, {"residual": float(np.max(np.abs(F)))}, converged)
            if lower is None:
                return

    def _minima(self, question: Minimum) -> Iterator[Iteration[Array]]:
        x = start = question.first
        f, g, H = question.value(x), *self._derivatives(question, x)
        below = self._below(question, x, g, H, size_of(x, start))
        for _ in range(self.max_iter):
            step = _descent(g, H)
            lower = below or self._step(question, x, f, step, float(g @ step))
            if lower is not None:
                x, f = lower.x, lower.values
                g, H = self._derivatives(question, x)
            size = size_of(x, start)
            below = self._below(question, x, g, H, size)
            converged = vanishes(g, H, size, self.tol) and below is None
            yield Iteration(x, {"objective": f, "residual": float(np.max(np.abs(g)))}, converged)
            if lower is None:
                return

    def _derivatives(self, question: Minimum, x: Array) -> tuple[Array, Array]:
        return question.gradient(x, self.differentiator), question.hessian(x, self.differentiator)

    def _below(self, question: Minimum, x: Array, g: Array, H: Array, size: float) -> Lower | None:
        """Return a lower point near a stationary point that is not a minimum, where the gradient gives no step."""
        lower = way_down(question, x, H, size) if vanishes(g, H, size, self.tol) else None
        return None if lower is None else Lower(lower, question.value(lower))

    def _step(self, question: Any, x: Array, here: Any, step: Array, slope: float) -> Lower | None:
        """Return the end of the step, halved as often as needed; None if no fraction of it leads down."""
        if not self.line_search or not step.any():
            return Lower(x + step, question.value(x + step))
        return backtrack(question.trial, x, here, step, slope)


def _newton_step(F: Array, J: Array, iteration: int, x: Array) -> Array:
    """Return −J⁻¹F, where the rows of J are scaled to equal size; raise NumericalError if J is singular."""
    if not F.any():
        return np.zeros_like(x)
    scales = np.abs(J).max(axis=1)
    if scales.all():
        left, singular, right = np.linalg.svd(J / scales[:, None])
        if singular[-1] > EPS * len(x) * singular[0]:
            return np.asarray(-right.T @ ((left.T @ (F / scales)) / singular))
    raise NumericalError(
        f"the Jacobian is singular in iteration {iteration} at x = {np.array2string(x, threshold=6)}, so "
        "Newton's method has no step. Start elsewhere, or choose solver=levenberg_marquardt, which accepts a singular "
        "Jacobian."
    )


def _descent(g: Array, H: Array) -> Array:
    """Return −|H|⁻¹g, which leads down for any signs of H's eigenvalues; −g where H is zero."""
    curvatures, directions = np.linalg.eigh(H)
    most = float(np.abs(curvatures).max())
    if most == 0.0:
        return -g
    return np.asarray(-directions @ ((directions.T @ g) / np.maximum(np.abs(curvatures), _LEAST_CURVATURE * most)))
