"""The problem ``mixture_objective``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix import NonNegativeInt, PositiveInt, Problem

if TYPE_CHECKING:
    from gradmix.arrays import Array, IntArray


@dataclass(kw_only=True)
class MixtureObjective(Problem):
    """The benchmark ADBench's log-likelihood of a Gaussian mixture with full covariances and a Wishart prior.

    One vector contains all variables: k numbers whose softmax gives the weights; k means; and for each component a
    lower triangular matrix Q, where QᵀQ is the inverse covariance: the logarithms of its diagonal, then the entries
    below the diagonal, column by column.

    Parameters
    ----------
    d
        Number of dimensions.
    k
        Number of components.
    n
        Rows.
    data_seed
        Seed of the rows and of the point.

    Notes
    -----
    Source: Šrajer, Kukelova & Fitzgibbon, *A benchmark of selected algorithmic differentiation tools on some problems
    in computer vision and machine learning*, Optim. Methods Softw. 33 (2018) 889-906. The prior has γ = 1 and m = 0.

    Examples
    --------
    >>> MixtureObjective(d=2, k=3, n=10).exact().shape
    (18,)
    """

    d: PositiveInt = 2
    k: PositiveInt = 2
    n: PositiveInt = 5
    data_seed: NonNegativeInt = 0
    operator = "gradient"

    def function(self, x: Any) -> Any:
        """Return the log-likelihood plus the logarithm of the prior."""
        d, k, n = self.d, self.k, self.n
        alphas = x[:k]
        means = np.reshape(x[k : k + k * d], (k, d))
        factors = np.reshape(x[k + k * d :], (k, d * (d + 1) // 2))
        logarithms, below = factors[:, :d], factors[:, d:]
        diagonals, sums = np.exp(logarithms), np.sum(logarithms, axis=1)
        lower = np.concatenate([np.zeros((k, 1)), below], axis=1)[:, self._places]
        centered = self._rows[None, :, :] - means[:, None, :]
        scaled = diagonals[:, None, :] * centered + np.matmul(centered, np.swapaxes(lower, 1, 2))
        inner = np.reshape(alphas + sums, (k, 1)) - 0.5 * np.sum(scaled**2, axis=2)
        largest = np.max(inner, axis=0)
        of_rows = np.sum(np.log(np.sum(np.exp(inner - largest), axis=0)) + largest)
        top = np.max(alphas)
        of_weights = np.log(np.sum(np.exp(alphas - top))) + top
        prior = 0.5 * (np.sum(diagonals**2) + np.sum(below**2))
        return of_rows - n * of_weights + prior + self._constant

    def point(self) -> Array:
        """Return the point: standard normal weights and means; normal factors with a standard deviation of 0.3."""
        return self._drawn[1].copy()

    def exact(self) -> Array:
        """Return the gradient, from the responsibilities r of the components for the rows, in NumPy's longest floats.

        With u = Q(x − μ), the derivatives are Σ r − n softmax(α) by α, Σ r Qᵀu by μ, Σ r (1 − u e^q (x − μ)) + e^{2q}
        by the logarithms q, and −Σ r u (x − μ)ᵀ plus the entry itself by an entry below the diagonal.
        """
        d, k = self.d, self.k
        x = self.point().astype(np.longdouble)
        alphas, means = x[:k], x[k : k + k * d].reshape(k, d)
        factors = x[k + k * d :].reshape(k, -1)
        logarithms, below = factors[:, :d], factors[:, d:]
        rows, columns = self._below
        by_alphas, by_means, by_factors = [], [], []
        Q = np.zeros((k, d, d), dtype=np.longdouble)
        Q[:, rows, columns] = below
        Q[:, np.arange(d), np.arange(d)] = np.exp(logarithms)
        centered = [self._rows - mean for mean in means]
        scaled = [each @ factor.T for each, factor in zip(centered, Q, strict=True)]
        squares = np.stack([(each**2).sum(axis=1) for each in scaled])
        inner = (alphas + logarithms.sum(axis=1))[:, None] - squares / 2
        r, weights = _softmax(inner), _softmax(alphas)
        for component in range(k):
            own, u = r[component], scaled[component]
            outer = (own[:, None] * u).T @ centered[component]  # Σ r u (x − μ)ᵀ
            diagonal = np.exp(logarithms[component])
            by_alphas.append(own.sum() - self.n * weights[component])
            by_means.append(own @ u @ Q[component])
            by_factors += [own.sum() - np.diag(outer) * diagonal + diagonal**2, below[component] - outer[rows, columns]]
        return np.concatenate([by_alphas, *by_means, *by_factors]).astype(float)

    @cached_property
    def _drawn(self) -> tuple[Array, Array]:
        """Draw the rows, shape (n, d), and the point."""
        d, k = self.d, self.k
        rng = np.random.default_rng(self.data_seed)
        rows = rng.standard_normal((self.n, d))
        rows.flags.writeable = False
        sizes = (k, k * d, k * d * (d + 1) // 2)
        weights, means, factors = (rng.standard_normal(size) for size in sizes)
        return rows, np.concatenate([weights, means, 0.3 * factors])

    @property
    def _rows(self) -> Array:
        return self._drawn[0]

    @cached_property
    def _below(self) -> tuple[IntArray, IntArray]:
        """Return the row and column indices of the entries below the diagonal, column by column."""
        columns, rows = np.triu_indices(self.d, 1)
        return rows, columns

    @cached_property
    def _places(self) -> IntArray:
        """Return the index of each entry below the diagonal after a leading zero; 0 on and above the diagonal."""
        places = np.zeros((self.d, self.d), dtype=np.intp)
        places[self._below] = 1 + np.arange(len(self._below[0]))
        return places

    @cached_property
    def _constant(self) -> float:
        """Return the part of the function that does not depend on the variables."""
        from scipy.special import multigammaln

        d, freedom = self.d, self.d + 1
        prior = freedom * d * np.log(1.0 / np.sqrt(2.0)) - multigammaln(0.5 * freedom, d)
        return float(-0.5 * self.n * d * np.log(2.0 * np.pi) - self.k * prior)


def _softmax(x: Any) -> Any:
    """Return e^x / Σ e^x over the first axis."""
    powers = np.exp(x - x.max(axis=0))
    return powers / powers.sum(axis=0)
