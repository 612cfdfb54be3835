"""Degenerate estimates are reported, and never chosen while there is another."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.linalg
import sklearn.mixture
from sklearn.exceptions import ConvergenceWarning

import gradmix
from gradmix.config.spec import read_spec
from gradmix.runs.runner import Order, execute
from gradmix_clustering.estep import EStep
from gradmix_clustering.reseeding import reseeded
from gradmix_clustering.starts import STARTS, find_start


def iris():
    """Fisher's irises."""
    from sklearn.datasets import load_iris

    return load_iris().data


def test_the_criterion_chooses_two_components_for_iris():
    """mclust's manual: VVV with 2 components has the best BIC, -574.0178 there, as it counts the other way round."""
    fits = [gradmix.clusterer("gmm", n_components=k, n_init=10, random_state=0).fit(iris()) for k in range(1, 7)]
    assert min(fits, key=lambda fit: fit.bic(iris())).n_components == 2
    assert fits[1].bic(iris()) == pytest.approx(574.0178, abs=5e-4)
    assert all(fit.converged_ for fit in fits)


def test_a_degenerate_start_is_not_chosen_although_it_is_likelier():
    """A row that is there often lets a component collapse onto it."""
    rng = np.random.default_rng(3)
    X = np.vstack([rng.normal(size=(60, 2)), np.full((12, 2), 2.5)])
    clusterer = gradmix.clusterer("gmm", n_components=2, n_init=20, init_params="random_from_data", random_state=0)
    lasts = [*last_iterations(clusterer, X)]
    degenerate = [last for last in lasts if last.collapsed]
    sound = [last for last in lasts if not last.collapsed]
    assert degenerate
    assert sound
    assert max(last.metrics["log_likelihood"] for last in degenerate) > max(
        last.metrics["log_likelihood"] for last in sound
    )
    fitted = clusterer.fit(X)
    assert fitted.log_likelihood_ == max(last.metrics["log_likelihood"] for last in sound)


def last_iterations(clusterer, X):
    """The last iteration of each start."""
    lasts = {each.start: each for each in clusterer.iterations(X)}
    return lasts.values()


def test_if_all_are_degenerate_the_best_has_not_converged_and_warns():
    X = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0]] * 5)
    with pytest.warns(ConvergenceWarning, match=r"3 component\(s\) have collapsed"):
        fitted = gradmix.clusterer("gmm", n_components=3, random_state=0).fit(X)
    assert not fitted.converged_
    assert fitted.weights_ == pytest.approx([1 / 3] * 3)


def test_a_start_that_breaks_down_does_not_take_the_others_with_it():
    rng = np.random.default_rng(3)
    X = np.vstack([rng.normal(size=(60, 2)), np.full((12, 2), 2.5)])
    clusterer = gradmix.clusterer(
        "gmm", n_components=2, reg_covar=0.0, n_init=20, init_params="random_from_data", random_state=0
    )
    with pytest.warns(RuntimeWarning, match=r"start \d+ failed: the covariance of component \d became singular"):
        fitted = clusterer.fit(X)
    assert np.linalg.eigvalsh(fitted.covariances_).min() > 1e-3


def test_if_every_start_breaks_down_the_error_says_what_to_do():
    X = np.array([[0.0, 0.0], [1.0, 2.0]] * 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(gradmix.NumericalError, match="Raise reg_covar"):
            gradmix.clusterer("gmm", n_components=2, reg_covar=0.0, n_init=3, random_state=0).fit(X)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_the_floor_follows_the_scale_of_the_data(covariance_type, scale):
    """With a floor of 1e-6 in their own units, data times 1e-8 became one cluster."""
    options = {"n_components": 3, "covariance_type": covariance_type, "random_state": 0}
    one, other = (gradmix.clusterer("gmm", **options).fit(iris() * factor) for factor in (1.0, scale))
    assert np.array_equal(one.labels_, other.labels_)
    assert other.log_likelihood_ + 600 * math.log(scale) == pytest.approx(one.log_likelihood_, rel=1e-9)


def test_weights_that_sum_to_less_than_rows_are_named():
    with pytest.warns(ConvergenceWarning, match=r"less weight than one row, because all sample weights sum to 1\."):
        gradmix.clusterer("gmm", random_state=0).fit(iris(), sample_weight=np.full(150, 1 / 150))


def test_a_regularisation_that_no_column_exceeds_is_named():
    with pytest.warns(
        ConvergenceWarning, match=r"No column .* than the 1e\+03 that reg_covar adds\. Lower reg_covar\."
    ):
        gradmix.clusterer("gmm", reg_covar=1e3, reg_covar_is_relative=False, random_state=0).fit(iris())


@pytest.mark.parametrize("start", STARTS)
def test_rows_without_weight_are_no_start(start):
    """A component that begins at such a row may have no others."""
    weights = np.r_[np.zeros(100), np.ones(50)]
    options = {"n_components": 2, "covariance_type": "spherical", "init_params": start, "n_init": 20, "random_state": 0}
    (block,) = gradmix.rows(iris(), weights=weights).blocks()
    for seed in range(20):
        found = find_start(start, gradmix.rows(iris(), weights=weights), 2, np.random.default_rng(seed))
        assert (found(block) @ weights >= 1).all()
    among_all = gradmix.clusterer("gmm", **options).fit(iris(), sample_weight=weights)
    alone = gradmix.clusterer("gmm", **options).fit(iris()[100:])
    assert among_all.log_likelihood_ == pytest.approx(alone.log_likelihood_, rel=1e-6)


def test_rows_of_positive_weight_that_are_too_few_for_random_ones_are_counted():
    with pytest.raises(gradmix.DataError, match=r"1 row\(s\) of positive weight, fewer than the 2 requested"):
        gradmix.clusterer("gmm", init_params="random_from_data").fit(iris(), sample_weight=np.eye(150)[0])


def test_a_component_of_no_rows_has_collapsed():
    model = gradmix.clusterer("gmm", random_state=0).fit(iris()).model_
    assert model.n_collapsed(0.0, len(iris())) == 0
    weights = np.array([1 - 1e-3, 1e-3])
    assert model.updated(weights, model.means, model.covariances).n_collapsed(0.0, len(iris())) == 1


def test_a_run_counts_what_has_collapsed(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n" + "0,0\n1,2\n" * 5)
    spec = read_spec(
        {
            "name": "trial",
            "task": {"name": "cluster"},
            "clusterer": {"name": "gmm", "n_components": 2},
            "dataset": {"name": "file", "path": str(tmp_path / "rows.csv")},
        }
    )
    run = execute(Order(spec, tmp_path))
    assert run.status == "finished"
    assert run.metrics["n_collapsed"] == 2
    assert run.metrics["converged"] == 0


def with_constant(X):
    """The same rows with a constant column in the middle, and one at the end."""
    return np.column_stack([X[:, :2], np.full(len(X), 7.3), X[:, 2:], np.full(len(X), -10.0)])


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_a_constant_column_is_fitted_as_by_scikit_learn(covariance_type):
    X = with_constant(iris())
    options = {"n_components": 3, "covariance_type": covariance_type, "reg_covar": 1e-4, "tol": 0.0, "max_iter": 20}
    means = X[[0, 60, 120]]
    with pytest.warns(ConvergenceWarning):
        theirs = sklearn.mixture.GaussianMixture(**options, means_init=means, random_state=0).fit(X)
    given = {"weights_init": theirs.weights_, "means_init": theirs.means_, "precisions_init": theirs.precisions_}
    with pytest.warns(ConvergenceWarning):
        theirs = sklearn.mixture.GaussianMixture(**options, **given).fit(X)
    ours = gradmix.clusterer("gmm", **options, **given, reg_covar_is_relative=False).fit(X)
    assert ours.covariances_ == pytest.approx(theirs.covariances_, rel=1e-7, abs=1e-9)
    assert ours.means_ == pytest.approx(theirs.means_, rel=1e-9)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "VEV", "EVI", "VVE"])
def test_constant_columns_make_no_component_degenerate(covariance_type):
    options = {"n_components": 3, "covariance_type": covariance_type, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = gradmix.clusterer("gmm", **options).fit(with_constant(iris()))
    assert fitted.converged_
    assert np.array_equal(fitted.labels_, gradmix.clusterer("gmm", **options).fit(iris()).labels_)


def test_components_can_still_collapse_beside_a_constant_column():
    X = with_constant(np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0]] * 5))
    with pytest.warns(ConvergenceWarning, match=r"3 component\(s\) have collapsed"):
        assert not gradmix.clusterer("gmm", n_components=3, random_state=0).fit(X).converged_


def test_constant_columns_are_allowed_where_only_means_are_estimated():
    clusterer = gradmix.clusterer("gmm", update="means", reg_covar=0.0, random_state=0)
    assert clusterer.fit(with_constant(iris())).means_[:, 2] == pytest.approx([7.3, 7.3])


def test_the_warning_names_the_columns_that_make_every_component_degenerate():
    noise = np.random.default_rng(0).normal(size=150)
    small = np.column_stack([iris()[:, :2], 1e-7 * noise, iris()[:, 2:]])
    frame = pd.DataFrame(small, columns=["a", "b", "little", "c", "d"])
    with pytest.warns(ConvergenceWarning, match=r"Column 2 \('little'\) varies so little .*standardise=true"):
        gradmix.clusterer("gmm", n_components=3, random_state=0).fit(frame)
    dependent = np.column_stack([iris(), iris()[:, 0] - 2 * iris()[:, 2]])
    with pytest.warns(ConvergenceWarning, match="Columns 0, 2, 4 are linearly dependent. Drop one"):
        gradmix.clusterer("gmm", n_components=3, random_state=0).fit(dependent)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gradmix.clusterer("gmm", n_components=3, covariance_type="diag", random_state=0).fit(dependent)


@pytest.mark.parametrize("name", ["gmm", "gmm_gradient"])
def test_the_warning_names_a_row_that_is_far_from_all_others(name):
    X = np.insert(iris(), 7, 1e8, axis=0)
    with pytest.warns(ConvergenceWarning, match=r"Row 7 \(counted from 0\) is so far from the other rows"):
        fitted = gradmix.clusterer(name, random_state=0).fit(X)
    assert fitted.converged_ is False


def test_the_warning_says_where_there_are_fewer_rows_than_columns():
    X = np.random.default_rng(0).normal(size=(5, 30))
    weights = [1.0, 0.0, 0.0, 0.0, 1.0]
    with pytest.warns(ConvergenceWarning, match="5 rows are too few to estimate the covariances of 30 columns"):
        gradmix.clusterer("gmm", random_state=0).fit(X)
    with pytest.warns(ConvergenceWarning, match="5 rows are too few"):
        gradmix.clusterer("gmm", random_state=0).fit(X, sample_weight=weights)


def five_on_iris(on_collapse, seed, **options):
    """Every iteration of one start that `report` lets collapse for the seeds 0, 2, 5 and 6."""
    given = {"n_components": 5, "init_params": "random_from_data", "random_state": seed, **options}
    return [*gradmix.clusterer("gmm", on_collapse=on_collapse, **given).iterations(iris())]


@pytest.mark.parametrize("seed", [0, 5, 6])
def test_a_collapsed_component_begins_again_where_the_density_is_lowest(seed):
    assert five_on_iris("report", seed)[-1].collapsed
    steps = five_on_iris("reseed", seed)
    assert [each.collapsed for each in steps if each.collapsed]
    assert not steps[-1].collapsed
    assert steps[-1].converged


def test_the_seed_of_a_collapsed_component_is_the_row_of_lowest_density():
    X = iris()
    model = gradmix.clusterer("gmm", n_components=3, random_state=0).fit(X).model_
    others = model.updated(model.weights * [1, 0, 1] / model.weights[[0, 2]].sum(), model.means, model.covariances)
    again = reseeded(model, np.array([False, True, False]), EStep(gradmix.rows(X), "numpy"), 0.0)
    assert np.array_equal(again.means[1], X[others.score_samples(X).argmin()])
    assert again.weights.sum() == pytest.approx(1.0)
    expected = np.average(model.covariances[[0, 2]], axis=0, weights=model.weights[[0, 2]])
    assert again.covariances[1] == pytest.approx(expected)
    assert np.array_equal(again.means[[0, 2]], model.means[[0, 2]])


def test_no_seed_is_a_row_without_weight():
    X = np.vstack([iris(), [[1e3] * 4]])
    model = gradmix.clusterer("gmm", n_components=3, random_state=0).fit(iris()).model_
    weighted = EStep(gradmix.rows(X, weights=[1] * 150 + [0]), "numpy")
    assert reseeded(model, np.array([True, False, False]), weighted, 0.0).means[0].max() < 10


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "EVE"])
def test_seeds_are_given_up_if_components_collapse_again(covariance_type):
    """Three different rows leave nothing else; it ends, and says so."""
    X = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0]] * 5)
    clusterer = gradmix.clusterer(
        "gmm", n_components=3, on_collapse="reseed", covariance_type=covariance_type, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match=r"\d component\(s\) have collapsed"):
        assert not clusterer.fit(X).converged_


@pytest.mark.parametrize("seed", [0, 2, 5, 6])
@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical", "tied"])
def test_a_floor_keeps_components_from_collapsing_and_the_likelihood_rising(seed, covariance_type):
    steps = five_on_iris("floor", seed, covariance_type=covariance_type, reg_covar=0.0)
    gains = np.diff([each.metrics["log_likelihood"] for each in steps])
    assert gains.min() > -1e-9
    assert not steps[-1].collapsed
    total = np.cov(iris().T, ddof=0)
    for matrix in steps[-1].estimate.matrices:
        assert scipy.linalg.eigh(matrix, eigvals_only=True)[0] > 0
        if covariance_type == "full":
            assert scipy.linalg.eigh(matrix, total, eigvals_only=True)[0] > 1e-3 * (1 - 1e-9)


def test_a_floor_changes_nothing_where_no_component_comes_near_it():
    one, other = (
        gradmix.clusterer("gmm", n_components=3, on_collapse=each, n_init=5, random_state=0).fit(iris())
        for each in ("report", "floor")
    )
    assert other.log_likelihood_ == pytest.approx(one.log_likelihood_, rel=1e-13)
    assert one.log_likelihood_ == pytest.approx(-180.1855, abs=5e-5)


def test_a_floor_that_would_break_a_constraint_is_refused():
    with pytest.raises(gradmix.ConfigError, match="violate the constraint of covariance_type=VEV"):
        gradmix.clusterer("gmm", covariance_type="VEV", on_collapse="floor").fit(iris())


@pytest.mark.parametrize("start", ["kmeans", "random", "random_from_data"])
@pytest.mark.parametrize("name", ["EVE", "VVE", "EVV"])
def test_components_without_volume_are_reported_where_volumes_are_compared(name, start):
    """Zeros and ones: most components have no spread along some feature, and some have none at all."""
    rng = np.random.default_rng(0)
    rows = (np.concatenate([rng.normal(size=(90, 3)), rng.normal(size=(90, 3)) + 8]) > 0).astype(float)
    options = {"n_components": 3, "covariance_type": name, "init_params": start, "max_iter": 200, "random_state": 0}
    for backend in ("numba", "numpy"):
        *_, last = gradmix.clusterer("gmm", backend=backend, **options).iterations(rows)
        assert np.isfinite(last.metrics["log_likelihood"])
        assert last.collapsed
        assert np.isfinite(last.estimate.predict_proba(rows)).all()


def test_what_linear_algebra_cannot_do_for_a_covariance_type_is_said_with_the_way_out(monkeypatch):
    def estimate(self, counts, scatter, previous, tol):
        raise np.linalg.LinAlgError("Eigenvalues did not converge")

    monkeypatch.setattr(type(gradmix.covariance("VEE")), "estimate", estimate)
    with pytest.raises(gradmix.NumericalError, match=r"VEE cannot estimate covariances \(Eigenvalues.*Raise reg_covar"):
        gradmix.clusterer("gmm", covariance_type="VEE", random_state=0).fit(np.eye(4))


@pytest.mark.parametrize(
    ("name", "seed", "n", "d"), [("VEE", 0, 60, 3), ("VEE", 1, 100, 4), ("EVE", 0, 200, 5), ("VEV", 1, 100, 4)]
)
def test_columns_of_two_values_end_in_a_report_not_in_an_overflow(name, seed, n, d):
    """In each cluster some column is constant; the other components' volumes may then grow without end."""
    X = np.random.default_rng(seed).integers(0, 2, (n, d)).astype(float)
    with pytest.warns(ConvergenceWarning, match="collapsed onto too few different rows"):
        fit = gradmix.clusterer("gmm", n_components=3, covariance_type=name, random_state=0).fit(X)
    assert not fit.converged_
    assert np.isfinite(fit.covariances_).all()
    assert np.isfinite(fit.log_likelihood_)
