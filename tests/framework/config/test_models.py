"""Model files that are damaged, foreign, or of another version are refused when they are read, and named."""

import json

import numpy as np
import pytest

import gradmix

X = np.random.default_rng(0).normal(size=(40, 2)) + np.repeat([[0.0], [9.0]], 20, axis=0)


@pytest.fixture(params=["gmm", "kmeans"])
def content(request, tmp_path):
    """The content of a model file, with the columns of its data."""
    size = {"gmm": "n_components", "kmeans": "n_clusters"}[request.param]
    clusterer = gradmix.clusterer(request.param, **{size: 2}, random_state=0).fit(X)
    data = gradmix.Data(X, feature_names=("a", "b"))
    gradmix.write_model(tmp_path / "model.json", clusterer, clusterer.model_, data)
    return json.loads((tmp_path / "model.json").read_text())


def read(content, tmp_path):
    (tmp_path / "model.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return gradmix.read_model(str(tmp_path / "model.json"))


def refused(content, tmp_path, reason):
    with pytest.raises(gradmix.DataError, match=reason) as caught:
        read(content, tmp_path)
    assert str(tmp_path / "model.json") in str(caught.value)


def test_as_written_it_is_read(content, tmp_path):
    assert set(read(content, tmp_path).predict(X)) == {0, 1}


@pytest.mark.parametrize("depth", [100_000])
def test_deep_nesting(depth, tmp_path):
    refused("[" * depth + "]" * depth, tmp_path, "nested too deeply")


def test_arrays_with_nan(content, tmp_path):
    name = "means" if "means" in content["model"] else "centers"
    content["model"][name][0][0] = np.nan
    refused(content, tmp_path, f"{name} of the model must not contain NaN")


@pytest.mark.parametrize("nested", ["[" * 200 + "]" * 200, '{"a":' * 200 + "1" + "}" * 200])
def test_nesting_where_an_array_should_be(content, nested, tmp_path):
    name = "means" if "means" in content["model"] else "centers"
    content["model"][name] = json.loads(nested)
    refused(content, tmp_path, "cannot read the model")


@pytest.mark.parametrize("given", [99, 0, "1", None, True, [1]])
def test_another_format(content, given, tmp_path):
    refused({**content, "format": given}, tmp_path, "reads the format 1")


@pytest.mark.parametrize("text", ["", "{}", "[1]", "null", "\x00", '{"format": 1, "clusterer": 3, "model": 4}'])
def test_what_is_not_a_model(text, tmp_path):
    refused(text, tmp_path, "is not a model that gradmix wrote")


def test_arrays_of_every_wrong_shape_are_noticed_when_reading(content, tmp_path):
    """The class of the fault: any array replaced by one of another shape, or by none."""
    for name, value in content["model"].items():
        if not isinstance(value, list):
            continue
        array = np.array(value)
        others = [array[None], array[..., None], np.concatenate([array, array]), array.ravel()[:0], array.ravel()[0]]
        others += [array[:1]] if name == "weights" else [array[..., :1]]
        for other in others:
            if name != "centers" or other.shape != (4, 2):  # four centers are a model, too
                refused(
                    {**content, "model": {**content["model"], name: other.tolist()}}, tmp_path, "cannot read the model"
                )
        for other in ("text", None, {"a": 1}, ["a", "b"], [[1.0], [1.0, 2.0]]):
            refused({**content, "model": {**content["model"], name: other}}, tmp_path, "cannot read the model")
    refused({**content, "model": {}}, tmp_path, "cannot read the model")
    refused({**content, "model": {**content["model"], "more": 1}}, tmp_path, "cannot read the model")


@pytest.mark.parametrize(
    "change",
    [
        {"n_columns": 3},
        {"n_columns": "two"},
        {"kept": [0, 5]},
        {"means": [1.0], "scales": [1.0, 1.0, 1.0]},
        {"unknown": 1},
        {"names": ["a"]},
    ],
)
def test_columns_that_do_not_fit(content, change, tmp_path):
    refused({**content, "columns": {**content["columns"], **change}}, tmp_path, "cannot read the model")


def test_a_distribution_that_is_missing_or_of_another_version_is_named(content, tmp_path):
    foreign = {**content, "clusterer": {"name": "else:other"}, "requires": ["else==3.1"]}
    refused(foreign, tmp_path, "requires else==3.1, which is not installed")
    old = {**content, "requires": ["gradmix==0.0.1"]}
    assert len(read(old, tmp_path).predict(X)) == len(X)
    broken = {**old, "model": {}}
    refused(broken, tmp_path, r"\. The model was written by gradmix==0.0.1; the installed version is gradmix==")
