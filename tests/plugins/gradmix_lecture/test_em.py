"""EM's iterations against the lecture's formulas, written out, and against published figures."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from gradmix import ConfigError, DataError
from gradmix_datasets.mixture import Mixture
from gradmix_datasets.old_faithful import OldFaithful
from gradmix_lecture.topic import Table
from gradmix_lecture.topics.em import EMIterations
from gradmix_lecture.topics.mixtures import mixture_of

MIXTURE = Mixture(n=60, random_state=0)


def test_each_iteration_is_the_lectures_e_step_and_m_step():
    topic, X = EMIterations(dataset=MIXTURE, shown=(0, 3)), MIXTURE.load().X
    rows = list(topic.rows())
    for before, after in pairwise(rows):
        old, new = mixture_of(before), mixture_of(after)
        joint = np.array(
            [
                p * multivariate_normal(mean, matrix).pdf(X)
                for p, mean, matrix in zip(old.weights, old.means, old.matrices, strict=True)
            ]
        )
        assert np.log(joint.sum(axis=0)).sum() == pytest.approx(before["log_likelihood"])
        P = joint / joint.sum(axis=0)
        means = P @ X / P.sum(axis=1)[:, None]
        assert new.means == pytest.approx(means)
        assert new.weights == pytest.approx(P.mean(axis=1))
        around = X - means[:, None]
        sigma = np.einsum("kn,kni,knj->kij", P, around, around) / P.sum(axis=1)[:, None, None]
        assert new.matrices == pytest.approx(sigma, rel=1e-6)


def test_it_ends_at_the_published_maximum_for_old_faithful():
    topic = EMIterations(dataset=OldFaithful(), n_components=2, shown=(0, 40))
    table = Table(list(topic.rows()))
    assert topic.summary(table)["log_likelihood.last"] == pytest.approx(-1130.264, abs=1e-3)  # R's mclust, type VVV
    assert (np.diff(table["log_likelihood"]) > -1e-9).all()


def test_where_em_settles_before_the_last_panel_the_last_panel_is_where_it_settled():
    topic = EMIterations(dataset=OldFaithful(), n_components=1, shown=(0, 1, 20))
    table = Table(list(topic.rows()))
    assert len(topic.plot(table).axes) == len(table) < 20


@pytest.mark.parametrize("shown", [(), (0,), (3, 1), (0, 0, 1), tuple(range(9))])
def test_panels_that_make_no_sense_are_refused(shown):
    with pytest.raises(ConfigError, match=r"topic\.shown must be 1 to 8 iterations in increasing order"):
        EMIterations(dataset=MIXTURE, shown=shown).check()


def test_rows_that_are_not_in_the_plane_are_refused():
    line = Mixture(n=9, weights=(1.0,), means=((0.0,),), covariances=(1.0,))
    with pytest.raises(DataError, match=r"must have 2 column\(s\) for this picture; it has 1"):
        list(EMIterations(dataset=line).rows())


def test_more_components_than_rows_are_refused():
    with pytest.raises(ConfigError, match=r"n_components=3 exceeds the 2 rows"):
        list(EMIterations(dataset=Mixture(n=2, random_state=0)).rows())
