"""The start by projections: groups that k-means does not see."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import adjusted_rand_score

import gradmix
from gradmix_clustering.projections import labels_by_projections
from gradmix_clustering.starts import find_start


def two_groups(seed, share=0.5, n=600, d=30):
    """White data of two groups 10 standard deviations apart along one direction, and the group of each row."""
    rng = np.random.default_rng(seed)
    is_second = rng.random(n) < share
    X = rng.standard_normal((n, d))
    X[:, 0] += np.where(is_second, 5, -5)
    X -= X.mean(axis=0)
    variances, axes = np.linalg.eigh(X.T @ X / n)
    return X @ axes / np.sqrt(variances), is_second


@pytest.mark.parametrize("share", [0.5, 0.3, 0.1])
def test_groups_of_white_data_are_found_in_nine_of_ten(share):
    found = 0
    for seed in range(10):
        X, groups = two_groups(seed, share)
        labels = labels_by_projections(gradmix.rows(X), 2, np.random.default_rng(seed))
        found += adjusted_rand_score(groups, labels) > 0.95
    assert found >= 9


@pytest.mark.parametrize("seed", range(3))
def test_em_ends_where_it_ends_from_the_true_groups(seed):
    X, groups = two_groups(seed)
    fitted = {
        start: gradmix.clusterer("gmm", init_params=start, random_state=seed, tol=1e-9).fit(X)
        for start in ("projections", "kmeans")
    }
    best = fitted["projections"]
    assert adjusted_rand_score(groups, best.labels_) == 1
    parts = [X[groups], X[~groups]]
    log_determinants = [np.linalg.slogdet(np.cov(part.T, bias=True))[1] for part in parts]
    by_hand = sum(  # components do not overlap: each part is a Gaussian fitted alone
        len(part) * (np.log(len(part) / len(X)) - (30 * np.log(2 * np.pi) + log_determinant + 30) / 2)
        for part, log_determinant in zip(parts, log_determinants, strict=True)
    )
    assert best.log_likelihood_ == pytest.approx(by_hand, abs=0.1)
    assert best.log_likelihood_ > fitted["kmeans"].log_likelihood_ + 300


def test_the_published_optimum_of_iris_is_reached_from_it():
    model = gradmix.clusterer("gmm", n_components=3, init_params="projections", random_state=0).fit(load_iris().data)
    assert model.log_likelihood_ == pytest.approx(-180.1855, abs=1e-3)


def test_rows_without_weight_have_no_say():
    X, _ = two_groups(0)
    far = np.vstack([X, 100 + np.random.default_rng(0).standard_normal((300, 30))])
    rows = gradmix.rows(far, weights=np.repeat([1.0, 0.0], [600, 300]))
    labels = labels_by_projections(rows, 2, np.random.default_rng(0))
    np.testing.assert_array_equal(labels[:600], labels_by_projections(gradmix.rows(X), 2, np.random.default_rng(0)))


def test_a_sample_finds_the_groups_of_many_rows():
    rng = np.random.default_rng(0)
    groups = rng.integers(5, size=20_000)
    X = 20 * rng.standard_normal((5, 8))[groups] + rng.standard_normal((20_000, 8))
    labels = labels_by_projections(gradmix.rows(X), 5, np.random.default_rng(0))
    assert adjusted_rand_score(groups, labels) > 0.99


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_any_scale(scale):
    rows = gradmix.rows(scale * np.array([[1.0], [1.1], [7.0], [7.2], [7.1]]))
    belongs = rows.fold(find_start("projections", rows, 2, np.random.default_rng(0)))
    assert (belongs[0, 0] == belongs[0, :2]).all()
    assert (belongs[0, 0] != belongs[0, 2:]).all()


@pytest.mark.parametrize("X", [[[1.0, 2.0]] * 5, [[0.0, 2.0], [1.0, 2.0]] * 3])
def test_too_few_different_rows(X):
    with pytest.raises(gradmix.DataError, match="fewer different rows than the 3 requested components"):
        labels_by_projections(gradmix.rows(X), 3, np.random.default_rng(0))
