"""Covariance types: constraints on the covariances of a mixture's components, and their estimates from moments."""

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
"""Moments that a covariance type can request → function of (k, d) that returns their shape and the covariances'."""


class Covariance(Component, ABC):
    """Base of all covariance types of Gaussian mixtures: a dataclass that estimates covariances from moments.

    An option such as ``covariance_type`` of ``gmm`` chooses one by its name. A covariance type never sees the rows: one
    pass over the rows sums the `moments` that it requests.

    ========== ======================================== =========
    moments    scatter of component k                   shape
    ========== ======================================== =========
    full       Wₖ = Σ r (x − μₖ)(x − μₖ)ᵀ               (k, d, d)
    pooled     Σₖ Wₖ                                    (d, d)
    diagonal   the diagonal of Wₖ                       (k, d)
    trace      the mean of that diagonal                (k,)
    ========== ======================================== =========

    The covariances have the same shape as the moments: a matrix for each component, one matrix for all components,
    variances of the features, or one variance for all features.

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
    """The moments that it needs, which also determine the shape of its covariances."""

    @abstractmethod
    def estimate(self, counts: Array, scatter: Array, previous: Array | None, tol: float) -> Array:
        """Estimate the covariances by maximum likelihood under the constraint: the M-step.

        They maximise −½ Σₖ (nₖ log |Σₖ| + tr Wₖ Σₖ⁻¹). A type that iterates may return before it has reached the
        maximum, but the likelihood must not be lower than with `previous`.

        Parameters
        ----------
        counts
            Sums nₖ of the responsibilities, shape (k,); positive.
        scatter
            Scatter around the new means, in the shape of `moments`; it is not divided by the counts.
        previous
            Covariances of the last iteration, from which an inner iteration starts; None in the first iteration.
        tol
            Inner iterations end when one raises the mean log-likelihood per row by less than this (nats).

        Returns
        -------
        array
            Covariances in the shape of `scatter`. Regularisation is added afterwards.
        """

    @abstractmethod
    def n_parameters(self, k: int, d: int) -> int:
        """Count the free parameters of the covariances of k components in d features."""
