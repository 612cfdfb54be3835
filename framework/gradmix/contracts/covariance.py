"""Covariance types: how the covariances of a mixture's components are constrained, and estimated from moments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.component import Component
from gradmix.contracts.role import Role

Array = NDArray[np.float64]
MomentsName = Literal["full", "pooled", "diagonal", "trace"]

SHAPES: Mapping[str, Callable[[int, int], tuple[int, ...]]] = {
    "full": lambda k, d: (k, d, d),
    "pooled": lambda k, d: (d, d),
    "diagonal": lambda k, d: (k, d),
    "trace": lambda k, d: (k,),
}
"""Moments that a covariance type can ask for → their shape, and that of its covariances."""


class Covariance(Component, ABC):
    """Base of all covariance types of Gaussian mixtures: a dataclass that estimates covariances from moments.

    An option such as ``gmm``'s ``covariance_type`` chooses one by its name. A type never sees the rows: a pass over
    them sums what it asks for by `moments`.

    ========== ======================================== =========
    moments    scatter of component k                   shape
    ========== ======================================== =========
    full       Wₖ = Σ r (x − μₖ)(x − μₖ)ᵀ               (k, d, d)
    pooled     Σₖ Wₖ                                    (d, d)
    diagonal   the diagonal of Wₖ                       (k, d)
    trace      the mean of that diagonal                (k,)
    ========== ======================================== =========

    The covariances have the same shape: matrices, one matrix for all components, variances of features, or one variance
    for all features.

    Examples
    --------
    >>> import gradmix
    >>> import numpy as np
    >>> counts, scatter = np.array([10.0, 30.0]), np.array([[20.0, 40.0], [90.0, 30.0]])
    >>> gradmix.covariance("diag").estimate(counts, scatter, None, 1e-8)
    array([[2., 4.],
           [3., 1.]])
    """

    kind: ClassVar[str] = "covariance"
    role: ClassVar[Role] = Role.INGREDIENT
    moments: ClassVar[MomentsName]
    """What it needs to know of the rows, and so the shape of its covariances."""

    @abstractmethod
    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Covariances of greatest likelihood under the constraint: the M-step.

        They maximise −½ Σₖ (nₖ log |Σₖ| + tr Wₖ Σₖ⁻¹). A type that iterates may return before it has reached the
        maximum, but its likelihood must not be lower than that of `previous`.

        Parameters
        ----------
        counts
            Sums nₖ of the responsibilities, shape (k,); positive.
        scatter
            Scatter around the new means, in the shape that `moments` gives; it is not divided by the counts.
        previous
            Covariances of the last iteration, where an inner iteration begins; None in the first.
        tol
            An inner iteration ends when it raises the mean log-likelihood per row by less than this (nats).

        Returns
        -------
        array
            Covariances in the same shape. Regularisation is added afterwards.
        """

    @abstractmethod
    def n_parameters(self, k: int, d: int) -> int:
        """Count the free parameters of the covariances of k components in d features."""
