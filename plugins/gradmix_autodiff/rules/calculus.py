"""NumPy's differences, integrals, interpolation and grids, in terms of functions that have rules."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradmix_autodiff.rules import structure
from gradmix_autodiff.rules.moving import array_of, rounded
from gradmix_autodiff.rules.structure import Axis
from gradmix_autodiff.table import ELEMENTWISE
from gradmix_autodiff.traced import Traced, operate, plain_value


def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    x = array_of(a)
    axis = axis % np.ndim(x)
    ends = [
        np.broadcast_to(array_of(end), [1 if i == axis else size for i, size in enumerate(np.shape(x))])
        if end is not None and np.ndim(end) == 0
        else end
        for end in (prepend, append)
    ]
    parts = [part for part in (ends[0], x, ends[1]) if part is not None]
    x = np.concatenate(parts, axis=axis) if len(parts) > 1 else x
    before = (slice(None),) * axis
    for _ in range(n):
        x = x[(*before, slice(1, None))] - x[(*before, slice(None, -1))]
    return x if n else +x


def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    parts = [np.ravel(array_of(to_begin))] if to_begin is not None else []
    parts.append(np.diff(np.ravel(ary)))
    return np.concatenate(parts + ([np.ravel(array_of(to_end))] if to_end is not None else []))


def _gradient(f: Any, *varargs: Any, axis: Axis = None, edge_order: int = 1) -> Any:
    """Linear in f: the weights are NumPy's own."""
    f = array_of(f)
    axes = structure.axes_of(axis, np.ndim(f))
    spacings = [1.0] * len(axes) if not varargs else list(varargs) * (len(axes) if len(varargs) == 1 else 1)
    found = []
    for along, spacing in zip(axes, spacings, strict=True):
        weights = np.gradient(np.eye(np.shape(f)[along]), plain_value(spacing), axis=0, edge_order=edge_order)
        if isinstance(spacing, Traced):
            if np.ndim(spacing):
                raise NotImplementedError("a traced array of spacings; only one traced number is supported")
            weights = weights * plain_value(spacing) / spacing
        found.append(np.moveaxis(np.tensordot(weights, f, axes=(1, along)), 0, along))
    return found[0] if len(found) == 1 else tuple(found)


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = np.moveaxis(array_of(y), axis, -1)
    if x is None:
        widths: Any = dx
    else:
        widths = np.diff(x) if np.ndim(x) == 1 else np.diff(np.moveaxis(array_of(x), axis, -1))
    return np.sum(widths * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)


def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    x, xp, fp = array_of(x), array_of(xp), array_of(fp)
    if period is not None:
        period = np.abs(period)
        x, xp = x % period, xp % period
        order = np.argsort(plain_value(xp))
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp, left, right = np.concatenate([fp[-1:], fp, fp[:1]]), None, None
    at, known = plain_value(x), plain_value(xp)
    place = np.clip(np.searchsorted(known, at, side="right") - 1, 0, max(0, np.shape(xp)[0] - 2))
    x0, x1, y0, y1 = xp[place], xp[place + 1], fp[place], fp[place + 1]
    inside = y0 + (y1 - y0) / (x1 - x0) * (x - x0)
    inside = np.where(np.equal(at, known[-1]), fp[-1] + 0.0 * inside, inside)
    low = np.where(at < known[0], fp[0] if left is None else left, inside)
    return np.where(at > known[-1], fp[-1] if right is None else right, low)[()]


def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * math.pi) -> Any:
    value = plain_value(p)
    return p + (np.unwrap(value, discont, axis, period=period) - value)


def _sinc(x: Any) -> Any:
    x = array_of(x)
    return operate(ELEMENTWISE["sinc"], x)


def _linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: None = None,
) -> Any:
    n = num - 1 if endpoint else num
    start, stop = array_of(start), array_of(stop)
    share = np.reshape(np.arange(num) / max(n, 1), (num,) + (1,) * max(np.ndim(start), np.ndim(stop)))
    found = start * (1.0 - share) + stop * share
    found = rounded(np.moveaxis(found, 0, axis) if axis else found, dtype)
    return (found, (stop - start) / n) if retstep else found


def _logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Any:
    return rounded(np.power(base, _linspace(start, stop, num, endpoint, axis=axis)), dtype)


def _geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    sign = np.sign(plain_value(start))
    exponents = _linspace(np.log(start * sign), np.log(stop * sign), num, endpoint, axis=axis)
    return rounded(sign * np.exp(exponents), dtype)


def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    x = array_of(x)
    n = np.shape(x)[0] if N is None else N
    powers = np.stack([x**k for k in range(n)], axis=-1) if n else np.zeros((np.shape(x)[0], 0))
    return powers if increasing else np.flip(powers, 1)


def _polyval(p: Any, x: Any) -> Any:
    result: Any = np.zeros(np.shape(x))
    for coefficient in array_of(p):
        result = result * x + coefficient
    return result


TABLE: dict[Any, Callable[..., Any]] = {
    np.vander: _vander,
    np.polyval: _polyval,
    np.diff: _diff,
    np.ediff1d: _ediff1d,
    np.gradient: _gradient,
    np.trapezoid: _trapezoid,
    np.interp: _interp,
    np.unwrap: _unwrap,
    np.sinc: _sinc,
    np.i0: lambda x: operate(ELEMENTWISE["i0"], array_of(x)),
    np.linspace: _linspace,
    np.logspace: _logspace,
    np.geomspace: _geomspace,
}
"""NumPy's function → the same, in terms of functions that have a rule."""
