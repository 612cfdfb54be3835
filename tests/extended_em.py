"""EM in extended precision: the numbers that a fit in double precision is judged by.

NumPy's `longdouble` has 64 bits of mantissa on x86, eleven more than double precision, and mpmath's forty digits are
only needed where even these are too few. NumPy's linear algebra has no extended precision, so it is written here.
"""

from contextlib import contextmanager

import numpy as np
import pytest

from gradmix_clustering import volumes
from gradmix_clustering.em import INNER_TOL
from gradmix_clustering.layouts import LAYOUTS

Extended = np.longdouble
IS_EXTENDED = np.finfo(Extended).nmant > np.finfo(float).nmant
"""Whether this machine has a longer type than double precision."""


def em_in_extended_precision(X, responsibilities, covariance, reg_covar, iterations):
    """Log-likelihood after each EM iteration, from responsibilities of shape (k, n) to start from.

    The moments are taken around the new means, in two passes. What the covariance type makes of them is its own
    `estimate`, with the same inner iteration, in extended precision: whether that is the likeliest is tested elsewhere.
    """
    X, r, previous, likelihoods = _in_principal_axes(X, covariance), responsibilities.astype(Extended), None, []
    for _ in range(iterations + 1):
        weights, means, previous = _maximised(X, r, covariance, previous, reg_covar)
        matrices = LAYOUTS[covariance.moments].matrices(previous, *means.shape)
        joint = np.array([_log_joint(X, *each) for each in zip(weights, means, matrices, strict=True)])
        largest = joint.max(axis=0)
        r = np.exp(joint - largest)
        total = r.sum(axis=0)
        r /= total
        likelihoods.append((largest + np.log(total)).sum())
    return likelihoods[1:]


def _in_principal_axes(X, covariance):
    """Rows from a common origin and, where a covariance type has matrices, in their principal axes.

    A likelihood does not change by that, and extended precision has too few digits for matrices with a long axis.
    """
    X = X.astype(Extended) - X[0]
    centered = X - X.mean(axis=0)
    return X @ _eigh(centered.T @ centered)[1] if covariance.moments in ("full", "pooled") else X


def _maximised(X, r, covariance, previous, reg_covar):
    """Weights, means and covariances, these in the shape that the type has."""
    counts = r.sum(axis=1)
    means = np.array([(each[:, None] * X).sum(axis=0) for each in r]) / counts[:, None]
    scatter = np.array([(X - mean).T @ ((X - mean) * each[:, None]) for mean, each in zip(means, r, strict=True)])
    diagonals = np.diagonal(scatter, axis1=1, axis2=2)
    taken = {"full": scatter, "pooled": scatter.sum(axis=0), "diagonal": diagonals, "trace": diagonals.mean(axis=1)}
    with _linear_algebra():
        covariances = covariance.estimate(counts, taken[covariance.moments], previous, INNER_TOL)
    assert covariances.dtype == Extended
    return counts / counts.sum(), means, LAYOUTS[covariance.moments].regularised(covariances, Extended(reg_covar))


def _log_joint(X, weight, mean, matrix):
    factor = _cholesky(matrix)
    whitened = np.empty_like(X.T)
    for i, row in enumerate((X - mean).T):
        whitened[i] = (row - factor[i, :i] @ whitened[:i]) / factor[i, i]
    log_determinant = np.log(np.diagonal(factor)).sum()
    constant = np.log(weight) - log_determinant - len(mean) * np.log(8 * np.arctan(Extended(1))) / 2
    return constant - (whitened**2).sum(axis=0) / 2


def _cholesky(matrix):
    if matrix.ndim == 3:
        return np.array([*map(_cholesky, matrix)])
    factor = np.zeros_like(matrix)
    for i in range(len(matrix)):
        for j in range(i + 1):
            left = matrix[i, j] - factor[i, :j] @ factor[j, :j]
            if i == j and left <= 0:
                raise np.linalg.LinAlgError("not positive definite")
            factor[i, j] = np.sqrt(left) if i == j else left / factor[j, j]
    return factor


def _eigh(matrices):
    """Eigenvalues in rising order, and eigenvectors; negative eigenvalues are 0."""
    if matrices.ndim == 3:
        values, vectors = zip(*map(_eigh, matrices), strict=True)
        return np.array(values), np.array(vectors)
    factor = _pivoted_cholesky(matrices).T
    d = len(factor)
    axes = np.eye(d, dtype=Extended)
    for _ in range(40):  # Jacobi's rotations, from the right
        for p in range(d):
            for q in range(p + 1, d):
                a, b = factor[:, p], factor[:, q]
                if a @ b == 0:
                    continue
                cotangent = (b @ b - a @ a) / (2 * (a @ b))
                t = (1 if cotangent >= 0 else -1) / (abs(cotangent) + np.hypot(cotangent, Extended(1)))
                turn = np.array([[1, t], [-t, 1]], dtype=Extended) / np.hypot(t, Extended(1))
                factor[:, [p, q]], axes[:, [p, q]] = factor[:, [p, q]] @ turn, axes[:, [p, q]] @ turn
    values = (factor**2).sum(axis=0)
    order = np.argsort(values)
    return values[order], axes[:, order]


def _pivoted_cholesky(matrix):
    """L of L Lᵀ, with its rows in the order of the matrix; columns from a pivot that is not positive on are zero."""
    left, factor, free = matrix.astype(Extended), np.zeros_like(matrix, dtype=Extended), list(range(len(matrix)))
    for column in range(len(matrix)):
        pivot = max(free, key=lambda i: left[i, i])
        if left[pivot, pivot] <= 0:
            break
        free.remove(pivot)
        factor[[pivot, *free], column] = left[[pivot, *free], pivot] / np.sqrt(left[pivot, pivot])
        left = left - np.outer(factor[:, column], factor[:, column])
    return factor


def _solve(matrix, right):
    """Gauss's elimination with pivots."""
    A, b = matrix.astype(Extended), right.astype(Extended)
    for i in range(len(A)):
        pivot = i + int(np.argmax(abs(A[i:, i])))
        A[[i, pivot]], b[[i, pivot]] = A[[pivot, i]], b[[pivot, i]]
        for j in range(len(A)):
            if j != i:
                factor = A[j, i] / A[i, i]
                A[j] -= factor * A[i]
                b[j] -= factor * b[i]
    return b / np.diagonal(A)[:, None]


@contextmanager
def _linear_algebra():
    """Extended precision in place of what the covariance types take from `numpy.linalg`."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(np.linalg, "eigh", _eigh)
        patched.setattr(np.linalg, "solve", _solve)
        patched.setattr(np.linalg, "cholesky", _cholesky)
        patched.setattr(volumes, "_graded_axes", _eigh)
        yield
