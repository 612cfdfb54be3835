"""Optima and how soon they are reached, against exact conditions and published figures."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from gradmix import ConfigError
from gradmix_datasets.mixture import Mixture
from gradmix_datasets.old_faithful import OldFaithful
from gradmix_lecture.topic import Table
from gradmix_lecture.topics.mixtures import mixture_of
from gradmix_lecture.topics.optima import EMAndGradientAscent, LocalOptima, optima


def test_every_start_ends_where_em_stays():
    topic = LocalOptima(dataset=Mixture(n=60, random_state=0), n_init=6, random_state=0)
    X = topic.dataset.load().X
    for row in topic.rows():
        if row["collapsed"]:
            continue
        mixture = mixture_of(row)
        P = mixture.predict_proba(X)
        assert mixture.weights == pytest.approx(P.mean(axis=0), abs=1e-3)
        assert mixture.means == pytest.approx(P.T @ X / P.sum(axis=0)[:, None], abs=1e-2)
        assert row["log_likelihood"] == pytest.approx(mixture.log_likelihood(X))


def test_starts_are_grouped_by_the_optimum_and_those_that_collapsed_left_out():
    values = [(-5.0, 0), (-3.0, 0), (9.0, 1), (-3.005, 0), (-4.0, 0)]
    table = Table([{"log_likelihood": value, "collapsed": float(collapsed)} for value, collapsed in values])
    assert optima(table) == [[1, 3], [4], [0]]
    all_collapsed = Table([{**row, "collapsed": 1.0} for row in table.rows])
    assert optima(all_collapsed) == [[2], [1, 3], [4], [0]]


def test_old_faithful_by_three_components_has_several_optima():
    topic = LocalOptima(dataset=OldFaithful(), n_init=20, random_state=0)
    table = Table(list(topic.rows()))
    found = topic.summary(table)
    assert len(table) == 20
    assert found["n_optima"] > 1
    assert found["n_best"] == np.sum(table["log_likelihood"] > found["log_likelihood.best"] - 0.01)


def test_scikit_learn_stays_at_each_optimum():
    topic = LocalOptima(dataset=OldFaithful(), n_init=8, random_state=0)
    X, table = topic.dataset.load().X, Table(list(topic.rows()))
    for starts in optima(table):
        mixture = mixture_of(table.rows[starts[0]])
        peer = GaussianMixture(
            3,
            reg_covar=0.0,
            tol=1e-6,
            weights_init=mixture.weights,
            means_init=mixture.means,
            precisions_init=np.linalg.inv(mixture.matrices),
        ).fit(X)
        assert peer.score(X) * len(X) == pytest.approx(table["log_likelihood"][starts[0]], abs=1e-3)


def test_em_and_gradient_ascent_reach_the_published_maximum():
    topic = EMAndGradientAscent(dataset=OldFaithful(), random_state=0)
    table = Table(list(topic.rows()))
    found = topic.summary(table)
    for way, name in enumerate(("em", "tape", "dual")):
        assert found[f"log_likelihood.{name}"] == pytest.approx(-1130.264, abs=1e-3)  # R's mclust, type VVV
        own = table.where("way", way)
        assert own["iteration"].tolist() == list(range(1, len(own) + 1))
        assert (np.diff(own["seconds"]) >= 0).all()
    tape, dual = (table.where("way", way)["log_likelihood"][:10] for way in (1, 2))
    assert tape == pytest.approx(dual)


@pytest.mark.parametrize("given", [(), ("tape", "tape"), ("tape", "dual", "source", "taylor")])
def test_differentiators_that_make_no_picture_are_refused(given):
    topic = replace(EMAndGradientAscent(dataset=OldFaithful()), differentiators=given)
    with pytest.raises(ConfigError, match=r"topic\.differentiators must be 1 to 3 different differentiators"):
        topic.check()
