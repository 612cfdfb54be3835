"""Rules of decompositions of matrices, which may be stacked along any leading axes.

Source: Giles, *Collected matrix derivative results for forward and reverse mode algorithmic differentiation* (2008).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradmix_autodiff.rules.packing import Parts
from gradmix_autodiff.rules.solving import transposed
from gradmix_autodiff.table import LinearMap, Primitive
from gradmix_autodiff.traced import Traced

Arguments = tuple[Any, ...]
Keywords = Mapping[str, Any]


def _cholesky_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    """Rule for symmetric matrices: dL = L Φ(L⁻¹ dA L⁻ᵀ), Φ the lower triangle with half the diagonal."""

    def push(t: Any) -> Any:
        inner = np.linalg.solve(y, transposed(np.linalg.solve(y, t)))
        return y @ _half_lower(transposed(inner))

    def pull(w: Any) -> Any:
        inner = np.linalg.solve(transposed(y), _half_lower(transposed(y) @ w))
        whole = transposed(np.linalg.solve(transposed(y), transposed(inner)))
        return 0.5 * (whole + transposed(whole))

    return LinearMap(push, pull)


def _half_lower(x: Any) -> Any:
    n = np.shape(x)[-1]
    return x * (np.tril(np.ones((n, n))) - 0.5 * np.eye(n))


CHOLESKY = Primitive(np.linalg.cholesky, _cholesky_rule)


def symmetric_parts(a: Any) -> Parts:
    """Eigenvalues and eigenvectors."""
    n = np.shape(a)[-1]
    return Parts(np.shape(a)[:-2], ((n,), (n, n)))


def _eigh(a: Any, uplo: str = "L") -> Any:
    """Use the requested triangle, since the signs of the eigenvectors depend on it."""
    return symmetric_parts(a).pack(np.linalg.eigh(a, uplo))


def _eigh_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    """Rule for symmetric matrices; eigenvectors of equal eigenvalues have no derivative: the result is NaN."""
    parts = symmetric_parts(arguments[0])
    values, vectors = parts.unpack(y)
    n = np.shape(values)[-1]
    gaps = np.expand_dims(values, -2) - np.expand_dims(values, -1)
    is_diagonal = np.eye(n, dtype=bool)
    inverse_gaps = np.where(is_diagonal, 0.0, 1.0 / np.where(is_diagonal, 1.0, gaps))

    def push(t: Any) -> Any:
        inner = transposed(vectors) @ t @ vectors
        changes = (np.sum(inner * np.eye(n), axis=-1), vectors @ (inverse_gaps * inner))
        return parts.pack(changes, (np.shape(t)[0], *parts.lead))

    def pull(w: Any) -> Any:
        by_values, by_vectors = parts.unpack(w)
        diagonal = np.expand_dims(by_values, -1) * np.eye(n)
        if not isinstance(by_vectors, Traced) and not np.any(by_vectors):
            inner = diagonal  # eigenvalues, unlike eigenvectors, have a derivative where they are equal
        else:
            inner = diagonal + inverse_gaps * (transposed(vectors) @ by_vectors)
        whole = vectors @ inner @ transposed(vectors)
        return 0.5 * (whole + transposed(whole))

    return LinearMap(push, pull)


EIGH = Primitive(_eigh, _eigh_rule)


def svd_parts(a: Any) -> Parts:
    """U, the singular values, and Vᵀ."""
    *lead, m, n = np.shape(a)
    k = min(m, n)
    return Parts(tuple(lead), ((m, k), (k,), (k, n)))


def _svd(a: Any) -> Any:
    return svd_parts(a).pack(np.linalg.svd(a, full_matrices=False))


def _svd_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    parts = svd_parts(arguments[0])
    u, s, vh = parts.unpack(y)
    m, n, k = np.shape(u)[-2], np.shape(vh)[-1], np.shape(s)[-1]
    v, row, column = transposed(vh), np.expand_dims(s, -2), np.expand_dims(s, -1)
    is_diagonal = np.eye(k, dtype=bool)
    gaps = (row - column) * (row + column)
    f = np.where(is_diagonal, 0.0, 1.0 / np.where(is_diagonal, 1.0, gaps))

    def push(t: Any) -> Any:
        inner = transposed(u) @ t @ v
        du = u @ (f * (inner * row + column * transposed(inner)))
        dv = v @ (f * (column * inner + transposed(inner) * row))
        if m > k:
            du = du + (t @ v - u @ inner) / row
        if n > k:
            dv = dv + (transposed(t) @ u - v @ transposed(inner)) / row
        changes = (du, np.sum(inner * np.eye(k), axis=-1), transposed(dv))
        return parts.pack(changes, (np.shape(t)[0], *parts.lead))

    def pull(w: Any) -> Any:
        wu, ws, wvh = parts.unpack(w)
        inner = np.expand_dims(ws, -1) * np.eye(k)
        if not _is_zero(wu):
            g = f * (transposed(u) @ wu)
            inner = inner + (g + transposed(g)) * row
        if not _is_zero(wvh):
            h = f * (transposed(v) @ transposed(wvh))
            inner = inner + column * (h + transposed(h))
        whole = u @ inner @ vh
        if m > k and not _is_zero(wu):
            scaled = wu / row
            whole = whole + (scaled - u @ (transposed(u) @ scaled)) @ vh
        if n > k and not _is_zero(wvh):
            scaled = transposed(wvh) / row
            whole = whole + u @ transposed(scaled - v @ (vh @ scaled))
        return whole

    return LinearMap(push, pull)


def _is_zero(w: Any) -> bool:
    return not isinstance(w, Traced) and not np.any(w)


SVD = Primitive(_svd, _svd_rule)


def qr_parts(a: Any) -> Parts:
    """Q and R."""
    *lead, m, n = np.shape(a)
    return Parts(tuple(lead), ((m, n), (n, n)))


def _qr(a: Any) -> Any:
    return qr_parts(a).pack(np.linalg.qr(a))


def _qr_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    """Rule for matrices with at least as many rows as columns, of full rank."""
    parts = qr_parts(arguments[0])
    q, r = parts.unpack(y)
    n = np.shape(r)[-1]
    below = np.tril(np.ones((n, n)), -1)

    def over_r(x: Any) -> Any:
        return transposed(np.linalg.solve(transposed(r), transposed(x)))

    def push(t: Any) -> Any:
        scaled = over_r(t)
        inner = transposed(q) @ scaled
        lower = inner * below
        turn = lower - transposed(lower)
        return parts.pack((scaled - q @ inner + q @ turn, (inner - turn) @ r), (np.shape(t)[0], *parts.lead))

    def pull(w: Any) -> Any:
        wq, wr = parts.unpack(w)
        inner = r @ transposed(wr) - transposed(wq) @ q
        symmetric = inner * (below + np.eye(n)) + transposed(inner * below)
        return transposed(np.linalg.solve(r, transposed(wq + q @ symmetric)))

    return LinearMap(push, pull)


QR = Primitive(_qr, _qr_rule)
