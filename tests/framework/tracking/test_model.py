"""What MLflow loads and serves is checked against the model that was fitted, on rows as a person has them."""

import json
import subprocess
import sys
import types
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

import gradmix
from conftest import all_runs
from gradmix.config.build import build
from gradmix.config.spec import Tracking, read_spec
from gradmix.registry.plugin import Plugin
from gradmix.registry.registry import build_registry
from gradmix.runs.runner import Order, execute
from gradmix.tracking.ingest import sync
from gradmix.tracking.model import read_model_file, write_model_folder

RUNS = Path("runs")
ROWS = pd.DataFrame({"waiting": [79, 54, 61], "note": ["a", "b", "c"], "eruptions": [3.6, 1.8, 3.3]})
"""Whole numbers, another order, and a column too many."""


def fit(name="one", sweep=None, **config):
    """The folder of a run whose data were scaled."""
    folder = RUNS / "trial" / name
    folder.mkdir(parents=True)
    spec = {
        "name": "trial",
        "task": {"name": "cluster"},
        "clusterer": {"name": "gmm", "random_state": 0},
        "dataset": {"name": "old_faithful", "standardise": True},
        "pictures": False,
    }
    assert execute(Order(read_spec({**spec, **config}), folder, sweep)).status == "finished"
    return folder


def expected(folder):
    return gradmix.read_model(folder / "artifacts" / "model.json").predict(ROWS).tolist()


@pytest.fixture
def tracked(client):
    """MLflow itself, on the same store."""
    mlflow.set_tracking_uri(client.tracking_uri)
    yield client
    mlflow.set_tracking_uri(None)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("sweep", [None, "some-sweep"])
@pytest.mark.parametrize("clusterer", ["gmm", "kmeans"])
def test_a_run_has_a_model_that_mlflow_loads(tracked, clusterer, sweep):
    folder = fit(sweep=sweep, clusterer={"name": clusterer, "random_state": 0})
    assert sync(RUNS, Tracking()).errors == []
    (run,) = all_runs(tracked)
    model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    found = model.predict(ROWS)
    assert found["group"].tolist() == expected(folder)
    assert len(set(found["group"])) == 2
    probabilities = [column for column in found if column.startswith("probability_")]
    assert len(probabilities) == (2 if clusterer == "gmm" else 0)
    if probabilities:
        np.testing.assert_allclose(found[probabilities].sum(axis=1), 1.0)
        assert found[probabilities].to_numpy().argmax(axis=1).tolist() == found["group"].tolist()
    assert model.metadata.signature.inputs.input_names() == ["eruptions", "waiting"]
    assert model.metadata.signature.outputs.input_names() == list(found.columns)


@pytest.mark.filterwarnings("ignore")
def test_rows_that_lack_a_column_or_hold_text_are_refused(tracked):
    fit()
    sync(RUNS, Tracking())
    (run,) = all_runs(tracked)
    model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    with pytest.raises(mlflow.MlflowException, match="waiting"):
        model.predict(ROWS[["eruptions"]])
    with pytest.raises(gradmix.DataError, match=r"row 0, column 1 .*'long'"):
        model.predict(ROWS.assign(waiting="long"))


@pytest.mark.parametrize("sweep", [None, "some-sweep"])
def test_a_model_can_be_registered_by_its_run(tracked, sweep):
    fit(sweep=sweep)
    sync(RUNS, Tracking())
    (run,) = all_runs(tracked)
    assert mlflow.register_model(f"runs:/{run.info.run_id}/model", "geyser").run_id == run.info.run_id


def test_models_may_be_left_out(tracked):
    fit()
    sync(RUNS, Tracking(models=False))
    (run,) = all_runs(tracked)
    assert "model" not in {file.path for file in tracked.list_artifacts(run.info.run_id)}


@pytest.mark.parametrize("content", ["", "[1]", '{"weights": 3}'])
def test_a_file_of_somebodys_own_with_that_name_is_an_artifact_like_others(tracked, content):
    folder = fit()
    (folder / "artifacts" / "model.json").write_text(content)
    assert sync(RUNS, Tracking()).errors == []
    (run,) = all_runs(tracked)
    assert "model" not in {file.path for file in tracked.list_artifacts(run.info.run_id)}


def test_a_folder_tells_what_it_needs_and_holds_no_pickle(client):
    source = fit() / "artifacts" / "model.json"
    write_model_folder(Path("model"), source, read_model_file(source), run_id="r")
    assert {str(path.relative_to("model")) for path in Path("model").rglob("*") if path.is_file()} == {
        *("MLmodel", "requirements.txt", "python_env.yaml", "conda.yaml", "served_model.py", "artifacts/model.json"),
    }
    mlflow_line, *plugins = Path("model/requirements.txt").read_text().splitlines()
    assert mlflow_line == f"mlflow=={mlflow.__version__}"
    assert plugins == json.loads(source.read_text())["requires"]
    assert plugins[0].startswith("gradmix==")


@dataclass(frozen=True, eq=False)
class Threshold(gradmix.Model):
    """A model of one number, with no matrix in it."""

    at: np.ndarray

    def predict(self, X):
        return (X[:, 0] > self.at[0]).astype(int)


@dataclass
class Halves(gradmix.Clusterer[Threshold]):
    """Somebody's own clusterer."""

    objective = gradmix.INERTIA

    @classmethod
    def model_class(cls):
        return Threshold

    def iterate(self, X, rng):
        yield gradmix.Iteration(Threshold(np.median(X, axis=0)), {"inertia": 0.0}, converged=True)


def somebodys_plugin(components):
    module = types.ModuleType("somebodys")
    module.gradmix_components = gradmix.hookimpl(lambda: components)
    metadata = {"Name": "fake", "Version": "1.2"}
    distribution = types.SimpleNamespace(
        name="fake", version="1.2", metadata=metadata, requires=[], read_text=lambda file: None
    )
    return Plugin(types.SimpleNamespace(load=lambda: module, name="somebodys", module="somebodys", dist=distribution))


@pytest.mark.filterwarnings("ignore")
def test_somebody_elses_clusterer_is_served_as_ours_are(empty_folder, monkeypatch):
    dataset = build("dataset", {"name": "old_faithful", "standardise": True}).component
    somebodys = build_registry([somebodys_plugin({"clusterer": {"halves": Halves}})])
    for place in ("build", "models"):
        monkeypatch.setattr(f"gradmix.config.{place}.registry", lambda: somebodys)
    data = dataset.load()
    halves = Halves().fit(data.X)
    gradmix.write_model(Path("model.json"), halves, halves.model_, data)
    write_model_folder(Path("model"), Path("model.json"), read_model_file(Path("model.json")))
    rows = ROWS.assign(eruptions=[4.1, 3.9, 4.2])  # the median is 4.0
    assert mlflow.pyfunc.load_model("model").predict(rows).to_dict("list") == {"group": [1, 0, 1]}
    assert Path("model/requirements.txt").read_text().splitlines()[1] == "fake==1.2"


@pytest.mark.slow
def test_mlflow_models_predict_takes_a_file_of_rows(tracked):
    folder = fit()
    sync(RUNS, Tracking())
    (run,) = all_runs(tracked)
    ROWS.to_csv("rows.csv", index=False)
    command = [sys.executable, "-m", "mlflow", "models", "predict", "-m", f"runs:/{run.info.run_id}/model"]
    command += ["-i", "rows.csv", "-t", "csv", "--env-manager", "local", "-o", "groups.json"]
    environment = {"MLFLOW_TRACKING_URI": tracked.tracking_uri, "PYTHONPATH": ":".join(filter(None, sys.path))}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    answer = json.loads(Path("groups.json").read_text())["predictions"]
    assert [row["group"] for row in answer] == expected(folder)
