"""Rules of inverses, systems of equations and determinants; matrices may be stacked along any leading axes.

Sources: Giles, *Collected matrix derivative results for forward and reverse mode algorithmic differentiation* (2008);
Golub & Pereyra, SIAM J. Numer. Anal. 10 (1973) 413-432 for the pseudo-inverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradmix_autodiff.rules.structure import unbroadcast
from gradmix_autodiff.table import LinearMap, Primitive
from gradmix_autodiff.traced import operate

Arguments = tuple[Any, ...]
Keywords = Mapping[str, Any]


def transposed(x: Any) -> Any:
    """Return the transpose of each matrix."""
    return np.swapaxes(x, -1, -2)


def _wide(t: Any, a: Any, y: Any) -> Any:
    """Align tangents of a stack of matrices with a result that has more axes."""
    missing = np.ndim(y) - np.ndim(a)
    return np.reshape(t, (np.shape(t)[0], *(1,) * missing, *np.shape(t)[1:])) if missing > 0 else t


def _inverse_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    return LinearMap(lambda t: -(y @ t @ y), lambda w: -(transposed(y) @ w @ transposed(y)))


INVERSE = Primitive(np.linalg.inv, _inverse_rule)


def _solve_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    a, b = arguments

    def solve_transposed(w: Any) -> Any:
        return np.linalg.solve(transposed(a), w)

    if position == 1:
        return LinearMap(
            lambda t: np.linalg.solve(a, _wide(t, b, y)), lambda w: unbroadcast(solve_transposed(w), np.shape(b))
        )
    return LinearMap(
        lambda t: -np.linalg.solve(a, _wide(t, a, y) @ y),
        lambda w: -unbroadcast(solve_transposed(w) @ transposed(y), np.shape(a)),
    )


SOLVE = Primitive(np.linalg.solve, _solve_rule)
"""Solves for a right-hand side that is a matrix."""


def _cofactors(a: Any) -> Any:
    """Return the cofactors of each matrix, singular ones too: det(A) A⁻ᵀ, by singular values."""
    if np.shape(a)[-1] == 0:
        return np.zeros(np.shape(a))
    u, s, vh = np.linalg.svd(a)
    n = np.shape(s)[-1]
    others = np.prod(np.where(np.eye(n, dtype=bool), 1.0, s[..., None, :]), axis=-1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return sign[..., None, None] * (np.conjugate(u) * others[..., None, :]) @ np.conjugate(vh)


def _cofactors_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    inverse = transposed(inverse_or_nan(arguments[0]))

    def change(t: Any) -> Any:
        trace = np.sum(inverse * t, axis=(-1, -2), keepdims=True)
        return trace * y - y @ transposed(t) @ inverse

    def back(w: Any) -> Any:
        trace = np.sum(w * y, axis=(-1, -2), keepdims=True)
        return trace * inverse - inverse @ transposed(w) @ y

    return LinearMap(change, back)


def inverse_or_nan(a: Any) -> Any:
    """Return the inverse; NaN where there is none, so that no derivative is a wrong number."""
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
    inverse = transposed(np.linalg.inv(arguments[0]))
    return LinearMap(lambda t: np.sum(inverse * t, axis=(-1, -2)), lambda w: np.expand_dims(w, (-1, -2)) * inverse)


LOG_DETERMINANT = Primitive(_log_determinant, _log_determinant_rule, reads_result=False)


def _pinv(a: Any, options: Mapping[str, Any]) -> Any:
    return np.linalg.pinv(a, **options)


def _pinv_rule(position: int, y: Any, arguments: Arguments, keywords: Keywords) -> LinearMap:
    a = arguments[0]
    m, n = np.shape(a)[-2:]
    left, right, yt = np.eye(m) - a @ y, np.eye(n) - y @ a, transposed(y)

    def push(t: Any) -> Any:
        return -(y @ t @ y) + y @ yt @ transposed(t) @ left + right @ transposed(t) @ yt @ y

    def pull(w: Any) -> Any:
        return -(yt @ w @ yt) + left @ transposed(w) @ y @ yt + yt @ y @ transposed(w) @ right

    return LinearMap(push, pull)


PINV = Primitive(_pinv, _pinv_rule)
