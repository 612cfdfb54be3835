"""Rules of linear algebra; matrices may be stacked along any leading axes, tangents along one more.

Source: Giles, *Collected matrix derivative results for forward and reverse mode algorithmic differentiation* (2008);
Golub & Pereyra, SIAM J. Numer. Anal. 10 (1973) 413-432 for the pseudo-inverse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradmix_autodiff.rules.eigen import eig
from gradmix_autodiff.rules.packing import Parts
from gradmix_autodiff.rules.structure import MATMUL, NORM, unbroadcast
from gradmix_autodiff.table import COMPOSITIONS, LinearMap, Primitive
from gradmix_autodiff.traced import Traced, operate, plain_value

Arguments = tuple[Any, ...]
Keywords = Mapping[str, Any]


def _mt(x: Any) -> Any:
    """The transpose of each matrix."""
    return np.swapaxes(x, -1, -2)


def _wide(t: Any, a: Any, y: Any) -> Any:
    """Tangents of a stack of matrices, aligned with a result that has more axes."""
    missing = np.ndim(y) - np.ndim(a)
    return np.reshape(t, (np.shape(t)[0], *(1,) * missing, *np.shape(t)[1:])) if missing > 0 else t


def _inverse_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    return LinearMap(lambda t: -(y @ t @ y), lambda w: -(_mt(y) @ w @ _mt(y)))


INVERSE = Primitive(np.linalg.inv, _inverse_rule)


def _solve_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    a, b = arguments

    def solve_transposed(w: Any) -> Any:
        return np.linalg.solve(_mt(a), w)

    if position == 1:
        return LinearMap(
            lambda t: np.linalg.solve(a, _wide(t, b, y)), lambda w: unbroadcast(solve_transposed(w), np.shape(b))
        )
    return LinearMap(
        lambda t: -np.linalg.solve(a, _wide(t, a, y) @ y),
        lambda w: -unbroadcast(solve_transposed(w) @ _mt(y), np.shape(a)),
    )


SOLVE = Primitive(np.linalg.solve, _solve_rule)
"""Of a matrix and a matrix."""


def _cofactors(a: Any) -> Any:
    """The cofactors of each matrix, singular ones too: det(A) A⁻ᵀ, by singular values."""
    if np.shape(a)[-1] == 0:
        return np.zeros(np.shape(a))
    u, s, vh = np.linalg.svd(a)
    n = np.shape(s)[-1]
    others = np.prod(np.where(np.eye(n, dtype=bool), 1.0, s[..., None, :]), axis=-1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return sign[..., None, None] * (u * others[..., None, :]) @ vh


def _cofactors_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    inverse = _mt(_inverse_or_nan(arguments[0]))

    def change(t: Any) -> Any:
        trace = np.sum(inverse * t, axis=(-1, -2), keepdims=True)
        return trace * y - y @ _mt(t) @ inverse

    def back(w: Any) -> Any:
        trace = np.sum(w * y, axis=(-1, -2), keepdims=True)
        return trace * inverse - inverse @ _mt(w) @ y

    return LinearMap(change, back)


def _inverse_or_nan(a: Any) -> Any:
    """The inverse; NaN where there is none, so that a second derivative is never a wrong number."""
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return np.full(np.shape(a), np.nan)


COFACTORS = Primitive(_cofactors, _cofactors_rule)


def _determinant_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    cofactors = operate(COFACTORS, arguments[0])
    return LinearMap(lambda t: np.sum(cofactors * t, axis=(-1, -2)), lambda w: np.expand_dims(w, (-1, -2)) * cofactors)


DETERMINANT = Primitive(np.linalg.det, _determinant_rule, reads_result=False)


def _log_determinant(a: Any) -> Any:
    return np.linalg.slogdet(a)[1]


def _log_determinant_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    inverse = _mt(np.linalg.inv(arguments[0]))
    return LinearMap(lambda t: np.sum(inverse * t, axis=(-1, -2)), lambda w: np.expand_dims(w, (-1, -2)) * inverse)


LOG_DETERMINANT = Primitive(_log_determinant, _log_determinant_rule, reads_result=False)


def _cholesky_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    """Rule for symmetric matrices: dL = L Φ(L⁻¹ dA L⁻ᵀ), Φ the lower triangle with half the diagonal."""

    def push(t: Any) -> Any:
        inner = np.linalg.solve(y, _mt(np.linalg.solve(y, t)))
        return y @ _half_lower(_mt(inner))

    def pull(w: Any) -> Any:
        inner = np.linalg.solve(_mt(y), _half_lower(_mt(y) @ w))
        whole = _mt(np.linalg.solve(_mt(y), _mt(inner)))
        return 0.5 * (whole + _mt(whole))

    return LinearMap(push, pull)


def _half_lower(x: Any) -> Any:
    n = np.shape(x)[-1]
    return x * (np.tril(np.ones((n, n))) - 0.5 * np.eye(n))


CHOLESKY = Primitive(np.linalg.cholesky, _cholesky_rule)


def _symmetric_parts(a: Any) -> Parts:
    n = np.shape(a)[-1]
    return Parts(np.shape(a)[:-2], ((n,), (n, n)))


def _eigh(a: Any, uplo: str = "L") -> Any:
    """By the triangle that is asked for, since the signs of the eigenvectors depend on it."""
    return _symmetric_parts(a).pack(np.linalg.eigh(a, uplo))


def _eigh_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    """Rule for symmetric matrices; eigenvectors of equal eigenvalues have no derivative, which shows as NaN."""
    parts = _symmetric_parts(arguments[0])
    values, vectors = parts.unpack(y)
    n = np.shape(values)[-1]
    gaps = np.expand_dims(values, -2) - np.expand_dims(values, -1)
    is_diagonal = np.eye(n, dtype=bool)
    inverse_gaps = np.where(is_diagonal, 0.0, 1.0 / np.where(is_diagonal, 1.0, gaps))

    def push(t: Any) -> Any:
        inner = _mt(vectors) @ t @ vectors
        changes = (np.sum(inner * np.eye(n), axis=-1), vectors @ (inverse_gaps * inner))
        return parts.pack(changes, (np.shape(t)[0], *parts.lead))

    def pull(w: Any) -> Any:
        by_values, by_vectors = parts.unpack(w)
        diagonal = np.expand_dims(by_values, -1) * np.eye(n)
        if not isinstance(by_vectors, Traced) and not np.any(by_vectors):
            inner = diagonal  # eigenvalues alone have a derivative where they are equal, too
        else:
            inner = diagonal + inverse_gaps * (_mt(vectors) @ by_vectors)
        whole = vectors @ inner @ _mt(vectors)
        return 0.5 * (whole + _mt(whole))

    return LinearMap(push, pull)


EIGH = Primitive(_eigh, _eigh_rule)


def _svd_parts(a: Any) -> Parts:
    *lead, m, n = np.shape(a)
    k = min(m, n)
    return Parts(tuple(lead), ((m, k), (k,), (k, n)))


def _svd(a: Any) -> Any:
    return _svd_parts(a).pack(np.linalg.svd(a, full_matrices=False))


def _svd_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    parts = _svd_parts(arguments[0])
    u, s, vh = parts.unpack(y)
    m, n, k = np.shape(u)[-2], np.shape(vh)[-1], np.shape(s)[-1]
    v, row, column = _mt(vh), np.expand_dims(s, -2), np.expand_dims(s, -1)
    is_diagonal = np.eye(k, dtype=bool)
    gaps = (row - column) * (row + column)
    f = np.where(is_diagonal, 0.0, 1.0 / np.where(is_diagonal, 1.0, gaps))

    def push(t: Any) -> Any:
        inner = _mt(u) @ t @ v
        du = u @ (f * (inner * row + column * _mt(inner)))
        dv = v @ (f * (column * inner + _mt(inner) * row))
        if m > k:
            du = du + (t @ v - u @ inner) / row
        if n > k:
            dv = dv + (_mt(t) @ u - v @ _mt(inner)) / row
        changes = (du, np.sum(inner * np.eye(k), axis=-1), _mt(dv))
        return parts.pack(changes, (np.shape(t)[0], *parts.lead))

    def pull(w: Any) -> Any:
        wu, ws, wvh = parts.unpack(w)
        inner = np.expand_dims(ws, -1) * np.eye(k)
        if not _is_zero(wu):
            g = f * (_mt(u) @ wu)
            inner = inner + (g + _mt(g)) * row
        if not _is_zero(wvh):
            h = f * (_mt(v) @ _mt(wvh))
            inner = inner + column * (h + _mt(h))
        whole = u @ inner @ vh
        if m > k and not _is_zero(wu):
            scaled = wu / row
            whole = whole + (scaled - u @ (_mt(u) @ scaled)) @ vh
        if n > k and not _is_zero(wvh):
            scaled = _mt(wvh) / row
            whole = whole + u @ _mt(scaled - v @ (vh @ scaled))
        return whole

    return LinearMap(push, pull)


def _is_zero(w: Any) -> bool:
    return not isinstance(w, Traced) and not np.any(w)


SVD = Primitive(_svd, _svd_rule)


def _qr_parts(a: Any) -> Parts:
    *lead, m, n = np.shape(a)
    return Parts(tuple(lead), ((m, n), (n, n)))


def _qr(a: Any) -> Any:
    return _qr_parts(a).pack(np.linalg.qr(a))


def _qr_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    """Rule for matrices with at least as many rows as columns, of full rank."""
    parts = _qr_parts(arguments[0])
    q, r = parts.unpack(y)
    n = np.shape(r)[-1]
    below = np.tril(np.ones((n, n)), -1)

    def over_r(x: Any) -> Any:
        return _mt(np.linalg.solve(_mt(r), _mt(x)))

    def push(t: Any) -> Any:
        scaled = over_r(t)
        inner = _mt(q) @ scaled
        lower = inner * below
        turn = lower - _mt(lower)
        return parts.pack((scaled - q @ inner + q @ turn, (inner - turn) @ r), (np.shape(t)[0], *parts.lead))

    def pull(w: Any) -> Any:
        wq, wr = parts.unpack(w)
        inner = r @ _mt(wr) - _mt(wq) @ q
        symmetric = inner * (below + np.eye(n)) + _mt(inner * below)
        return _mt(np.linalg.solve(r, _mt(wq + q @ symmetric)))

    return LinearMap(push, pull)


QR = Primitive(_qr, _qr_rule)


def _pinv(a: Any, options: Mapping[str, Any]) -> Any:
    return np.linalg.pinv(a, **options)


def _pinv_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    a = arguments[0]
    m, n = np.shape(a)[-2:]
    left, right = np.eye(m) - a @ y, np.eye(n) - y @ a

    def push(t: Any) -> Any:
        return -(y @ t @ y) + y @ _mt(y) @ _mt(t) @ left + right @ _mt(t) @ _mt(y) @ y

    def pull(w: Any) -> Any:
        return -(_mt(y) @ w @ _mt(y)) + left @ _mt(w) @ y @ _mt(y) + _mt(y) @ y @ _mt(w) @ right

    return LinearMap(push, pull)


PINV = Primitive(_pinv, _pinv_rule)


# NumPy's functions


def _matrix(x: Any) -> Any:
    if np.ndim(x) < 2:
        raise np.linalg.LinAlgError(f"{np.ndim(x)}-dimensional array given. Array must be at least two-dimensional")
    return x


def symmetric(a: Any, uplo: str = "L") -> Any:
    """The symmetric matrix of which NumPy reads one triangle."""
    if uplo.upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    triangle, rest = (np.tril(a), np.tril(a, -1)) if uplo.upper() == "L" else (np.triu(a), np.triu(a, 1))
    return triangle + _mt(rest)


def _solve(a: Any, b: Any) -> Any:
    if np.ndim(b) == 1:
        return np.reshape(operate(SOLVE, _matrix(a), np.expand_dims(b, -1)), np.shape(a)[:-2] + np.shape(b)[-1:])
    return operate(SOLVE, _matrix(a), b)


class SlogdetResult(NamedTuple):
    """As NumPy's."""

    sign: Any
    logabsdet: Any


class EighResult(NamedTuple):
    """As NumPy's."""

    eigenvalues: Any
    eigenvectors: Any


class SVDResult(NamedTuple):
    """As NumPy's."""

    U: Any
    S: Any
    Vh: Any


class QRResult(NamedTuple):
    """As NumPy's."""

    Q: Any
    R: Any


def _slogdet(a: Any) -> Any:
    return SlogdetResult(np.linalg.slogdet(plain_value(a))[0], operate(LOG_DETERMINANT, a))


def _cholesky(a: Any, /, *, upper: bool = False) -> Any:
    lower = operate(CHOLESKY, symmetric(_matrix(a), "U" if upper else "L"))
    return _mt(lower) if upper else lower


def _eigh_of(a: Any, UPLO: str = "L") -> Any:
    packed = operate(EIGH, symmetric(_matrix(a), UPLO), UPLO)
    return EighResult(*_symmetric_parts(a).unpack(packed))


def _svd_of(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    if hermitian or (compute_uv and full_matrices and np.shape(a)[-1] != np.shape(a)[-2]):
        raise NotImplementedError("full_matrices=True of a matrix that is not square, or hermitian=True")
    u, s, vh = _svd_parts(a).unpack(operate(SVD, _matrix(a)))
    return SVDResult(u, s, vh) if compute_uv else s


def _qr_of(a: Any, mode: str = "reduced") -> Any:
    *_, m, n = np.shape(_matrix(a))
    if mode not in ("reduced", "r") and not (mode == "complete" and m <= n):
        raise NotImplementedError(f"mode={mode!r}")
    if m >= n:
        q, r = _qr_parts(a).unpack(operate(QR, a))
    else:
        q, first = _qr_parts(a[..., :m]).unpack(operate(QR, a[..., :m]))
        r = np.concatenate([first, _mt(q) @ a[..., m:]], axis=-1)
    return r if mode == "r" else QRResult(q, r)


def _pinv_of(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    if hermitian:
        raise NotImplementedError("hermitian=True")
    options = {name: value for name, value in (("rcond", rcond), ("rtol", rtol)) if value is not None}
    return operate(PINV, _matrix(a), options)


def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    plain = np.linalg.lstsq(plain_value(a), plain_value(b), rcond=rcond)
    x = _pinv_of(a) @ b
    residuals = np.sum(np.square(b - a @ x), axis=0) if np.size(plain[1]) else np.zeros(0)
    return x, np.atleast_1d(residuals), plain[2], _svd_of(a, compute_uv=False)


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
        values = _svd_of(np.moveaxis(x, (row, column), (-2, -1)), compute_uv=False)
        found = np.expand_dims(choices[ord](values, axis=-1), (row, column))
    return found if keepdims else np.squeeze(found, (row, column))


def _matrix_power(a: Any, n: int) -> Any:
    if n < 0:
        return _matrix_power(np.linalg.inv(a), -n)
    result = None
    while n:
        if n & 1:
            result = a if result is None else result @ a
        n >>= 1
        a = a @ a if n else a
    return np.broadcast_to(np.eye(np.shape(a)[-1]), np.shape(a)) if result is None else +result


def _multi_dot(arrays: Sequence[Any], *, out: Any = None) -> Any:
    result = arrays[0]
    for each in arrays[1:]:
        result = np.dot(result, each)
    return result


def _cond(x: Any, p: Any = None) -> Any:
    if p in (None, 2, -2):
        values = _svd_of(x, compute_uv=False)
        return values[..., -1] / values[..., 0] if p == -2 else values[..., 0] / values[..., -1]
    return norm(x, p, axis=(-2, -1)) * norm(np.linalg.inv(x), p, axis=(-2, -1))


def _tensorinv(a: Any, ind: int = 2) -> Any:
    shape = np.shape(a)
    square = np.reshape(a, (math.prod(shape[:ind]), -1))
    return np.reshape(np.linalg.inv(square), shape[ind:] + shape[:ind])


def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    if axes is not None:
        raise NotImplementedError("axes")
    shape = np.shape(a)[np.ndim(b) :]
    square = np.reshape(a, (math.prod(np.shape(b)), -1))
    return np.reshape(np.linalg.solve(square, np.ravel(b)), shape)


def _vector_norm_of(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:  # noqa: A002
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


def _matrix_norm_of(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:  # noqa: A002
    return _matrix_norm(x, ord, (-2, -1), keepdims)


def install() -> None:
    """Enter these rules into the table."""
    linalg = np.linalg
    COMPOSITIONS.update(
        {
            linalg.inv: lambda a: operate(INVERSE, _matrix(a)),
            linalg.solve: _solve,
            linalg.det: lambda a: operate(DETERMINANT, _matrix(a)),
            linalg.slogdet: _slogdet,
            linalg.cholesky: _cholesky,
            linalg.eig: lambda a: eig(_matrix(a)),
            linalg.eigvals: lambda a: eig(_matrix(a)).eigenvalues,
            linalg.eigh: _eigh_of,
            linalg.eigvalsh: lambda a, UPLO="L": _eigh_of(a, UPLO)[0],
            linalg.svd: _svd_of,
            linalg.svdvals: lambda x, /: _svd_of(x, compute_uv=False),
            linalg.qr: _qr_of,
            linalg.pinv: _pinv_of,
            linalg.lstsq: _lstsq,
            linalg.norm: norm,
            linalg.vector_norm: _vector_norm_of,
            linalg.matrix_norm: _matrix_norm_of,
            linalg.matrix_power: _matrix_power,
            linalg.multi_dot: _multi_dot,
            linalg.cond: _cond,
            linalg.tensorinv: _tensorinv,
            linalg.tensorsolve: _tensorsolve,
            linalg.matrix_transpose: _mt,
            linalg.matmul: lambda a, b, /: operate(MATMUL, a, b),
            linalg.outer: lambda a, b, /: np.outer(a, b),
            linalg.vecdot: lambda a, b, /, *, axis=-1: np.sum(a * b, axis=axis),
            linalg.trace: lambda x, /, *, offset=0: np.trace(x, offset, -2, -1),
            linalg.diagonal: lambda x, /, *, offset=0: np.diagonal(x, offset, -2, -1),
            linalg.cross: lambda a, b, /, *, axis=-1: np.cross(a, b, axis=axis),
            linalg.tensordot: lambda a, b, /, *, axes=2: np.tensordot(a, b, axes),
        }
    )
