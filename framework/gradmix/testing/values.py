"""Results as plain values, for comparison to the last bit and for display."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

_ROUNDING = 1e-9


def plain_value(value: Any) -> Any:
    """Return a result as lists, mappings, numbers and strings; NaN as a string, so that it equals itself.

    >>> plain_value((np.array([1.0, np.nan]), {"a": 2}))
    [[1.0, 'nan'], {'a': 2}]
    """
    if dataclasses.is_dataclass(value):
        return {field.name: plain_value(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray | np.generic):
        return plain_value(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(each) for each in value]
    if isinstance(value, float) and value != value:
        return "nan"
    return value if isinstance(value, int | float | str | None) else type(value).__name__


def are_close(one: Any, other: Any) -> bool:
    """Return whether two plain values are equal up to rounding.

    >>> are_close({"a": [0.1 + 0.2, 1]}, {"a": [0.3, 1]}), are_close([1.0], [1.001]), are_close([1.0], [1.0, 2.0])
    (True, False, False)
    """
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(are_close(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(are_close, one, other))
    return bool(one == other)


def shown(value: Any) -> str:
    """Return a number or an array on one line, in full if it is small.

    >>> shown(np.eye(2))
    '[[1.0, 0.0], [0.0, 1.0]]'
    """
    text = repr(plain_value(value))
    return text if len(text) <= 400 else f"{text[:400]}…"


def written(value: Any) -> str:
    """Return Python code that makes a number or an array.

    >>> written(np.zeros((0, 2)))
    'np.zeros((0, 2))'
    """
    if not isinstance(value, np.ndarray):
        return repr(plain_value(value))
    return f"np.array({value.tolist()})" if value.size else f"np.zeros({value.shape})"
