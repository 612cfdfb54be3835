"""Parameters of a mixture that the user gives, to start from or to keep fixed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import gradmix
from gradmix import ConfigError, DataError
from gradmix.arrays import Array, as_numbers
from gradmix_clustering.layouts import LAYOUTS
from gradmix_clustering.mixture_model import GaussianMixtureModel


@dataclass(frozen=True, eq=False)
class Given:
    """Checked parameters of a mixture of k Gaussians in d features; None for parameters that a start chooses.

    Parameters
    ----------
    weights, means, covariances
        As in `GaussianMixtureModel`.
    """

    weights: Array | None
    means: Array | None
    covariances: Array | None

    @property
    def is_complete(self) -> bool:
        """Whether all parameters are given."""
        return self.weights is not None and self.means is not None and self.covariances is not None

    @property
    def is_empty(self) -> bool:
        """Whether no parameter is given."""
        return self.weights is None and self.means is None and self.covariances is None

    def applied_to(self, model: GaussianMixtureModel) -> GaussianMixtureModel:
        """Return the model with its parameters replaced by the given ones."""
        return replace(model, **{name: value for name, value in vars(self).items() if value is not None})


def checked_weights(weights: Any, k: int) -> Array:
    """Return the checked mixing coefficients, shape (k,); messages are those of scikit-learn.

    Raises
    ------
    DataError
        If they have another shape, are negative, or do not sum to 1 within 1e-8.
    """
    checked = _numbers("weights_init", weights)
    _check_shape("weights_init", "weights", checked, (k,))
    if (checked < 0).any() or (checked > 1).any():
        raise DataError(
            "weights_init: The parameter 'weights' should be in the range [0, 1], but got "
            f"max value {checked.max():.5f}, min value {checked.min():.5f}."
        )
    if abs(checked.sum() - 1) > 1e-8:
        raise DataError(
            f"weights_init: The parameter 'weights' should be normalized, but got sum(weights) = {checked.sum():.5f}."
        )
    return checked


def checked_means(means: Any, k: int, d: int) -> Array:
    """Return the checked means, shape (k, d)."""
    checked = _numbers("means_init", means)
    _check_shape("means_init", "means", checked, (k, d))
    return checked


def covariances_of(precisions: Any, covariance_type: str, k: int, d: int) -> Array:
    """Return covariances of a type from precisions in its shape; for spheres, a single number is enough.

    For a constrained type, the result is its maximum-likelihood estimate from such covariances.

    Raises
    ------
    DataError
        If the precisions have another shape, or are not symmetric and positive definite.
    """
    checked = _numbers("precisions_init", precisions)
    covariance = gradmix.covariance(covariance_type)
    layout = LAYOUTS[covariance.moments]
    if not checked.ndim and layout.shape(k, d) == (k,):
        checked = np.full(k, checked)
    _check_shape("precisions_init", f"{covariance_type} precision", checked, layout.shape(k, d))
    if wrong := layout.why_not_precisions(checked):
        raise DataError(f"precisions_init: '{covariance_type} precision' should be {wrong}.")
    covariances = layout.precisions(layout.whiteners(checked))
    if type(covariance) is type(gradmix.covariance(layout.free)):
        return covariances
    counts = np.ones(k)
    return np.asarray(covariance.estimate(counts, covariances, None, float(np.sqrt(np.finfo(float).eps))), dtype=float)


def isotropic(sigma: float, covariance_type: str, k: int, d: int) -> Array:
    """Return covariances σ² I, in the shape of a type."""
    layout = LAYOUTS[gradmix.covariance(covariance_type).moments]
    return layout.regularised(np.zeros(layout.shape(k, d)), sigma**2)


def check_goes_on(state: GaussianMixtureModel, k: int, covariance_type: str) -> None:
    """Check that a fit with these options can continue from a model.

    Raises
    ------
    ConfigError
        If the model has another number of components or another covariance type.
    """
    if len(state.weights) != k or state.covariance_type != covariance_type:
        raise ConfigError(
            f"warm_start=True continues the last fit, which has n_components={len(state.weights)} and "
            f"covariance_type={state.covariance_type}; given: n_components={k} and covariance_type={covariance_type}. "
            "Set warm_start=False to start a new fit."
        )


def _numbers(option: str, values: Any) -> Array:
    array = as_numbers(values, option)
    if not np.isfinite(array).all():
        raise DataError(f"{option} must be finite; it contains NaN or infinity.")
    return array


def _check_shape(option: str, name: str, array: Array, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise DataError(f"{option}: The parameter '{name}' should have the shape of {shape}, but got {array.shape}.")
