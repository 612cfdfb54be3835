"""Powers of two as units, in which the squares of data of any magnitude neither overflow nor vanish."""

from __future__ import annotations

import math
from functools import partial
from operator import sub

import numpy as np

from gradmix import Block, DataError, Rows
from gradmix.arrays import Array, extremes

_FAR = 300
"""Spreads between 2⁻³⁰⁰ and 2³⁰⁰ need no unit: their squares, and sums of these, neither overflow nor vanish."""


_NARROWEST = 1e-152
"""Spread of rows below which variances are not represented with all their digits."""


def unit_exponent(*arrays: Array, reach: float | None = None) -> int:
    """Return the exponent e of a unit 2ᵉ in which the largest spread of a feature is about 1; 0 if no unit is needed.

    Division by a power of two is exact, so it changes no digit of a result. `reach` bounds the magnitude of all
    numbers, if it is known.
    """
    if _is_ordinary(arrays, reach):
        return 0
    low, high = extremes(*arrays)
    # The difference of halves cannot overflow. Halving may cost tiny numbers a digit, but only exponents matter.
    spread = float((high / 2 - low / 2).max())
    if spread == 0:
        spread = float((high - low).max())
    exponent = math.frexp(spread)[1] if spread else 0
    return exponent if abs(exponent) > _FAR else 0


def in_unit(X: Array, exponent: int) -> Array:
    """Return the rows in the unit 2ᵉ; for e = 0, the array itself."""
    return np.ldexp(X, -exponent) if exponent else X


def _is_ordinary(arrays: tuple[Array, ...], reach: float | None) -> bool:
    """Whether the extremes of all numbers and a few rows show that no unit is needed."""
    few = arrays[0][:100]
    if reach is None:
        reach = max(max(-X.min(initial=0.0), X.max(initial=0.0)) for X in arrays)
    if not len(few):
        return False
    lowest, highest = extremes(few)
    spread = float((highest / 2 - lowest / 2).max())
    return spread >= 2.0**-_FAR and reach <= 2.0**_FAR / 2


def has_ordinary_variances(X: Array) -> bool:
    """Whether a quick test shows that every column varies, and that squared differences neither overflow nor vanish."""
    least = min(map(abs, map(sub, X[0].tolist(), X[-1].tolist())))
    return least > _NARROWEST and bool(np.vdot(X, X) < (0.4 / _NARROWEST) ** 2)


def check_variances(X: Array) -> None:
    """Check that squared differences of the rows neither overflow nor vanish.

    Raises
    ------
    DataError
        If they vanish or overflow.
    """
    low, high = extremes(X)
    width = 2 * float((high / 2 - low / 2).max())
    if width and not _NARROWEST < width < 1 / _NARROWEST:
        spans = f"{width:.3g}" if width < np.inf else "more than 1.8e308"
        raise DataError(
            f"the widest column spans {spans}: the square of this, a variance, is outside the range of floating-point "
            f"numbers. Choose a unit in which the column spans between {_NARROWEST:g} and {1 / _NARROWEST:g}."
        )


def mean_variance(rows: Rows) -> float:
    """Return the mean over the features of the rows' variance, without weights."""
    mean = rows.fold(_sum) / len(rows)
    return float(rows.fold(partial(_squares, center=mean)).mean() / len(rows))


def _sum(block: Block) -> Array:
    total: Array = block.X.sum(axis=0)
    return total


def _squares(block: Block, center: Array) -> Array:
    total: Array = ((block.X - center) ** 2).sum(axis=0)
    return total
