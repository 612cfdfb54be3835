"""NumPy's functions that make arrays and change types, in terms of functions that have rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradmix_autodiff.rules.moving import array_of, rounded
from gradmix_autodiff.rules.structure import IMAG, REAL
from gradmix_autodiff.traced import Traced, TracedArray, as_array, operate, plain_value


def _like(make: Callable[..., Any]) -> Callable[..., Any]:
    def composition(
        a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: None = None
    ) -> Any:
        return _constant_like(a, make(np.shape(a) if shape is None else shape, dtype=dtype or np.float64))

    return composition


def _full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: None = None,
) -> Any:
    shape = np.shape(a) if shape is None else shape
    if isinstance(fill_value, Traced):
        return +np.broadcast_to(rounded(fill_value, dtype), shape)
    plain = np.full(shape, fill_value, dtype=dtype or np.float64)
    return _constant_like(a, plain) if isinstance(a, Traced) else plain


def _constant_like(x: Any, plain: Any) -> Any:
    """Return a plain array traced like `x`, so that traced values can be written into it; unchanged if not floats."""
    if plain.dtype != np.float64 or not plain.ndim or not isinstance(x, Traced):
        return plain
    return x.constant(plain)


def made(x: Any, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return a new array that is traced like `x`."""
    if function is np.full:
        filling, *rest = (*args[1:], *kwargs.values())
        return _full_like(x, filling, rest[0] if rest else None, shape=args[0])
    return _constant_like(x, function(*args, **kwargs))


def _array(
    object: Any,  # noqa: A002 -- NumPy's name
    dtype: Any = None,
    *,
    copy: Any = True,
    order: str = "K",
    subok: bool = False,
    ndmin: int = 0,
) -> Any:
    x = as_array(object)
    x = rounded(x, dtype) if isinstance(x, Traced) else np.array(x, dtype=dtype)
    x = np.reshape(x, (1,) * (ndmin - np.ndim(x)) + np.shape(x)) if np.ndim(x) < ndmin else x
    return +x if copy and isinstance(x, Traced) else x


def _asarray(a: Any, dtype: Any = None, order: Any = None, *, copy: Any = None, **options: Any) -> Any:
    """Return the same array, not a copy."""
    x = as_array(a)
    if not isinstance(x, Traced):
        return np.asarray(x, dtype=dtype)
    return +x if copy else rounded(x, dtype)


def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    if not isinstance(dst, TracedArray):
        raise NotImplementedError("a plain array as the destination; create it with np.zeros(n, like=x)")
    dst[...] = np.broadcast_to(src, np.shape(dst)) if where is True else np.where(where, src, dst)


def _angle(z: Any, deg: bool = False) -> Any:
    angle = np.arctan2(np.imag(z), np.real(z))
    return np.degrees(angle) if deg else angle


def _real(val: Any) -> Any:
    return operate(REAL, val) if np.iscomplexobj(plain_value(val)) else val


def _imag(val: Any) -> Any:
    return operate(IMAG, val) if np.iscomplexobj(plain_value(val)) else np.zeros(np.shape(val))[()]


def _apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    arr = np.moveaxis(array_of(arr), axis, -1)
    lead = np.shape(arr)[:-1]
    results = [array_of(func1d(arr[place], *args, **kwargs)) for place in np.ndindex(*lead)]
    whole = np.reshape(np.stack(results), lead + np.shape(results[0]))
    inner = np.ndim(results[0])
    return np.moveaxis(
        whole, range(len(lead), len(lead) + inner), range(axis % (len(lead) + 1), axis % (len(lead) + 1) + inner)
    )


def _meshgrid(xi: Sequence[Any], indexing: str, sparse: bool, copy: bool) -> Any:
    arrays = [np.ravel(array_of(x)) for x in xi]
    order = [1, 0, *range(2, len(arrays))] if indexing == "xy" and len(arrays) > 1 else list(range(len(arrays)))
    shape = [np.shape(arrays[place])[0] for place in order]
    grids = []
    for place, x in enumerate(arrays):
        kept = [1] * len(arrays)
        kept[order.index(place)] = -1
        grid = np.reshape(x, tuple(kept))
        grid = grid if sparse else np.broadcast_to(grid, tuple(shape))
        grids.append(+grid if copy else grid)
    return tuple(grids)


TABLE: dict[Any, Callable[..., Any]] = {
    np.meshgrid: lambda *xi, indexing="xy", sparse=False, copy=True: _meshgrid(xi, indexing, sparse, copy),
    np.zeros_like: _like(np.zeros),
    np.ones_like: _like(np.ones),
    np.empty_like: _like(np.zeros),
    np.full_like: _full_like,
    np.array: _array,
    np.asarray: _asarray,
    np.asanyarray: _asarray,
    np.ascontiguousarray: _asarray,
    np.copy: lambda a, order="K", subok=False: +array_of(a),
    np.copyto: _copyto,
    np.real: _real,
    np.imag: _imag,
    np.angle: _angle,
    np.real_if_close: lambda a, tol=100: a if np.iscomplexobj(np.real_if_close(plain_value(a), tol)) else np.real(a),
    np.apply_along_axis: _apply_along_axis,
}
"""NumPy's function → the same, in terms of functions that have a rule."""
