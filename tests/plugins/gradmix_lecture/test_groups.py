"""Groups, hard and soft, with labels and without, against definitions written out."""

import numpy as np
import pytest

import gradmix
from gradmix import ConfigError, DataError
from gradmix_datasets.mixture import Mixture
from gradmix_datasets.old_faithful import OldFaithful
from gradmix_lecture.topic import Table
from gradmix_lecture.topics.groups import GenerativeStory, HardAssignments, KMeansAsHardEM, Supervised
from gradmix_lecture.topics.mixtures import mixture_of

WIDE_AND_NARROW = Mixture(
    n=300, weights=(0.65, 0.35), means=((0.0, 0.0), (3.6, 0.0)), covariances=((3.5, 4.5), (0.2, 0.4)), random_state=0
)


def test_wrong_points_and_the_rand_index_are_those_of_the_definition():
    data, table = WIDE_AND_NARROW.load(), Table(list(HardAssignments(dataset=WIDE_AND_NARROW, random_state=0).rows()))
    assert (table["truth"] == data.labels).all()
    fit = table.rows[0]
    for name in ("kmeans", "mixture"):
        found = table[name]
        assert fit[f"n_wrong.{name}"] == np.sum(found != table["truth"]) <= len(found) / 2
        same, truly = (np.equal.outer(each, each)[np.triu_indices(len(found), 1)] for each in (found, table["truth"]))
        expected = same.sum() * truly.sum() / len(same)
        rand = (np.sum(same & truly) - expected) / ((same.sum() + truly.sum()) / 2 - expected)
        assert fit[f"ari.{name}"] == pytest.approx(rand)
    assert fit["n_wrong.mixture"] < fit["n_wrong.kmeans"] / 3


def test_the_mixtures_components_have_the_numbers_of_their_groups():
    table = Table(list(HardAssignments(dataset=WIDE_AND_NARROW, random_state=0).rows()))
    mixture = mixture_of(table.rows[0])
    assert (mixture.predict(WIDE_AND_NARROW.load().X) == table["mixture"]).all()


@pytest.mark.parametrize("topic", [HardAssignments, Supervised])
def test_rows_without_labels_are_refused(topic):
    with pytest.raises(DataError, match=r"topic\.dataset must have labels"):
        list(topic(dataset=OldFaithful()).rows())


def test_em_with_a_narrow_sigma_ends_where_lloyds_algorithm_does():
    topic = KMeansAsHardEM(dataset=Mixture(n=80, random_state=0), n_sigmas=3, start_seed=1)
    X, table = topic.dataset.load().X, Table(list(topic.rows()))
    centers = X[np.random.default_rng(1).choice(len(X), 3, replace=False)]
    for _ in range(100):
        nearest = np.linalg.norm(X[:, None] - centers, axis=2).argmin(axis=1)
        centers = np.array([X[nearest == c].mean(axis=0) for c in range(3)])
    last = table.rows[-1]
    means = np.array([[last[f"mean.{c}.{i}"] for i in (1, 2)] for c in (1, 2, 3)])
    assert means == pytest.approx(centers, abs=1e-9)
    assert (last["shared"], last["differing"]) == (0, 0)
    assert table["shared"][0] > 0.5


@pytest.mark.parametrize("options", [{"narrowest": 3.0}, {"n_sigmas": 2}])
def test_a_range_that_makes_no_sense_is_refused(options):
    with pytest.raises(ConfigError, match=r"topic\.narrowest must be below topic\.widest"):
        KMeansAsHardEM(dataset=OldFaithful(), **options).check()


def test_the_story_draws_as_often_and_as_widely_as_the_mixture_says():
    topic = GenerativeStory(weights=(3.0, 1.0), means=((0.0, 0.0), (9.0, 5.0)), covariances=((1.0, 2.0, 0.9),) * 2,
                            n=20_000, random_state=0)  # fmt: skip
    table = Table(list(topic.rows()))
    assert topic.summary(table)["share.1"] == pytest.approx(0.75, abs=0.015)
    X = np.column_stack([table["x.1"], table["x.2"]])[table["y"] == 2]
    assert X.mean(axis=0) == pytest.approx([9.0, 5.0], abs=0.1)
    assert np.cov(X.T) == pytest.approx(np.array([[1.0, 0.9], [0.9, 2.0]]), abs=0.12)


def test_a_story_of_no_mixture_is_refused():
    with pytest.raises(ConfigError, match="one entry for each component; given: weights 1, means 3"):
        GenerativeStory(weights=(1.0,)).check()


def test_labels_give_the_means_and_covariances_of_each_group():
    dataset = Mixture(n=90, random_state=0)
    with_labels, without = (mixture_of(row) for row in Supervised(dataset=dataset, random_state=0).rows())
    data = dataset.load()
    for k in range(3):
        own = data.X[data.labels == k]
        assert with_labels.weights[k] == pytest.approx(len(own) / len(data.X))
        assert with_labels.means[k] == pytest.approx(own.mean(axis=0))
        assert with_labels.matrices[k] == pytest.approx(np.cov(own.T, bias=True), rel=1e-6)
    assert without.log_likelihood(data.X) > with_labels.log_likelihood(data.X)
    nearest = np.linalg.norm(with_labels.means[:, None] - without.means, axis=2).argmin(axis=1)
    assert nearest.tolist() == [0, 1, 2]
    assert gradmix.clusterer("gaussian").fit(data.X, data.labels).log_likelihood_ == pytest.approx(
        with_labels.log_likelihood(data.X)
    )
