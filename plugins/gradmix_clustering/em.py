"""Expectation maximisation for Gaussian mixtures: a map over tiles of rows to moments, a sum, and an M-step."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np

import gradmix
from gradmix import Covariance, PluginError
from gradmix.arrays import Array
from gradmix_clustering.expectation import Expectation
from gradmix_clustering.layouts import LAYOUTS
from gradmix_clustering.mixture_model import GaussianMixtureModel
from gradmix_clustering.moments import Moments, gather

INNER_TOL = float(np.sqrt(np.finfo(float).eps))
"""Gain per row, in nats, below which the inner iteration of a covariance type ends: mclust's."""

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


def maximisation(moments: Moments, model: GaussianMixtureModel, reg_covar: float) -> GaussianMixtureModel:
    """M-step: the weighted maximum-likelihood estimates, from the moments under the last model.

    A component that has lost all its rows keeps its mean, with weight 0.
    """
    return model.updated(*_estimates(moments, model.covariance, model.covariances, reg_covar))


def _estimates(
    moments: Moments, covariance: Covariance, previous: Array | None, reg_covar: float
) -> tuple[Array, Array, Array]:
    """Weights, means and covariances."""
    means, counts = moments.means, np.maximum(moments.counts, np.finfo(float).tiny)
    layout = LAYOUTS[covariance.moments]
    scatter = layout.averaged(moments.scatter_around_means(covariance.moments), means.shape[1])
    covariances = np.asarray(covariance.estimate(counts, scatter, previous, INNER_TOL), dtype=float)
    if covariances.shape != scatter.shape:
        raise PluginError(
            f"{type(covariance).__name__}.estimate must return covariances of the shape {scatter.shape}; "
            f"it returned {covariances.shape}."
        )
    return moments.counts / moments.counts.sum(), means, layout.regularised(covariances, reg_covar)


def start_model(X: Array, responsibilities: Array, covariance_type: str, reg_covar: float) -> GaussianMixtureModel:
    """M-step from responsibilities alone: the moments are taken around the means that these give."""
    center = X.mean(axis=0)
    counts = np.maximum(responsibilities.sum(axis=0), np.finfo(float).tiny)
    means = center + responsibilities.T @ (X - center) / counts[:, None]
    covariance = gradmix.covariance(covariance_type)
    moments = _total(gather(X[tile], responsibilities[tile].T, means, covariance.moments) for tile in _tiles(X))
    return GaussianMixtureModel(*_estimates(moments, covariance, None, reg_covar), covariance_type)


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
        model = maximisation(moments, model, reg_covar)
        before, moments = moments, expectation(X, model)
        gain = (moments.log_likelihood - before.log_likelihood) / len(X)
        yield EMStep(model, moments.log_likelihood, gain)
