"""NumPy's functions of linear algebra, in terms of operations that have rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gradmix_autodiff.rules.decompositions import CHOLESKY, EIGH, QR, SVD, qr_parts, svd_parts, symmetric_parts
from gradmix_autodiff.rules.eigen import eig
from gradmix_autodiff.rules.norms import matrix_norm, norm, vector_norm
from gradmix_autodiff.rules.solving import DETERMINANT, INVERSE, LOG_DETERMINANT, PINV, SOLVE, transposed
from gradmix_autodiff.rules.structure import MATMUL
from gradmix_autodiff.table import COMPOSITIONS
from gradmix_autodiff.traced import is_complex, operate, plain_value


def _matrix(x: Any) -> Any:
    if np.ndim(x) < 2:
        raise np.linalg.LinAlgError(f"{np.ndim(x)}-dimensional array given. Array must be at least two-dimensional")
    return x


def _real(x: Any) -> Any:
    if is_complex(x):
        raise NotImplementedError("a complex matrix")
    return _matrix(x)


def symmetric(a: Any, uplo: str = "L") -> Any:
    """Return the symmetric matrix of which NumPy reads one triangle."""
    if uplo.upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    triangle, rest = (np.tril(a), np.tril(a, -1)) if uplo.upper() == "L" else (np.triu(a), np.triu(a, 1))
    return triangle + transposed(rest)


def _solve(a: Any, b: Any) -> Any:
    if np.ndim(b) == 1:
        return np.reshape(operate(SOLVE, _matrix(a), np.expand_dims(b, -1)), np.shape(a)[:-2] + np.shape(b)[-1:])
    return operate(SOLVE, _matrix(a), b)


_ROUNDING = float(np.finfo(float).eps)


class SlogdetResult(NamedTuple):
    """A named tuple with the fields of NumPy's result."""

    sign: Any
    logabsdet: Any


class EighResult(NamedTuple):
    """A named tuple with the fields of NumPy's result."""

    eigenvalues: Any
    eigenvectors: Any


class SVDResult(NamedTuple):
    """A named tuple with the fields of NumPy's result."""

    U: Any
    S: Any
    Vh: Any


class QRResult(NamedTuple):
    """A named tuple with the fields of NumPy's result."""

    Q: Any
    R: Any


def _slogdet(a: Any) -> Any:
    size = operate(LOG_DETERMINANT, a)
    if not is_complex(a):
        return SlogdetResult(np.linalg.slogdet(plain_value(a))[0], size)
    return SlogdetResult(np.sign(operate(DETERMINANT, a)), size)


def _cholesky(a: Any, /, *, upper: bool = False) -> Any:
    lower = operate(CHOLESKY, symmetric(_real(a), "U" if upper else "L"))
    return transposed(lower) if upper else lower


def _eigh_of(a: Any, UPLO: str = "L") -> Any:
    packed = operate(EIGH, symmetric(_real(a), UPLO), UPLO)
    return EighResult(*symmetric_parts(a).unpack(packed))


def _svd_of(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    if hermitian or (compute_uv and full_matrices and np.shape(a)[-1] != np.shape(a)[-2]):
        raise NotImplementedError("full_matrices=True of a matrix that is not square, or hermitian=True")
    u, s, vh = svd_parts(a).unpack(operate(SVD, _real(a)))
    return SVDResult(u, s, vh) if compute_uv else s


def _qr_of(a: Any, mode: str = "reduced") -> Any:
    *_, m, n = np.shape(_real(a))
    if mode not in ("reduced", "r") and not (mode == "complete" and m <= n):
        raise NotImplementedError(f"mode={mode!r}")
    if m >= n:
        q, r = qr_parts(a).unpack(operate(QR, a))
    else:
        q, first = qr_parts(a[..., :m]).unpack(operate(QR, a[..., :m]))
        r = np.concatenate([first, transposed(q) @ a[..., m:]], axis=-1)
    return r if mode == "r" else QRResult(q, r)


def _pinv_of(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    if hermitian:
        raise NotImplementedError("hermitian=True")
    options = {name: value for name, value in (("rcond", rcond), ("rtol", rtol)) if value is not None}
    values = np.linalg.svd(plain_value(_real(a)), compute_uv=False)
    sizes, cutoff = values / np.max(values, axis=-1, keepdims=True, initial=0.0), rcond if rtol is None else rtol
    if options and np.any((sizes > _ROUNDING * max(np.shape(a)[-2:])) & (sizes <= np.expand_dims(cutoff, -1))):
        raise NotImplementedError("a tolerance that drops singular values, other than those of rounding")
    return operate(PINV, a, options)


def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    plain = np.linalg.lstsq(plain_value(a), plain_value(b), rcond=rcond)
    x = _pinv_of(a, _ROUNDING * max(np.shape(a)) if rcond is None else max(rcond, _ROUNDING)) @ b
    residuals = np.sum(np.square(b - a @ x), axis=0) if np.size(plain[1]) else np.zeros(0)
    return x, np.atleast_1d(residuals), plain[2], _svd_of(a, compute_uv=False)


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
            linalg.vector_norm: vector_norm,
            linalg.matrix_norm: matrix_norm,
            linalg.matrix_power: _matrix_power,
            linalg.multi_dot: _multi_dot,
            linalg.cond: _cond,
            linalg.tensorinv: _tensorinv,
            linalg.tensorsolve: _tensorsolve,
            linalg.matrix_transpose: transposed,
            linalg.matmul: lambda a, b, /: operate(MATMUL, a, b),
            linalg.outer: lambda a, b, /: np.outer(a, b),
            linalg.vecdot: lambda a, b, /, *, axis=-1: np.sum(np.conjugate(a) * b, axis=axis),
            linalg.trace: lambda x, /, *, offset=0: np.trace(x, offset, -2, -1),
            linalg.diagonal: lambda x, /, *, offset=0: np.diagonal(x, offset, -2, -1),
            linalg.cross: lambda a, b, /, *, axis=-1: np.cross(a, b, axis=axis),
            linalg.tensordot: lambda a, b, /, *, axes=2: np.tensordot(a, b, axes),
        }
    )
