"""NumPy's sums, means, extremes, orders and their relatives, in terms of functions that have rules."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradmix_autodiff.rules import structure
from gradmix_autodiff.rules.moving import array_of, rounded, take_along
from gradmix_autodiff.rules.structure import CUMSUM, MAX, MIN, SUM, Axis
from gradmix_autodiff.traced import Traced, operate, plain_value


def _masked(x: Any, where: Any, filling: float) -> Any:
    return x if where is True else np.where(where, x, filling)


_NO_INITIAL = 0.0


def _sum(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = _NO_INITIAL,
    where: Any = True,
) -> Any:
    if isinstance(a, Traced) and dtype is None and where is True and initial is _NO_INITIAL:
        return a.follow(SUM, (a,), {"axis": axis, "keepdims": keepdims})
    x = _masked(rounded(array_of(a), dtype), where, 0.0)
    total = operate(SUM, x, axis=axis, keepdims=keepdims)
    return total if type(initial) in (int, float) and initial == 0 else total + initial


def _count(x: Any, axis: Axis, where: Any = True, keepdims: bool = True) -> Any:
    if where is True:
        return math.prod(np.shape(x)[each] for each in structure.axes_of(axis, np.ndim(x)))
    return np.sum(np.broadcast_to(where, np.shape(x)), axis=axis, keepdims=keepdims)


def _mean(
    a: Any, axis: Axis = None, dtype: Any = None, out: None = None, keepdims: bool = False, *, where: Any = True
) -> Any:
    x = rounded(array_of(a), dtype)
    return _sum(x, axis, keepdims=keepdims, where=where) / _count(x, axis, where, keepdims)


def _average(a: Any, axis: Axis = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    a = array_of(a)
    if weights is None:
        mean, total = _mean(a, axis, keepdims=keepdims), _count(a, axis)
    else:
        weights = array_of(weights)
        if np.shape(weights) != np.shape(a):
            if not isinstance(axis, int) or np.ndim(weights) != 1:
                raise NotImplementedError("weights of another shape than the array, along several axes")
            kept = [1] * np.ndim(a)
            kept[axis] = -1
            weights = np.reshape(weights, tuple(kept))
        total = np.sum(np.broadcast_to(weights, np.shape(a)), axis=axis, keepdims=keepdims)
        mean = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (mean, np.broadcast_to(total, np.shape(mean))) if returned else mean


def _var(a: Any, axis: Axis = None, dtype: Any = None, out: None = None, *args: Any, **options: Any) -> Any:
    x, degrees, keepdims = _centered(a, axis, dtype, *args, **options)
    squares = np.real(x * np.conjugate(x)) if np.iscomplexobj(plain_value(x)) else np.square(x)
    return _sum(squares, axis, keepdims=keepdims) / degrees


def _std(a: Any, axis: Axis = None, dtype: Any = None, out: None = None, *args: Any, **options: Any) -> Any:
    """Compute the standard deviation as a norm, whose derivative is 0 where all entries are equal."""
    x, degrees, keepdims = _centered(a, axis, dtype, *args, **options)
    return _norm_over(x, axis, keepdims) / np.sqrt(degrees)


def _centered(
    a: Any,
    axis: Axis,
    dtype: Any,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> tuple[Any, Any, bool]:
    """Return entries minus their mean (0 if they do not count), the degrees of freedom, and whether axes are kept."""
    x = rounded(array_of(a), dtype)
    center = _mean(x, axis, keepdims=True, where=where) if mean is None else mean
    degrees = _count(x, axis, where, keepdims) - (ddof if correction is None else correction)
    return _masked(x - center, where, 0.0), degrees, keepdims


def _norm_over(x: Any, axis: Axis, keepdims: bool) -> Any:
    """Return the Euclidean norm over any axes."""
    axes = structure.axes_of(axis, np.ndim(x))
    kept = structure.kept_shape(np.shape(x), axis)
    rest = [place for place in range(np.ndim(x)) if place not in axes]
    flat = np.reshape(np.transpose(x, [*rest, *axes]), (*(np.shape(x)[place] for place in rest), -1))
    found = operate(structure.NORM, flat, axis=-1)
    return np.reshape(found, kept) if keepdims else found


def _prod(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = 1.0,
    where: Any = True,
) -> Any:
    """Multiply by halves, so that zeros need no special case and the depth is logarithmic."""
    x = _masked(rounded(array_of(a), dtype), where, 1.0)
    axes, kept = structure.axes_of(axis, np.ndim(x)), structure.kept_shape(np.shape(x), axis)
    rest = [place for place in range(np.ndim(x)) if place not in axes]
    flat = np.reshape(
        np.transpose(x, [*axes, *rest]),
        (math.prod(np.shape(x)[place] for place in axes), *(np.shape(x)[place] for place in rest)),
    )
    while (n := np.shape(flat)[0]) > 1:
        pairs = flat[: n // 2] * flat[n // 2 : n // 2 * 2]
        flat = np.concatenate([pairs, flat[n // 2 * 2 :]]) if n % 2 else pairs
    product = flat[0] if np.shape(flat)[0] else np.ones(np.shape(flat)[1:])[()]
    product = np.reshape(product, kept) if keepdims else product
    return product if type(initial) in (int, float) and initial == 1 else product * initial


def _extreme(rule: Any, ufunc: np.ufunc) -> Callable[..., Any]:
    def composition(
        a: Any, axis: Axis = None, out: None = None, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Any:
        x = array_of(a)
        if where is not True:
            if initial is None:
                raise ValueError(
                    "reduction operation has no identity, so to use a where mask one has to specify 'initial'"
                )
            x = np.where(where, x, -np.inf if rule is MAX else np.inf)
        found = operate(rule, x, axis=axis, keepdims=keepdims)
        return found if initial is None else ufunc(found, initial)

    return composition


_max, _min = _extreme(MAX, np.maximum), _extreme(MIN, np.minimum)


def _without_nan(function: Callable[..., Any], filling: float) -> Callable[..., Any]:
    """Return the function of the entries with NaN filled in."""

    def composition(a: Any, *args: Any, **kwargs: Any) -> Any:
        x = array_of(a)
        return function(np.where(np.isnan(plain_value(x)), filling, x), *args, **kwargs)

    return composition


def _where_not_nan(function: Callable[..., Any]) -> Callable[..., Any]:
    def composition(a: Any, *args: Any, **kwargs: Any) -> Any:
        x = array_of(a)
        is_there = ~np.isnan(plain_value(x)) & plain_value(kwargs.get("where", True))
        return function(np.where(is_there, x, 0.0), *args, **{**kwargs, "where": is_there})

    return composition


def _nan_extreme(function: Callable[..., Any], filling: float) -> Callable[..., Any]:
    return _without_nan(lambda x, axis=None, out=None, keepdims=False: function(x, axis, keepdims=keepdims), filling)


def _cumsum(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    x = rounded(array_of(a), dtype)
    if axis is None:
        return operate(CUMSUM, np.ravel(x), 0)
    return operate(CUMSUM, x, int(axis) % np.ndim(x))


def _cumprod(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """Multiply by doubling: log n products of whole arrays, which also handle zeros."""
    x = rounded(array_of(a), dtype)
    x, along = (np.ravel(x), 0) if axis is None else (x, int(axis) % np.ndim(x))
    n, step = np.shape(x)[along], 1
    before: tuple[slice, ...] = (slice(None),) * along
    while step < n:
        product = x[(*before, slice(step, None))] * x[(*before, slice(None, -step))]
        x = np.concatenate([x[(*before, slice(None, step))], product], axis=along)
        step *= 2
    return +x


def _accumulated_extreme(ufunc: np.ufunc) -> Callable[..., Any]:
    def composition(array: Any, axis: int = 0, dtype: Any = None) -> Any:
        value = plain_value(array)
        best = ufunc.accumulate(value, axis=axis)
        places = np.arange(np.shape(value)[axis]).reshape((-1,) + (1,) * (np.ndim(value) - 1 - axis % np.ndim(value)))
        is_new = np.equal(value, best)
        last = np.maximum.accumulate(np.where(is_new, np.broadcast_to(places, np.shape(value)), -1), axis=axis)
        return rounded(take_along(array, np.maximum(last, 0), axis), dtype)

    return composition


def _ptp(a: Any, axis: Axis = None, out: None = None, keepdims: bool = False) -> Any:
    return _max(a, axis, keepdims=keepdims) - _min(a, axis, keepdims=keepdims)


def _sort(a: Any, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: Any = None) -> Any:
    x = np.ravel(a) if axis is None else array_of(a)
    along = -1 if axis is None else axis
    return take_along(x, np.argsort(plain_value(x), axis=along, kind="stable"), along)


def _partition(a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: None = None) -> Any:
    x = np.ravel(a) if axis is None else array_of(a)
    along = -1 if axis is None else axis
    return take_along(x, np.argpartition(plain_value(x), kth, axis=along, kind=kind), along)


def _median(a: Any, axis: Axis = None, out: None = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    return _quantile(a, 0.5, axis, keepdims=keepdims)


_FRACTIONS: dict[str, Callable[[Any, int], Any]] = {
    "linear": lambda q, n: q * (n - 1),
    "lower": lambda q, n: np.floor(plain_value(q) * (n - 1)),
    "higher": lambda q, n: np.ceil(plain_value(q) * (n - 1)),
    "midpoint": lambda q, n: (np.floor(plain_value(q) * (n - 1)) + np.ceil(plain_value(q) * (n - 1))) / 2,
    "hazen": lambda q, n: np.clip(q * n - 0.5, 0.0, n - 1.0),
    "weibull": lambda q, n: np.clip(q * (n + 1) - 1.0, 0.0, n - 1.0),
    "median_unbiased": lambda q, n: np.clip(q * (n + 1 / 3) - 2 / 3, 0.0, n - 1.0),
    "normal_unbiased": lambda q, n: np.clip(q * (n + 0.25) - 0.625, 0.0, n - 1.0),
}
"""Method → the position of a quantile in the sorted entries."""


def _quantile(
    a: Any,
    q: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: None = None,
) -> Any:
    if method not in _FRACTIONS or weights is not None:
        raise NotImplementedError(f"method={method!r}" if weights is None else "weights")
    x, q = array_of(a), array_of(q)
    axes, kept = structure.axes_of(axis, np.ndim(x)), structure.kept_shape(np.shape(x), axis)
    rest = [place for place in range(np.ndim(x)) if place not in axes]
    flat = np.reshape(np.transpose(x, [*axes, *rest]), (-1, *(np.shape(x)[place] for place in rest)))
    ordered = _sort(flat, axis=0)
    n = np.shape(flat)[0]
    place = _FRACTIONS[method](q, n)
    low = np.clip(np.floor(plain_value(place)).astype(int), 0, n - 1)
    high = np.minimum(low + 1, n - 1)
    share = np.reshape(place - low, np.shape(low) + (1,) * len(rest))
    below, above = ordered[low], ordered[high]
    found = np.where(
        np.equal(plain_value(share), 0),
        below + 0.0 * share if isinstance(share, Traced) else below,
        below + share * (above - below),
    )[()]
    return np.reshape(found, np.shape(low) + kept) if keepdims else found


def _cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    if fweights is not None or aweights is not None:
        raise NotImplementedError("weights")
    m = rounded(array_of(m), dtype)
    rows = m if rowvar or np.ndim(m) == 1 else np.transpose(m)
    rows = np.atleast_2d(rows)
    if y is not None:
        others = array_of(y) if rowvar or np.ndim(y) == 1 else np.transpose(array_of(y))
        rows = np.concatenate([rows, np.atleast_2d(others)])
    centered = rows - np.mean(rows, axis=1, keepdims=True)
    degrees = (0 if bias else 1) if ddof is None else ddof
    return np.squeeze(centered @ np.conjugate(np.transpose(centered)) / (np.shape(rows)[1] - degrees))


def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    covariance = _cov(x, y, rowvar, dtype=dtype)
    if np.ndim(covariance) == 0:
        return covariance / covariance
    scale = np.sqrt(np.real(np.diag(covariance)))
    return covariance / scale[:, None] / scale[None, :]


def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    places = plain_value(x)
    if weights is None:
        return np.bincount(places, minlength=minlength)
    count = max(int(np.max(places, initial=-1)) + 1, minlength)
    return structure.scatter(np.ravel(array_of(weights)), places, (count,))


def _histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:  # noqa: A002
    """Only the weights change counts, and only the extremes of the data move the edges of equal bins."""
    data, limits = np.ravel(plain_value(a)), None if range is None else tuple(map(plain_value, range))
    counts, plain_edges = np.histogram(data, plain_value(bins), limits)
    n = len(plain_edges) - 1
    edges = bins if np.ndim(bins) else _edges(a, range, n)
    if weights is not None:
        places = np.where(data == plain_edges[-1], n - 1, np.searchsorted(plain_edges, data, side="right") - 1)
        is_inside = (places >= 0) & (places < n)
        counts = structure.scatter(np.ravel(array_of(weights))[is_inside], places[is_inside], (n,))
    return (counts / np.diff(edges) / np.sum(counts) if density else counts), edges


def _edges(a: Any, limits: Any, n: int) -> Any:
    low, high = limits if limits is not None else (np.min(a), np.max(a)) if np.size(a) else (0.0, 1.0)
    if plain_value(low) == plain_value(high):
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, n + 1)


def _with_initial(x: Any, axis: int | None, is_wanted: bool, value: float) -> Any:
    if not is_wanted:
        return x
    along = 0 if axis is None else axis % np.ndim(x)
    first = np.full([1 if place == along else size for place, size in enumerate(np.shape(x))], value)
    return np.concatenate([first, x], axis=along)


def _log_sum_exp(array: Any, axis: Axis, keepdims: bool) -> Any:
    top = plain_value(_max(array, axis, keepdims=True))
    top = np.where(np.isfinite(top), top, 0.0)
    found = np.log(np.sum(np.exp(array - top), axis=axis, keepdims=True)) + top
    return found if keepdims else np.squeeze(found, structure.axes_of(axis, np.ndim(array)))[()]


TABLE: dict[Any, Callable[..., Any]] = {
    np.sum: _sum,
    np.mean: _mean,
    np.average: _average,
    np.var: _var,
    np.std: _std,
    np.prod: _prod,
    np.max: _max,
    np.min: _min,
    np.ptp: _ptp,
    np.cumsum: _cumsum,
    np.cumprod: _cumprod,
    np.nansum: _without_nan(_sum, 0.0),
    np.nanprod: _without_nan(_prod, 1.0),
    np.nanmean: _where_not_nan(_mean),
    np.nanvar: _where_not_nan(_var),
    np.nanstd: _where_not_nan(_std),
    np.nanmax: _nan_extreme(_max, -np.inf),
    np.nanmin: _nan_extreme(_min, np.inf),
    np.nancumsum: _without_nan(_cumsum, 0.0),
    np.nancumprod: _without_nan(_cumprod, 1.0),
    np.median: _median,
    np.quantile: _quantile,
    np.percentile: lambda a, q, *args, **kwargs: _quantile(a, np.true_divide(q, 100), *args, **kwargs),
    np.bincount: _bincount,
    np.histogram: _histogram,
    np.cov: _cov,
    np.corrcoef: _corrcoef,
    np.sort: _sort,
    np.partition: _partition,
    (np.add, "reduce"): lambda array, axis=0, dtype=None, keepdims=False, initial=0.0, where=True: _sum(
        array, axis, dtype, None, keepdims, initial, where
    ),
    (np.multiply, "reduce"): lambda array, axis=0, dtype=None, keepdims=False, initial=1.0, where=True: _prod(
        array, axis, dtype, None, keepdims, initial, where
    ),
    (np.maximum, "reduce"): lambda array, axis=0, dtype=None, keepdims=False, initial=None, where=True: _max(
        rounded(array_of(array), dtype), axis, None, keepdims, initial, where
    ),
    (np.minimum, "reduce"): lambda array, axis=0, dtype=None, keepdims=False, initial=None, where=True: _min(
        rounded(array_of(array), dtype), axis, None, keepdims, initial, where
    ),
    (np.logaddexp, "reduce"): lambda array, axis=0, dtype=None, keepdims=False: _log_sum_exp(
        rounded(array_of(array), dtype), axis, keepdims
    ),
    (np.add, "accumulate"): lambda array, axis=0, dtype=None: _cumsum(array, axis, dtype),
    (np.multiply, "accumulate"): lambda array, axis=0, dtype=None: _cumprod(array, axis, dtype),
    (np.maximum, "accumulate"): _accumulated_extreme(np.maximum),
    (np.minimum, "accumulate"): _accumulated_extreme(np.minimum),
    np.cumulative_sum: lambda x, /, *, axis=None, dtype=None, out=None, include_initial=False: _with_initial(
        _cumsum(x, 0 if axis is None else axis, dtype), axis, include_initial, 0.0
    ),
    np.cumulative_prod: lambda x, /, *, axis=None, dtype=None, out=None, include_initial=False: _with_initial(
        _cumprod(x, 0 if axis is None else axis, dtype), axis, include_initial, 1.0
    ),
}
"""NumPy's function → the same, in terms of functions that have a rule."""
