"""The clusterers as scikit-learn's estimators: data frames, pipelines and searches."""

import sys

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import gradmix

X = np.random.default_rng(0).normal(size=(60, 3)) + 6.0 * np.repeat([[0, 0, 0], [1, 0, 0], [0, 1, 1]], 20, axis=0)


def made(name, **options):
    return gradmix.clusterer(name, random_state=0, **options)


@pytest.mark.parametrize("name", ["kmeans", "minibatch_kmeans"])
def test_transform_returns_the_data_frames_that_are_asked_for(name):
    frame = pd.DataFrame(X, columns=["a", "b", "c"], index=np.arange(60) + 100)
    fitted = made(name, n_clusters=3).fit(frame)
    distances = fitted.transform(frame)
    assert isinstance(distances, np.ndarray)
    assert [*fitted.get_feature_names_out()] == [f"{type(fitted).__name__.lower()}{j}" for j in range(3)]
    assert fitted.set_output(transform="pandas") is fitted
    found = fitted.set_output(transform=None).transform(frame)
    pd.testing.assert_frame_equal(found, pd.DataFrame(distances, frame.index, fitted.get_feature_names_out()))
    pd.testing.assert_frame_equal(fitted.fit_transform(frame), found)
    assert isinstance(fitted.set_output(transform="default").transform(frame), np.ndarray)
    with pytest.raises(ValueError, match="transform must be one of default, pandas, polars; given: 'panda'"):
        fitted.set_output(transform="panda")


def test_frames_of_polars_are_returned_where_it_is_installed():
    fitted = made("kmeans", n_clusters=3).fit(X).set_output(transform="polars")
    polars = pytest.importorskip("polars")
    found = fitted.transform(X)
    assert isinstance(found, polars.DataFrame)
    assert found.columns == ["kmeans0", "kmeans1", "kmeans2"]
    np.testing.assert_array_equal(found.to_numpy(), fitted.set_output(transform="default").transform(X))


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    fitted = made("kmeans", n_clusters=3).fit(X).set_output(transform="polars")
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(gradmix.ConfigError, match="needs polars, which is not installed"):
        fitted.transform(X)


def test_scikit_learns_setting_of_outputs_counts_where_nothing_else_is_chosen():
    fitted = made("kmeans", n_clusters=3).fit(X)
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(fitted.transform(X), pd.DataFrame)
        assert isinstance(fitted.set_output(transform="default").transform(X), np.ndarray)


def test_a_clone_returns_the_same_kind_of_output_and_so_do_the_steps_of_a_pipeline():
    copy = clone(made("kmeans", n_clusters=3).set_output(transform="pandas"))
    assert isinstance(copy.fit_transform(X), pd.DataFrame)
    pipeline = make_pipeline(StandardScaler(), made("kmeans", n_clusters=3)).set_output(transform="pandas")
    assert [*pipeline.fit_transform(X).columns] == ["kmeans0", "kmeans1", "kmeans2"]


@pytest.mark.parametrize("name", ["gmm", "kmeans", "minibatch_kmeans"])
def test_pipelines_pass_weights_on_and_predict(name):
    option = "n_components" if name == "gmm" else "n_clusters"
    weights = np.arange(60) % 4.0
    pipeline = make_pipeline(StandardScaler(), made(name, **{option: 3}))
    step = pipeline.steps[-1][0]
    pipeline.fit(X, **{f"{step}__sample_weight": weights})
    alone = made(name, **{option: 3}).fit(StandardScaler().fit_transform(X), sample_weight=weights)
    np.testing.assert_array_equal(pipeline.predict(X), alone.predict(StandardScaler().fit_transform(X)))
    assert pipeline[-1].total_weight_ == weights.sum()
    assert len({pipeline[-1], alone, alone}) == 2


@pytest.mark.parametrize("name", ["gmm", "kmeans", "minibatch_kmeans"])
def test_a_grid_search_finds_the_number_of_groups_that_scores_best(name):
    option = "n_components" if name == "gmm" else "n_clusters"
    rows = np.random.default_rng(1).permutation(X)
    search = GridSearchCV(made(name), {option: [1, 3]}, cv=3).fit(rows)
    assert search.best_params_ == {option: 3}
    assert search.predict(rows).shape == (60,)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.parametrize("name", ["gmm", "kmeans", "minibatch_kmeans"])
def test_weights_are_routed_to_whoever_asks_for_them(name, routing):
    weights = np.arange(60) % 4.0
    asking = clone(made(name).set_fit_request(sample_weight=True))
    pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), asking)
    assert pipeline.fit(X, sample_weight=weights)[-1].total_weight_ == weights.sum()
    aside = clone(made(name).set_fit_request(sample_weight=False))
    scaler = StandardScaler().set_fit_request(sample_weight=True)
    assert make_pipeline(scaler, aside).fit(X, sample_weight=weights)[-1].total_weight_ == 60
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        make_pipeline(scaler, made(name)).fit(X, sample_weight=weights)


def test_weights_are_routed_under_another_name_and_to_scores(routing):
    weights = np.r_[np.ones(30), np.zeros(30)]
    kmeans = made("kmeans").set_fit_request(sample_weight="importance").set_score_request(sample_weight="importance")
    search = GridSearchCV(kmeans, {"n_clusters": [1, 2]}, cv=[(np.arange(60), np.arange(60))])
    search.fit(X, importance=weights)
    alone = made("kmeans").fit(X, sample_weight=weights)
    assert search.best_score_ == alone.score(X, sample_weight=weights)
    assert "importance" in str(clone(kmeans).get_metadata_routing())


def test_a_score_without_weights_asks_for_none():
    assert "score" not in str(made("gmm").get_metadata_routing())
