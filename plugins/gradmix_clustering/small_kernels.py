"""Compiled steps before and after EM on few rows: k-means++ and Lloyd's algorithm; labels and degeneracy.

On a few hundred rows an iteration takes microseconds; calls from Python would take a hundred times as long. All loops
run over rows, which are stored features first. EM itself is in `gradmix_clustering.kernels`.
"""

from __future__ import annotations

import math

import numpy as np

from gradmix_clustering.compiled import compiled
from gradmix_clustering.frame import FAR

_part = compiled("contract", "nsz", "reassoc", is_part=True)
_kernel = compiled("contract", "nsz", "reassoc")
_ROUNDING = float(np.finfo(float).eps)
_LOG_2_PI = math.log(2 * math.pi)


@_part
def _measure(X, centers, j, distances):
    """Compute the squared distances of all rows to a center."""
    for i in range(X.shape[1]):
        distances[i] = 0.0
    for a in range(X.shape[0]):
        value = centers[j, a]
        for i in range(X.shape[1]):
            distances[i] += (X[a, i] - value) * (X[a, i] - value)


@_part
def _draw(weights, distances, target):
    """Return the row at which the running sum of weight times distance exceeds a target, else the last possible row."""
    reached, last = 0.0, 0
    for i in range(len(weights)):
        chance = weights[i] * distances[i]
        reached += chance
        if chance > 0:
            last = i
            if reached > target:
                break
    return last


@_part
def _take(X, row, centers, j):
    """Make a row a center."""
    for a in range(X.shape[0]):
        centers[j, a] = X[a, row]


@_part
def _lowered(weights, nearest, measured):
    """Write to `measured` the squared distances to the nearest center with one more; return their weighted sum."""
    total = 0.0
    for i in range(len(weights)):
        measured[i] = min(measured[i], nearest[i])
        total += weights[i] * measured[i]
    return total


@_part
def _choose_centers(X, weights, uniforms, k, centers, nearest, measured):
    """Greedy k-means++: draw candidates by their squared distance, and take the one that lowers the sum most."""
    n_candidates, used = (len(uniforms) - 1) // max(k - 1, 1), 0
    for i in range(len(weights)):
        nearest[i] = 1.0
    for j in range(k):
        total, lowest, best = _lowered(weights, nearest, nearest), np.inf, 0
        for _ in range(n_candidates if j else 1):
            row = _draw(weights, nearest, uniforms[used] * total) if total > 0 else int(uniforms[used] * len(weights))
            used += 1
            _take(X, row, centers, j)
            _measure(X, centers, j, measured)
            left = _lowered(weights, nearest, measured) if j else 0.0
            if left < lowest:
                lowest, best = left, row
        _take(X, best, centers, j)
        _measure(X, centers, j, measured)
        for i in range(len(weights)):
            nearest[i] = min(measured[i], nearest[i]) if j else measured[i]


@_part
def _assign(X, centers, labels, found, nearest, measured):
    """Assign each row to its nearest center; return the number of rows that change."""
    changed = 0
    for i in range(len(labels)):
        nearest[i] = np.inf
    for j in range(len(centers)):
        _measure(X, centers, j, measured)
        for i in range(len(labels)):
            if measured[i] < nearest[i]:
                nearest[i], found[i] = measured[i], j
    for i in range(len(labels)):
        changed += found[i] != labels[i]
        labels[i] = found[i]
    return changed


@_part
def _move(X, weights, labels, centers, counts, sums):
    """Move centers to the means of their rows; return whether every center has rows."""
    k, d = centers.shape
    for j in range(k):
        counts[j] = 0.0
        for a in range(d):
            sums[j, a] = 0.0
    for i in range(len(labels)):
        j = labels[i]
        counts[j] += weights[i]
        for a in range(d):
            sums[j, a] += weights[i] * (X[a, i] - centers[j, a])
    for j in range(k):
        if counts[j] == 0:
            return False
        for a in range(d):
            centers[j, a] += sums[j, a] / counts[j]
    return True


@_part
def _center_and_spread(X, weights, center):
    """Set the center to the mean of all rows; return the mean variance of the features."""
    d, n = X.shape
    total, spread = 0.0, 0.0
    for i in range(n):
        total += weights[i]
    for a in range(d):
        moment, square = 0.0, 0.0
        for i in range(n):
            moment += weights[i] * X[a, i]
        center[a] = moment / total
        for i in range(n):
            square += weights[i] * (X[a, i] - center[a]) * (X[a, i] - center[a])
        spread += square
    return spread / d / total


@_part
def _is_far(X):
    """Whether a feature is so far from 0 that it needs another origin (`gradmix_clustering.frame`)."""
    for a in range(X.shape[0]):
        low, high = X[a, 0], X[a, 0]
        for i in range(X.shape[1]):
            low, high = min(low, X[a, i]), max(high, X[a, i])
        if abs(X[a, 0]) / (4 * FAR) > high / 2 - low / 2:  # halves do not overflow
            return True
    return False


@_kernel
def clusters(X, weights, uniforms, means, labels, n_most):
    """Run k-means from k-means++ centers until it ends, for each start; return the features' mean variance.

    Parameters
    ----------
    X
        Rows, features first, shape (d, n).
    weights
        Shape (n,).
    uniforms
        Random numbers in [0, 1) for each start: one for the first center, and one per candidate for each further
        center.
    means
        Shape (number of starts, k, d): each is set to the mean of all rows.
    labels
        Cluster of each row, shape (number of starts, n): changed.
    n_most
        Most iterations.

    Returns
    -------
    The mean variance; NaN if a cluster lost all its rows, or a feature is too far from 0.
    """
    (d, n), k = X.shape, means.shape[1]
    if _is_far(X):
        return np.nan
    spread = _center_and_spread(X, weights, means[0, 0])
    for start in range(len(means)):
        for j in range(k):
            for a in range(d):
                means[start, j, a] = means[0, 0, a]
    centers, counts, sums, found = np.empty((k, d)), np.empty(k), np.empty((k, d)), np.empty(n, labels.dtype)
    nearest, measured = np.empty(n), np.empty(n)
    for start in range(len(labels)):
        _choose_centers(X, weights, uniforms[start], k, centers, nearest, measured)
        for i in range(n):
            labels[start, i] = -1
        for _ in range(n_most):
            if _assign(X, centers, labels[start], found, nearest, measured) == 0:
                break
            if not _move(X, weights, labels[start], centers, counts, sums):
                return np.nan
    return spread


@_part
def _factorise(covariances, j, factor):
    """Compute the lower Cholesky factor; return half the log-determinant, NaN if not positive definite."""
    half = 0.0
    for a in range(len(factor)):
        for b in range(a + 1):
            value = covariances[j, a, b]
            for c in range(b):
                value -= factor[a, c] * factor[b, c]
            if a > b:
                factor[a, b] = value / factor[b, b]
            elif value > 0:
                factor[a, a] = math.sqrt(value)
                half += math.log(factor[a, a])
            else:
                return np.nan
    return half


@_part
def _join(X, means, factor, j, constant, joint, whitened):
    """Compute log πⱼ N(x | μⱼ, Σⱼ) of all rows."""
    n = X.shape[1]
    for i in range(n):
        joint[j, i] = 0.0
    for a in range(len(factor)):
        mean, scale = means[j, a], 1 / factor[a, a]
        for i in range(n):
            whitened[a, i] = X[a, i] - mean
        for b in range(a):
            slope = factor[a, b]
            for i in range(n):
                whitened[a, i] -= slope * whitened[b, i]
        for i in range(n):
            whitened[a, i] *= scale
            joint[j, i] += whitened[a, i] * whitened[a, i]
    for i in range(n):
        joint[j, i] = constant - 0.5 * joint[j, i]


@_part
def _is_constant(X, a):
    """Whether a feature has the same value in all rows."""
    differ = False
    for i in range(X.shape[1]):
        differ |= X[a, i] != X[a, 0]
    return not differ


@_part
def _squared_norm_of_inverse(factor):
    """Return the sum of the squared entries of a lower triangular matrix's inverse."""
    d, total = len(factor), 0.0
    column = np.empty(d)
    for b in range(d):
        for a in range(b, d):
            value = 1.0 if a == b else 0.0
            for c in range(b, a):
                value -= factor[a, c] * column[c]
            column[a] = value / factor[a, a]
            total += column[a] * column[a]
    return total


@_kernel
def judge(X, weights, means, covariances, n_rows, thin, labels):
    """Find the most probable component of each row, and the number of collapsed components, if rounding cannot matter.

    Parameters
    ----------
    X
        Rows, features first, shape (d, n).
    weights, means, covariances
        The model, shapes (k,), (k, d) and (k, d, d).
    n_rows
        Total weight of the rows.
    thin
        A component has collapsed if its variance in some direction is below this.
    labels
        Component of each row, shape (n,): changed.

    Returns
    -------
    are_sure
        Whether labels are certain: log-densities differ by more than any rounding can change.
    collapsed
        Number of components that have collapsed; -1 if this is not certain.
    """
    (k, d), n = means.shape, X.shape[1]
    joint, whitened, factor = np.empty((k, n)), np.empty((d, n)), np.zeros((d, d))
    slack, base = np.empty(k), np.empty(k)
    are_sure, collapsed = True, 0
    for j in range(k):
        half = _factorise(covariances, j, factor)
        constant = math.log(weights[j]) - half - 0.5 * d * _LOG_2_PI
        _join(X, means, factor, j, constant, joint, whitened)
        precision, trace = _squared_norm_of_inverse(factor), 0.0
        for a in range(d):
            trace += covariances[j, a, a]
        slack[j] = 64 * d * _ROUNDING * trace * precision  # the product bounds the condition number
        base[j] = slack[j] * (1 + 2 * abs(constant))
        are_sure &= slack[j] < 0.01
        if not (are_sure and precision * thin < 0.99):
            collapsed = -1
        elif collapsed >= 0:
            collapsed += weights[j] * n_rows < 1
    for i in range(n):
        best = 0
        for j in range(1, k):
            if joint[j, i] > joint[best, i]:
                best = j
        labels[i] = best
        least = joint[best, i] - slack[best] * abs(joint[best, i]) - base[best]
        are_sure &= abs(least) < np.inf
        for j in range(k):
            if j != best:
                are_sure &= least > joint[j, i] + slack[j] * abs(joint[j, i]) + base[j]
    for a in range(d):
        if _is_constant(X, a):
            collapsed = -1
    return are_sure, collapsed
