"""Let another differentiator differentiate a part of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradmix.config.build import differentiator as made
from gradmix.contracts.differentiator import Differentiator
from gradmix.contracts.own_rules import FunctionWithRule


def differentiate_with(f: Callable[..., Any], differentiator: str | Differentiator) -> FunctionWithRule:
    """Return a function equal to `f` that another differentiator differentiates, also as part of a larger function.

    `dual` and `tape` do not trace this function; they get its products with tangents and cotangents from the other
    differentiator. All other differentiators treat it as any other function.

    Parameters
    ----------
    f
        The function; its arguments are numbers or arrays, and it returns a number or an array.
    differentiator
        The other differentiator, or its name. For second derivatives it must work on traced values.

    Examples
    --------
    >>> import gradmix
    >>> import numpy as np
    >>> rough = gradmix.differentiate_with(lambda x: np.round(np.sin(x), 9), "finite_difference")
    >>> slope = gradmix.differentiator("tape").derivative(lambda x: 2.0 * rough(x) + x, 0.0)
    >>> bool(abs(slope - 3.0) < 1e-4)
    True
    """
    by = made(differentiator) if isinstance(differentiator, str) else differentiator
    return FunctionWithRule(
        f,
        jvp=None if "jvp" in by.lacks else lambda *each: _pushed(by, f, each),
        vjp=None if "vjp" in by.lacks or not by.pulls else lambda *each: _pulled(by, f, each[:-1], each[-1]),
    )


def _pushed(by: Differentiator, f: Callable[..., Any], each: tuple[Any, ...]) -> Any:
    """Return the directional derivative of f along the tangents of all arguments."""
    arguments, tangents = each[: len(each) // 2], each[len(each) // 2 :]
    if len(arguments) == 1:
        return by.jvp(f, arguments[0], tangents[0])
    return by.jvp(lambda x: f(*x), tuple(arguments), tuple(tangents))


def _pulled(by: Differentiator, f: Callable[..., Any], arguments: tuple[Any, ...], w: Any) -> Any:
    """Return the cotangent of each argument for the cotangent `w` of the value."""
    if len(arguments) == 1:
        return by.vjp(f, arguments[0], w)
    return by.vjp(lambda x: f(*x), tuple(arguments), w)
