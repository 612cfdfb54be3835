"""The clusterer ``gmm_gradient``: a Gaussian mixture fitted by gradient ascent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import numpy as np

from gradmix import (
    DataError,
    Differentiator,
    Freedom,
    Iteration,
    KeyOf,
    Rows,
    part,
)
from gradmix_clustering.mixture_estimator import StartedMixture

if TYPE_CHECKING:
    from gradmix.arrays import Array
    from gradmix_clustering.mixture_model import GaussianMixtureModel
    from gradmix_clustering.unconstrained import Unconstrained

_FLAT = 1e-6
"""Bound on the gradient's entries below which rounding hides the direction of ascent."""


@dataclass
class GradientMixture(StartedMixture):
    """Gaussian mixture fitted by gradient ascent on the log-likelihood, with any differentiator.

    Parameters
    ----------
    covariance_type
        Constraint on the covariances: a matrix for each component (full), one matrix for all (tied), for each component
        a variance per feature (diag), or a single variance (spherical). mclust calls them VVV, EEE, VVI and VII.
    tol
        Stop when an iteration changes the mean log-likelihood per row by less than this (nats), and no entry of the
        gradient exceeds the square root of this.
    reg_covar
        Number added to every variance of the start, in units of the columns' mean variance. A component whose variance
        falls to ten times this has collapsed. The start ends before a collapse, because the likelihood is unbounded.
    differentiator
        Computes the gradient.

    Notes
    -----
    The lecture's alternative to EM: the marginal likelihood is maximised by its gradient, here with L-BFGS. The
    parameters are unconstrained: the logarithms of the weights (softmax) and of the diagonals of triangular factors of
    the precisions. Each iteration needs one or a few gradients, from a general differentiator without knowledge of
    mixtures. The loss is a sum over blocks of rows, and one block at a time is differentiated. An iteration takes many
    times as long as one of `gmm`. The starts are the same as those of `gmm`, but the fit may end at another optimum.
    After `fit`, the same attributes are available as for `gmm`.

    Examples
    --------
    >>> import gradmix
    >>> X = [[0.0], [0.2], [0.1], [5.0], [5.1], [5.2]]
    >>> fitted = gradmix.clusterer("gmm_gradient", differentiator="dual", random_state=0).fit(X)
    >>> fitted.weights_.round(6).tolist()
    [0.5, 0.5]
    """

    covariance_type: Annotated[str, KeyOf("gradmix_clustering.unconstrained:SHAPES"), Freedom()] = "full"
    differentiator: Differentiator = part("tape")

    def setup(self) -> None:
        """Import the modules that a fit needs."""
        super().setup()
        for module in ("em", "lbfgs", "unconstrained"):
            import_module(f"gradmix_clustering.{module}")
        import_module("scipy.optimize")

    def check_rows(self, X: Array) -> None:
        """Check that there are enough rows, and that every column varies."""
        from gradmix.arrays import constant_columns

        super().check_rows(X)
        if constant := constant_columns(X):
            raise DataError(
                f"column {constant[0]} (counted from 0) is constant ({len(constant)} of {X.shape[1]} columns are): its "
                "variance is zero and the likelihood has no maximum. Drop constant columns first (in a run: "
                "dataset.drop_constant=true)."
            )

    def iterate_rows(
        self, rows: Rows, rng: np.random.Generator, state: GaussianMixtureModel | None = None
    ) -> Iterator[Iteration[GaussianMixtureModel]]:
        """Run L-BFGS from one start, or from a model."""
        from gradmix_clustering.em import start_model
        from gradmix_clustering.estep import EStep
        from gradmix_clustering.lbfgs import lbfgs
        from gradmix_clustering.starts import find_start
        from gradmix_clustering.unconstrained import Unconstrained

        spread = EStep(rows, "numpy").spread
        floor = self.floor_of(spread)
        least = max(floor, np.finfo(float).eps * spread)
        if state is None:
            start = find_start(self.init_params, rows, self.n_components, rng)
            state = start_model(rows, start, self.covariance_type, floor)
        mixtures = Unconstrained(rows.array, rows.weights, self.covariance_type, self.n_components)
        vector = mixtures.vector(state)
        steps = lbfgs(lambda x: self._value_and_gradient(mixtures, x), vector)
        last = next(steps)
        for _ in range(self.max_iter):
            step = next(steps, None)
            collapsed = mixtures.n_collapsed((step or last).x, least)
            here = last if step is None or collapsed else step
            is_flat = float(np.abs(here.gradient).max()) <= max(np.sqrt(self.tol), _FLAT)
            has_ended = step is None or (last.value - here.value < self.tol and is_flat)
            log_likelihood = -(here.value + mixtures.constant) * rows.total_weight
            converged = bool(has_ended and is_flat and not collapsed)
            yield Iteration(mixtures.model(here.x), {"log_likelihood": log_likelihood}, converged, collapsed=collapsed)
            if has_ended or collapsed:
                return
            last = here

    def _value_and_gradient(self, mixtures: Unconstrained, x: Array) -> tuple[float, Array]:
        found = [self.differentiator.value_and_gradient(loss, x) for loss in mixtures.losses]
        return float(sum(value for value, _ in found)), np.sum([gradient for _, gradient in found], axis=0, dtype=float)
