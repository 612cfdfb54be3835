"""Re-seeding of components that have collapsed onto too few rows, at new places."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from gradmix import Block
from gradmix.arrays import Array
from gradmix_clustering.estep import EStep
from gradmix_clustering.mixture_model import GaussianMixtureModel

MOST_TIMES = 5
"""Most re-seedings in a start. A component whose seed is a far outlier collapses again."""


def reseeded(
    model: GaussianMixtureModel, collapsed: NDArray[np.bool_], expectation: EStep, floor: float
) -> GaussianMixtureModel:
    """Return a mixture whose collapsed components restart, one by one, at the least likely row.

    Each restarted component gets the weight 1/k and the mean covariance of the other components. If all have
    collapsed, one component first becomes the Gaussian of all rows.

    Parameters
    ----------
    model
        The mixture.
    collapsed
        Flags of the components that have collapsed, shape (k,).
    expectation
        The E-step of the fit, which has the rows.
    floor
        Number added to every variance.
    """
    k = len(model.weights)
    sound = ~collapsed
    weights, means, covariances = np.where(sound, model.weights, 0.0), model.means.copy(), model.covariances.copy()
    if not sound.any():
        layout = model.layout
        of_all = layout.regularised(layout.of_one(expectation.covariance), floor)
        covariances = np.broadcast_to(of_all, covariances.shape).copy()
        weights[0], means[0], sound = 1.0, expectation.center, np.arange(k) == 0
    if not model.layout.is_shared:
        covariances[~sound] = np.average(covariances[sound], axis=0, weights=weights[sound])
    for component in np.flatnonzero(~sound):
        so_far = model.updated(weights / weights.sum(), means.copy(), covariances)
        means[component] = _least_likely(so_far, expectation)
        weights[component] = 1 / k
    return model.updated(weights / weights.sum(), means, covariances)


def _least_likely(model: GaussianMixtureModel, expectation: EStep) -> Array:
    """Return the row of lowest density among those with positive weight; the first of several."""
    return min(expectation.rows.each(partial(_least_likely_of, model)), key=lambda found: found[0])[1]


def _least_likely_of(model: GaussianMixtureModel, block: Block) -> tuple[float, Array]:
    log_density = model.score_samples(block.X)
    if block.weights is not None:
        log_density = np.where(block.weights > 0, log_density, np.inf)
    lowest = int(log_density.argmin())
    return float(log_density[lowest]), block.X[lowest]
