"""Expectation maximisation for Gaussian mixtures: the M-step estimates parameters from the E-step's moments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

import gradmix
from gradmix import Block, NumericalError, PluginError, Rows
from gradmix.arrays import Array
from gradmix_clustering.covariance import OwnAxes
from gradmix_clustering.estep import EStep
from gradmix_clustering.frame import IN_PLACE, Frame
from gradmix_clustering.layouts import LAYOUTS
from gradmix_clustering.mixture_model import GaussianMixtureModel
from gradmix_clustering.moments import FAR, Layout, Moments, gather
from gradmix_clustering.starts import Responsibilities
from gradmix_clustering.volumes import ellipsoids, is_elongated, whiteners_along

INNER_TOL = float(np.sqrt(np.finfo(float).eps))
"""Gain per row, in nats, below which the inner iteration of a covariance type ends; mclust's value."""


def maximisation(moments: Moments, model: GaussianMixtureModel, reg_covar: float) -> GaussianMixtureModel:
    """Return the M-step's weighted maximum-likelihood estimates, from the moments under the last model.

    A component that has lost all its rows keeps its mean, with weight 0. If only means are estimated, weights and
    covariances stay as they are.
    """
    if model.estimated == "means":
        return model.updated(model.weights, moments.means, model.covariances)
    return _estimated(model, moments, reg_covar, model.covariances)


def _estimated(
    model: GaussianMixtureModel, moments: Moments, reg_covar: float, previous: Array | None
) -> GaussianMixtureModel:
    """Return the model with its weights, means and covariances replaced by the estimates."""
    covariance, layout = model.covariance, model.layout
    means, counts = moments.means, np.maximum(moments.counts, np.finfo(float).tiny)
    scatter = layout.averaged(moments.scatter_around_means(covariance.moments), means.shape[1])
    whiteners = None
    try:
        if isinstance(covariance, OwnAxes):
            variances, axes = covariance.along_axes(counts, scatter, previous, INNER_TOL)
            covariances, variances = ellipsoids(variances, axes), variances + reg_covar
            whiteners = whiteners_along(variances, axes) if is_elongated(variances) else None
        else:
            covariances = np.asarray(covariance.estimate(counts, scatter, previous, INNER_TOL), dtype=float)
    except np.linalg.LinAlgError as error:
        raise NumericalError(
            f"{type(covariance).__name__} cannot estimate covariances ({error}): a component has collapsed onto too "
            "few different rows. Raise reg_covar, lower n_components, or choose a covariance_type with fewer "
            "parameters."
        ) from error
    if covariances.shape != scatter.shape:
        raise PluginError(
            f"{type(covariance).__name__}.estimate must return covariances of the shape {scatter.shape}; "
            f"it returned {covariances.shape}."
        )
    weights = moments.counts / moments.counts.sum()
    return model.updated(weights, means, layout.regularised(covariances, reg_covar), whiteners)


def start_model(
    rows: Rows,
    responsibilities: Responsibilities,
    covariance_type: str,
    reg_covar: float,
    frame: Frame = IN_PLACE,
) -> GaussianMixtureModel:
    """Return the M-step's estimates from responsibilities alone, in a frame; moments are around the resulting means."""
    covariance = gradmix.covariance(covariance_type)
    center = frame.coordinates(rows.fold(_sum) / len(rows))
    around_center = partial(_gather, responsibilities=responsibilities, means=center[None], layout="trace")
    means = center + rows.fold(frame.each(around_center)).shifts
    around_means = partial(_gather, responsibilities=responsibilities, means=means, layout=covariance.moments)
    moments = rows.fold(frame.each(around_means))
    empty = LAYOUTS[covariance.moments].shape(*means.shape)
    model = GaussianMixtureModel(moments.counts, means, np.empty(empty), covariance_type)
    return _estimated(model, moments, reg_covar, None)


def _gather(block: Block, responsibilities: Responsibilities, means: Array, layout: Layout) -> Moments:
    """Return the moments of a block around means: one mean per component, or one for all."""
    given = responsibilities(block)
    weighted = given if block.weights is None else given * block.weights
    return gather(block.X, weighted, np.broadcast_to(means, (len(weighted), block.X.shape[1])), layout)


def _sum(block: Block) -> Array:
    total: Array = block.X.sum(axis=0)
    return total


@dataclass(frozen=True, eq=False)
class EMStep:
    """One EM iteration: the new estimate, its total log-likelihood and the previous one, and the total weight.

    A relative change of at most `rounding` is not significant: EM then ends, even with a tolerance of 0.
    """

    model: GaussianMixtureModel
    log_likelihood: float
    before: float
    total_weight: float
    rounding: float

    @property
    def gain(self) -> float:
        """Return the gain per row, in nats."""
        return (self.log_likelihood - self.before) / self.total_weight

    def has_settled(self, tol: float) -> bool:
        """Whether the gain per row is less than a tolerance, or no more than the log-likelihood's rounding."""
        change, nothing = abs(self.log_likelihood - self.before), self.rounding * abs(self.log_likelihood)
        return abs(self.gain) < tol or change <= nothing


def em(
    expectation: EStep, start: GaussianMixtureModel, reg_covar: float, least: Array | None = None
) -> Iterator[EMStep]:
    """Iterate without end; each step's log-likelihood belongs to the model of the same step.

    The first model is in the frame of the E-step. So is `least`, a lower bound of all covariances in the form that
    `Layout.of_one` returns. The models of the steps are in the coordinates of the data.
    """

    def bounded(model: GaussianMixtureModel) -> GaussianMixtureModel:
        if least is None:
            return model
        return model.updated(model.weights, model.means, model.layout.at_least(model.covariances, least))

    model = bounded(start)
    moments = expectation(model)
    while True:
        estimate = maximisation(moments, model, reg_covar)
        if _has_cancelled(moments, estimate):
            estimate = maximisation(expectation.around(moments.means, model), model, reg_covar)
        model = bounded(estimate)
        before, moments = moments.log_likelihood, expectation(model)
        here = expectation.frame.back(model)
        if here is model and isinstance(model.covariance, OwnAxes):  # as it would be read from a file
            here = model.updated(model.weights, model.means, model.covariances)
        yield EMStep(here, moments.log_likelihood, before, expectation.rows.total_weight, expectation.rounding)


def _has_cancelled(moments: Moments, estimate: GaussianMixtureModel) -> bool:
    """Whether second moments or covariances lost digits, as means have moved many standard deviations."""
    if estimate.estimated == "means" or not moments.shifts.any():
        return False
    layout = estimate.covariance.moments
    has_cancelled = moments.has_cancelled(layout)
    if has_cancelled or layout in ("diagonal", "trace"):
        return has_cancelled
    try:
        moved = estimate.layout.whiten(moments.shifts[:, None], estimate.whiteners)
    except NumericalError:
        return True
    return bool((np.einsum("knd,knd->k", moved, moved) > FAR).any())
