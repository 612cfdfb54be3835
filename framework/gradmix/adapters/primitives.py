"""Make a differentiator from one function: ``jvp(f, x, v)`` or ``vjp(f, x, w)``."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from gradmix.adapters.signature import described, fields_of, make_component
from gradmix.contracts.differentiator import Differentiator
from gradmix.contracts.returned import shape_of, unlike

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
    deviates: Mapping[str, str] | None = None,
) -> Any:
    """Make a differentiator from a function ``jvp(f, x, v)`` that pushes forward; all operators are derived from it.

    Parameters
    ----------
    function
        Takes a function f, a point x and a direction v, and returns J(x)·v. All arrays are flat: f maps float64 arrays
        of shape (n,) to shape (m,). Further parameters become options of the differentiator, with their annotations,
        defaults and descriptions. If it is omitted, a decorator is returned: both ``@gradmix.from_jvp`` and
        ``@gradmix.from_jvp(accuracy=1e-8)`` decorate a function.
    name
        Name of the class; by default the name of the function.
    accuracy
        Bound on the relative error for smooth functions of moderate size.
    lacks
        Operators that it does not offer, each with the reason.
    requires
        Packages that it imports when it runs and that an extra installs.
    deviates
        Checks of ``gradmix check`` that it cannot pass, each with the reason.

    Returns
    -------
    type of Differentiator
        The class; if `function` is omitted, a decorator that makes it.

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
        return partial(from_jvp, name=name, accuracy=accuracy, lacks=lacks, requires=requires, deviates=deviates)

    def push(self: Differentiator, f: Any, x: Any, v: Any) -> tuple[None, Any]:
        return None, _vector(function, function(f, x, v, **_options(self)), "J(x)·v, shape (m,)")

    fields, content = _described(function, push, accuracy, lacks, requires, deviates)
    return make_component(Differentiator, name or function.__name__, fields, content)


def from_vjp(
    function: Primitive | None = None,
    /,
    *,
    name: str | None = None,
    accuracy: float = 1e-12,
    lacks: Mapping[str, str] | None = None,
    requires: Sequence[str] = (),
    deviates: Mapping[str, str] | None = None,
) -> Any:
    """Make a differentiator from a function ``vjp(f, x, w)`` that pulls back and returns w·J(x); like `from_jvp`.

    Examples
    --------
    >>> import gradmix
    >>> tape = gradmix.differentiator("tape")
    >>> Mine = gradmix.from_vjp(lambda f, x, w: tape.vjp(f, x, w), name="Mine")
    >>> float(Mine().derivative(lambda x: x**3, 2.0))
    12.0
    """
    if function is None:
        return partial(from_vjp, name=name, accuracy=accuracy, lacks=lacks, requires=requires, deviates=deviates)

    def pull(self: Differentiator, f: Any, x: Any) -> tuple[Any, Primitive]:
        def pulled(w: Any) -> Any:
            return _vector(function, function(f, x, w, **_options(self)), f"w·J(x), shape ({len(x)},)")

        return f(x), pulled

    fields, content = _described(function, pull, accuracy, lacks, requires, deviates)
    return make_component(Differentiator, name or function.__name__, fields, content)


def _described(
    function: Primitive,
    method: Callable[..., Any],
    accuracy: float,
    lacks: Mapping[str, str] | None,
    requires: Sequence[str],
    deviates: Mapping[str, str] | None,
) -> tuple[list[tuple[str, Any, Any]], Mapping[str, Any]]:
    """Return the fields and the namespace of a class whose `method`, push or pull, calls the function."""
    leading = tuple(inspect.signature(function).parameters)[:3]
    if len(leading) < 3:
        raise TypeError(f"{function.__name__} must take a function, a point and a direction: (f, x, v)")
    content = {
        method.__name__: method,
        "__doc__": described(function),
        "accuracy": property(lambda self: accuracy),
        "lacks": dict(lacks or {}),
        "requires": tuple(requires),
        "deviates": dict(deviates or {}),
    }
    return fields_of(function, without=leading), content


def _vector(function: Primitive, returned: Any, expected: str) -> Any:
    """Return the function's return value; raise PluginError if it is not a vector."""
    if len(shape_of(returned) or ()) != 1 or isinstance(returned, str):
        raise unlike(function.__name__, expected, returned)
    return returned


def _options(component: Differentiator) -> Mapping[str, Any]:
    return {field.name: getattr(component, field.name) for field in dataclasses.fields(component)}  # type: ignore[arg-type]
