"""scikit-learn's own tests of `KMeans` and `MiniBatchKMeans`, with `kmeans` and `minibatch_kmeans` in their place."""

from types import FunctionType

import pytest
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.cluster.tests import test_k_means as theirs

import gradmix

LEFT_OUT = {
    "test_kmeans_results": "it counts the first assignment as an iteration; test_kmeans has the rest of it",
    "test_kmeans_relocated_clusters": "as test_kmeans_results",
    "test_kmeans_init_auto_with_initial_centroids": "it looks at a private attribute",
    "test_n_init_auto": "it looks at a private attribute; test_kmeans has the rest of it",
    "test_kmeans_verbose": "it has no option verbose: a run prints its iterations",
    "test_kmeans_copyx": "it has no option copy_x: data are never changed",
    "test_float_precision": "all is computed in float64",
    "test_kmeans_warns_less_centers_than_unique_points": "fewer different rows than clusters are an error here",
    "test_relocating_with_duplicates": "fewer different rows than clusters are an error here",
    "test_wrong_params": "messages have other words; test_kmeans has these cases",
    "test_predict_does_not_change_cluster_centers": "it changes the centers of a fitted model, which is immutable here",
    "test_sample_weight_init": "it calls a private method",
    "test_sample_weight_zero": "it calls a private method",
    "test_dense_sparse": "sparse data are refused",
    "test_predict_dense_sparse": "sparse data are refused",
    "test_warning_elkan_1_cluster": "Elkan's algorithm is not offered",
    "test_kmeans_elkan_iter_attribute": "Elkan's algorithm is not offered",
    "test_minibatch_kmeans_partial_fit_init": "it has no method partial_fit",
    "test_minibatch_kmeans_verbose": "it has no option verbose",
    "test_minibatch_declared_convergence": "it tests the output of the option verbose, which ours does not have",
    "test_minibatch_kmeans_warning_init_size": "a sample that is too small is enlarged without a warning",
    "test_minibatch_kmeans_init_size": "it looks at a private attribute",
    "test_minibatch_iter_steps": "n_iter_ counts batches, not passes; n_steps_ does not exist",
    "test_minibatch_with_many_reassignments": "it has no option verbose",
    "test_kmeans_predict": "it sets the option algorithm; test_kmeans has the rest of it",
    "test_minibatch_sensible_reassign": "it calls partial_fit; test_minibatch_kmeans has the rest of it",
}
"""Test → why it says nothing of our clusterers."""

NOT_BY_BATCHES = {"test_integer_input": "it calls partial_fit"}
"""Test → why it says nothing of `minibatch_kmeans`."""

ABSENT = ("elkan", "partial_fit", *theirs.CSR_CONTAINERS, *theirs.X_as_any_csr)
"""Values of parameters that stand for what we do not have: Elkan's algorithm, `partial_fit`, sparse data."""


def k_means(n_clusters=8, algorithm="lloyd", **options):
    """`kmeans` with scikit-learn's defaults; the algorithm is always Lloyd's."""
    return type(gradmix.clusterer("kmeans"))(n_clusters=n_clusters, **options)


def minibatch_k_means(n_clusters=8, **options):
    """`minibatch_kmeans` with scikit-learn's defaults."""
    return type(gradmix.clusterer("minibatch_kmeans"))(n_clusters=n_clusters, **options)


k_means.__name__, minibatch_k_means.__name__ = "KMeans", "MiniBatchKMeans"
OURS = {KMeans: k_means, MiniBatchKMeans: minibatch_k_means}


def parts(value):
    return value if isinstance(value, tuple | list) else (value,)


def in_its_place(value):
    if isinstance(value, tuple):
        return tuple(map(in_its_place, value))
    return OURS.get(value, value) if isinstance(value, type) else value


def with_ours(mark, absent):
    """A mark of a test with our clusterers, and without what they do not have."""
    if mark.name != "parametrize":
        return mark
    names, values, *rest = mark.args
    values = [*values]
    kept = [n for n, value in enumerate(values) if not any(part is one for part in parts(value) for one in absent)]
    ids = mark.kwargs.get("ids")
    options = {**mark.kwargs, "ids": [ids[n] for n in kept]} if ids else mark.kwargs
    return pytest.mark.parametrize(names, [in_its_place(values[n]) for n in kept], *rest, **options).mark


def is_theirs(test):
    """Whether it is a test of an estimator, not of private functions or of `kmeans_plusplus`."""
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    classes = [part for mark in marks for value in mark.args[1] for part in parts(value) if isinstance(part, type)]
    names = test.__code__.co_names
    return bool({"KMeans", "MiniBatchKMeans"} & {*names} or set(OURS) & {*classes})


def copied(test):
    """The test with marks of its own."""
    absent = (*ABSENT, MiniBatchKMeans) if test.__name__ in NOT_BY_BATCHES else ABSENT
    copy = FunctionType(test.__code__, test.__globals__, test.__name__, test.__defaults__, test.__closure__)
    copy.pytestmark = [with_ours(mark, absent) for mark in getattr(test, "pytestmark", ())]
    return pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")(copy)


@pytest.fixture(autouse=True)
def ours_in_their_place(monkeypatch):
    for one, other in OURS.items():
        monkeypatch.setattr(theirs, one.__name__, other)


for _name, _test in vars(theirs).copy().items():
    if _name.startswith("test_") and _name not in LEFT_OUT and is_theirs(_test):
        globals()[_name] = copied(_test)


def test_what_is_left_out_is_there():
    assert {*LEFT_OUT, *NOT_BY_BATCHES} <= set(vars(theirs))
