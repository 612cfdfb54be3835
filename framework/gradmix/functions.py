"""Functions of SciPy in plain NumPy: `dual` and `tape` can differentiate these, but cannot trace SciPy's own.

Each has the signature and result of SciPy's function. Functions that NumPy also has are not repeated here:
``np.linalg.solve`` and ``np.fft.fft`` can be differentiated directly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradmix.contracts.own_rules import stop_gradient

__all__ = ["cho_solve", "cholesky", "expm", "log_softmax", "logsumexp", "softmax", "solve_triangular"]


def logsumexp(a: Any, axis: int | tuple[int, ...] | None = None, b: Any = 1.0, keepdims: bool = False) -> Any:
    """Compute log Σ b exp(a) without overflow, as ``scipy.special.logsumexp`` does.

    Examples
    --------
    >>> import gradmix
    >>> gradmix.differentiator("tape").gradient(logsumexp, [800.0, 0.0])
    array([1., 0.])
    """
    highest = _finite(np.max(a, axis=axis, keepdims=True))
    total = np.log(np.sum(b * np.exp(a - highest), axis=axis, keepdims=True)) + highest
    return total if keepdims else np.squeeze(total, axis=axis)[()]


def log_softmax(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """Compute log(exp(x) / Σ exp(x)) without overflow, as ``scipy.special.log_softmax`` does."""
    return x - logsumexp(x, axis=axis, keepdims=True)


def softmax(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """Compute exp(x) / Σ exp(x) without overflow, as ``scipy.special.softmax`` does."""
    return np.exp(log_softmax(x, axis))


def solve_triangular(a: Any, b: Any, trans: int | str = 0, lower: bool = False, unit_diagonal: bool = False) -> Any:
    """Solve A x = b (Aᵀ x = b if ``trans=1``) for a triangular A, as ``scipy.linalg.solve_triangular`` does."""
    triangle = np.tril(a) if lower else np.triu(a)
    if unit_diagonal:
        identity = np.eye(np.shape(a)[-1])
        triangle = triangle * (1.0 - identity) + identity
    return np.linalg.solve(triangle if trans in (0, "N") else np.swapaxes(triangle, -1, -2), b)


def cho_solve(c_and_lower: tuple[Any, bool], b: Any) -> Any:
    """Solve A x = b, given the Cholesky factor of A, as ``scipy.linalg.cho_solve`` does."""
    c, lower = c_and_lower
    half = solve_triangular(c, b, trans=0 if lower else 1, lower=lower)
    return solve_triangular(c, half, trans=1 if lower else 0, lower=lower)


def cholesky(a: Any, lower: bool = False) -> Any:
    """Compute the Cholesky factor of a matrix, upper unless ``lower``, as ``scipy.linalg.cholesky`` does."""
    factor = np.linalg.cholesky(a)
    return factor if lower else np.swapaxes(factor, -1, -2)


def expm(a: Any) -> Any:
    """Compute the exponential of a matrix, as ``scipy.linalg.expm`` does.

    Notes
    -----
    Scaling and squaring with the Padé approximant [13/13]: Higham, SIAM J. Matrix Anal. Appl. 26 (2005) 1179-1193.
    """
    norm = float(np.max(np.sum(np.abs(stop_gradient(a)), axis=-2), initial=0.0))
    squarings = max(0, int(np.ceil(np.log2(norm / _PADE_RADIUS)))) if 0 < norm < np.inf else 0
    scaled = a / 2.0**squarings
    identity = np.eye(np.shape(a)[-1])
    x2 = scaled @ scaled
    x4 = x2 @ x2
    x6 = x4 @ x2
    c = _PADE
    odd = scaled @ (x6 @ (c[13] * x6 + c[11] * x4 + c[9] * x2) + c[7] * x6 + c[5] * x4 + c[3] * x2 + c[1] * identity)
    even = x6 @ (c[12] * x6 + c[10] * x4 + c[8] * x2) + c[6] * x6 + c[4] * x4 + c[2] * x2 + c[0] * identity
    result = np.linalg.solve(even - odd, even + odd)
    for _ in range(squarings):
        result = result @ result
    return result


_PADE_RADIUS = 5.371920351148152
_PADE = (
    *(64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0),
    *(10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0),
)
"""Numerator of the approximant; the denominator has alternating signs."""


def _finite(x: Any) -> Any:
    """Return the finite entries of x as constants, and 0 for the others: to subtract them avoids overflow."""
    plain = stop_gradient(x)
    return np.where(np.isfinite(plain), plain, 0.0)
