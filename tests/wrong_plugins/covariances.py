"""Covariance types that are wrong on purpose, in one thing each."""

from dataclasses import dataclass

import numpy as np

from gradmix_clustering.covariance import EEE, VII, VVI, VVV


@dataclass
class AsksForSkewness(VVV):
    """Asks for what no pass sums."""

    moments = "third"


@dataclass
class OneForAll(VVI):
    """Gives the variances of the first component only."""

    def estimate(self, counts, scatter, previous, tol):
        return scatter[0] / counts[0]


@dataclass
class ForgetsToSubtract(VVV):
    """Gives differences of covariances, half of which are negative."""

    def estimate(self, counts, scatter, previous, tol):
        covariances = super().estimate(counts, scatter, previous, tol)
        return covariances - covariances.mean(axis=0) / 2 if len(counts) > 1 else -covariances


@dataclass
class Triangular(VVV):
    """Gives Cholesky factors instead of covariances."""

    def estimate(self, counts, scatter, previous, tol):
        return np.linalg.cholesky(super().estimate(counts, scatter, previous, tol))


@dataclass
class WeighsAllComponentsAlike(EEE):
    """Divides by the number of components instead of that of the rows, once it has a start."""

    def estimate(self, counts, scatter, previous, tol):
        right = super().estimate(counts, scatter, previous, tol)
        return right if previous is None else right * counts.sum() / len(counts)


@dataclass
class StartsAnywhere(VII):
    """Begins at a random place."""

    def estimate(self, counts, scatter, previous, tol):
        return super().estimate(counts, scatter, previous, tol) * np.random.default_rng().uniform(0.99, 1.01)


@dataclass
class WorksInPlace(VII):
    """Divides the array that it is given."""

    def estimate(self, counts, scatter, previous, tol):
        scatter /= counts
        return scatter.copy()


@dataclass
class CountsTheSymmetricTwice(VVV):
    """Counts both halves of a symmetric matrix."""

    def n_parameters(self, k, d):
        return k * d * d


WRONG = [
    ("requests_known_moments", AsksForSkewness),
    ("estimates_covariances_in_the_shape_of_the_scatter", OneForAll),
    ("estimates_positive_definite_covariances", ForgetsToSubtract),
    ("estimates_positive_definite_covariances", Triangular),
    ("never_lowers_the_likelihood", WeighsAllComponentsAlike),
    ("estimate_is_repeatable", StartsAnywhere),
    ("leaves_moments_alone", WorksInPlace),
    ("counts_its_parameters", CountsTheSymmetricTwice),
]
