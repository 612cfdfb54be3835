"""Expectation maximisation for Gaussian mixtures: a map over tiles of rows to moments, a sum, and an M-step."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np

from gradmix.arrays import Array
from gradmix_clustering.covariance import CovarianceType
from gradmix_clustering.expectation import Expectation
from gradmix_clustering.mixture_model import GaussianMixtureModel
from gradmix_clustering.moments import Moments, gather

_TILE = 4096
"""Rows of a tile: few enough that arrays over its rows and components fit into cache."""


def expectation(X: Array, model: GaussianMixtureModel) -> Moments:
    """E-step: moments of all rows under the model's responsibilities."""
    expect = Expectation.of(model)
    return _total(expect(X[tile]) for tile in _tiles(X))


def _total(moments: Iterable[Moments]) -> Moments:
    return reduce(operator.add, moments)


def _tiles(X: Array) -> Iterator[slice]:
    return (slice(start, start + _TILE) for start in range(0, max(len(X), 1), _TILE))


def maximisation(moments: Moments, covariance: CovarianceType, reg_covar: float) -> GaussianMixtureModel:
    """M-step: the weighted maximum-likelihood estimates.

    A component that has lost all its rows keeps its mean, with weight 0.
    """
    means, counts = moments.means, np.maximum(moments.counts, np.finfo(float).tiny)
    scatter = moments.scatter_around_means(covariance.moments)
    covariances = covariance.estimate(counts, scatter, means.shape[1], reg_covar)
    return GaussianMixtureModel(moments.counts / moments.counts.sum(), means, covariances, covariance.name)


def start_model(
    X: Array, responsibilities: Array, covariance: CovarianceType, reg_covar: float
) -> GaussianMixtureModel:
    """M-step from responsibilities alone: the moments are taken around the means that these give."""
    center = X.mean(axis=0)
    counts = np.maximum(responsibilities.sum(axis=0), np.finfo(float).tiny)
    means = center + responsibilities.T @ (X - center) / counts[:, None]
    moments = _total(gather(X[tile], responsibilities[tile].T, means, covariance.moments) for tile in _tiles(X))
    return maximisation(moments, covariance, reg_covar)


@dataclass(frozen=True, eq=False)
class EMStep:
    """One EM iteration: the new estimate, its total log-likelihood, and the gain per row over the last one."""

    model: GaussianMixtureModel
    log_likelihood: float
    gain: float


def em(X: Array, start: GaussianMixtureModel, reg_covar: float) -> Iterator[EMStep]:
    """Iterate for ever: each step's log-likelihood is that of the very model it carries."""
    model, moments = start, expectation(X, start)
    while True:
        model = maximisation(moments, model.covariance, reg_covar)
        before, moments = moments, expectation(X, model)
        gain = (moments.log_likelihood - before.log_likelihood) / len(X)
        yield EMStep(model, moments.log_likelihood, gain)
