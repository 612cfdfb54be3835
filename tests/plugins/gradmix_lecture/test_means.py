"""EM for means alone, and its bound, against the lecture's formulas."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm

import gradmix
from gradmix import ConfigError, DataError
from gradmix_datasets.mixture import Mixture
from gradmix_lecture.topic import Table
from gradmix_lecture.topics.means import LowerBound, MeansOnly

LINE = Mixture(n=40, weights=(0.5, 0.5), means=((-2.0,), (2.0,)), covariances=(1.0, 1.0), random_state=0)
X = LINE.load().X[:, 0]


def means_only(**options):
    return MeansOnly(dataset=LINE, differentiator=gradmix.differentiator("tape"), **options)


def joint(mu):
    return np.array([norm(mean, 1).pdf(X) / 2 for mean in mu])


@pytest.fixture(scope="module")
def climb():
    return Table(list(means_only(iterations=10, rate=0.8).rows()))


def test_each_step_of_em_is_the_lectures_weighted_mean(climb):
    for now, later in pairwise(climb.rows):
        weights = joint([now["em.mu.1"], now["em.mu.2"]])
        assert now["em.log_likelihood"] == pytest.approx(np.log(weights.sum(axis=0)).sum())
        P = weights / weights.sum(axis=0)
        assert [later["em.mu.1"], later["em.mu.2"]] == pytest.approx(P @ X / P.sum(axis=1))


def test_each_step_of_the_ascent_is_the_rate_times_the_gradient_in_closed_form(climb):
    for now, later in pairwise(climb.rows):
        mu = np.array([now["ascent.mu.1"], now["ascent.mu.2"]])
        P = joint(mu) / joint(mu).sum(axis=0)
        gradient = (P * (X - mu[:, None])).sum(axis=1) / len(X)
        assert [later["ascent.mu.1"], later["ascent.mu.2"]] == pytest.approx(mu + 0.8 * gradient)


def test_equal_means_are_refused():
    with pytest.raises(ConfigError, match="two different means; both are 1"):
        means_only(start=(1.0, 1.0)).check()


def test_rows_in_the_plane_are_refused():
    with pytest.raises(DataError, match="must have 1 column"):
        list(LowerBound(dataset=Mixture(n=9, random_state=0)).rows())


def test_the_bound_touches_at_the_estimate_and_is_nowhere_above():
    topic = LowerBound(dataset=LINE, start=4.0, iterations=5)
    table = Table(list(topic.rows()))
    curve = table.having("theta")
    for row in table.having("estimate").rows:
        bound = curve[f"bound.{row['iteration']:.0f}"]
        assert (bound <= curve["log_likelihood"] + 1e-9).all()
        assert topic._bound(row["estimate"], row["estimate"], X) == pytest.approx(row["value"])
        assert row["value"] == pytest.approx(np.log(joint([row["estimate"], topic.known]).sum(axis=0)).sum())


def test_the_next_estimate_is_where_the_bound_is_highest():
    topic = LowerBound(dataset=LINE, start=4.0, iterations=5)
    estimates = Table(list(topic.rows())).having("estimate")
    for row in estimates.rows:
        highest = minimize_scalar(lambda theta, at=row["estimate"]: -topic._bound(theta, at, X), bracket=(-4, 4))
        assert row["next"] == pytest.approx(highest.x, abs=1e-5)
    assert (np.diff(estimates["value"]) > 0).all()


def test_a_start_so_far_away_that_no_point_is_shared_has_a_bound():
    rows = list(LowerBound(dataset=LINE, start=60.0, iterations=1).rows())
    assert all(np.isfinite(value) for row in rows for value in row.values())
