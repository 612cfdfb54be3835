"""The commands from Python: what they return is what the journals say."""

import gc
import html
import os
import re
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest

import gradmix
from conftest import HANGS
from gradmix.cli.plugins import _MADE_BY_NAME
from made_journals import edit

KMEANS = ("clusterer=kmeans", "dataset=iris", "clusterer.n_clusters=3", "tracking=none")
HERE = "hydra/launcher=basic"
"""Jobs in this process: starting workers takes as long as all the rest."""

pytestmark = pytest.mark.processes


@pytest.fixture
def result(empty_folder):
    return gradmix.run(*KMEANS)


def test_a_run_returns_what_its_journal_has(result):
    X = gradmix.dataset("iris").load().X
    assert result.status == "finished"
    assert result.params["clusterer"] == "kmeans"
    assert result.metrics["inertia"] == pytest.approx(78.85, abs=0.01)  # published optimum: 78.8514
    steps = result.iterations
    assert list(steps.columns) == ["start", "step", "inertia"]
    assert steps["step"].tolist() == list(range(1, len(steps) + 1))
    assert steps["inertia"].is_monotonic_decreasing
    centers = result.model.model_.centers
    nearest = np.square(X[:, None] - centers).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(result.model.predict(X), nearest)
    again = gradmix.read_run(result.folder)
    assert again.metrics == result.metrics


def test_a_notebook_shows_metrics_and_picture(result):
    shown = result._repr_html_()
    assert f"{result.metrics['inertia']:.6g}" in shown
    assert shown.count("<img") == len(result.pictures) == 1
    assert "inertia=78.85" in repr(result)


def test_what_fails_a_run_is_raised_and_journalled(empty_folder):
    with pytest.raises(gradmix.DataError, match="fewer than n_clusters=1000"):
        gradmix.run(*KMEANS, "clusterer.n_clusters=1000")
    (folder,) = Path("runs/cluster").iterdir()
    failed = gradmix.read_run(folder)
    assert failed.status == "failed"
    assert "n_clusters=1000" in failed.error
    with pytest.raises(gradmix.StorageError, match="has no model"):
        failed.model  # noqa: B018


@pytest.mark.parametrize(
    ("call", "overrides", "message"),
    [
        (gradmix.run, ("clusterer=kmean",), "Did you mean kmeans"),
        (gradmix.run, ("seed=1,2", *KMEANS), "run a sweep"),
        (gradmix.run, ("experiment=covariances", "tracking=none"), r"gradmix\.sweep"),
        (gradmix.run, (1,), "overrides are strings"),
        (gradmix.sweep, ("clusterer.nothing=1,2",), "nothing"),
    ],
)
def test_a_wrong_config_is_one_error_and_leaves_nothing(empty_folder, call, overrides, message):
    with pytest.raises(gradmix.GradmixError, match=message) as raised:
        call(*overrides)
    assert not list(empty_folder.rglob("journal.jsonl"))
    shown = "".join(traceback.format_exception(raised.value))
    assert shown.count("Traceback") == 1
    assert "site-packages" not in shown
    assert len(raised.traceback) <= 3  # the call, the function called, and where it gives up


@pytest.fixture
def sweep(empty_folder):
    return gradmix.sweep("clusterer=gmm,kmeans", "dataset=iris", "seed=range(3)", "tracking=none", HERE)


def test_a_sweep_is_a_table_of_its_runs(sweep):
    runs = sweep.runs
    assert len(sweep) == len(runs) == 6
    assert runs["clusterer"].tolist() == ["gmm"] * 3 + ["kmeans"] * 3
    assert runs["seed"].tolist() == [0, 1, 2] * 2
    assert runs["status"].tolist() == ["finished"] * 6
    assert runs["inertia"].isna().tolist() == [True] * 3 + [False] * 3
    assert runs["bic"][0] == sweep.results[0].metrics["bic"]
    assert "clusterer.tol" not in runs  # it follows from the clusterer
    assert "<table" in sweep._repr_html_()


def test_results_that_are_there_are_taken(sweep):
    again = gradmix.sweep("clusterer=gmm,kmeans", "dataset=iris", "seed=range(4)", "tracking=none", HERE)
    assert len(again) == 8
    assert gradmix.read_run(again.folder).params is not None
    assert len(list(again.folder.glob("*/journal.jsonl"))) == 2


FRAGILE = """
from dataclasses import dataclass
import numpy as np
import gradmix

@dataclass
class Fragile(gradmix.Clusterer):
    "The mean; fails for two clusters, and says so in markup."
    objective = gradmix.INERTIA
    n_clusters: gradmix.GroupCount = 1
    random_state: gradmix.Seed = None

    def iterate(self, X, rng):
        if self.n_clusters == 2:
            raise gradmix.NumericalError("no <b>pair</b>")
        mean = X.mean(axis=0, keepdims=True)
        yield gradmix.Iteration(gradmix.Centers(mean), {"inertia": float(((X - mean) ** 2).sum())}, converged=True)
"""


def test_a_job_that_fails_is_a_row(empty_folder, monkeypatch):
    monkeypatch.setenv("GRADMIX_PLUGINS", "{}")  # the choice holds from then on in this process
    Path("fragile.py").write_text(FRAGILE)
    words = ("plugins.files=[fragile.py]", "clusterer=fragile", "tracking=none", "pictures=false", HERE)
    failed, good = gradmix.sweep(*words, "clusterer.n_clusters=2,1").results
    assert (failed.status, good.status) == ("failed", "finished")
    assert "no <b>pair</b>" in failed.error
    assert "&lt;b&gt;pair" in failed._repr_html_()
    assert "<b>pair" not in failed._repr_html_()


def test_runs_are_read_by_name_or_all(sweep):
    single = gradmix.run(*KMEANS)
    assert len(gradmix.read_runs()) == 7
    assert len(gradmix.read_runs(str(sweep.folder))) == 6
    assert gradmix.read_runs(str(single.folder))["inertia"].tolist() == [single.metrics["inertia"]]
    with pytest.raises(gradmix.UnknownNameError, match="no sweep"):
        gradmix.read_runs("nothing")


def test_runs_are_named_as_on_the_command_line_or_given_as_rows_and_results(sweep):
    runs = gradmix.read_runs()
    first = sweep.results[0]
    for name in (first.run_key[:12], first.folder, f"{sweep.folder.name}/1", first, runs.iloc[0]):
        assert gradmix.read_runs(name)["folder"].tolist() == [str(first.folder)]
        assert gradmix.read_run(name).run_key == first.run_key
    assert len(gradmix.compare(runs[runs["clusterer"] == "gmm"]).runs) == 3
    assert len(gradmix.compare(*sweep.results[:2], first).runs) == 2
    with pytest.raises(gradmix.ConfigError, match=r"give one run, such as table\.iloc\[0\]; the table has 6"):
        gradmix.read_run(runs)
    with pytest.raises(gradmix.ConfigError, match="named by a string or a path, or is a result of gradmix; given: 3"):
        gradmix.compare(3)
    with pytest.raises(gradmix.UnknownNameError, match="no sweep"):
        gradmix.read_run("nothing")


def test_a_reproduction_is_a_value(result, monkeypatch):
    again = gradmix.reproduce(result)
    assert again.is_identical
    assert again.differences.empty
    assert not again.changes
    assert again.run.metrics["inertia"] == result.metrics["inertia"]
    assert len(again.run.iterations) == len(result.iterations)
    assert "identical to the last bit" in repr(again)
    assert "<b>identical to the last bit</b>" in again._repr_html_()
    folder = again.run.folder
    del again
    gc.collect()
    assert not folder.exists()
    assert len(gradmix.read_runs()) == 1  # the new run is no run of the folder `runs`
    folder = result.folder.absolute()
    monkeypatch.chdir("/")
    for name in (str(folder), gradmix.read_run(folder)):
        assert gradmix.reproduce(name).is_identical
    assert Path.cwd() == Path("/")


def test_a_reproduction_that_differs_has_the_values(result, empty_folder):
    inertia = result.metrics["inertia"]
    edit(result.folder, lambda text: text.replace(f'"inertia": {inertia!r}', f'"inertia": {inertia + 1!r}'))
    again = gradmix.reproduce(result.run_key[:8], keep="again")
    assert not again.is_identical
    last = again.differences.iloc[-1]
    assert (last["value"], last["before"], last["now"], last["allowed"]) == ("inertia", inertia + 1, inertia, False)
    assert last["difference"] == pytest.approx(1 / (inertia + 1))
    assert "<th>difference</th>" in again._repr_html_()
    assert again.run.folder == empty_folder / "again"
    other = gradmix.reproduce(result, "clusterer.n_clusters=4")
    assert other.changes == {"clusterer.n_clusters": ("3", "4")}
    with pytest.raises(gradmix.UnknownNameError, match=r"no option clusterer\.n_cluster\. Did you mean"):
        gradmix.reproduce(result, "clusterer.n_cluster=4")


def test_nothing_to_read_is_said(empty_folder):
    for read in (gradmix.read_runs, gradmix.compare):
        with pytest.raises(gradmix.StorageError, match="there are no runs in runs"):
            read()


def test_a_comparison_is_tables_and_a_page(sweep, tmp_path):
    found = gradmix.compare(sweep, metrics=["adjusted_rand_index"])
    assert "gmm is best by adjusted_rand_index" in found.sentences[0]
    assert found.table["clusterer"].tolist() == ["gmm", "kmeans"]
    medians = found.medians.set_index(["clusterer", "metric"])
    expected = sweep.runs.groupby("clusterer")["adjusted_rand_index"].median()
    for clusterer in ("gmm", "kmeans"):
        row = medians.loc[(clusterer, "adjusted_rand_index")]
        assert row["median"] == expected[clusterer]
        assert row["n"] == 3
        assert row["low"] <= row["median"] <= row["high"]
    assert found.effects["choice"].tolist() == ["kmeans"]
    assert found.save_page(tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    shown = found._repr_html_()
    assert html.unescape(re.search(r'srcdoc="([^"]*)"', shown)[1]).startswith("<!DOCTYPE html>")
    assert "gmm is best" in shown.partition("</iframe>")[2]  # where frames are not shown
    assert "gmm is best" in repr(found)


def test_a_comparison_is_printed_with_few_metrics(sweep):
    printed = str(gradmix.compare(sweep))
    assert "time.seconds" in printed
    assert max(map(len, printed.splitlines())) <= 150


def test_data_are_described_rather_than_printed():
    data = gradmix.dataset("iris").load()
    assert repr(data).startswith("Data(150 x 4: sepal length")
    assert "with labels" in repr(data)
    assert len(repr(data)) < 200


@pytest.mark.parametrize("kind", _MADE_BY_NAME)
def test_what_the_listing_says_makes_a_component_is_there(kind):
    assert callable(getattr(gradmix, kind))


def test_components_are_made_by_name():
    assert gradmix.problem("cubic", x=2.0).exact() == 12.0
    assert gradmix.metric("silhouette").kind == "metric"
    task = gradmix.task("cluster", clusterer=gradmix.clusterer("kmeans", n_clusters=4))
    assert task.clusterer.n_clusters == 4
    with pytest.raises(gradmix.UnknownNameError, match="Did you mean iris"):
        gradmix.dataset("irris")


def test_the_tutorial_works(empty_folder):
    text = (Path(__file__).parents[3] / "docs" / "notebook.md").read_text(encoding="utf-8")
    cells = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    program = "if __name__ == '__main__':\n" + "".join(
        "".join(f"    {line}\n" for line in cell.splitlines()) + "\n" for cell in cells
    )
    (empty_folder / "tutorial.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "tutorial.py"],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
        timeout=HANGS,
    )
    assert done.returncode == 0, done.stderr
    for shown in re.findall(r"```text\n(.*?)```", text, flags=re.S):
        for line in shown.splitlines():
            assert line.split() in [printed.split() for printed in done.stdout.splitlines()], line
