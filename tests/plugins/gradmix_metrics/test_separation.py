"""Metrics of separation: by hand, by their definitions, and in a run."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradmix import Data
from gradmix.config.spec import read_spec
from gradmix.runs.runner import Order, execute
from gradmix_metrics.separation import CalinskiHarabasz, DaviesBouldin, Silhouette

LINE = Data(np.array([[0.0], [1.0], [4.0], [6.0]]))
PAIRS = np.array([0, 0, 1, 1])


def silhouette(X, groups):
    """Rousseeuw's definition, row by row."""
    distances = np.linalg.norm(X[:, None] - X[None], axis=2)
    widths = []
    for row, group in enumerate(groups):
        own = (groups == group) & (np.arange(len(groups)) != row)
        if not own.any():
            widths.append(0.0)
            continue
        a = distances[row, own].mean()
        b = min(distances[row, groups == other].mean() for other in set(groups) - {group})
        widths.append((b - a) / max(a, b))
    return float(np.mean(widths))


def test_they_are_what_one_finds_by_hand():
    # Rows 0 and 1 against 4 and 6. a = 1, 1, 2, 2; b = 5, 4, 3.5, 5.5.
    assert Silhouette().measure(LINE, PAIRS) == pytest.approx((4 / 5 + 3 / 4 + 1.5 / 3.5 + 3.5 / 5.5) / 4)
    # Mean distances to the centers 0.5 and 5 are 0.5 and 1; the centers are 4.5 apart.
    assert DaviesBouldin().measure(LINE, PAIRS) == pytest.approx(1.5 / 4.5)
    # Between: 2·(2.75 - 0.5)² + 2·(5 - 2.75)² with 1 degree; within: 2·0.5² + 2·1² with 2.
    assert CalinskiHarabasz().measure(LINE, PAIRS) == pytest.approx(20.25 / (2.5 / 2))


@given(st.integers(0, 10_000), st.integers(2, 4))
def test_the_silhouette_is_rousseeuws(seed, k):
    rng = np.random.default_rng(seed)
    X, groups = rng.normal(size=(12, 2)), np.concatenate([np.arange(k), rng.integers(0, k, 12 - k)])
    assert Silhouette().measure(Data(X), groups) == pytest.approx(silhouette(X, groups))


@pytest.mark.parametrize("metric", [Silhouette(), Silhouette(sample_size=3), DaviesBouldin(), CalinskiHarabasz()])
@pytest.mark.parametrize("groups", [np.zeros(4, dtype=int), np.arange(4)])
def test_where_it_has_no_meaning_there_is_no_number(metric, groups):
    assert math.isnan(metric.measure(LINE, groups))


def test_a_sample_is_drawn_by_its_seed():
    rng = np.random.default_rng(0)
    data, groups = Data(rng.normal(size=(200, 2))), rng.integers(0, 2, 200)
    one, again, other = (Silhouette(sample_size=50, random_state=s).measure(data, groups) for s in (1, 1, 2))
    assert one == again != other


def test_a_run_measures_them_on_the_data_as_they_were_clustered(tmp_path):
    config = {
        "name": "trial",
        "seed": 5,
        "task": {"name": "cluster"},
        "clusterer": {"name": "kmeans", "n_clusters": 3, "random_state": 0},
        "dataset": {"name": "iris", "standardise": True},
        "metric": {name: {"name": name} for name in ("silhouette", "davies_bouldin", "calinski_harabasz")},
        "pictures": False,
    }
    metrics = execute(Order(read_spec(config), tmp_path)).metrics
    assert 0.4 < metrics["silhouette"] < 0.5  # 0.46 in many a tutorial on scaled iris with three clusters
    assert metrics["davies_bouldin"] > 0
    assert metrics["calinski_harabasz"] > 100


@pytest.mark.parametrize("metric", [Silhouette(), DaviesBouldin(), CalinskiHarabasz()])
@pytest.mark.parametrize("unit", [1e-300, 1e-170, 1e-9, 1e150, 1e300])
def test_the_unit_of_the_data_makes_no_difference(metric, unit):
    rng = np.random.default_rng(3)
    X, groups = rng.normal(size=(30, 2)), np.arange(30) % 3
    assert metric.measure(Data(X * unit), groups) == pytest.approx(metric.measure(Data(X), groups), rel=1e-9)


@pytest.mark.parametrize("metric", [Silhouette(), DaviesBouldin(), CalinskiHarabasz()])
def test_equal_rows_are_groups_without_a_spread(metric):
    with np.errstate(invalid="ignore"):
        value = metric.measure(Data(np.ones((4, 2))), PAIRS)
    assert math.isnan(value) or value in (0.0, 1.0)
