"""Control over derivatives from within a function: derivative rules, constant parts, and parts not kept in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np

from gradmix.contracts.points import Traced, is_traced


@dataclass(frozen=True)
class Linearised:
    """The derivative of a function at its arguments.

    Parameters
    ----------
    push
        (position of an argument, its tangent) → tangent of the result.
    pull
        (position of an argument, cotangent of the result) → cotangent of that argument.
    """

    push: Callable[[int, Any], Any]
    pull: Callable[[int, Any], Any]


@dataclass(frozen=True)
class FunctionWithRule:
    """A function with its own derivative rule, as `with_rule` returns it.

    Parameters
    ----------
    f
        The function.
    jvp
        The rule that pushes tangents forward, or None.
    vjp
        The rule that pulls cotangents back, or None.
    """

    f: Callable[..., Any]
    jvp: Callable[..., Any] | None
    vjp: Callable[..., Any] | None

    def __call__(self, *arguments: Any) -> Any:
        """Compute f(…), with the rule if an argument is traced."""
        traced = _first_traced(arguments)
        return self.f(*arguments) if traced is None else traced.call_with_rule(self, arguments)

    def pushed(self, arguments: tuple[Any, ...], position: int, v: Any, shape: tuple[int, ...]) -> Any:
        """Push the tangent v of one argument forward to f, whose value has the given shape."""
        if self.jvp is not None:
            tangents = [v if place == position else np.zeros(np.shape(each)) for place, each in enumerate(arguments)]
            return self.jvp(*arguments, *tangents)
        if self._is_diagonal(arguments, shape):
            return self.pulled(arguments, position, v)
        entries = [np.sum(self.pulled(arguments, position, w) * v) for w in _basis(shape)]
        return np.reshape(np.stack(entries), shape)

    def pulled(self, arguments: tuple[Any, ...], position: int, w: Any) -> Any:
        """Pull a cotangent w of f back to one argument."""
        if self.vjp is not None:
            cotangents = self.vjp(*arguments, w)
            return cotangents if len(arguments) == 1 else cotangents[position]
        if self._is_diagonal(arguments, np.shape(w)):
            return self.pushed(arguments, position, w, np.shape(w))
        shape = np.shape(arguments[position])
        entries = [np.sum(self.pushed(arguments, position, v, np.shape(w)) * w) for v in _basis(shape)]
        return np.reshape(np.stack(entries), shape)

    def linearised(self, arguments: tuple[Any, ...], y: Any) -> Linearised:
        """Return the derivative at the arguments, where the value of f is y."""
        shape = np.shape(y)
        return Linearised(
            lambda position, v: self.pushed(arguments, position, v, shape),
            lambda position, w: self.pulled(arguments, position, w),
        )

    @property
    def reads_result(self) -> bool:
        """Whether the derivative uses more of the result than its shape."""
        return False

    @property
    def is_elementwise(self) -> bool:
        """Whether f is a ufunc of NumPy or Numba with one result: it works entry by entry, with broadcasting."""
        return getattr(self.f, "nout", None) == 1 and getattr(self.f, "signature", "") is None

    def _is_diagonal(self, arguments: tuple[Any, ...], shape: tuple[int, ...]) -> bool:
        """Return whether the derivative is a diagonal matrix: as it is symmetric, push and pull are the same."""
        return self.is_elementwise and all(np.shape(each) == shape for each in arguments)


def with_rule(
    f: Callable[..., Any],
    jvp: Callable[..., Any] | None = None,
    vjp: Callable[..., Any] | None = None,
) -> FunctionWithRule:
    """Give a function its own derivative rule.

    `dual`, `tape`, `taylor` and `source` use the rule instead of differentiating the function's operations. The
    function may therefore call compiled code, and the rule may be more accurate or faster. Other differentiators, such
    as finite differences, ignore the rule. Nothing is changed globally.

    Parameters
    ----------
    f
        The function; its arguments are numbers and arrays.
    jvp
        Takes f's arguments and a tangent for each, and returns the tangent of the result: ``jvp(x, v)`` for one
        argument, ``jvp(x, y, v, w)`` for two.
    vjp
        Takes f's arguments and the cotangent of the result, and returns the cotangent of the argument, or a tuple with
        one for each argument: ``vjp(x, w)``. If one of the two rules is omitted, it is computed from the other, with
        one evaluation for each entry, or a single one for a ufunc.

    Raises
    ------
    TypeError
        If both are omitted.

    Notes
    -----
    Write both in plain NumPy: second derivatives differentiate the rules.

    Examples
    --------
    >>> import gradmix, math
    >>> import numpy as np
    >>> sine = gradmix.with_rule(lambda x: math.sin(x), jvp=lambda x, v: np.cos(x) * v)
    >>> gradmix.differentiator("dual").derivative(lambda x: sine(x) * 2.0, 0.0)
    np.float64(2.0)
    """
    if jvp is None and vjp is None:
        raise TypeError("with_rule needs jvp=, vjp= or both.")
    return FunctionWithRule(f, jvp, vjp)


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function whose operations the tape does not store; they are recomputed in the reverse sweep.

    This trades time for memory: at most twice the operations. Other differentiators treat it like any other function.

    Parameters
    ----------
    f
        The function. Everything to differentiate by must be an argument: numbers, arrays, or containers of these.

    Examples
    --------
    >>> import gradmix
    >>> step = gradmix.checkpoint(lambda x: x * x)
    >>> gradmix.differentiator("tape").derivative(lambda x: step(step(x)), 2.0)
    np.float64(32.0)
    """

    @wraps(f)
    def checkpointed(*arguments: Any) -> Any:
        import optree

        leaves: list[Any]
        leaves, tree = optree.tree_flatten(arguments, none_is_leaf=True)  # type: ignore[arg-type]
        traced = _first_traced(tuple(leaves))
        if traced is None:
            return f(*arguments)
        return traced.call_checkpointed(lambda *leaves: f(*tree.unflatten(leaves)), tuple(leaves))

    return checkpointed


def stop_gradient(x: Any) -> Any:
    """Treat a number or an array as a constant: its derivative is zero.

    Finite differences use only values, so `stop_gradient` has no effect on them.

    Examples
    --------
    >>> import gradmix
    >>> gradmix.differentiator("tape").derivative(lambda x: x * gradmix.stop_gradient(x), 3.0)
    np.float64(3.0)
    """
    return x.stopped() if is_traced(x) else x


def _first_traced(arguments: tuple[Any, ...]) -> Traced | None:
    """Return the argument traced by the innermost differentiation; None if no argument is traced."""
    traced = [each for each in arguments if is_traced(each)]
    return max(traced, key=lambda each: getattr(each, "level", 0), default=None)


def _basis(shape: tuple[int, ...]) -> Any:
    """Yield the unit arrays of a shape."""
    for place in range(int(np.prod(shape))):
        unit = np.zeros(shape)
        unit.flat[place] = 1.0
        yield unit[()]
