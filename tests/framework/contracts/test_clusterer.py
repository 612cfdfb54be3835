import dataclasses
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import gradmix

RNG = np.random.default_rng(0)
X = np.concatenate([RNG.normal(0, 1, (40, 2)), RNG.normal(6, 1, (60, 2))])

CLUSTERERS = [("gmm", "n_components"), ("kmeans", "n_clusters")]


@pytest.fixture(params=CLUSTERERS, ids=lambda each: each[0])
def clusterer(request):
    name, size = request.param
    return gradmix.clusterer(name, **{size: 2}, n_init=3, random_state=1)


def test_running_never_changes_the_options(clusterer):
    before = clusterer.get_params()
    clusterer.fit(X)
    assert clusterer.get_params() == before
    added = set(vars(clusterer)) - set(before)
    assert added
    assert all(name.endswith("_") for name in added)


def test_it_is_a_scikit_learn_estimator(clusterer):
    copy = clone(clusterer.fit(X))
    assert copy.get_params() == clusterer.get_params()
    assert not hasattr(copy, "model_")
    labels = make_pipeline(StandardScaler(), copy).fit_predict(X)
    assert len(set(labels[:40])) == 1
    assert set(labels[:40]) != set(labels[40:])
    assert copy.set_params(n_init=7).n_init == 7


def test_a_clusterer_equals_only_itself_whatever_it_holds(clusterer):
    first, second = (gradmix.clusterer("gmm", means_init=X[:2]) for _ in range(2))
    assert first == first
    assert first != second
    assert clusterer != clone(clusterer)
    known = {clusterer: "fitted"}
    clusterer.fit(X)
    assert known[clusterer] == "fitted"


def test_a_derived_clusterer_may_say_what_it_equals():
    base = type(gradmix.clusterer("kmeans"))

    @dataclasses.dataclass
    class Comparable(base):
        def __eq__(self, other):
            return self.get_params() == other.get_params()

        def __hash__(self):
            return 1

    assert Comparable() == Comparable()
    assert hash(Comparable()) == 1


def test_labels_are_those_of_predict(clusterer):
    fitted = clusterer.fit(X)
    np.testing.assert_array_equal(fitted.labels_, fitted.predict(X))
    np.testing.assert_array_equal(fitted.fit_predict(X), fitted.labels_)


def test_nothing_is_validated_until_fit(clusterer):
    wrong = dataclasses.replace(clusterer, n_init=-3)
    with pytest.raises(gradmix.ConfigError, match=r"n_init must be an integer > 0.*; given: -3"):
        wrong.fit(X)


def test_before_fit_the_error_says_what_to_call(clusterer):
    with pytest.raises(gradmix.NotFittedError, match="Call 'fit' with appropriate arguments"):
        clusterer.predict(X)


def test_other_columns_than_fitted_to_are_refused(clusterer):
    with pytest.raises(gradmix.DataError, match=r"X has 3 features, but .* is expecting 2"):
        clusterer.fit(X).predict(np.zeros((2, 3)))


def test_unknown_parameters_are_refused_with_the_nearest(clusterer):
    with pytest.raises(gradmix.UnknownNameError, match="Did you mean n_init"):
        clusterer.set_params(n_inits=2)


def test_the_same_seed_gives_the_same_model(clusterer):
    first, second = clone(clusterer).fit(X), clone(clusterer).fit(X)
    for field in dataclasses.fields(first.model_):
        np.testing.assert_array_equal(getattr(first.model_, field.name), getattr(second.model_, field.name))


def test_a_start_is_the_same_whatever_the_number_of_starts(clusterer):
    few = [each.metrics for each in dataclasses.replace(clusterer, n_init=1).iterations(X)]
    many = [each.metrics for each in clusterer.iterations(X) if each.start == 0]
    assert few == many


def test_the_best_start_is_kept(clusterer):
    ends = {each.start: each.metrics[clusterer.objective.metric] for each in clusterer.iterations(X)}
    best = max(ends.values()) if clusterer.objective.maximise else min(ends.values())
    assert getattr(clusterer.fit(X), f"{clusterer.objective.metric}_") == pytest.approx(best, rel=1e-12)


def test_pandas_lists_and_float32_give_the_same(clusterer):
    pd = pytest.importorskip("pandas")
    labels = clusterer.fit(X).labels_
    for other in (X.tolist(), pd.DataFrame(X, columns=["a", "b"]), np.asfortranarray(X)):
        np.testing.assert_array_equal(clone(clusterer).fit(other).labels_, labels)


def test_a_fitted_clusterer_survives_pickling(clusterer):
    fitted = clusterer.fit(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.labels_)


def test_a_saved_model_predicts_the_same(clusterer, tmp_path):
    fitted = clusterer.fit(X)
    gradmix.write_model(tmp_path / "model.json", fitted, fitted.model_)
    again = gradmix.read_model(tmp_path / "model.json")
    assert again.get_params() == fitted.get_params()
    np.testing.assert_array_equal(again.predict(X), fitted.labels_)
    for field in dataclasses.fields(fitted.model_):
        np.testing.assert_array_equal(getattr(again.model_, field.name), getattr(fitted.model_, field.name))


@pytest.mark.parametrize(
    "content",
    ["", "{}", '{"clusterer": 3, "model": 4}', "[1]", '{"clusterer": {"name": "gmm"}, "model": {"weights": [["a"]]}}'],
)
def test_a_file_that_is_no_model_is_refused(content, tmp_path):
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(gradmix.GradmixError):
        gradmix.read_model(tmp_path / "model.json")


@dataclasses.dataclass
class ByName(gradmix.Clusterer[gradmix.Centers]):
    """One center for all, whatever is asked for."""

    n_clusters: gradmix.GroupCount = 3
    objective = gradmix.INERTIA

    def iterate(self, X, rng):
        yield gradmix.Iteration(gradmix.Centers(X[:1]), {"inertia": 0.0}, converged=True)


def test_the_class_of_models_is_the_one_that_the_base_names():
    assert ByName.model_class() is gradmix.Centers
    with pytest.raises(gradmix.PluginError, match="model_class"):
        gradmix.Clusterer.model_class()


def test_fewer_rows_than_groups_are_refused_for_every_clusterer():
    with pytest.raises(gradmix.DataError, match="2 rows are fewer than n_clusters=3"):
        ByName().fit([[0.0], [1.0]])
    assert ByName().fit([[0.0], [1.0], [2.0]]).labels_.tolist() == [0, 0, 0]


def test_of_centers_that_are_equally_near_the_first_is_taken():
    centers = gradmix.Centers([[0.0, 0.0], [2.0, 0.0], [0.0, 3.0]], "cityblock")
    assert centers.predict([[1.0, 0.0], [1.0, 2.0], [2.0, 0.0]]).tolist() == [0, 2, 1]


@pytest.mark.parametrize(("name", "groups"), [("gmm", {"n_components": 2}), ("kmeans", {"n_clusters": 9})])
def test_a_warning_names_the_line_that_called_fit(name, groups):
    rows = np.random.default_rng(0).normal(size=(3000, 2))  # more than are fitted by whole starts
    for X in (rows, rows[:50]):
        with pytest.warns(UserWarning, match="did not converge") as caught:
            gradmix.clusterer(name, random_state=0, max_iter=1, tol=0.0, **groups).fit(X)
        assert caught[0].filename == __file__


def test_rows_that_are_given_with_labels_keep_their_weights():
    X, labels = [[0.0], [2.0], [9.0], [9.5]], [0, 0, 1, 1]
    rows = gradmix.rows(X, weights=[3, 1, 1, 1])
    fitted = gradmix.clusterer("gaussian").fit(rows, labels)
    assert sorted(fitted.means_[:, 0].tolist()) == [0.5, 9.25]
    assert fitted.total_weight_ == 6
