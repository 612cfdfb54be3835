"""k-medoids keeps its contract, with every distance, and finds the best rows there are."""

from itertools import combinations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

import gradmix
from gradmix.testing import conformance_tests

test_with_euclidean_distances = conformance_tests("clusterer", "k_medoids")
test_with_sums_of_differences = conformance_tests("clusterer", "k_medoids", metric="cityblock")
test_with_largest_differences = conformance_tests("clusterer", "k_medoids", metric="chebyshev")


@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "chebyshev"])
@pytest.mark.parametrize("seed", range(5))
def test_no_two_rows_are_better_medoids(metric, seed):
    X = np.random.default_rng(seed).normal(size=(14, 2))
    best = min(cdist(X, X[list(pair)], metric).min(axis=1).sum() for pair in combinations(range(14), 2))
    fitted = gradmix.clusterer("k_medoids", metric=metric, n_init=50, random_state=seed).fit(X)
    assert fitted.total_distance_ == pytest.approx(best, rel=1e-12)


def test_medoids_are_rows_and_of_a_line_its_median():
    X = np.array([[1.0], [2.0], [4.0], [8.0], [1000.0]])
    assert gradmix.clusterer("k_medoids", n_clusters=1, random_state=0).fit(X).model_.centers.tolist() == [[4.0]]
