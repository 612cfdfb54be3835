"""Groups found in projections: rows are split where their values along some direction form two groups.

In many dimensions k-means, and EM from its clusters, rarely find a direction in which the rows form two groups, unless
the variance along this direction is larger than along others. Third and fourth moments of the projections reveal it.
Rows are split into more groups than requested; then the groups that a single Gaussian describes best are merged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np

from gradmix import Block, DataError, Rows
from gradmix.arrays import Array, IntArray

_SAMPLE = 2048
"""Size of the sample of rows in which directions are searched for."""
_FAR = 30.0
"""Robust standard deviations from the median at which values are clipped, so that outliers hide no other rows."""
_MOST_DIRECTIONS = 256
_ROUNDS = (6, 6, 6, 6)
"""Steps of the search for small kurtosis; after each round the better half of the directions is kept."""
_SKEWNESS_STEPS = 10
_REFINEMENTS = 5
_REFINED = 8
"""Number of directions that are refined from their splits."""
_SPARE = 10
"""Number of groups beyond the requested ones; they are merged afterwards."""

Criterion = Callable[[Array, Array, Array, Array, Array], Array]

_SHARPEST = 1e-3
"""Least variance of a group, relative to that of both; with rounded values it could be zero."""


@dataclass(frozen=True, eq=False)
class Split:
    """Split of a group: the rows beyond a threshold along a direction form a new group.

    Parameters
    ----------
    direction
        Shape (d,), in standardised columns.
    threshold
        Threshold along the direction.
    gain
        Increase of the log-likelihood of the projections, in nats, if two Gaussians replace one and each row belongs to
        one of them; 0 if the rows do not form two groups.
    decrease
        Decrease of the sum of squared distances of the projections to their mean; 0 if all rows are equal.
    """

    direction: Array
    threshold: float
    gain: float
    decrease: float

    @property
    def rank(self) -> tuple[float, float]:
        """Key for the order of splits: visible groups first, then the widest one."""
        return self.gain, self.decrease


@dataclass(frozen=True, eq=False)
class Standardised:
    """Columns in robust standard deviations from their medians, clipped."""

    medians: Array
    deviations: Array

    @classmethod
    def of(cls, X: Array) -> Standardised:
        """Standardise the columns of rows; a constant column becomes 0."""
        low, medians, high = np.quantile(X, (0.25, 0.5, 0.75), axis=0)
        deviations = (high - low) / 1.349  # of a Gaussian
        return cls(medians, np.where(deviations > 0, deviations, X.std(axis=0)))

    def __call__(self, X: Array) -> Array:
        """Standardise rows."""
        centered = X - self.medians
        return np.clip(np.divide(centered, self.deviations, out=centered, where=self.deviations > 0), -_FAR, _FAR)


def labels_by_projections(rows: Rows, k: int, rng: np.random.Generator) -> IntArray:
    """Split the rows into groups, one split after the other, then merge them into k; return labels, shape (n,).

    Directions are searched for in a sample of the rows: from random ones towards small kurtosis and large skewness of
    the whitened rows' projections, and then across the split that they suggest.

    Raises
    ------
    DataError
        If the rows have fewer than k different values.

    Notes
    -----
    Sources: Peña & Prieto, J. Amer. Statist. Assoc. 96 (2001) 1433-1445 (kurtosis shows groups); Hyvärinen, IEEE Trans.
    Neural Netw. 10 (1999) 626-634 (fixed-point iteration); Fraley, SIAM J. Sci. Comput. 20 (1998) 270-281 (merging).
    """
    usable = np.arange(len(rows)) if rows.weights is None else np.flatnonzero(rows.weights)
    size = max(_SAMPLE, 64 * k)
    chosen = usable if len(usable) <= size else np.sort(rng.choice(usable, size, replace=False))
    standardise = Standardised.of(rows.array[chosen])
    X = standardise(rows.array[chosen])
    weights = np.ones(len(chosen)) if rows.weights is None else rows.weights[chosen]
    tree = _tree(X, weights, k, min(2 * k, k + _SPARE), rng)
    merged = _merged(X, weights, tree.labels(X), k)
    return rows.map(partial(_labels, standardise=standardise, tree=tree, merged=merged))


def _labels(block: Block, standardise: Standardised, tree: Tree, merged: IntArray) -> IntArray:
    return merged[tree.labels(standardise(block.X))]


class Tree(list[tuple[int, Split]]):
    """Splits, each with the number of the group that it splits; the part beyond the threshold gets the next number."""

    def labels(self, X: Array) -> IntArray:
        """Return the group of each standardised row."""
        labels = np.zeros(len(X), dtype=np.intp)
        for new, (group, split) in enumerate(self, start=1):
            labels[(labels == group) & (X @ split.direction > split.threshold)] = new
        return labels


def _tree(X: Array, weights: Array, least: int, most: int, rng: np.random.Generator) -> Tree:
    """Split standardised rows into at least `least` and at most `most` groups, always by the split of largest gain."""
    tree, parts = Tree(), [np.arange(len(X))]
    splits = [_best_split(X, weights, rng)]
    for new in range(1, most):
        group = max(range(new), key=lambda each: splits[each].rank)
        split = splits[group]
        if not split.decrease:
            if new < least:
                raise DataError(f"the data have fewer different rows than the {least} requested components.")
            break
        tree.append((group, split))
        rows = parts[group]
        is_beyond = X[rows] @ split.direction > split.threshold
        parts[group] = rows[~is_beyond]
        parts.append(rows[is_beyond])
        splits.append(split)
        for each in (group, new) if new < most - 1 else ():
            splits[each] = _best_split(X[parts[each]], weights[parts[each]], rng)
    return tree


def _merged(X: Array, weights: Array, labels: IntArray, k: int) -> IntArray:
    """Merge groups until k are left, always the pair that loses least likelihood; return each group's new label.

    Each group is a Gaussian. A covariance of few rows is shrunk towards the mean covariance of all groups.
    """
    groups = {group: _Group.of(X[labels == group], weights[labels == group]) for group in range(labels.max() + 1)}
    total = weights.sum()
    prior = sum(group.scatter for group in groups.values()) / total + _SHARPEST**2 * np.eye(X.shape[1])
    fit = {group: each.log_likelihood(total, prior) for group, each in groups.items()}
    loss = {pair: _loss(groups, fit, pair, total, prior) for pair in combinations(groups, 2)}
    merged = np.arange(len(groups))
    while len(groups) > k:
        kept, gone = min(loss, key=loss.__getitem__)
        groups[kept] += groups.pop(gone)
        fit[kept] = groups[kept].log_likelihood(total, prior)
        merged[merged == gone] = kept
        loss = {pair: value for pair, value in loss.items() if gone not in pair}
        for pair in loss:
            if kept in pair:
                loss[pair] = _loss(groups, fit, pair, total, prior)
    return np.unique(merged, return_inverse=True)[1]


def _loss(
    groups: Mapping[int, _Group], fit: Mapping[int, float], pair: tuple[int, int], total: float, prior: Array
) -> float:
    one, other = pair
    return fit[one] + fit[other] - (groups[one] + groups[other]).log_likelihood(total, prior)


@dataclass(frozen=True, eq=False)
class _Group:
    """Moments of a group of rows."""

    weight: float
    mean: Array
    scatter: Array

    @classmethod
    def of(cls, X: Array, weights: Array) -> _Group:
        weight = weights.sum()
        mean = weights @ X / weight
        return cls(weight, mean, (X - mean).T @ (weights[:, None] * (X - mean)))

    def __add__(self, other: _Group) -> _Group:
        weight = self.weight + other.weight
        gap, share = other.mean - self.mean, other.weight / weight
        scatter = self.scatter + other.scatter + self.weight * share * np.outer(gap, gap)
        return _Group(weight, self.mean + share * gap, scatter)

    def log_likelihood(self, total: float, prior: Array) -> float:
        """Return the rows' log-likelihood as one Gaussian of a mixture, without terms independent of the groups."""
        confidence = len(prior) * (len(prior) + 1) / 2  # as many rows as parameters
        covariance = (self.scatter + confidence * prior) / (self.weight + confidence)
        return self.weight * (math.log(self.weight / total) - float(np.linalg.slogdet(covariance)[1]) / 2)


def _best_split(X: Array, weights: Array, rng: np.random.Generator) -> Split:
    """Return the split of largest gain along the directions that are tried.

    In a well-chosen direction even noise seems to form groups, so a gain of one nat per feature is ignored.
    """
    total = weights.sum()
    shares = weights / total
    center = shares @ X
    centered = X - center
    variances, axes = np.linalg.eigh(centered.T @ (shares[:, None] * centered))
    if not variances[-1] > 0:
        return Split(axes[:, -1], 0.0, 0.0, 0.0)
    whitener = _whitener(variances, axes, len(X))
    Z = centered @ whitener
    directions = _directions(Z, shares, rng)
    gains, thresholds = _splits(_gains, directions.T @ Z.T, shares)
    for _ in range(_REFINEMENTS if Z.shape[1] > 1 else 0):
        best = np.argsort(-gains, kind="stable")[:_REFINED]
        directions, gains, thresholds = directions[:, best], gains[best], thresholds[best]
        across = _normalised(Z.T @ (shares[:, None] * (Z @ directions > thresholds)))  # between the means of both parts
        more = _splits(_gains, across.T @ Z.T, shares)
        directions = np.hstack([directions, across])
        gains, thresholds = np.append(gains, more[0]), np.append(thresholds, more[1])
    largest = int(gains.argmax())
    direction, gain = whitener @ directions[:, largest], gains[largest] * total
    decreases, middle = _splits(_decreases, (centered @ axes[:, -1:]).T, shares)
    if gain > X.shape[1]:
        return Split(direction, thresholds[largest] + center @ direction, gain, decreases[0] * total)
    return Split(axes[:, -1], middle[0] + center @ axes[:, -1], 0.0, decreases[0] * total)


def _whitener(variances: Array, axes: Array, n: int) -> Array:
    """Return principal axes divided by their standard deviations, shape (d, m); at most as many as n rows allow."""
    most = max(1, min(n // 10, len(variances)))
    variances, axes = variances[-most:], axes[:, -most:]
    present = variances > 1e-9 * variances[-1]
    whitener: Array = axes[:, present] / np.sqrt(variances[present])
    return whitener


def _directions(Z: Array, shares: Array, rng: np.random.Generator) -> Array:
    """Return directions in which whitened rows may form groups, shape (d, m), as unit vectors."""
    d = Z.shape[1]
    if d == 1:
        return np.ones((1, 1))
    number = min(4 * d + 8, _MOST_DIRECTIONS)
    random = _normalised(rng.standard_normal((d, number)))
    weighted = shares[:, None] * Z
    flat = random
    for steps in _ROUNDS:
        for _ in range(steps):
            Y = Z @ flat
            flat = _normalised(4 * flat - weighted.T @ (Y * Y * Y))  # fixed points are extrema; with 4, it finds minima
        Y = (Z @ flat) ** 2
        flat = flat[:, np.argsort(shares @ (Y * Y), kind="stable")[: max(_REFINED, flat.shape[1] // 2)]]
    skew = random[:, : number // 2]
    for _ in range(_SKEWNESS_STEPS):
        skew = _normalised(weighted.T @ (Z @ skew) ** 2)
    return np.hstack([flat, skew, np.eye(d)[:, -_REFINED:]])


def _splits(criterion: Criterion, Y: Array, shares: Array) -> tuple[Array, Array]:
    """Return the criterion's value and the threshold of the best split of each line of projections, shape (m, n)."""
    order = np.argsort(Y, axis=1)
    Y, shares = np.take_along_axis(Y, order, axis=1), shares[order]
    low, weighted = np.cumsum(shares, axis=1), shares * Y
    first, second = np.cumsum(weighted, axis=1), np.cumsum(weighted * Y, axis=1)
    n, least = Y.shape[1], max(1, Y.shape[1] // 50)
    part = slice(least - 1, n - least)
    values = criterion(low[:, part], first[:, part], second[:, part], first[:, -1:], second[:, -1:])
    values[Y[:, part] == Y[:, least : n - least + 1]] = -np.inf  # equal values are not separated
    best, rows = values.argmax(axis=1), np.arange(len(Y))
    last = best + least - 1
    return values[rows, best], (Y[rows, last] + Y[rows, last + 1]) / 2


def _gains(low: Array, first: Array, second: Array, mean: Array, square: Array) -> Array:
    """Return the log-likelihood gain per row, from share, sum and sum of squares of the lower part and of all."""
    high, variance = np.maximum(1 - low, np.finfo(float).tiny), square - mean**2
    below = np.maximum(second / low - (first / low) ** 2, _SHARPEST * variance)
    above = np.maximum((square - second) / high - ((mean - first) / high) ** 2, _SHARPEST * variance)
    entropy = low * np.log(low) + high * np.log(high)
    gains: Array = (np.log(variance) - low * np.log(below) - high * np.log(above)) / 2 + entropy
    return gains


def _decreases(low: Array, first: Array, second: Array, mean: Array, square: Array) -> Array:
    """Return the decrease of the mean squared distance to the mean."""
    decreases: Array = (first - low * mean) ** 2 / (low * np.maximum(1 - low, np.finfo(float).tiny))
    return decreases


def _normalised(directions: Array) -> Array:
    lengths = np.sqrt((directions**2).sum(axis=0))
    return directions / np.where(lengths > 0, lengths, 1)
