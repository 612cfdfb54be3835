"""Clusterers as scikit-learn's estimators: its own checks, and names of features."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sklearn.exceptions
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted

import gradmix
from gradmix.config.models import read_model, write_model

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"x": np.repeat([0.0, 90.0], 30) + RNG.normal(size=60), "y": RNG.normal(5, 1, 60)})
"""Two groups that only x tells apart."""

EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": "other rows are drawn for the start; their KMeans is exempt, too",
}
"""Check of scikit-learn's → why we do not keep it."""


with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "Estimator .* does not inherit from `sklearn.base.BaseEstimator`", UserWarning)
    SKLEARN_CHECKS = parametrize_with_checks(
        [
            gradmix.clusterer("gmm", random_state=0),
            gradmix.clusterer("gmm", covariance_type="diag", n_components=2, random_state=0),
            gradmix.clusterer("gmm_gradient", random_state=0, max_iter=50),
            gradmix.clusterer("gaussian"),
            gradmix.clusterer("kmeans", random_state=0),
            gradmix.clusterer("minibatch_kmeans", random_state=0),
        ],
        expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
    )


@SKLEARN_CHECKS
def test_checks_of_scikit_learn_pass_but_for_those_named(estimator, check):
    check(estimator)


@pytest.fixture(params=["gmm", "kmeans"])
def fitted(request):
    """A clusterer that was fitted to the data frame."""
    size = {"gmm": "n_components", "kmeans": "n_clusters"}[request.param]
    return gradmix.clusterer(request.param, **{size: 2}, random_state=0).fit(FRAME)


def calls(clusterer):
    names = ("predict", "predict_proba", "score_samples", "bic", "aic")
    return [getattr(clusterer, name) for name in names if hasattr(clusterer, name)]


def test_names_of_features_are_kept(fitted):
    assert fitted.feature_names_in_.tolist() == ["x", "y"]
    assert fitted.feature_names_in_.dtype == object
    assert not hasattr(fitted.fit(FRAME.to_numpy()), "feature_names_in_")


def test_columns_in_another_order_are_refused_wherever_rows_are_taken(fitted):
    for call in calls(fitted):
        call(FRAME)
        for table in (FRAME[["y", "x"]], pa.table(FRAME[["y", "x"]])):
            with pytest.raises(gradmix.DataError, match="must be in the same order as they were in fit"):
                call(table)


def test_other_columns_are_refused_by_name(fitted):
    with pytest.raises(
        ValueError, match=r"unseen at fit time:\n- z\nFeature names seen at fit time, yet now missing:\n- y"
    ):
        fitted.predict(FRAME.rename(columns={"y": "z"}))


def test_names_on_one_side_only_are_a_warning(fitted):
    with pytest.warns(UserWarning, match="X does not have valid feature names, but .* was fitted with"):
        fitted.predict(FRAME.to_numpy())
    without = gradmix.clusterer("kmeans", n_clusters=2, random_state=0).fit(FRAME.to_numpy())
    with pytest.warns(UserWarning, match="X has feature names, but KMeans was fitted without"):
        without.predict(FRAME)


def test_the_same_names_and_no_names_at_all_are_silent(fitted):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.predict(FRAME)
        fitted.fit(FRAME.to_numpy()).predict(FRAME.to_numpy())


def test_a_model_from_a_file_finds_columns_by_name(tmp_path):
    data = gradmix.Data(FRAME.to_numpy(), feature_names=("x", "y"))
    clusterer = gradmix.clusterer("kmeans", n_clusters=2, random_state=0).fit(data.X)
    write_model(tmp_path / "model.json", clusterer, clusterer.model_, data)
    read = read_model(tmp_path / "model.json")
    assert read.feature_names_in_.tolist() == ["x", "y"]
    for table in (FRAME[["y", "x"]], pa.table(FRAME[["y", "x"]]), FRAME.to_numpy()):
        np.testing.assert_array_equal(read.predict(table), clusterer.labels_)


def test_before_fit_the_error_is_scikit_learns_too_and_can_be_pickled():
    with pytest.raises(sklearn.exceptions.NotFittedError) as caught:
        gradmix.clusterer("gmm").predict([[0.0]])
    assert isinstance(caught.value, gradmix.NotFittedError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(again, sklearn.exceptions.NotFittedError)
    assert str(again) == str(caught.value)
    with pytest.raises(sklearn.exceptions.NotFittedError):
        check_is_fitted(gradmix.clusterer("gmm"))
