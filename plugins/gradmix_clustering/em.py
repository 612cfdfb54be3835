"""Expectation maximisation for Gaussian mixtures: a map over blocks of rows to moments, a sum, and an M-step."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np

from gradmix.arrays import Array
from gradmix_clustering.blocks import blocks
from gradmix_clustering.covariance import CovarianceType
from gradmix_clustering.mixture_model import GaussianMixtureModel, normalise


@dataclass(frozen=True, eq=False)
class Moments:
    """Sufficient statistics of rows under responsibilities, around given means: additive over rows.

    Parameters
    ----------
    log_likelihood
        Σ log p(x).
    counts
        Σ r, shape (k,).
    first
        Σ r (x − μ), shape (k, d).
    scatter
        Second moments around μ as the covariance type gathers them, shape (k, …).
    """

    log_likelihood: float
    counts: Array
    first: Array
    scatter: Array

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.log_likelihood + other.log_likelihood,
            self.counts + other.counts,
            self.first + other.first,
            self.scatter + other.scatter,
        )


def expectation(X: Array, model: GaussianMixtureModel) -> Moments:
    """E-step: moments of all rows under the model's responsibilities, around its means."""
    return _total(_expect(X[block], model) for block in blocks(X, len(model.means)))


def _expect(X: Array, model: GaussianMixtureModel) -> Moments:
    centered = model.center(X)
    log_density, responsibilities = normalise(model.log_joint(centered))
    return gather(centered, responsibilities, model.covariance, float(log_density.sum()))


def gather(
    centered: Array, responsibilities: Array, covariance: CovarianceType, log_likelihood: float = 0.0
) -> Moments:
    """Moments of a block of rows, given less each mean, shape (k, n, d), under responsibilities of shape (k, n)."""
    weighted = centered * responsibilities[:, :, None]
    scatter = covariance.scatter(centered, weighted)
    return Moments(log_likelihood, responsibilities.sum(axis=1), weighted.sum(axis=1), scatter)


def _total(moments: Iterable[Moments]) -> Moments:
    return reduce(operator.add, moments)


def maximisation(moments: Moments, means: Array, covariance: CovarianceType, reg_covar: float) -> GaussianMixtureModel:
    """M-step: the weighted maximum-likelihood estimates, from moments around the old `means`.

    A component that has lost all its rows keeps its mean, with weight 0.
    """
    counts = np.maximum(moments.counts, np.finfo(float).tiny)
    shifts = moments.first / counts[:, None]
    covariances = covariance.estimate(counts, moments.scatter, shifts, reg_covar)
    return GaussianMixtureModel(moments.counts / moments.counts.sum(), means + shifts, covariances, covariance.name)


def start_model(
    X: Array, responsibilities: Array, covariance: CovarianceType, reg_covar: float
) -> GaussianMixtureModel:
    """M-step from responsibilities alone: the moments are taken around the means that these give."""
    center = X.mean(axis=0)
    counts = np.maximum(responsibilities.sum(axis=0), np.finfo(float).tiny)
    means = center + responsibilities.T @ (X - center) / counts[:, None]
    moments = _total(
        gather(X[block] - means[:, None], responsibilities[block].T, covariance) for block in blocks(X, len(means))
    )
    return maximisation(moments, means, covariance, reg_covar)


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
        model = maximisation(moments, model.means, model.covariance, reg_covar)
        before, moments = moments, expectation(X, model)
        gain = (moments.log_likelihood - before.log_likelihood) / len(X)
        yield EMStep(model, moments.log_likelihood, gain)
