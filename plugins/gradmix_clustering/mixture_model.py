"""A Gaussian mixture: p(x) = Σₖ πₖ N(x | μₖ, Σₖ)."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike, NDArray

import gradmix
from gradmix import Covariance, DataError, Model, NumericalError, StorageError
from gradmix.arrays import Array, IntArray
from gradmix_clustering.blocks import blocks
from gradmix_clustering.layouts import LAYOUTS, Layout


@dataclass(frozen=True, eq=False)
class GaussianMixtureModel(Model):
    """A mixture of k Gaussians in d dimensions.

    Parameters
    ----------
    weights
        Mixing coefficients πₖ, shape (k,), summing to 1.
    means
        μₖ, shape (k, d).
    covariances
        Σₖ, in the shape of the covariance type.
    covariance_type
        Name of the covariance type.
    estimated
        Which parameters were estimated from data and count as free: ``all`` of them, or the ``means`` only.
    """

    weights: Array
    means: Array
    covariances: Array
    covariance_type: str
    estimated: str = "all"

    def __post_init__(self) -> None:
        k, d = self.means.shape if self.means.ndim == 2 else (0, 0)
        has_covariances = self.covariances.ndim == 1 or self.covariances.shape[-1] == d
        if self.weights.shape != (k,) or not has_covariances:
            shapes = ", ".join(str(array.shape) for array in (self.weights, self.means, self.covariances))
            raise DataError(f"the shapes of weights, means and covariances of a mixture do not match: {shapes}.")

    def check(self) -> None:
        """Check that the parameters define a distribution.

        Raises
        ------
        DataError
            If weights are negative or do not sum to 1, if means or covariances are not finite, or if covariances are
            not symmetric and positive definite, or do not have the shape of their type.
        """
        if not ((self.weights >= 0).all() and abs(self.weights.sum() - 1) < 1e-8):
            raise DataError(
                "the weights of a mixture must be at least 0 and sum to 1; "
                f"given: {reprlib.repr(self.weights.tolist())}, with the sum {self.weights.sum():.10g}."
            )
        for name in ("means", "covariances"):
            if not np.isfinite(getattr(self, name)).all():
                raise DataError(f"the {name} of a mixture must be finite numbers.")
        if self.estimated not in ("all", "means"):
            raise DataError(f"the field estimated of a mixture must be 'all' or 'means'; given: {self.estimated!r}.")
        matrices = self.matrices
        if (np.abs(matrices - np.swapaxes(matrices, 1, 2)) > 1e-8 * np.abs(matrices).max()).any():
            raise DataError("the covariances of a mixture must be symmetric.")
        try:
            self.precisions_cholesky  # noqa: B018  # fails unless the covariances are positive definite
        except NumericalError as error:
            raise DataError("the covariances of a mixture must be positive definite.") from error

    @cached_property
    def covariance(self) -> Covariance:
        """The covariance type.

        Raises
        ------
        UnknownNameError
            If no plugin offers it.
        DataError
            If the covariances do not have the shape of the type.
        """
        covariance = gradmix.covariance(self.covariance_type)
        expected = LAYOUTS[covariance.moments].shape(*self.means.shape)
        if self.covariances.shape != expected:
            raise DataError(
                f"the covariances of a mixture of the type {self.covariance_type} must have the shape {expected}; "
                f"given: {self.covariances.shape}."
            )
        return covariance

    @property
    def layout(self) -> Layout:
        """Layout in which the covariances are stored."""
        return LAYOUTS[self.covariance.moments]

    def updated(
        self, weights: Array, means: Array, covariances: Array, whiteners: Array | None = None
    ) -> GaussianMixtureModel:
        """Return a mixture of the same covariance type, without looking the type up again.

        Give `whiteners`, the ``precisions_cholesky``, if they are known with more digits than the covariances have.
        """
        model = replace(self, weights=weights, means=means, covariances=covariances)
        vars(model)["covariance"] = self.covariance
        if whiteners is not None:
            vars(model)["precisions_cholesky"] = whiteners
        return model

    @cached_property
    def precisions_cholesky(self) -> Array:
        """Factors of the precisions, in the shape of the covariances."""
        return self.layout.whiteners(self.covariances)

    @cached_property
    def precisions(self) -> Array:
        """Inverses of the covariances, in their shape."""
        return self.layout.precisions(self.precisions_cholesky)

    @property
    def whiteners(self) -> Array:
        """Factor of each component's precision, shape (k, …)."""
        return self.layout.of_each(self.precisions_cholesky, len(self.means))

    @cached_property
    def log_constants(self) -> Array:
        """Terms of the log-density that do not depend on the row: log πₖ + log |Σₖ|^−½ − d/2 log 2π, shape (k,)."""
        d = self.means.shape[1]
        with np.errstate(divide="ignore"):
            log_weights = np.log(self.weights)
        return log_weights + self.layout.log_determinants(self.whiteners, d) - d / 2 * np.log(2 * np.pi)

    @cached_property
    def matrices(self) -> Array:
        """The covariances as full matrices, shape (k, d, d)."""
        return self.layout.matrices(self.covariances, *self.means.shape)

    @property
    def n_parameters(self) -> int:
        """Number of free parameters: weights, means and covariances, if they were estimated."""
        k, d = self.means.shape
        if self.estimated == "means":
            return k * d
        return k - 1 + k * d + self.covariance.n_parameters(k, d)

    def log_joint(self, centered: Array) -> Array:
        """Return log πₖ N(x | μₖ, Σₖ) of each component and row, shape (k, n), from x − μₖ, shape (k, n, d)."""
        whitened = self.layout.whiten(centered, self.whiteners)
        return self.log_constants[:, None] - 0.5 * np.einsum("knd,knd->kn", whitened, whitened)

    def center(self, X: Array) -> Array:
        """Subtract each mean from the rows, shape (k, n, d)."""
        return X - self.means[:, None]

    def n_collapsed(self, least: float, n: float, columns: IntArray | None = None) -> int:
        """Number of components that have collapsed; see `collapsed`."""
        return int(np.count_nonzero(self.collapsed(least, n, columns)))

    def collapsed(self, least: float, n: float, columns: IntArray | None = None) -> NDArray[np.bool_]:
        """Which components have collapsed onto too few of n rows, shape (k,).

        A component has collapsed if its weight is less than one row, or if its variance in some direction is at most
        ten times the `least` possible one: the number added to every variance, or the rounding error of a variance. If
        `columns` are given, only these are considered: in a constant column every component has zero variance, which
        does not indicate a collapse.
        """
        if columns is None:
            whiteners = self.whiteners
        else:
            whiteners = self.layout.of_each(
                self.layout.whiteners(self.layout.marginal(self.covariances, columns)), len(self.means)
            )
        return np.asarray(self.layout.is_thin(whiteners, 10 * least) | (self.weights * n < 1))

    def score_samples(self, X: Array) -> Array:
        """Return log p(x) of each row, in nats, shape (n,); −inf if a squared distance overflows."""

        def log_density(joint: Array, is_beyond: NDArray[np.bool_]) -> Array:
            return np.where(is_beyond, -np.inf, normalise(joint)[0])

        return self._by_blocks(X, log_density)

    def predict_proba(self, X: Array) -> Array:
        """Return the responsibilities P(k | x), shape (n, k); each row sums to 1."""
        return self._by_blocks(X, lambda joint, _: normalise(joint)[1].T)

    def predict(self, X: Array) -> IntArray:
        """Return the most probable component of each row, shape (n,)."""
        return self._by_blocks(X, lambda joint, _: joint.argmax(axis=0))

    def uncertainty(self, X: Array) -> Array:
        """Return the probability that a row does not belong to the component that `predict` returns, shape (n,)."""
        return self._by_blocks(X, lambda joint, _: _probability_of_others(joint))

    def _by_blocks(self, X: Array, of_joint: Callable[[Array, NDArray[np.bool_]], Any]) -> Any:
        """Apply a function by blocks to the results of `_log_joint`."""
        return np.concatenate([of_joint(*self._log_joint(X[block])) for block in blocks(X, len(self.means))])

    def _log_joint(self, X: Array) -> tuple[Array, NDArray[np.bool_]]:
        """As `log_joint`; if a row's squares overflow, only its nearest components are finite, and its flag is set."""
        with np.errstate(over="ignore", invalid="ignore"):
            joint = self.log_joint(self.center(X))
        is_beyond = ~np.isfinite(joint.max(axis=0))
        if is_beyond.any():
            joint[:, is_beyond] = np.where(self._is_nearest(X[is_beyond]), self.log_constants[:, None], -np.inf)
        return joint, is_beyond

    def _is_nearest(self, far: Array) -> NDArray[np.bool_]:
        """Whether each component is the nearest to each row, shape (k, n), for rows whose squares overflow.

        If distances are equal up to rounding, the row's coordinate in the direction of each mean decides.
        """
        unit = np.abs(far).max(axis=1)[:, None]
        whitened = self.layout.whiten(far / unit - self.means[:, None] / unit, self.whiteners)
        distances = np.einsum("knd,knd->kn", whitened, whitened)
        along = np.einsum("knd,kmd->kn", whitened, self.layout.whiten(self.means[:, None], self.whiteners))
        along = np.where(distances == distances.min(axis=0), along, -np.inf)
        return np.asarray(along == along.max(axis=0))

    def score(self, X: Array) -> float:
        """Return the mean log-likelihood of the rows, in nats."""
        return self.log_likelihood(X) / len(X)

    def log_likelihood(self, X: Array) -> float:
        """Return the total log-likelihood of the rows, in nats."""
        return float(self.score_samples(X).sum())

    def bic(self, X: Array) -> float:
        """Return the Bayesian information criterion, −2 log L + p log n: lower is better."""
        return -2 * self.log_likelihood(X) + self.n_parameters * float(np.log(len(X)))

    def aic(self, X: Array) -> float:
        """Return the Akaike information criterion, −2 log L + 2p: lower is better."""
        return -2 * self.log_likelihood(X) + 2 * self.n_parameters

    def icl(self, X: Array) -> float:
        """Return the integrated completed likelihood: BIC plus twice the entropy of the assignments; lower is better.

        Source: Biernacki, Celeux & Govaert, IEEE TPAMI 22 (2000) 719-725, with the entropy of the responsibilities.
        """
        proba = self.predict_proba(X)
        entropy = -float(np.sum(proba * np.log(proba, where=proba > 0, out=np.zeros_like(proba))))
        return self.bic(X) + 2 * entropy

    def scores(self, X: Array) -> Mapping[str, float]:
        """Return BIC, AIC and ICL."""
        return {"bic": self.bic(X), "aic": self.aic(X), "icl": self.icl(X)}

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, IntArray]:
        """Draw n rows: for each, choose a component by its weight, then draw a point from its Gaussian.

        Returns
        -------
        X, labels
            Shapes (n, d) and (n,).

        Raises
        ------
        DataError
            If n is not a positive integer.
        """
        if not isinstance(n, Integral) or isinstance(n, bool):
            raise DataError(f"n_samples must be an integer > 0; given: {n!r}.")
        if n < 1:
            raise DataError(f"Invalid value for 'n_samples': {n}. The sampling requires at least one sample.")
        labels = rng.choice(len(self.weights), size=n, p=self.weights)
        factors = np.linalg.cholesky(self.matrices)
        noise = rng.standard_normal((n, self.means.shape[1]))
        return self.means[labels] + np.einsum("nij,nj->ni", factors[labels], noise), labels

    def marginal(self, columns: Sequence[int]) -> GaussianMixtureModel:
        """Return the marginal distribution of some features.

        Parameters
        ----------
        columns
            Numbers of these features, from 0, in the order of the new model.

        Returns
        -------
        GaussianMixtureModel
            The covariance type is the unconstrained type of the same shape (full, tied, diag or spherical), as a
            constraint between all features need not hold for some of them.
        """
        chosen = self._checked(columns)
        covariances = self.layout.marginal(self.covariances, chosen)
        return GaussianMixtureModel(self.weights, self.means[:, chosen], covariances, self.layout.free)

    def conditional(self, columns: Sequence[int], values: ArrayLike) -> GaussianMixtureModel:
        """Return the conditional distribution of all other features, given the values of some.

        Parameters
        ----------
        columns
            Numbers of the given features, from 0.
        values
            Their values, shape (len(columns),).

        Returns
        -------
        GaussianMixtureModel
            Distribution of the other features, in their order, with the covariance type that `marginal` chooses.
            Components are weighted by the likelihood of the given values. Source: Bishop, *Pattern Recognition and
            Machine Learning* (2006), section 2.3.1, for each component.
        """
        given, at = self._checked(columns), np.asarray(values, dtype=float)
        others = np.setdiff1d(np.arange(self.means.shape[1]), given)
        if at.shape != given.shape or not np.isfinite(at).all():
            raise DataError(f"values must be {len(given)} finite numbers, one for each column; given: {values!r}.")
        if not len(others):
            raise DataError(f"at least one column must not be given; all {len(given)} are.")
        seen = self.marginal(columns)
        weights = seen.predict_proba(at[None])[0]
        covariances, slopes = self.layout.conditional(self.covariances, others, given)
        means = self.means[:, others] + np.einsum("kij,kj->ki", slopes, at - seen.means)
        return GaussianMixtureModel(weights, means, covariances, self.layout.free)

    def _checked(self, columns: Sequence[int]) -> IntArray:
        """Check numbers of features: at least one, and none twice."""
        d, chosen = self.means.shape[1], np.asarray(columns)
        is_number = chosen.ndim == 1 and chosen.dtype.kind in "iu" and len(chosen) > 0
        if not is_number or len(np.unique(chosen)) < len(chosen) or chosen.min() < 0 or chosen.max() >= d:
            raise DataError(f"columns must be different integers from 0 to {d - 1}, at least one; given: {columns!r}.")
        return chosen.astype(np.intp)

    def write_npz(self, path: str | Path) -> None:
        """Write the model as arrays for `numpy.load`; reading them restores every number exactly.

        Raises
        ------
        StorageError
            If the file cannot be written.
        """
        try:
            with Path(path).open("wb") as file:
                np.savez(file, **{field.name: getattr(self, field.name) for field in fields(self)})
        except OSError as error:
            raise StorageError(f"cannot write the model {path}: {error.strerror}.") from error

    @classmethod
    def read_npz(cls, path: str | Path) -> GaussianMixtureModel:
        """Read a model that `write_npz` wrote. No code in the file is executed.

        Raises
        ------
        StorageError
            If the file cannot be read.
        DataError
            If the file has no such model, or its arrays are inconsistent.
        UnknownNameError
            If no plugin offers its covariance type.
        """
        try:
            with np.load(gradmix.regular_file(Path(path)), allow_pickle=False) as arrays:
                values = {field.name: arrays[field.name] for field in fields(cls)}
        except OSError as error:
            raise StorageError(f"cannot read the model {path}: {error.strerror or error}.") from error
        except (ValueError, KeyError, AttributeError, BadZipFile) as error:
            raise DataError(f"{path} is not a mixture written by gradmix: {error}.") from error
        covariance_type, estimated = str(values.pop("covariance_type")), str(values.pop("estimated"))
        parameters = {key: np.asarray(each, dtype=float) for key, each in values.items()}
        model = cls(covariance_type=covariance_type, estimated=estimated, **parameters)
        model.check()
        return model


def _probability_of_others(log_joint: Array) -> Array:
    """Return 1 minus the largest responsibility, as the sum of the others: a difference would lose small values."""
    proba = normalise(log_joint)[1]
    proba[log_joint.argmax(axis=0), np.arange(proba.shape[1])] = 0.0
    return proba.sum(axis=0)


def normalise(log_joint: Array) -> tuple[Array, Array]:
    """Return the log-sum-exp over components, shape (n,), and the responsibilities, shape (k, n)."""
    largest = log_joint.max(axis=0)
    proba = np.exp(log_joint - largest)
    total = proba.sum(axis=0)
    proba /= total
    return largest + np.log(total), proba
