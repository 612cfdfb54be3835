"""E-step with NumPy: from a block of rows to its moments.

The compiled version is `gradmix_clustering.kernels`. This one is its reference in tests, and its substitute without
numba. Arrays over rows and components are as large as a block, never as large as the data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import cast

import numpy as np

from gradmix import Block
from gradmix.arrays import Array
from gradmix_clustering.mixture_model import GaussianMixtureModel, normalise
from gradmix_clustering.moments import Layout, Moments, gather

_PIECE = 256
"""Most rows over which sums are in single precision."""


@dataclass(frozen=True, eq=False)
class Expectation:
    """The E-step of one iteration: a function of a block of rows, made once from the model and then sent to the rows.

    Parameters
    ----------
    means
        μₖ, shape (k, d).
    whiteners
        Factor of each component's precision: transposed inverse Cholesky factors, shape (k, d, d), or reciprocal
        standard deviations, shape (k, d) or (k,).
    log_constants
        log πₖ + log |Σₖ|^−½ − d/2 log 2π, shape (k,).
    layout
        Second moments to sum.
    origins
        Points around which moments are taken, shape (k, d).
    center
        In single precision, the point that is subtracted from rows, means and origins, shape (d,).
    """

    means: Array
    whiteners: Array
    log_constants: Array
    layout: Layout
    origins: Array
    center: Array | None = None

    @classmethod
    def of(cls, model: GaussianMixtureModel, origins: Array | None = None) -> Expectation:
        """Return the E-step under a model, with moments around its means or other points.

        Raises
        ------
        NumericalError
            If a covariance is not positive definite.
        """
        around = model.means if origins is None else origins
        return cls(model.means, model.whiteners, model.log_constants, model.covariance.moments, around)

    @classmethod
    def in_single_precision(cls, model: GaussianMixtureModel, center: Array) -> Expectation:
        """Return the E-step in single precision, except for logarithms, exponentials and sums over many rows."""
        means = _rounded(model.means - center)
        return cls(means, _rounded(model.whiteners), model.log_constants, model.covariance.moments, means, center)

    def __call__(self, block: Block) -> Moments:
        """Return the moments of the rows around the origins."""
        X, weights, _ = block
        if self.center is None:
            return self._moments(X, weights)
        parts = [slice(start, start + _PIECE) for start in range(0, len(X), _PIECE)]
        rounded = (_rounded(X[part] - self.center) for part in parts)
        given = (None if weights is None else weights[part] for part in parts)
        return replace(reduce(add, map(self._moments, rounded, given)), origins=self.center + self.origins)

    def _moments(self, X: Array, weights: Array | None) -> Moments:
        log_density, responsibilities = normalise(self._log_joint(X))
        if weights is None:
            return gather(X, responsibilities, self.origins, self.layout, float(log_density.sum()))
        return gather(X, responsibilities * weights, self.origins, self.layout, float(weights @ log_density))

    def _log_joint(self, X: Array) -> Array:
        """Return log πₖ N(x | μₖ, Σₖ) of each component and row, shape (k, n)."""
        joint = np.empty((len(self.means), len(X)))
        for component, (mean, whitener) in enumerate(zip(self.means, self.whiteners, strict=True)):
            centered = X - mean
            whitened = centered @ whitener if np.ndim(whitener) == 2 else centered * whitener
            joint[component] = self.log_constants[component] - 0.5 * np.einsum("nd,nd->n", whitened, whitened)
        return joint


def _rounded(numbers: Array) -> Array:
    """Return the numbers in single precision."""
    return cast(Array, numbers.astype(np.float32))
