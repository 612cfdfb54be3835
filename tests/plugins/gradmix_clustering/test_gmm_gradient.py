"""A mixture by gradient ascent: the same optimum as EM, with any differentiator."""

import warnings

import numpy as np
import pytest
from scipy.optimize import check_grad, minimize, rosen, rosen_der
from sklearn.exceptions import ConvergenceWarning

import gradmix
from gradmix.config.spec import read_spec
from gradmix.runs.runner import Order, execute
from gradmix_clustering.lbfgs import lbfgs
from gradmix_clustering.unconstrained import Unconstrained
from gradmix_datasets.old_faithful import OldFaithful

X = OldFaithful().load().X
OPTIMA = {"full": -1130.2640, "tied": -1140.1868, "diag": -1147.8064, "spherical": -1709.5293}
"""Total log-likelihood of two components, from mclust's published BIC of VVV,2 EEE,2 VVI,2 and VII,2."""


def by_gradient(**options):
    return gradmix.clusterer("gmm_gradient", **{"random_state": 0, "tol": 1e-10, **options})


def by_em(**options):
    return gradmix.clusterer("gmm", **{"random_state": 0, "tol": 1e-12, **options})


@pytest.mark.parametrize("covariance_type", OPTIMA)
def test_it_ends_at_ems_optimum_which_is_the_published_one(covariance_type):
    ours, em = (each(covariance_type=covariance_type).fit(X) for each in (by_gradient, by_em))
    assert ours.converged_
    assert ours.log_likelihood_ == pytest.approx(em.log_likelihood_, rel=1e-6)
    assert ours.log_likelihood_ == pytest.approx(OPTIMA[covariance_type], abs=1e-3)
    assert ours.means_ == pytest.approx(em.means_, rel=1e-5)
    assert ours.covariances_ == pytest.approx(em.covariances_, rel=1e-3)
    assert ours.weights_ == pytest.approx(em.weights_, rel=1e-5)


@pytest.mark.parametrize("differentiator", ["tape", "dual", "finite_difference"])
def test_the_differentiator_makes_no_difference_to_the_optimum(differentiator):
    fitted = by_gradient(n_components=3, covariance_type="tied", differentiator=differentiator).fit(X)
    assert fitted.log_likelihood_ == pytest.approx(-1126.3159, abs=1e-3)
    assert fitted.log_likelihood_ == pytest.approx(
        by_em(n_components=3, covariance_type="tied").fit(X).log_likelihood_, rel=1e-6
    )


@pytest.mark.parametrize("covariance_type", OPTIMA)
def test_every_iteration_is_likelier_and_has_the_likelihood_of_its_model(covariance_type):
    steps = [*by_gradient(n_components=3, covariance_type=covariance_type).iterations(X)]
    values = [each.metrics["log_likelihood"] for each in steps]
    assert len(steps) > 5
    assert np.diff(values).min() >= 0
    for each in steps:
        assert each.estimate.log_likelihood(X) == pytest.approx(each.metrics["log_likelihood"], rel=1e-11)


@pytest.mark.parametrize("d", [1, 2, 4])
@pytest.mark.parametrize("covariance_type", OPTIMA)
def test_a_model_and_its_vector_are_the_same_thing(covariance_type, d):
    rng = np.random.default_rng(d)
    rows, weights = 1e3 + rng.normal(size=(40, d)) * 10.0 ** np.arange(d), rng.uniform(0.5, 2, size=40)
    model = by_em(n_components=3, covariance_type=covariance_type, max_iter=2).fit(rows, sample_weight=weights).model_
    mixtures = Unconstrained(rows, weights, covariance_type, 3)
    vector = mixtures.vector(model)
    again = mixtures.model(vector)
    for name in ("weights", "means", "covariances"):
        assert getattr(again, name) == pytest.approx(getattr(model, name), rel=1e-9)
    expected = weights @ model.score_samples(rows) / weights.sum()
    assert -(mixtures.loss(vector) + mixtures.constant) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("differentiator", ["tape", "dual"])
@pytest.mark.parametrize("covariance_type", OPTIMA)
def test_the_gradient_is_that_of_scipys_differences(covariance_type, differentiator):
    mixtures = Unconstrained(X, None, covariance_type, 2)
    model = by_em(covariance_type=covariance_type, max_iter=1, init_params="random_from_data").fit(X).model_
    gradient = gradmix.differentiator(differentiator).gradient
    assert check_grad(mixtures.loss, lambda x: gradient(mixtures.loss, x), mixtures.vector(model)) < 1e-6


@pytest.mark.parametrize(("name", "mclusts"), [("full", "VVV"), ("tied", "EEE"), ("diag", "VVI"), ("spherical", "VII")])
def test_mclusts_names_mean_the_same(name, mclusts):
    ours, theirs = (by_gradient(covariance_type=each, max_iter=3).fit(X).model_ for each in (name, mclusts))
    assert theirs.covariance_type == mclusts
    np.testing.assert_array_equal(ours.covariances, theirs.covariances)


@pytest.mark.parametrize("differentiator", ["tape", "dual"])
@pytest.mark.parametrize("covariance_type", OPTIMA)
def test_a_sum_over_blocks_has_the_gradient_of_the_whole(covariance_type, differentiator, monkeypatch):
    weights = np.random.default_rng(0).uniform(0.5, 2, size=len(X))
    model = by_em(covariance_type=covariance_type, max_iter=1).fit(X).model_
    clusterer, found = by_gradient(covariance_type=covariance_type, differentiator=differentiator), []
    for entries in (2**18, 2 * 2 * 100):
        monkeypatch.setattr("gradmix_clustering.unconstrained._ENTRIES", entries)
        mixtures = Unconstrained(X, weights, covariance_type, 2)
        found.append((len(mixtures.losses), *clusterer._value_and_gradient(mixtures, mixtures.vector(model))))
    assert [count for count, _, _ in found] == [1, 3]
    assert found[1][1] == pytest.approx(found[0][1], rel=1e-13)
    np.testing.assert_allclose(found[1][2], found[0][2], rtol=1e-9, atol=1e-12)


def test_memory_does_not_grow_with_rows_times_components():
    import tracemalloc

    rows = np.random.default_rng(0).normal(size=(60_000, 4))
    options = {"n_components": 8, "covariance_type": "spherical", "init_params": "random_from_data", "max_iter": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        by_gradient(**options).fit(rows[:1000])
        tracemalloc.start()
        by_gradient(**options).fit(rows)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 10 * rows.nbytes + 60 * 2**21 < 22 * rows.nbytes * options["n_components"]


def test_it_starts_where_em_starts():
    """After no more than one step each, both are near the same start."""
    for start in ("kmeans", "random_from_data", "random"):
        ours, em = (each(init_params=start, max_iter=1, random_state=3).fit(X) for each in (by_gradient, by_em))
        assert ours.log_likelihood_ == pytest.approx(em.log_likelihood_, rel=0.05)


def test_a_start_that_collapses_ends_and_is_reported():
    rows = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0]] * 5)
    with pytest.warns(ConvergenceWarning, match=r"\d component\(s\) have collapsed"):
        assert not by_gradient(n_components=3).fit(rows).converged_


def test_what_has_no_optimum_is_refused():
    with pytest.raises(gradmix.DataError, match=r"column 2 .*constant"):
        by_gradient().fit(np.column_stack([X, np.ones(len(X))]))
    with pytest.raises(gradmix.ConfigError, match="must be one of full, tied, diag, spherical, VVV"):
        by_gradient(covariance_type="VEV")


def spec(differentiator):
    return read_spec(
        {
            "name": "trial",
            "task": {"name": "cluster"},
            "clusterer": {"name": "gmm_gradient", "max_iter": 4, "differentiator": differentiator},
            "dataset": {"name": "old_faithful"},
        }
    )


def test_a_run_names_its_differentiator(tmp_path):
    run = execute(Order(spec({"name": "dual", "components": 3}), tmp_path))
    assert run.status == "finished"
    assert run.metrics["n_iter"] == 4
    assert spec("dual").run_key != spec("tape").run_key
    assert spec("dual").params["clusterer.differentiator"] == "dual"


@pytest.mark.parametrize("start", [(-1.2, 1.0), (0.5, 0.5, 0.5, 0.5, 0.5)])
def test_lbfgs_ends_at_the_minimum_as_scipys_own_does(start):
    start = np.array(start)
    points = [*lbfgs(lambda x: (rosen(x), rosen_der(x)), start)]
    theirs = minimize(rosen, start, jac=rosen_der, method="L-BFGS-B", options={"ftol": 0, "gtol": 1e-10})
    assert points[0].x is start
    assert np.diff([each.value for each in points]).max() < 0
    assert points[-1].x == pytest.approx(np.ones(len(start)), abs=1e-6)
    assert len(points) < 2 * theirs.nit


def test_lbfgs_stays_at_a_minimum():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len([*lbfgs(lambda x: (float(x @ x), 2 * x), np.zeros(3))]) == 1
