"""Differentiators from one function: ``jvp(f, x, v)`` or ``vjp(f, x, w)``."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from gradmix.adapters.signature import described, fields_of, make_component
from gradmix.contracts.differentiator import Differentiator, as_point, check_shape, is_traced
from gradmix.contracts.errors import NumericalError

Primitive = Callable[..., Any]
"""``jvp(f, x, v)`` or ``vjp(f, x, w)``, with its options."""


def from_jvp(
    function: Primitive | None = None,
    /,
    *,
    name: str | None = None,
    accuracy: float = 1e-12,
    lacks: Mapping[str, str] | None = None,
    requires: Sequence[str] = (),
) -> Any:
    """Make a differentiator of a function that pushes forward, ``jvp(f, x, v)``; all operators follow.

    Parameters
    ----------
    function
        Takes the function, a point and a direction (floats, or arrays of float64) and returns J(x)·v. Its further
        parameters are the differentiator's options: annotation, default and docstring are theirs. Left out, what comes
        back makes one: ``@gradmix.from_jvp`` and ``@gradmix.from_jvp(accuracy=1e-8)`` both decorate a function.
    name
        Name of the class; the function's own unless given.
    accuracy
        Relative error that it stays within on smooth functions of moderate size.
    lacks
        Operators that it does not offer, each with the reason.
    requires
        Packages that it imports when it runs and that an extra installs.

    Returns
    -------
    type of Differentiator
        The class; without a function, what makes it of one.

    Examples
    --------
    >>> import gradmix
    >>> @gradmix.from_jvp(accuracy=1e-8)
    ... def Central(f, x, v, step: float = 1e-5):
    ...     return (f(x + step * v) - f(x - step * v)) / (2 * step)
    >>> Central().gradient(lambda x: x[0] * x[1], [2.0, 5.0]).round(6)
    array([5., 2.])
    """
    if function is None:
        return partial(from_jvp, name=name, accuracy=accuracy, lacks=lacks, requires=requires)

    def jvp(self: Differentiator, f: Any, x: Any, v: Any) -> Any:
        point, tangent = as_point(x), as_point(v)
        check_shape("v", tangent, "x", np.shape(point))
        return _numbers(function(f, point, tangent, **_options(self)))

    fields, content = _described(function, jvp, accuracy, lacks, requires)
    return make_component(Differentiator, name or function.__name__, fields, content)


def from_vjp(
    function: Primitive | None = None,
    /,
    *,
    name: str | None = None,
    accuracy: float = 1e-12,
    lacks: Mapping[str, str] | None = None,
    requires: Sequence[str] = (),
) -> Any:
    """Make a differentiator of a function that pulls back, ``vjp(f, x, w)``; as `from_jvp`, the other way round.

    Examples
    --------
    >>> import gradmix
    >>> tape = gradmix.differentiator("tape")
    >>> Mine = gradmix.from_vjp(lambda f, x, w: tape.vjp(f, x, w), name="Mine")
    >>> float(Mine().derivative(lambda x: x**3, 2.0))
    12.0
    """
    if function is None:
        return partial(from_vjp, name=name, accuracy=accuracy, lacks=lacks, requires=requires)

    def vjp(self: Differentiator, f: Any, x: Any, w: Any) -> Any:
        point = as_point(x)
        pulled = _numbers(function(f, point, as_point(w), **_options(self)))
        if np.shape(pulled) != np.shape(point):
            raise NumericalError(
                f"{function.__name__}(f, x, w) returned the shape {np.shape(pulled)}, but x has {np.shape(point)}."
            )
        return pulled

    fields, content = _described(function, vjp, accuracy, lacks, requires)
    return make_component(Differentiator, name or function.__name__, fields, content)


def _described(
    function: Primitive,
    method: Callable[..., Any],
    accuracy: float,
    lacks: Mapping[str, str] | None,
    requires: Sequence[str],
) -> tuple[list[tuple[str, Any, Any]], Mapping[str, Any]]:
    """Fields and content of a class whose `method`, jvp or vjp, calls the function."""
    leading = tuple(inspect.signature(function).parameters)[:3]
    if len(leading) < 3:
        raise TypeError(f"{function.__name__} must take a function, a point and a direction: (f, x, v)")
    content = {
        method.__name__: method,
        "__doc__": described(function),
        "accuracy": property(lambda self: accuracy),
        "lacks": dict(lacks or {}),
        "requires": tuple(requires),
    }
    return fields_of(function, without=leading), content


def _options(component: Differentiator) -> Mapping[str, Any]:
    return {field.name: getattr(component, field.name) for field in dataclasses.fields(component)}  # type: ignore[arg-type]


def _numbers(result: Any) -> Any:
    if is_traced(result):
        return result
    if np.iscomplexobj(result):
        raise NumericalError(f"a derivative must be of real numbers; it has complex ones: {result!r}.")
    return np.asarray(result, dtype=np.float64)[()]
