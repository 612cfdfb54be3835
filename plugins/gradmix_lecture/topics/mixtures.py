"""Conversion between mixtures of Gaussians and a row's numbers; data sets for topics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import gradmix
from gradmix import ConfigError, Data, DataError, Dataset

if TYPE_CHECKING:
    from gradmix.arrays import Array

_WITH_UNITS = {"eruptions": "eruption [min]", "waiting": "waiting [min]"}
"""Column → its label, with its unit."""


def gaussians(weights: Any, means: Any, covariances: Any) -> Any:
    """Return a mixture as a `gmm` estimator, with its densities, responsibilities and samples.

    Parameters
    ----------
    weights, means, covariances
        Shapes (k,), (k, d) and (k, d, d).
    """
    arrays = (np.array(each, dtype=float) for each in (weights, means, covariances))
    return gradmix.clusterer("gmm").model_class()(*arrays, covariance_type="full")


def plane_mixture(
    weights: Sequence[float], means: Sequence[Sequence[float]], covariances: Sequence[tuple[float, float, float]]
) -> Any:
    """Return a mixture in the plane from options: weights of any sum, and Σ₁₁, Σ₂₂ and Σ₁₂ of each component."""
    matrices = [[[first, both], [both, second]] for first, second, both in covariances]
    return gaussians(np.array(weights) / sum(weights), means, matrices)


def check_components(**lists: Sequence[Any]) -> None:
    """Check that options have one entry for each component."""
    lengths = {name: len(entries) for name, entries in lists.items()}
    if len(set(lengths.values())) != 1 or not all(lengths.values()):
        given = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ConfigError(f"each list of topic must have one entry for each component; given: {given}.")


def check_covariances(name: str, covariances: Sequence[tuple[float, float, float]]) -> None:
    """Check that Σ₁₁, Σ₂₂ and Σ₁₂ give positive definite matrices."""
    for number, (first, second, both) in enumerate(covariances):
        if min(first, second) <= 0 or both**2 >= first * second:
            raise ConfigError(
                f"topic.{name}[{number}] must be two variances and a covariance whose square is below the product "
                f"of the variances; given: {first:g}, {second:g}, {both:g}."
            )


def row_of(mixture: Any) -> dict[str, float]:
    """Return a mixture's parameters, counted from 1: `weight.1`, `mean.1.2`, `covariance.1.1.2`, …."""
    row: dict[str, float] = {}
    for k, (weight, mean, matrix) in enumerate(
        zip(mixture.weights, mixture.means, mixture.matrices, strict=True), start=1
    ):
        row[f"weight.{k}"] = float(weight)
        row |= {f"mean.{k}.{i}": float(value) for i, value in enumerate(mean, start=1)}
        row |= {
            f"covariance.{k}.{i}.{j}": float(matrix[i - 1, j - 1])
            for i in range(1, len(mean) + 1)
            for j in range(i, len(mean) + 1)
        }
    return row


def row_of_fit(model: Any, X: Array) -> dict[str, float]:
    """Return the parameters of a fitted mixture with ordered components, and its quality of fit."""
    scores = {"log_likelihood": model.log_likelihood(X), "bic": model.bic(X)}
    return {**scores, "n_parameters": float(model.n_parameters), **row_of(ordered(model))}


def mixture_of(row: Mapping[str, float]) -> Any:
    """Return the mixture with a row's parameters."""
    k = sum(name.startswith("weight.") for name in row)
    d = sum(name.startswith("mean.1.") for name in row)
    at = range(1, d + 1)
    return gaussians(
        [row[f"weight.{each}"] for each in range(1, k + 1)],
        [[row[f"mean.{each}.{i}"] for i in at] for each in range(1, k + 1)],
        [[[row[f"covariance.{each}.{min(i, j)}.{max(i, j)}"] for j in at] for i in at] for each in range(1, k + 1)],
    )


def ordered(mixture: Any) -> Any:
    """Sort a mixture's components by their means, so that fits can be compared by eye."""
    order = np.lexsort(mixture.means.T[::-1])
    return gaussians(mixture.weights[order], mixture.means[order], mixture.matrices[order])


def rows_of(dataset: Dataset, d: int) -> Data:
    """Load a data set of d columns.

    Raises
    ------
    DataError
        If the data set has another number of columns.
    """
    data = dataset.load()
    if data.X.shape[1] != d:
        raise DataError(f"topic.dataset must have {d} column(s) for this picture; it has {data.X.shape[1]}.")
    return data


def random_start(X: Array, k: int, seed: int) -> Any:
    """Return an initial mixture: distinct random rows as means, each with the covariance of all rows."""
    if k > len(X):
        raise ConfigError(f"topic.n_components={k} exceeds the {len(X)} rows of the data set.")
    means = X[np.random.default_rng(seed).choice(len(X), k, replace=False)]
    return gaussians(np.full(k, 1 / k), means, np.array([np.atleast_2d(np.cov(X.T, bias=True))] * k))


def started_at(mixture: Any) -> Mapping[str, Any]:
    """Return the options of `gmm` for a start at a mixture."""
    return {
        "n_components": len(mixture.weights),
        "weights_init": mixture.weights,
        "means_init": mixture.means,
        "precisions_init": np.linalg.inv(mixture.matrices),
    }


def names_of(data: Data) -> Sequence[str]:
    """Return the labels of the axes."""
    return [_WITH_UNITS.get(name, name) for name in data.feature_names] or [
        f"$x_{i}$" for i in range(1, data.X.shape[1] + 1)
    ]
