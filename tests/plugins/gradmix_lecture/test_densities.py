"""Densities and covariance types against exact answers and published fits."""

import numpy as np
import pytest

from gradmix import ConfigError
from gradmix_datasets.mixture import Mixture
from gradmix_datasets.old_faithful import OldFaithful
from gradmix_lecture.topic import Table
from gradmix_lecture.topics.densities import CovarianceTypes, MixtureDensity, SingleGaussianAndMixture
from gradmix_lecture.topics.mixtures import gaussians, mixture_of, ordered, row_of


def test_a_single_gaussian_has_its_maximum_in_closed_form_and_the_mixture_its_published_one():
    topic = SingleGaussianAndMixture(dataset=OldFaithful(), random_state=0)
    single, mixture = topic.rows()
    X = OldFaithful().load().X
    _, log_determinant = np.linalg.slogdet(2 * np.pi * np.e * np.cov(X.T, bias=True))
    assert single["log_likelihood"] == pytest.approx(-len(X) / 2 * log_determinant)
    assert (single["n_parameters"], mixture["n_parameters"]) == (5, 11)
    assert mixture["log_likelihood"] == pytest.approx(-1130.264, abs=1e-2)  # R's mclust, type VVV
    assert mixture["bic"] == pytest.approx(2 * 1130.264 + 11 * np.log(272), abs=2e-2)


def test_a_mixture_of_one_is_refused():
    with pytest.raises(ConfigError, match="at least 2"):
        SingleGaussianAndMixture(dataset=OldFaithful(), n_components=1).check()


def test_the_types_agree_with_mclust_on_old_faithful():
    topic = CovarianceTypes(dataset=OldFaithful(), n_components=3, types=("EEE", "tied"), n_init=20, random_state=0)
    mclust, ours = topic.rows()
    assert mclust["log_likelihood"] == pytest.approx(-1126.326, abs=0.01)  # summary(Mclust(faithful)): EEE, 3
    assert mclust["bic"] == pytest.approx(2314.316, abs=0.02)
    assert mclust["n_parameters"] == 11
    assert ours == {**mclust, "type": 1.0}


def test_the_covariances_are_of_their_type():
    topic = CovarianceTypes(dataset=Mixture(n=90, random_state=0), random_state=0)
    spheres, diagonal, tied, full = (mixture_of(row).matrices for row in topic.rows())
    assert spheres[:, 0, 0] == pytest.approx(spheres[:, 1, 1])
    assert spheres[:, 0, 1] == pytest.approx(0)
    assert diagonal[:, 0, 1] == pytest.approx(0)
    assert tied == pytest.approx(np.array([tied[0]] * 3))
    assert (np.abs(full[:, 0, 1]) > 0).all()


def test_more_freedom_never_fits_worse():
    topic = CovarianceTypes(dataset=Mixture(n=90, random_state=0), types=("EII", "VII", "VVI", "VVV"), random_state=0)
    assert (np.diff([row["log_likelihood"] for row in topic.rows()]) >= 0).all()


@pytest.mark.parametrize("types", [(), ("full", "full")])
def test_types_that_make_no_sense_are_refused(types):
    with pytest.raises(ConfigError, match=r"topic\.types must be 1 to 14 different types"):
        CovarianceTypes(dataset=OldFaithful(), types=types).check()


def test_two_equal_components_have_two_peaks_from_two_sigma_on():
    table = Table(list(MixtureDensity().rows())).having("peaks")
    assert (table["peaks"] == np.where(table["distance"] > 2, 2, 1)).all()
    assert MixtureDensity().summary(table) == {"largest_hidden_distance": 2.0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": (1.0,)}, "each list of topic must have one entry for each component"),
        ({"covariances_2d": ((1.0, 1.0, 1.0),) * 3}, r"covariances_2d\[0\] must be two variances"),
    ],
)
def test_parameters_that_are_no_mixture_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        MixtureDensity(**options).check()


def test_a_row_has_all_of_a_mixture():
    matrices = [[[2.0, 0.5], [0.5, 1.0]], [[1.0, -0.2], [-0.2, 3.0]]]
    mixture = gaussians([0.3, 0.7], [[5.0, 2.0], [3.0, 4.0]], matrices)
    again = mixture_of(row_of(mixture))
    for name in ("weights", "means", "covariances"):
        assert (getattr(again, name) == getattr(mixture, name)).all()
    assert ordered(mixture).means.tolist() == [[3.0, 4.0], [5.0, 2.0]]
