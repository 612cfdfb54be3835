"""The problem ``vector_map``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix import NonNegativeInt, PositiveInt, Problem

if TYPE_CHECKING:
    from gradmix.arrays import Array


@dataclass(kw_only=True)
class VectorMap(Problem):
    """A map from n numbers to n numbers with a full Jacobian: f = exp(−(B h)²) + h², where h = tanh(A x) + x sin x.

    Parameters
    ----------
    n
        Number of inputs and of outputs.
    data_seed
        Seed of the point and the matrices A and B, whose entries are normal with variance 1 / n.

    Examples
    --------
    >>> VectorMap(n=4).exact().shape
    (4, 4)
    """

    n: PositiveInt = 3
    data_seed: NonNegativeInt = 0
    operator = "jacobian"

    def function(self, x: Any) -> Any:
        """Return f(x), shape (n,)."""
        A, B, _ = self._drawn
        h = np.tanh(np.matmul(A, x)) + x * np.sin(x)
        return np.exp(-(np.matmul(B, h) ** 2)) + h**2

    def point(self) -> Array:
        """Return standard normal numbers."""
        return self._drawn[2].copy()

    def exact(self) -> Array:
        """Return −2 diag(u e^(−u²)) B H + 2 diag(h) H; u = B h, H = diag(1 − tanh²(A x)) A + diag(sin x + x cos x)."""
        A, B, x = (each.astype(np.longdouble) for each in self._drawn)
        t = np.tanh(A @ x)
        h = t + x * np.sin(x)
        H = (1 - t**2)[:, None] * A + np.diag(np.sin(x) + x * np.cos(x))
        u = B @ h
        jacobian: Array = ((-2 * u * np.exp(-(u**2)))[:, None] * (B @ H) + 2 * h[:, None] * H).astype(float)
        return jacobian

    @cached_property
    def _drawn(self) -> tuple[Array, Array, Array]:
        """Draw A, B and the point."""
        rng = np.random.default_rng(self.data_seed)
        A, B = rng.standard_normal((2, self.n, self.n)) / np.sqrt(self.n)
        return A, B, rng.standard_normal(self.n)
