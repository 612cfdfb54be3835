"""The iterations of SciPy's methods, recorded from their calls of the function and of callbacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradmix import Differentiator, Equations, GradmixError, Iteration, LeastSquares, Minimum, NumericalError, Question
from gradmix.arrays import Array
from gradmix_solvers.line_search import half_square
from gradmix_solvers.residuals import Fit, Residuals
from gradmix_solvers.stationary import EPS, is_minimum, levels_off, size_of

_TIGHTEST = 4.0 * EPS
"""Tolerance for SciPy's own stopping tests, so tight that they do not stop it before our tests do."""


class _EnoughError(Exception):
    """Raised in a callback to end one of SciPy's methods: it has converged or used all iterations."""


@dataclass(frozen=True, eq=False)
class _Point:
    """An iteration: the point, the function's values there, and the number of evaluations so far."""

    x: Array
    values: Any
    functions: int
    derivatives: int

    def counted(self, iteration: Iteration[Array]) -> Iteration[Array]:
        counts = {
            "function_evaluations": float(self.functions),
            "derivative_evaluations": float(self.derivatives),
        }
        return replace(iteration, metrics={**iteration.metrics, **counts})


def _minimised(
    question: Minimum, differentiator: Differentiator, method: Any, max_iter: int, tol: float
) -> Iterator[Iteration[Array]]:
    """Yield the iterations of a method of `scipy.optimize.minimize`."""
    import scipy.optimize

    start = question.first
    values: dict[bytes, float] = {start.tobytes(): question.value(start)}
    gradients: dict[bytes, Array] = {}
    points: list[_Point] = []

    def value(x: Array) -> float:
        if x.tobytes() not in values:
            values[x.tobytes()] = question.trial(x)
        return values[x.tobytes()]

    def gradient(x: Array) -> Array:
        if x.tobytes() not in gradients:
            gradients[x.tobytes()] = question.gradient(x, differentiator)
        return gradients[x.tobytes()].copy()

    def keep(x: Array) -> None:
        x = np.array(x, dtype=float)
        points.append(_Point(x, value(x), question.counts.functions, question.counts.derivatives))
        if len(points) == max_iter or is_flat(tol):
            raise _EnoughError

    def is_flat(tol: float) -> bool:
        x, before = points[-1].x, points[-2].x if len(points) > 1 else start
        return levels_off(gradient(x), gradient(x) - gradient(before), x - before, size_of(x, start), tol)

    def hessian(x: Array) -> Array:
        return question.hessian(x, differentiator)

    options: dict[str, Any] = {"maxiter": 10 * max_iter, **METHODS[method].options}
    minimize: Any = scipy.optimize.minimize  # its stubs do not know that a callback may return nothing
    by_hessians: dict[str, Any] = {"hess": hessian} if "hessian" in METHODS[method].takes[Minimum] else {}
    has_ended = not gradient(start).any()
    if not has_ended:
        has_ended = _ends(
            method,
            lambda: minimize(value, start, method=method, jac=gradient, callback=keep, options=options, **by_hessians),
        )
    points = points or [_Point(start, value(start), question.counts.functions, question.counts.derivatives)]
    *before, last = points
    for point in before:
        yield point.counted(_of_minimum(point, gradient(point.x)))
    converged = is_flat(tol**0.5 if has_ended else tol)
    converged = converged and is_minimum(question, last.x, differentiator, size_of(last.x, start), tol)
    yield replace(_of_minimum(last, gradient(last.x)), converged=converged)


def _ends(method: str, work: Callable[[], object]) -> bool:
    """Return whether SciPy ended without our interruption; raise NumericalError if it breaks down."""
    try:
        with np.errstate(all="ignore"):
            work()
    except _EnoughError:
        return False
    except (ArithmeticError, ValueError, UnboundLocalError, np.linalg.LinAlgError) as error:
        if isinstance(error, GradmixError):
            raise
        raise NumericalError(f"SciPy's method {method} failed: {str(error).rstrip('.')}.") from error
    return True


def _of_minimum(point: _Point, gradient: Array) -> Iteration[Array]:
    return Iteration(point.x, {"objective": point.values, "residual": float(np.max(np.abs(gradient)))})


def _vanished(
    question: Residuals, differentiator: Differentiator, method: Any, max_iter: int, tol: float
) -> Iterator[Iteration[Array]]:
    """Yield the iterations of a method of `scipy.optimize.root` or `least_squares`."""
    import scipy.optimize

    start = question.first
    at_start = question.value(start)
    least = half_square(at_start)
    jacobians: dict[bytes, Array] = {}
    points: list[_Point] = []

    def values(x: Array) -> Array:
        nonlocal least
        found = question.trial(x)
        if half_square(found) < least:
            least = half_square(found)
            points.append(_Point(np.array(x), found, question.counts.functions, question.counts.derivatives))
            if len(points) == max_iter:
                raise _EnoughError
        return found.copy()

    def jacobian(x: Array) -> Array:
        if x.tobytes() not in jacobians:
            jacobians[x.tobytes()] = question.jacobian(x, differentiator)
        return jacobians[x.tobytes()].copy()

    def work() -> None:
        if method == "hybr":
            scipy.optimize.root(values, start, jac=jacobian, method="hybr", options={"xtol": _TIGHTEST})
        else:
            tests: dict[str, Any] = {
                "ftol": _TIGHTEST,
                "xtol": _TIGHTEST,
                "gtol": _TIGHTEST if method == "lm" else None,
            }
            most = 10 * max_iter
            scipy.optimize.least_squares(values, start, jacobian, method=method, max_nfev=most, x_scale="jac", **tests)

    has_ended = not (jacobian(start).T @ at_start).any() or _ends(method, work)
    counts = question.counts
    points = points or [_Point(start, at_start, counts.functions, counts.derivatives)]
    *before, last = points
    for point in before:
        yield point.counted(Fit(point.x, point.values, jacobian(point.x)).iteration(question, False))
    fit = Fit(last.x, last.values, jacobian(last.x))
    converged = fit.has_converged(question, start, tol, differentiator, is_lowest=has_ended)
    yield fit.iteration(question, converged)


@dataclass(frozen=True)
class Method:
    """One of SciPy's methods.

    Parameters
    ----------
    takes
        The questions that it solves, and the operators that each needs.
    course
        Function that yields its iterations.
    options
        Options for SciPy, which make its stopping tests so tight that ours decide.
    """

    takes: Mapping[type[Question], tuple[str, ...]]
    course: Callable[..., Iterator[Iteration[Array]]]
    options: Mapping[str, float]


_Takes = Mapping[type[Question], tuple[str, ...]]
_BY_GRADIENTS: _Takes = {Minimum: ("gradient",)}
_BY_HESSIANS: _Takes = {Minimum: ("gradient", "hessian")}
_BY_JACOBIANS: _Takes = {LeastSquares: ("jacobian", "gradient"), Equations: ("jacobian",)}

METHODS: Mapping[str, Method] = {
    "CG": Method(_BY_GRADIENTS, _minimised, {"gtol": 0.0}),
    "BFGS": Method(_BY_GRADIENTS, _minimised, {"gtol": 0.0}),
    "L-BFGS-B": Method(_BY_GRADIENTS, _minimised, {"gtol": 0.0, "ftol": 0.0}),
    "Newton-CG": Method(_BY_HESSIANS, _minimised, {"xtol": _TIGHTEST}),
    "trust-ncg": Method(_BY_HESSIANS, _minimised, {"gtol": 0.0}),
    "trust-exact": Method(_BY_HESSIANS, _minimised, {"gtol": 0.0}),
    "hybr": Method({Equations: ("jacobian",)}, _vanished, {}),
    "lm": Method(_BY_JACOBIANS, _vanished, {}),
    "trf": Method(_BY_JACOBIANS, _vanished, {}),
    "dogbox": Method(_BY_JACOBIANS, _vanished, {}),
}
"""SciPy's name of a method → the method."""
