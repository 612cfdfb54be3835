"""What a function says of its own derivatives: a rule, a part that counts as constant, a part not to be remembered."""

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
        (place of an argument, change of it) → change of the result.
    pull
        (place of an argument, cotangent of the result) → what of it comes to that argument.
    """

    push: Callable[[int, Any], Any]
    pull: Callable[[int, Any], Any]


@dataclass(frozen=True)
class FunctionWithRule:
    """A function with a derivative rule of its own, as `with_rule` makes it.

    Parameters
    ----------
    f
        The function.
    jvp
        Pushes forward, or None.
    vjp
        Pulls back, or None.
    """

    f: Callable[..., Any]
    jvp: Callable[..., Any] | None
    vjp: Callable[..., Any] | None

    def __call__(self, *arguments: Any) -> Any:
        """f(…), by the rule if an argument is being traced."""
        traced = _first_traced(arguments)
        return self.f(*arguments) if traced is None else traced.call_with_rule(self, arguments)

    def pushed(self, arguments: tuple[Any, ...], position: int, v: Any, shape: tuple[int, ...]) -> Any:
        """The change of f, whose value has a shape, along a change v of one argument."""
        if self.jvp is not None:
            tangents = [v if place == position else np.zeros(np.shape(each)) for place, each in enumerate(arguments)]
            return self.jvp(*arguments, *tangents)
        if self._is_diagonal(arguments, shape):
            return self.pulled(arguments, position, v)
        entries = [np.sum(self.pulled(arguments, position, w) * v) for w in _basis(shape)]
        return np.reshape(np.stack(entries), shape)

    def pulled(self, arguments: tuple[Any, ...], position: int, w: Any) -> Any:
        """What of a cotangent w of f comes to one argument."""
        if self.vjp is not None:
            cotangents = self.vjp(*arguments, w)
            return cotangents if len(arguments) == 1 else cotangents[position]
        if self._is_diagonal(arguments, np.shape(w)):
            return self.pushed(arguments, position, w, np.shape(w))
        shape = np.shape(arguments[position])
        entries = [np.sum(self.pushed(arguments, position, v, np.shape(w)) * w) for v in _basis(shape)]
        return np.reshape(np.stack(entries), shape)

    def linearised(self, arguments: tuple[Any, ...], y: Any) -> Linearised:
        """The derivative where f is y."""
        shape = np.shape(y)
        return Linearised(
            lambda position, v: self.pushed(arguments, position, v, shape),
            lambda position, w: self.pulled(arguments, position, w),
        )

    @property
    def reads_result(self) -> bool:
        """Whether the derivative reads more of the result than its shape."""
        return False

    @property
    def is_elementwise(self) -> bool:
        """Whether f is a ufunc with one result, NumPy's or Numba's: it works entry by entry, with broadcasting."""
        return getattr(self.f, "nout", None) == 1 and getattr(self.f, "signature", "") is None

    def _is_diagonal(self, arguments: tuple[Any, ...], shape: tuple[int, ...]) -> bool:
        """Whether the derivative is a diagonal matrix, which is its own transpose: pushing is pulling."""
        return self.is_elementwise and all(np.shape(each) == shape for each in arguments)


def with_rule(
    f: Callable[..., Any],
    jvp: Callable[..., Any] | None = None,
    vjp: Callable[..., Any] | None = None,
) -> FunctionWithRule:
    """Give a function a derivative rule of its own.

    `dual`, `tape` and `source` use it instead of following the function, so that it may call compiled code, or have a
    derivative that is more exact or cheaper. Other differentiators follow the function. Nothing is changed globally.

    Parameters
    ----------
    f
        The function; its arguments are numbers and arrays.
    jvp
        Takes f's arguments and a tangent for each, and returns the tangent of the result: ``jvp(x, v)`` for one
        argument, ``jvp(x, y, v, w)`` for two.
    vjp
        Takes f's arguments and the cotangent of the result, and returns that of the argument, or a tuple with one for
        each argument: ``vjp(x, w)``. If one of the two is left out, it follows from the other, in as many evaluations
        as there are entries; in one for a ufunc.

    Raises
    ------
    TypeError
        If both are left out.

    Notes
    -----
    Both are written in plain NumPy; second derivatives differentiate them.

    Examples
    --------
    >>> import gradmix, math
    >>> import numpy as np
    >>> sine = gradmix.with_rule(lambda x: math.sin(x), jvp=lambda x, v: np.cos(x) * v)
    >>> gradmix.differentiator("dual").derivative(lambda x: sine(x) * 2.0, 0.0)
    np.float64(2.0)
    """
    if jvp is None and vjp is None:
        raise TypeError("with_rule needs jvp=, vjp= or both")
    return FunctionWithRule(f, jvp, vjp)


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function whose operations the tape does not keep: they are computed again when they are pulled back.

    It trades time for memory: at most twice the operations. Other differentiators follow it as any other function.

    Parameters
    ----------
    f
        The function. All that it differentiates by must come as an argument: numbers, arrays, or containers of these.

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
    """Take a number or an array for a constant: its derivative is zero.

    Finite differences see values only, and do not know of it.

    Examples
    --------
    >>> import gradmix
    >>> gradmix.differentiator("tape").derivative(lambda x: x * gradmix.stop_gradient(x), 3.0)
    np.float64(3.0)
    """
    return x.stopped() if is_traced(x) else x


def _first_traced(arguments: tuple[Any, ...]) -> Traced | None:
    """The argument of the innermost differentiation, if any is traced."""
    traced = [each for each in arguments if is_traced(each)]
    return max(traced, key=lambda each: getattr(each, "level", 0), default=None)


def _basis(shape: tuple[int, ...]) -> Any:
    """Unit arrays of a shape, one after the other."""
    for place in range(int(np.prod(shape))):
        unit = np.zeros(shape)
        unit.flat[place] = 1.0
        yield unit[()]
