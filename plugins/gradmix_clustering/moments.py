"""Moments of rows under responsibilities: the result of an E-step for the M-step, additive over rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gradmix.arrays import Array

Layout = Literal["full", "pooled", "diagonal", "trace"]
"""Second moments to sum: a matrix for each component, one for all, variances, or the sum of variances."""

Precision = Literal["float64", "float32"]
"""Precision of whitening and products; exponentials, and sums over many rows, are always in float64."""

FAR = 1e4
"""Largest squared distance from a moment's origin to the mean, in variances; beyond, too many digits are lost."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Sufficient statistics of rows under responsibilities r, around given points: additive over rows.

    Parameters
    ----------
    log_likelihood
        Σ log p(x), each row times its weight.
    counts
        Σ r, shape (k,).
    first
        Σ r (x − o), shape (k, d).
    scatter
        Second moments around the origins, by layout: Σ r (x − o)(x − o)ᵀ of each component, shape (k, d, d) (full);
        their sum, shape (d, d) (pooled); their diagonals, shape (k, d) (diagonal); their traces, shape (k,) (trace).
    origins
        o, shape (k, d): points near the means, such as the last iteration's. Moments around points that are far from
        the means, in standard deviations, lose digits.
    """

    log_likelihood: float
    counts: Array
    first: Array
    scatter: Array
    origins: Array

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.log_likelihood + other.log_likelihood,
            self.counts + other.counts,
            self.first + other.first,
            self.scatter + other.scatter,
            self.origins,
        )

    @property
    def shifts(self) -> Array:
        """Return each component's mean minus its origin, shape (k, d); zero for a component without rows."""
        return self.first / np.maximum(self.counts, np.finfo(float).tiny)[:, None]

    @property
    def means(self) -> Array:
        """Return the mean of each component, shape (k, d); the origin for a component without rows."""
        return self.origins + self.shifts

    def scatter_around_means(self, layout: Layout) -> Array:
        """Return the second moments around each component's mean, in the shape of `scatter`."""
        return self.scatter - self._of_shifts(layout)

    def has_cancelled(self, layout: Layout) -> bool:
        """Whether a second moment around a mean lost digits by cancellation, as the mean is far from its origin."""
        scatter, subtracted = self.scatter, self._of_shifts(layout)
        if layout in ("full", "pooled"):
            scatter, subtracted = (np.diagonal(each, axis1=-2, axis2=-1) for each in (scatter, subtracted))
        return bool((subtracted > FAR * (scatter - subtracted)).any())

    def _of_shifts(self, layout: Layout) -> Array:
        return _SCATTER[layout](self.shifts, self.shifts * self.counts[:, None])


def gather(X: Array, responsibilities: Array, origins: Array, layout: Layout, log_likelihood: float = 0.0) -> Moments:
    """Return the moments of a tile of rows, shape (n, d), around origins, under responsibilities of shape (k, n).

    Products are in the precision of the rows.
    """
    k, d = origins.shape
    first, scatters = np.empty((k, d)), []
    for component, r in enumerate(responsibilities):
        centered = X - origins[component]
        weighted = centered * r[:, None].astype(X.dtype)
        first[component] = weighted.sum(axis=0)
        scatters.append(_SCATTER_OF_ONE[layout](centered, weighted))
    scatter = np.sum(scatters, axis=0, dtype=float) if layout == "pooled" else np.stack(scatters).astype(float)
    return Moments(log_likelihood, responsibilities.sum(axis=1), first, scatter, origins)


def _outer(a: Array, b: Array) -> Array:
    return a.T @ b


_SCATTER_OF_ONE: dict[Layout, Callable[[Array, Array], Array]] = {
    "full": _outer,
    "pooled": _outer,
    "diagonal": lambda a, b: np.einsum("nd,nd->d", a, b),
    "trace": lambda a, b: np.einsum("nd,nd->", a, b),
}
"""Second moment of one component's rows, from the rows and the weighted rows, shape (n, d) each."""

_SCATTER: dict[Layout, Callable[[Array, Array], Array]] = {
    "full": lambda a, b: a[:, :, None] * b[:, None, :],
    "pooled": _outer,
    "diagonal": lambda a, b: a * b,
    "trace": lambda a, b: np.einsum("kd,kd->k", a, b),
}
"""Second moment of one point of each component, from the points and the weighted points, shape (k, d) each."""
