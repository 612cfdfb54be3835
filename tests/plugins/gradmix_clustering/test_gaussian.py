"""Maximum likelihood from labels, against closed forms and scikit-learn's discriminant analyses."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.naive_bayes import GaussianNB

import gradmix
from gradmix.config.spec import read_spec
from gradmix.runs.runner import Order, execute

IRIS, SPECIES = load_iris(return_X_y=True)


def gaussian(**options):
    return gradmix.clusterer("gaussian", **{"reg_covar": 0.0, **options})


def test_each_label_gets_the_mean_and_covariance_of_its_rows():
    fitted = gaussian().fit(IRIS, SPECIES)
    for group in range(3):
        own = IRIS[group == SPECIES]
        assert fitted.means_[group] == pytest.approx(own.mean(axis=0), rel=1e-13)
        assert fitted.covariances_[group] == pytest.approx(np.cov(own.T, ddof=0), rel=1e-12)
    assert fitted.weights_.tolist() == [1 / 3] * 3
    assert (fitted.n_iter_, fitted.converged_) == (1, True)


def test_both_likelihoods_are_those_of_scipy():
    fitted = gaussian().fit(IRIS[:120], SPECIES[:120])
    density = np.column_stack(
        [
            weight * multivariate_normal(mean, covariance).pdf(IRIS[:120])
            for weight, mean, covariance in zip(fitted.weights_, fitted.means_, fitted.covariances_, strict=True)
        ]
    )
    assert fitted.log_likelihood_ == pytest.approx(np.log(density.sum(axis=1)).sum(), rel=1e-12)
    joint = np.log(density[np.arange(120), SPECIES[:120]]).sum()
    assert fitted.joint_log_likelihood_ == pytest.approx(joint, rel=1e-12)
    assert fitted.joint_log_likelihood_ < fitted.log_likelihood_


def test_no_other_parameters_are_likelier():
    """The joint likelihood has its maximum there: every small change of the means lowers it."""
    fitted = gaussian(covariance_type="VEV").fit(IRIS, SPECIES)
    model, rng = fitted.model_, np.random.default_rng(0)
    for _ in range(5):
        moved = model.updated(model.weights, model.means + 1e-2 * rng.normal(size=(3, 4)), model.covariances)
        joint = moved.log_joint(moved.center(IRIS))[SPECIES, np.arange(150)].sum()
        assert joint < fitted.joint_log_likelihood_


def test_diagonal_covariances_are_scikit_learns_naive_bayes():
    theirs = GaussianNB(var_smoothing=0.0).fit(IRIS, SPECIES)
    ours = gaussian(covariance_type="diag").fit(IRIS, SPECIES)
    assert ours.predict_proba(IRIS) == pytest.approx(theirs.predict_proba(IRIS), rel=1e-9)


def test_one_covariance_for_all_is_scikit_learns_linear_discriminant_analysis():
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(IRIS, SPECIES)
    ours = gaussian(covariance_type="tied").fit(IRIS, SPECIES)
    assert ours.covariances_ == pytest.approx(theirs.covariance_, rel=1e-12)
    assert ours.predict_proba(IRIS) == pytest.approx(theirs.predict_proba(IRIS), rel=1e-6)


def test_a_weight_of_two_is_a_row_twice():
    weights = np.where(np.arange(150) % 4 == 0, 2, 1)
    weighted = gaussian().fit(IRIS, SPECIES, sample_weight=weights)
    twice = gaussian().fit(np.repeat(IRIS, weights, axis=0), np.repeat(SPECIES, weights))
    for name in ("weights_", "means_", "covariances_", "log_likelihood_", "joint_log_likelihood_"):
        assert getattr(weighted, name) == pytest.approx(getattr(twice, name), rel=1e-11)


def test_labels_may_be_texts_and_are_numbered_in_their_order():
    names = np.array(["setosa", "versicolor", "virginica"])[SPECIES]
    fitted = gaussian().fit(IRIS, names)
    assert fitted.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert np.array_equal(fitted.fit_predict(IRIS, names), gaussian().fit(IRIS, SPECIES).labels_)
    rows = gradmix.rows(IRIS)
    rows.labels = names
    assert gaussian().fit(rows).classes_.tolist() == fitted.classes_.tolist()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        (SPECIES[:-1], r"labels must have the shape \(150,\)"),
        ([*SPECIES[:-1], None], "row 149 .* has no label"),
        ([float("nan"), *SPECIES[1:]], "row 0 .* has no label"),
    ],
)
def test_wrong_labels_are_refused(y, message):
    with pytest.raises(gradmix.DataError, match=message):
        gaussian().fit(IRIS, y)


def test_a_label_without_weight_is_named():
    with pytest.raises(gradmix.DataError, match="no row with the label 1 has a positive sample weight"):
        gaussian().fit(IRIS, SPECIES, sample_weight=SPECIES != 1)


def test_no_rows_are_not_called_constant():
    with pytest.raises(gradmix.DataError, match="X has 0 rows"):
        gaussian().fit(IRIS[:0], SPECIES[:0])


def test_advice_on_a_collapse_names_only_what_there_is():
    with pytest.warns(ConvergenceWarning) as caught:
        gradmix.clusterer("gaussian", covariance_type="diag").fit([[0.0], [0.0], [1.0], [2.0]], [0, 0, 1, 1])
    assert str(caught[0].message) == (
        "in LabelledGaussians, 1 component(s) have collapsed onto too few different rows. "
        "Choose a covariance_type with fewer parameters."
    )


def config(dataset):
    return {
        "name": "trial",
        "task": {"name": "cluster"},
        "clusterer": {"name": "gaussian", "reg_covar": 0.0},
        "dataset": {"name": dataset},
    }


def test_a_run_takes_the_labels_of_its_data_set(tmp_path):
    run = execute(Order(read_spec(config("iris")), tmp_path))
    fitted = gaussian().fit(IRIS, SPECIES)
    assert run.status == "finished"
    assert run.metrics["joint_log_likelihood"] == pytest.approx(fitted.joint_log_likelihood_, rel=1e-12)
    assert run.metrics["adjusted_rand_index"] > 0.9


def test_a_run_on_data_without_labels_is_refused_before_it_starts():
    spec = read_spec(config("old_faithful"))
    with pytest.raises(gradmix.DataError, match="choose a data set that has labels"):
        spec.task.preflight()
