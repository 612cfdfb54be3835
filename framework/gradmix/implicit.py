"""Functions defined by an equation: a root, a fixed point, an optimum, the solution of a differential equation.

The solver of the equation may be any code, compiled or iterative. It is called with plain numbers, and its result is
differentiated by the implicit function theorem: the equation is linearised at the solution, and the solver's iterations
are not differentiated. This works in every mode and to any order with `dual`, `tape` and `taylor`, the differentiators
that use functions' own rules. Other differentiators differentiate the solver itself.

Source: Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), chapter 15; for differential equations
Hairer, Nørsett & Wanner, *Solving Ordinary Differential Equations I* (Springer 1993), section I.14.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix.config.build import differentiator
from gradmix.contracts.errors import DifferentiationError, NumericalError, frames_of_gradmix
from gradmix.contracts.own_rules import FunctionWithRule, Linearised, stop_gradient
from gradmix.contracts.points import is_traced

__all__ = ["implicit_fixed_point", "implicit_ode", "implicit_optimum", "implicit_root"]

Function = Callable[..., Any]

_FAR = 1e-6
"""A warning is given if a Newton step moves a solution by more than this, relative to its size."""
_NEAR = 1e-12
"""An absolute distance that never causes a warning: rounding moves a solution that is 0."""
_STIFF = ("Radau", "BDF", "LSODA")
"""Methods for stiff equations, whose solutions cannot be retraced backwards."""
_RETRACED = 1000
"""A solution that is retraced backwards must return to its start within so many relative tolerances."""


def implicit_root(residual: Function, solver: Function) -> Function:
    """Make the function of θ whose value x solves F(x, θ) = 0.

    Parameters
    ----------
    residual
        F, a function in plain NumPy of x and of all arguments of the solver; it has as many values as x has entries.
    solver
        θ ↦ x, any code with one or several arguments; it receives plain numbers and arrays.

    Returns
    -------
    callable
        The same function as the solver, with the derivative dx = -F_x⁻¹ F_θ dθ.

    Raises
    ------
    NumericalError
        When it is differentiated at a point where F_x is singular, as at a double root.

    Warns
    -----
    UserWarning
        If the solver's result is not a root, so that the derivative is not exact.

    Examples
    --------
    Heron's iteration, which is not differentiated itself:

    >>> import gradmix
    >>> def heron(a):
    ...     x = max(a, 1.0)
    ...     while (better := 0.5 * (x + a / x)) < x:
    ...         x = better
    ...     return x
    >>> root = gradmix.implicit_root(lambda x, a: x * x - a, heron)
    >>> float(root(4.0)), float(gradmix.differentiator("tape").derivative(root, 4.0))
    (2.0, 0.25)
    """
    return _Root(solver, None, None, residual)


def implicit_fixed_point(step: Function, solver: Function) -> Function:
    """Make the function of θ whose value x is a fixed point, x = g(x, θ).

    Parameters
    ----------
    step
        g, a function in plain NumPy of x and of all arguments of the solver.
    solver
        As for `implicit_root`. It may iterate g from any start.

    Examples
    --------
    >>> import gradmix
    >>> import numpy as np
    >>> def iterated(mean, e):
    ...     x = mean
    ...     for _ in range(100):
    ...         x = mean + e * np.sin(x)
    ...     return x
    >>> kepler = gradmix.implicit_fixed_point(lambda x, mean, e: mean + e * np.sin(x), iterated)
    >>> float(gradmix.differentiator("dual").derivative(kepler, 0.0, 0.5))
    2.0
    """
    return _Root(solver, None, None, lambda x, *arguments: x - step(x, *arguments))


def implicit_optimum(objective: Function, solver: Function) -> Function:
    """Make the function of θ whose value x is a minimum or maximum of f(x, θ) in the interior of f's domain.

    Parameters
    ----------
    objective
        f, a function in plain NumPy of x and of all arguments of the solver, with one value.
    solver
        As for `implicit_root`.

    Examples
    --------
    >>> import gradmix
    >>> import numpy as np
    >>> ridge = lambda x, penalty: np.sum((x - np.array([1.0, 2.0])) ** 2) + penalty * np.sum(x**2)
    >>> minimum = gradmix.implicit_optimum(ridge, lambda penalty: np.array([1.0, 2.0]) / (1.0 + penalty))
    >>> gradmix.differentiator("dual").jacobian(minimum, 1.0)
    array([-0.25, -0.5 ])
    """
    return _Root(solver, None, None, lambda x, *arguments: differentiator("tape").gradient(objective, x, *arguments))


def implicit_ode(slope: Function, method: str = "DOP853", rtol: float = 1e-10, atol: float = 1e-12) -> Function:
    """Make the function (x₀, t₀, t₁, θ…) ↦ x(t₁) that solves x′ = f(t, x, θ…), x(t₀) = x₀.

    Parameters
    ----------
    slope
        f, a function in plain NumPy of t, of x, and of further numbers and arrays.
    method
        A method of ``scipy.integrate.solve_ivp``. Use ``"Radau"``, ``"BDF"`` or ``"LSODA"`` for stiff equations; they
        receive f's exact Jacobian.
    rtol, atol
        Tolerances of the solution and of its derivatives, whose directions are scaled to size 1.

    Returns
    -------
    callable
        Its derivatives are also solutions of differential equations: the variational equation in forward mode, the
        adjoint equation in reverse mode. If the solution cannot be retraced backwards, and with methods for stiff
        equations, reverse mode uses the variational equation instead, once for each entry of an argument.

    Raises
    ------
    NumericalError
        If the integration fails.

    Examples
    --------
    >>> import gradmix
    >>> decay = gradmix.implicit_ode(lambda t, x, rate: -rate * x)
    >>> slope = gradmix.differentiator("tape").derivative(lambda rate: decay(1.0, 0.0, 2.0, rate), 0.5)
    >>> round(float(slope), 9)  # -2 exp(-1)
    -0.735758882
    """
    return _Ode(_Integration(slope, method, rtol, atol), None, None, slope, method, rtol, atol)


@dataclass(frozen=True)
class _Root(FunctionWithRule):
    residual: Function

    def __call__(self, *arguments: Any) -> Any:
        """Solve the equation, which must take all that it depends on as arguments."""
        y = super().__call__(*arguments)
        if not is_traced(y) and _closes_over_traced(self.residual):
            raise DifferentiationError(
                "the equation uses a traced value that is not one of its arguments, so that its derivative would be "
                "lost: pass the value to the function, and take it as an argument of the solver and of the equation."
            )
        return y

    @property
    def reads_result(self) -> bool:
        return True

    def linearised(self, arguments: tuple[Any, ...], y: Any) -> Linearised:
        """Return dx = -F_x⁻¹ F_θ dθ and its transpose."""
        forward, reverse, shape = differentiator("dual"), differentiator("tape"), np.shape(y)
        n = int(np.prod(shape))
        jacobian = forward.jacobian(self.residual, y, *arguments)
        if np.size(jacobian) != n * n:
            raise DifferentiationError(
                f"the residual has the shape {np.shape(jacobian)[: np.ndim(jacobian) - len(shape)]}, the solution "
                f"{shape}: there must be an equation for each entry of the solution."
            )
        matrix = np.reshape(jacobian, (n, n))
        if not any(map(is_traced, (y, *arguments))):
            self._warn_unless_solved(matrix, arguments, y)

        def solve(a: Any, b: Any) -> Any:
            try:
                return np.linalg.solve(a, np.reshape(b, (n,)))
            except np.linalg.LinAlgError:
                raise _singular() from None

        def of_one(position: int) -> Function:
            return lambda value: self.residual(y, *arguments[:position], value, *arguments[position + 1 :])

        def push(position: int, v: Any) -> Any:
            return np.reshape(-solve(matrix, forward.jvp(of_one(position), arguments[position], v)), shape)

        def pull(position: int, w: Any) -> Any:
            multiplier = np.reshape(-solve(matrix.T, w), np.shape(jacobian)[: np.ndim(jacobian) - len(shape)])
            return reverse.vjp(of_one(position), arguments[position], multiplier)

        return Linearised(push, pull)

    def _warn_unless_solved(self, matrix: Any, arguments: tuple[Any, ...], y: Any) -> None:
        try:
            step = np.linalg.solve(matrix, np.ravel(self.residual(y, *arguments)))
        except np.linalg.LinAlgError:
            raise _singular() from None
        size = float(np.max(np.abs(step), initial=0.0))
        if not size <= max(_FAR * float(np.max(np.abs(y), initial=0.0)), _NEAR):
            warnings.warn(
                f"the solver's return value is not a solution: a step of Newton's method moves it by {size:.3g}. Its "
                "derivative is not exact.",
                stacklevel=frames_of_gradmix(),
            )


def _closes_over_traced(f: Function, depth: int = 2) -> bool:
    """Return whether a function, or one that it closes over, closes over a traced value."""
    contents = inspect.getclosurevars(f).nonlocals.values() if inspect.isfunction(f) and f.__closure__ else ()
    return any(is_traced(each) or (depth > 0 and _closes_over_traced(each, depth - 1)) for each in contents)


def _singular() -> NumericalError:
    return NumericalError(
        "the equation's Jacobian is singular at the solution, as at a double root: the solution has no derivative."
    )


@dataclass(frozen=True)
class _Integration:
    """Solves an initial value problem with plain numbers."""

    slope: Function
    method: str
    rtol: float
    atol: float

    def __call__(self, start: Any, begin: Any, end: Any, *arguments: Any) -> Any:
        import scipy.integrate

        solve_ivp: Any = scipy.integrate.solve_ivp
        shape = np.shape(start)
        if begin == end:
            return np.array(start, dtype=float)[()]

        def flat(t: float, x: Any) -> Any:
            return np.ravel(self.slope(t, np.reshape(x, shape)[()], *arguments))

        options = {}
        if self.method in _STIFF:
            forward = differentiator("dual")
            options["jac"] = lambda t, x: forward.jacobian(lambda x: flat(t, x), x)
        state, tolerances = np.ravel(np.asarray(start, dtype=float)), {"rtol": self.rtol, "atol": self.atol}
        try:
            found = solve_ivp(flat, (float(begin), float(end)), state, method=self.method, **tolerances, **options)
        except ValueError as error:
            if "infs or NaNs" not in str(error):
                raise
            raise NumericalError(
                f"the solution of the differential equation overflows on the way to t = {end}."
            ) from error
        if not found.success:
            raise NumericalError(f"the differential equation could not be integrated to t = {end}: {found.message}")
        return np.reshape(found.y[:, -1], shape)[()]


@dataclass(frozen=True)
class _Ode(FunctionWithRule):
    slope: Function
    method: str
    rtol: float
    atol: float

    @property
    def reads_result(self) -> bool:
        return True

    def linearised(self, arguments: tuple[Any, ...], y: Any) -> Linearised:
        """Linearise by the variational equation s′ = f_x s + f_θ dθ and the adjoint equation λ′ = -f_xᵀ λ."""
        _, _, end, *others = arguments

        def push(position: int, v: Any) -> Any:
            if position == 2:
                return self.slope(end, y, *others) * v
            size = _size(v)
            return size * self._varied(arguments, position, v / size)

        def pull(position: int, w: Any) -> Any:
            if position == 2:
                return np.sum(self.slope(end, y, *others) * w)
            size = _size(w)
            return size * self._adjoint(arguments, y, position, w / size)

        return Linearised(push, pull)

    def _varied(self, arguments: tuple[Any, ...], position: int, v: Any) -> Any:
        """Compute the tangent of the solution along one argument; it is integrated as a second half of the state."""
        start, begin, end, *others = arguments
        shape, n = np.shape(start), int(np.prod(np.shape(start)))
        forward, place = differentiator("dual"), position - 3

        def slope(t: Any, z: Any, v: Any, *others: Any) -> Any:
            x, s = np.reshape(z[:n], shape), np.reshape(z[n:], shape)
            if place < 0:
                change = forward.jvp(lambda x: self.slope(t, x, *others), x, s)
            else:
                change = forward.jvp(
                    lambda both: self.slope(t, both[0], *others[:place], both[1], *others[place + 1 :]),
                    (x, others[place]),
                    (s, v),
                )
            return np.concatenate([np.ravel(self.slope(t, x, *others)), np.ravel(change)])

        first = v if position == 0 else -self.slope(begin, start, *others) * v if position == 1 else np.zeros(shape)
        state = np.concatenate([np.reshape(start, (n,)), np.reshape(first, (n,))])
        return np.reshape(self._like(slope)(state, begin, end, v, *others)[n:], shape)

    def _adjoint(self, arguments: tuple[Any, ...], y: Any, position: int, w: Any) -> Any:
        """Pull a cotangent back from the end to one argument, while the solution is retraced alongside."""
        if self.method in _STIFF:
            return self._summed(arguments, position, w)
        start, begin, end, *others = arguments
        shape, n = np.shape(start), int(np.prod(np.shape(start)))
        reverse, place = differentiator("tape"), position - 3
        own = np.zeros(np.shape(others[place])) if place >= 0 else np.zeros(0)

        def slope(t: Any, z: Any, *others: Any) -> Any:
            x, multiplier = np.reshape(z[:n], shape), np.reshape(z[n : 2 * n], shape)
            if place < 0:
                pulled = [reverse.vjp(lambda x: self.slope(t, x, *others), x, multiplier)]
            else:
                pulled = reverse.vjp(
                    lambda both: self.slope(t, both[0], *others[:place], both[1], *others[place + 1 :]),
                    (x, others[place]),
                    multiplier,
                )
            return np.concatenate([np.ravel(self.slope(t, x, *others)), *(-np.ravel(each) for each in pulled)])

        state = np.concatenate([np.reshape(y, (n,)), np.reshape(w, (n,)), np.ravel(own)])
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                found = self._like(slope)(state, end, begin, *others)
        except NumericalError:
            found = None
        if found is None or not self._is_retraced(found[:n], start):
            return self._summed(arguments, position, w)
        if place >= 0:
            return np.reshape(found[2 * n :], np.shape(own))
        multiplier = np.reshape(found[n : 2 * n], shape)
        return multiplier if position == 0 else -np.sum(self.slope(begin, start, *others) * multiplier)

    def _is_retraced(self, found: Any, start: Any) -> bool:
        there, first = stop_gradient(found), np.ravel(stop_gradient(start))
        return bool(np.all(np.abs(there - first) <= _RETRACED * self.rtol * (1.0 + np.abs(first))))

    def _summed(self, arguments: tuple[Any, ...], position: int, w: Any) -> Any:
        """Compute the same as `_adjoint` by the variational equation, once for each entry of the argument."""
        shape = np.shape(arguments[position])
        entries = []
        for place in range(int(np.prod(shape))):
            unit = np.zeros(shape)
            unit.flat[place] = 1.0
            entries.append(np.sum(self._varied(arguments, position, unit[()]) * w))
        return np.reshape(np.stack(entries), shape)

    def _like(self, slope: Function) -> Function:
        return implicit_ode(slope, self.method, self.rtol, self.atol)


def _size(v: Any) -> float:
    """Return the largest absolute entry, a constant to scale by; 1 if all are 0 or one is not finite."""
    size = float(np.max(np.abs(stop_gradient(v)), initial=0.0))
    return size if 0 < size < np.inf else 1.0
