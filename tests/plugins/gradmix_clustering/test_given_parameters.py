"""Parameters that the user gives to `gmm`: to start from, to keep, or to go on from."""

import re

import mpmath
import numpy as np
import pytest
import scipy.sparse
import sklearn.mixture
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning

import gradmix

IRIS = load_iris().data
SCIKIT_LEARN = ("full", "tied", "diag", "spherical")
POINTS = (-2.5, -1.5, -1.0, 0.25, 1.0, 2.0, 3.5)


def gmm(**options):
    return gradmix.clusterer("gmm", **options)


def parameters(covariance_type):
    """Parameters in scikit-learn's shapes, of three steps of its EM."""
    unfinished = sklearn.mixture.GaussianMixture(3, covariance_type=covariance_type, max_iter=3, tol=0, random_state=0)
    with pytest.warns(ConvergenceWarning):
        fitted = unfinished.fit(IRIS)
    return {
        "weights_init": fitted.weights_,
        "means_init": fitted.means_ + 0.1,
        "precisions_init": fitted.precisions_ * 0.8,
    }


@pytest.mark.parametrize("covariance_type", SCIKIT_LEARN)
def test_a_fit_from_given_parameters_is_scikit_learns(covariance_type):
    given = parameters(covariance_type)
    options = {"n_components": 3, "covariance_type": covariance_type, "max_iter": 4, "tol": 0.0, "reg_covar": 1e-6}
    with pytest.warns(ConvergenceWarning):
        theirs = sklearn.mixture.GaussianMixture(**options, **given).fit(IRIS)
    ours = gmm(**options, reg_covar_is_relative=False, **given).fit(IRIS)
    for name in ("weights_", "means_", "covariances_"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-10)
    assert len({each.start for each in gmm(n_init=5, **options, **given).iterations(IRIS)}) == 1


@pytest.mark.parametrize("name", ["weights_init", "means_init", "precisions_init"])
def test_what_is_given_replaces_only_its_part_of_the_start(name):
    """One step with everything given: what was not, is the start's own."""
    given, options = parameters("full"), {"n_components": 3, "random_state": 0, "max_iter": 1}
    with_one = gmm(**options, **{name: given[name]}).fit(IRIS)
    assert not np.allclose(with_one.means_, gmm(**options).fit(IRIS).means_, rtol=1e-6)
    assert not np.allclose(with_one.means_, gmm(**options, **given).fit(IRIS).means_, rtol=1e-6)


@pytest.mark.parametrize("name", ["EII", "VII", "spherical"])
def test_one_precision_is_that_of_all_spheres(name):
    options = {"n_components": 3, "covariance_type": name, "max_iter": 1, "random_state": 0}
    one, each = (
        gradmix.clusterer("gmm", precisions_init=given, **options).fit(IRIS).model_
        for given in (0.25, np.full(3, 0.25))
    )
    np.testing.assert_array_equal(one.covariances, each.covariances)
    with pytest.raises(gradmix.DataError, match="precisions_init"):
        gradmix.clusterer("gmm", precisions_init=0.25, **{**options, "covariance_type": "full"}).fit(IRIS)


def test_precisions_of_a_constrained_type_start_from_its_likeliest_covariances():
    precisions = np.stack([np.diag([1.0, 4.0]), np.diag([4.0, 1.0])])
    X = np.random.default_rng(0).normal(size=(50, 2))
    clusterer = gmm(
        covariance_type="EVV", weights_init=[0.5, 0.5], means_init=[[0, 0], [1, 1]], precisions_init=precisions
    )
    assert np.isfinite(clusterer.fit(X).log_likelihood_)
    start = clusterer._given(2).covariances
    assert np.linalg.det(start) == pytest.approx([1 / 4, 1 / 4])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"weights_init": [0.5, 0.5]}, "The parameter 'weights' should have the shape of (3,), but got (2,)"),
        ({"weights_init": [-0.5, 0.5, 1.0]}, "should be in the range [0, 1], but got max value 1.00000, min value -0."),
        ({"weights_init": [0.5, 0.5, 0.5]}, "should be normalized, but got sum(weights) = 1.50000"),
        ({"weights_init": ["a", "b", "c"]}, "weights_init must be real numbers only; row 0 is 'a'"),
        ({"weights_init": np.ma.masked_array([0.2, 0.3, 0.5], [0, 1, 0])}, "weights_init must not be masked; row 1"),
        ({"means_init": IRIS[:3] + 1j}, "means_init must be real numbers only; row 0, column 0 is (5.1+1j)"),
        ({"means_init": scipy.sparse.csr_array(IRIS[:3])}, "means_init is sparse"),
        ({"means_init": np.zeros((3, 3))}, "The parameter 'means' should have the shape of (3, 4), but got (3, 3)"),
        ({"means_init": np.full((3, 4), np.nan)}, "means_init must be finite"),
        ({"precisions_init": np.eye(4)}, "'full precision' should have the shape of (3, 4, 4), but got (4, 4)"),
        ({"precisions_init": -np.stack([np.eye(4)] * 3)}, "'full precision' should be symmetric, positive-definite"),
        (
            {"precisions_init": np.triu(np.ones((3, 4, 4))) + np.eye(4)},
            "'full precision' should be symmetric, positive-definite",
        ),
        ({"precisions_init": np.zeros(3), "covariance_type": "spherical"}, "'spherical precision' should be positive"),
    ],
)
def test_wrong_parameters_are_refused_before_the_first_iteration(given, message):
    with pytest.raises(gradmix.DataError, match=re.escape(message)):
        gmm(n_components=3, **given).fit(IRIS)


def test_given_arrays_are_parameters_of_the_estimator_but_not_changed():
    means = np.array([[0.0] * 4, [5.0] * 4])
    clusterer = gmm(means_init=means)
    assert clusterer.get_params()["means_init"] is means
    copied = clone(clusterer)
    assert copied.means_init is not means
    clusterer.fit(IRIS)
    assert np.array_equal(copied.means_init, means)
    assert clusterer.means_init is means
    assert "means_init=array(" in repr(clusterer)


def test_a_warm_start_goes_on_from_the_last_fit():
    options = {"n_components": 3, "random_state": 0, "tol": 0.0}
    whole = gmm(max_iter=6, **options).fit(IRIS)
    halves = gmm(max_iter=3, warm_start=True, n_init=4, **options)
    first = halves.fit(IRIS).log_likelihood_
    halves.set_params(n_init=1)
    halves.fit(IRIS)
    assert halves.log_likelihood_ > first
    again = gmm(max_iter=3, warm_start=True, **options).fit(IRIS).fit(IRIS)
    assert again.log_likelihood_ == pytest.approx(whole.log_likelihood_, rel=1e-13)
    assert again.means_ == pytest.approx(whole.means_, rel=1e-12)


@pytest.mark.parametrize(
    ("options", "X", "message"),
    [
        ({"n_components": 3}, IRIS, "continues the last fit, which has n_components=2 and covariance_type=full"),
        (
            {"covariance_type": "diag"},
            IRIS,
            "continues the last fit, which has n_components=2 and covariance_type=full",
        ),
        ({}, IRIS[:, :2], "X has 2 features, but warm_start continues a fit to 4"),
    ],
)
def test_a_warm_start_refuses_another_model(options, X, message):
    clusterer = gmm(warm_start=True, random_state=0).fit(IRIS)
    with pytest.raises(ValueError, match=message):
        clusterer.set_params(**options).fit(X)


def test_a_warm_start_refuses_a_model_that_was_read_from_a_file(tmp_path):
    """Its rows may have been standardised, and those of a new fit are not."""
    data = gradmix.Data(IRIS)
    fitted = gmm(random_state=0).fit(IRIS)
    gradmix.write_model(tmp_path / "model.json", clusterer=fitted, model=fitted.model_, data=data)
    with pytest.raises(gradmix.DataError, match="read from a file"):
        gradmix.read_model(tmp_path / "model.json").set_params(warm_start=True).fit(IRIS)


@pytest.mark.parametrize("kind", [np.random.default_rng, np.random.RandomState])
@pytest.mark.parametrize("name", ["gmm", "kmeans"])
def test_a_generator_as_random_state_moves_on(kind, name):
    options = {"gmm": {"init_params": "random", "max_iter": 1}, "kmeans": {"init": "random", "max_iter": 1}}[name]
    centers = {"gmm": "means_", "kmeans": "cluster_centers_"}[name]
    clusterer = gradmix.clusterer(name, random_state=kind(3), **options)
    first, second = (getattr(clusterer.fit(IRIS), centers) for _ in range(2))
    assert not np.array_equal(first, second)
    again = gradmix.clusterer(name, random_state=kind(3), **options).fit(IRIS)
    assert np.array_equal(getattr(again, centers), first)


def test_verbose_prints_starts_and_iterations(capsys):
    options = {"n_components": 3, "random_state": 0, "tol": 0.0, "max_iter": 5, "n_init": 2, "verbose_interval": 2}
    gmm(**options).fit(IRIS)
    assert capsys.readouterr().out == ""
    gmm(verbose=1, **options).fit(IRIS)
    start = "Initialization {}\n  Iteration 2\n  Iteration 4\nInitialization did not converge.\n"
    assert capsys.readouterr().out == start.format(0) + start.format(1)
    gmm(verbose=2, **options).fit(IRIS)
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"  Iteration 2\t time lapse [\d.]+s\t ll change \d\.\d{5}", lines[1])
    assert re.fullmatch(r"Initialization did not converge. time lapse [\d.]+s\t lower bound -1\.\d+\.", lines[3])


def test_the_lectures_example_moves_the_means_as_mpmath_does():
    """One dimension, two Gaussians, σ = 1, uniform weights; each μ becomes the mean by responsibilities."""
    X = np.array(POINTS)[:, None]
    fits = [*gmm(update="means", means_init=[[-1.0], [0.5]], tol=0.0, max_iter=6).iterations(X)]
    with mpmath.workdps(40):
        mu = [mpmath.mpf(-1), mpmath.mpf("0.5")]
        for step in fits:
            density = [[mpmath.npdf(x, m, 1) / 2 for m in mu] for x in POINTS]
            r = [[value / sum(row) for value in row] for row in density]
            mu = [
                sum(r[j][k] * POINTS[j] for j in range(len(POINTS))) / sum(r[j][k] for j in range(len(POINTS)))
                for k in range(2)
            ]
            log_likelihood = sum(mpmath.log(sum(mpmath.npdf(x, m, 1) / 2 for m in mu)) for x in POINTS)
            assert step.estimate.means.ravel() == pytest.approx([float(m) for m in mu], rel=1e-13)
            assert step.metrics["log_likelihood"] == pytest.approx(float(log_likelihood), rel=1e-13)
            assert step.estimate.weights.tolist() == [0.5, 0.5]
            assert step.estimate.covariances.tolist() == [[[1.0]], [[1.0]]]


@pytest.mark.parametrize("covariance_type", [*SCIKIT_LEARN, "VEV"])
def test_only_means_count_as_parameters_where_only_they_are_estimated(covariance_type, tmp_path):
    options = {"update": "means", "sigma": 0.5, "covariance_type": covariance_type, "random_state": 0}
    fitted = gmm(n_components=3, **options).fit(IRIS)
    assert fitted.model_.matrices == pytest.approx(np.stack([0.25 * np.eye(4)] * 3))
    assert fitted.weights_.tolist() == [1 / 3] * 3
    assert fitted.bic(IRIS) == pytest.approx(-2 * fitted.log_likelihood_ + 12 * np.log(150), rel=1e-12)
    fitted.model_.write_npz(tmp_path / "model.npz")
    assert fitted.model_.read_npz(tmp_path / "model.npz").bic(IRIS) == fitted.bic(IRIS)
    gradmix.write_model(tmp_path / "model.json", clusterer=fitted, model=fitted.model_)
    assert gradmix.read_model(tmp_path / "model.json").bic(IRIS) == fitted.bic(IRIS)


def test_given_weights_and_precisions_are_kept_where_only_means_are_estimated():
    precisions = np.diag([1.0, 2.0, 3.0, 4.0])
    clusterer = gmm(update="means", covariance_type="tied", weights_init=[0.25, 0.75], precisions_init=precisions)
    fitted = clusterer.set_params(random_state=0).fit(IRIS)
    assert fitted.weights_.tolist() == [0.25, 0.75]
    assert fitted.precisions_ == pytest.approx(precisions)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "update=all estimates the variances"),
        ({"update": "means", "precisions_init": np.stack([np.eye(4)] * 2)}, "precisions_init sets the variances"),
    ],
)
def test_sigma_is_refused_where_it_has_no_effect(options, why):
    with pytest.raises(gradmix.ConfigError, match=f"sigma=2.0 has no effect: {why}"):
        gmm(sigma=2.0, **options).fit(IRIS)
