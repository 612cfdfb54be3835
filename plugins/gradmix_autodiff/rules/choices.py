"""NumPy's functions that choose among values, in terms of functions that have rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradmix_autodiff.rules.moving import array_of, setitem
from gradmix_autodiff.rules.structure import SELECT
from gradmix_autodiff.traced import operand, operate, plain_value


def _where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    if x is None:
        return np.where(plain_value(condition))
    return operate(SELECT, plain_value(condition), operand(x), operand(y))


def _clip(a: Any, a_min: Any = None, a_max: Any = None, out: None = None, *, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    low, high = a_min if min is None else min, a_max if max is None else max
    x = +array_of(a) if low is None else np.maximum(array_of(a), low)
    return x if high is None else np.minimum(x, high)


def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    result = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = np.where(plain_value(condition), choice, result)
    return result


def _choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    parts = np.broadcast_arrays(*(array_of(each) for each in choices))
    which = np.broadcast_to(plain_value(a), np.shape(parts[0]))
    return np.take_along_axis(np.stack(parts), np.choose(which, np.arange(len(parts)), mode=mode)[None], 0)[0]


def _piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
    """Fill each part by its function, which NumPy calls with the entries of that part only."""
    x, conditions = array_of(x), np.asarray(plain_value(condlist), dtype=bool)
    if conditions.ndim == np.ndim(x):
        conditions = conditions[None]
    if len(funclist) == len(conditions) + 1:
        conditions = np.concatenate([conditions, ~np.any(conditions, axis=0, keepdims=True)])
    entries = np.ravel(x)
    result: Any = np.zeros(np.shape(entries))
    for condition, function in zip(conditions, funclist, strict=True):
        part = np.flatnonzero(condition)
        if not callable(function):
            result = setitem(result, part, function)
        elif len(part):
            result = setitem(result, part, function(entries[part], *args, **kwargs))
    return np.reshape(result, np.shape(x))


def _nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    if not copy:
        raise NotImplementedError("copy=False")
    value = plain_value(x)
    fixed = np.nan_to_num(value, nan=nan, posinf=posinf, neginf=neginf)
    return np.where(np.isfinite(value), x, fixed)


TABLE: dict[Any, Callable[..., Any]] = {
    np.where: _where,
    np.clip: _clip,
    np.select: _select,
    np.choose: _choose,
    np.piecewise: _piecewise,
    np.nan_to_num: _nan_to_num,
    np.fix: lambda x, out=None: np.fix(plain_value(x)),
}
"""NumPy's function → the same, in terms of functions that have a rule."""
