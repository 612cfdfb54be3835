"""Questions: what a problem asks a solver. A question counts the evaluations of its function and derivatives."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.assessment import assessments
from gradmix.contracts.counted import Counted
from gradmix.contracts.differentiator import Differentiator
from gradmix.contracts.differentiator_hooks import Function
from gradmix.contracts.errors import DataError, NumericalError
from gradmix.contracts.iteration import Iteration

Array = NDArray[np.float64]


@dataclass
class Counts:
    """Numbers of evaluations so far.

    Parameters
    ----------
    counted
        The functions, each of which counts its calls.
    derivatives
        Number of gradients, Jacobians and Hessians computed.
    unreliable
        Number of these that their differentiator reported as unreliable.
    """

    counted: list[Counted] = field(default_factory=list)
    derivatives: int = 0
    unreliable: int = 0

    @property
    def functions(self) -> int:
        """Number of calls of all functions."""
        return sum(each.calls for each in self.counted)


@dataclass(frozen=True, eq=False)
class Question(ABC):
    """Base of all questions: `Equations`, `Minimum`, `LeastSquares` and `InitialValue`.

    Solvers always work with points of shape (n,). If the start is a number, the function still receives numbers.

    Parameters
    ----------
    function
        The function, written in plain NumPy.
    start
        The point to start from: a number, or an array of shape (n,).
    solution
        The exact solution, with the shape of the start; None if it is not known or not unique.
    counts
        Numbers of evaluations so far.
    """

    function: Function
    start: Any
    solution: Any = None
    counts: Counts = field(default_factory=Counts, kw_only=True)
    evaluated: Counted = field(init=False, repr=False)
    """The function of points of shape (n,), plain or traced, that is passed to a differentiator."""

    asks_for: ClassVar[str]
    """The requested solution in words: ``"a minimum"``."""

    def __post_init__(self) -> None:
        try:
            start = np.asarray(self.start, dtype=float)
        except (TypeError, ValueError):
            start = np.zeros(0)
        if start.ndim > 1 or start.size == 0 or not np.isfinite(start).all():
            raise DataError(f"a start must be a finite number or an array of finite numbers; given: {self.start!r}.")
        if self.solution is not None and np.shape(self.solution) != start.shape:
            raise DataError(f"a solution must have the shape of the start, {start.shape}; given: {self.solution!r}.")
        object.__setattr__(self, "evaluated", Counted(self._of_arrays() if start.ndim == 0 else self.function))
        self.counts.counted.append(self.evaluated)

    @property
    def first(self) -> Array:
        """The start as a new array of shape (n,)."""
        return np.array(self.start, dtype=float).reshape(-1)

    def with_new_counts(self) -> Self:
        """Return the same question with all counts at 0."""
        return replace(self, counts=Counts())

    def arranged(self, x: Array) -> Any:
        """Return a point in the form of the start: as a number or an array."""
        return float(x[0]) if np.ndim(self.start) == 0 else np.asarray(x, dtype=float)

    def _of_arrays(self) -> Function:
        """Return the function of a number as a function of an array with one entry."""
        function = self.function

        def of_array(x: Any) -> Any:
            return function(x[0])

        return of_array

    def error(self, iteration: Iteration[Array]) -> float | None:
        """Return the largest absolute error of an entry of the estimate; None if the solution is not known."""
        if self.solution is None:
            return None
        return float(np.max(np.abs(iteration.estimate - np.reshape(self.solution, -1))))

    def differentiated(self, operator: Callable[..., Any], f: Function, *arguments: Any, **options: Any) -> Array:
        """Compute a derivative of f at the last argument with an operator of a differentiator.

        Raises
        ------
        NumericalError
            If an entry is not finite.
        """
        self.counts.derivatives += 1
        with assessments() as found:
            derivative = np.asarray(operator(f, *arguments, **options), dtype=float)
        self.counts.unreliable += not all(each.is_reliable for each in found)
        return _checked(derivative, f"the {operator.__name__}", arguments[-1])


@dataclass(frozen=True, eq=False)
class Vector(Question):
    """Base of questions about a function with several values, F: ℝⁿ → ℝᵐ."""

    def trial(self, x: Array) -> Array:
        """Compute F(x), shape (m,), without a check that it is finite, for a step that may be rejected."""
        with np.errstate(all="ignore"):
            return np.asarray(self.evaluated(x), dtype=float).reshape(-1)

    def value(self, x: Array) -> Array:
        """Compute F(x), shape (m,).

        Raises
        ------
        NumericalError
            If an entry is not finite.
        """
        return _checked(self.trial(x), "the function", x)

    def jacobian(self, x: Array, differentiator: Differentiator) -> Array:
        """Compute J(x), shape (m, n); raise NumericalError if an entry is not finite."""
        derivative = self.differentiated(differentiator.jacobian, self.evaluated, x)
        return derivative.reshape(-1, len(x))


@dataclass(frozen=True, eq=False)
class Equations(Vector):
    """Solve F(x) = 0 for as many unknowns as there are equations.

    Examples
    --------
    >>> import gradmix
    >>> root = gradmix.solver("newton").solve(gradmix.Equations(lambda x: x**2 - 2.0, 1.0))
    >>> root.converged, float(root.estimate[0])
    (True, 1.4142135623730951)
    """

    asks_for: ClassVar[str] = "a root of equations"

    def trial(self, x: Array) -> Array:
        """Compute F(x), shape (n,), without a check that it is finite."""
        values = super().trial(x)
        if len(values) != len(x):
            raise DataError(
                f"the number of equations, {len(values)}, must be that of the unknowns, {len(x)}; "
                "otherwise use gradmix.LeastSquares."
            )
        return values


@dataclass(frozen=True, eq=False)
class Minimum(Question):
    """Minimise f(x), which has one value.

    Examples
    --------
    >>> import gradmix
    >>> bowl = gradmix.Minimum(lambda x: (x[0] - 1.0) ** 2 + x[1] ** 2, [0.0, 3.0])
    >>> gradmix.solver("newton").solve(bowl).estimate.round(12)
    array([1., 0.])
    """

    asks_for: ClassVar[str] = "a minimum"

    def trial(self, x: Array) -> float:
        """Compute f(x), without a check that it is finite, for a step that may be rejected."""
        with np.errstate(all="ignore"):
            value = np.asarray(self.evaluated(x), dtype=float)
        if value.size != 1:
            raise DataError(f"the function to minimise must return one number; it returned the shape {value.shape}.")
        return float(value.reshape(()))

    def value(self, x: Array) -> float:
        """Compute f(x).

        Raises
        ------
        NumericalError
            If it is not finite.
        """
        return float(_checked(np.asarray(self.trial(x)), "the function", x))

    def gradient(self, x: Array, differentiator: Differentiator) -> Array:
        """Compute ∇f(x), shape (n,); raise NumericalError if an entry is not finite."""
        return self.differentiated(differentiator.gradient, self.evaluated, x)

    def hessian(self, x: Array, differentiator: Differentiator) -> Array:
        """Compute H(x), shape (n, n), symmetric; raise NumericalError if an entry is not finite."""
        found = self.differentiated(differentiator.hessian, self.evaluated, x)
        return 0.5 * (found + found.T)


@dataclass(frozen=True, eq=False)
class LeastSquares(Vector):
    """Minimise ½ Σ rᵢ(x)², with the residuals r: ℝⁿ → ℝᵐ.

    Examples
    --------
    >>> import gradmix
    >>> line = gradmix.LeastSquares(lambda x: x[0] + x[1] * np.arange(3.0) - np.array([1.0, 3.0, 5.0]), [0.0, 0.0])
    >>> gradmix.solver("levenberg_marquardt").solve(line).estimate.round(9)
    array([1., 2.])
    """

    asks_for: ClassVar[str] = "least squares"

    def as_minimum(self) -> Minimum:
        """Return the same question for a solver that minimises; both share their counts."""
        return Minimum(self._half_square, self.start, self.solution, counts=self.counts)

    def _half_square(self, x: Any) -> Any:
        return 0.5 * np.sum(self.function(x) ** 2)


@dataclass(frozen=True, eq=False)
class InitialValue(Question):
    """Solve y′ = f(t, y) from the start up to the time `end`; the solution is y at the end.

    Parameters
    ----------
    function
        The slopes f(t, y), shape (n,).
    start, solution
        y at the times `begin` and `end`.
    begin, end
        The times.

    Examples
    --------
    >>> import gradmix
    >>> decay = gradmix.InitialValue(lambda t, y: -y, [1.0], end=1.0)
    >>> float(gradmix.solver("scipy_ode").solve(decay).estimate[0].round(6))
    0.367879
    """

    asks_for: ClassVar[str] = "the solution of an initial value problem"

    begin: float = 0.0
    end: float = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (np.isfinite(self.begin) and np.isfinite(self.end) and self.begin < self.end):
            raise DataError(f"end must be later than begin; given: begin={self.begin}, end={self.end}.")

    def slopes(self, t: float, y: Array) -> Array:
        """Compute f(t, y), shape (n,), without a check that it is finite."""
        return np.asarray(self.evaluated(t, y), dtype=float).reshape(-1)

    def _of_arrays(self) -> Function:
        function = self.function

        def of_array(t: Any, y: Any) -> Any:
            return function(t, y[0])

        return of_array

    def jacobian(self, t: float, y: Array, differentiator: Differentiator) -> Array:
        """Compute ∂f/∂y, shape (n, n); raise NumericalError if an entry is not finite."""
        derivative = self.differentiated(differentiator.jacobian, self.evaluated, t, y, argnums=1)
        return derivative.reshape(len(y), len(y))

    def error(self, iteration: Iteration[Array]) -> float | None:
        """Return the largest relative error of an entry at the end; entries may differ by powers of ten."""
        if self.solution is None or not iteration.converged:
            return None
        exact = np.reshape(np.asarray(self.solution, dtype=float), -1)
        return float(np.max(np.abs(iteration.estimate - exact) / np.where(exact == 0.0, 1.0, np.abs(exact))))


def _checked(values: Array, what: str, x: Array) -> Array:
    if not np.isfinite(values).all():
        count = f", in {np.sum(~np.isfinite(values))} of {values.size} entries" if values.size > 1 else ""
        raise NumericalError(f"{what} is not finite at x = {np.array2string(x, threshold=6)}{count}.")
    return values
