"""Norms of vectors and matrices, of every order, in terms of functions that have rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradmix_autodiff.rules.structure import NORM
from gradmix_autodiff.traced import Traced, operate, plain_value


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002 -- NumPy's name
    """``np.linalg.norm``, every order."""
    x = x if isinstance(x, Traced) else np.asarray(x)
    if axis is None and (ord is None or np.ndim(x) == 1 or (np.ndim(x) == 2 and ord == "fro")):
        if ord in (None, 2, "fro"):
            found = operate(NORM, np.ravel(x))
            return np.reshape(found, (1,) * np.ndim(x)) if keepdims else found
        return _vector_norm(x, ord, 0, keepdims)
    axes = tuple(range(np.ndim(x))) if axis is None else (axis,) if isinstance(axis, int | np.integer) else tuple(axis)
    if len(axes) == 1:
        return _vector_norm(x, ord, int(axes[0]), keepdims)
    if len(axes) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    return _matrix_norm(x, ord, axes, keepdims)


def _vector_norm(x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:  # noqa: A002 -- NumPy's name
    if ord in (None, 2):
        return operate(NORM, x, axis=axis, keepdims=keepdims)
    if ord == np.inf:
        return np.max(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.not_equal(plain_value(x), 0), axis=axis, keepdims=keepdims).astype(float)
    if ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    return np.sum(np.abs(x) ** ord, axis=axis, keepdims=keepdims) ** (1.0 / ord)


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:  # noqa: A002 -- NumPy's name
    row, column = (axis % np.ndim(x) for axis in axes)
    if ord in (None, "fro"):
        return operate(NORM, x, axis=(row, column), keepdims=keepdims)
    sums = {1: (np.max, row, column), -1: (np.min, row, column), np.inf: (np.max, column, row)}
    sums[-np.inf] = (np.min, column, row)
    if ord in sums:
        choose, over, along = sums[ord]
        found = choose(np.sum(np.abs(x), axis=over, keepdims=True), axis=along, keepdims=True)
    else:
        choices: dict[Any, Callable[..., Any]] = {2: np.max, -2: np.min, "nuc": np.sum}
        if ord not in choices:
            raise ValueError("Invalid norm order for matrices.")
        values = np.linalg.svd(np.moveaxis(x, (row, column), (-2, -1)), compute_uv=False)
        found = np.expand_dims(choices[ord](values, axis=-1), (row, column))
    return found if keepdims else np.squeeze(found, (row, column))[()]


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:  # noqa: A002
    """``np.linalg.vector_norm``."""
    if axis is None:
        found = _vector_norm(np.ravel(x), ord, 0, False)
        return np.reshape(found, (1,) * np.ndim(x)) if keepdims else found
    if isinstance(axis, tuple) and len(axis) > 1 and ord == 2:
        return (
            operate(NORM, x, axis=axis, keepdims=keepdims)
            if len(axis) == 2
            else np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))
        )
    return _vector_norm(x, ord, axis, keepdims)


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:  # noqa: A002
    """``np.linalg.matrix_norm``."""
    return _matrix_norm(x, ord, (-2, -1), keepdims)
