"""What version 0.1 wrote stays readable: its journals, sweeps, models and marks, with the answers that it gave itself.

``tests/fixtures/v0_1/README.md`` says how the files were made.
"""

import csv
import io
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import gradmix
from conftest import all_runs
from gradmix.journal.reading import read_run
from gradmix.reports.comparison import compare
from gradmix.sweeps.selection import select
from gradmix.tracking.lookup import find_all
from gradmix_datasets.old_faithful import OldFaithful

FIXTURE = Path(__file__).parents[1] / "fixtures" / "v0_1"
EXPECTED = FIXTURE / "expected"
WORKING_FOLDER = "/home/user/work"
"""Where 0.1 ran, as the fixture's files have it."""


def expected(name):
    return json.loads((EXPECTED / name).read_text())


RUNS, COMPARISONS, PLANS, MODELS = map(expected, ("runs.json", "comparisons.json", "plans.json", "models.json"))
IN_MLFLOW = expected("mlflow.json")


def lay_out(folder):
    """A working folder as 0.1 left it."""
    shutil.copytree(FIXTURE / "journals", folder / "runs", dirs_exist_ok=True)
    for path in (folder / "runs").rglob("*.json*"):
        path.write_text(path.read_text().replace(WORKING_FOLDER, str(folder)))
    for name in ("moody.py", "measured.csv"):
        shutil.copy(FIXTURE / name, folder)
    return folder


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """Such a folder, for tests that only read."""
    return lay_out(tmp_path_factory.mktemp("left-by-0-1"))


@pytest.fixture
def here(left, monkeypatch):
    """The same as the working folder."""
    monkeypatch.chdir(left)
    return left


def number(value):
    return float(value) if isinstance(value, str) and value in ("inf", "-inf", "nan") else value


def same(told, was):
    assert told.keys() == was.keys()
    for name, value in was.items():
        assert told[name] == pytest.approx(number(value), rel=1e-12, abs=0, nan_ok=True), name


@pytest.mark.parametrize("folder", RUNS)
def test_a_run_reads_as_it_did(here, folder):
    run, was = read_run(Path(folder)), RUNS[folder]
    assert (run.status, run.error) == (was["status"], was["error"])
    assert (run.best_start, bool(run.stopped_by)) == (was["best_start"], was["is_stopped"])
    same(run.metrics, was["metrics"])
    assert (run.timing and list(run.timing.seconds)) == was["timing"]
    iterations = run.iterations
    assert len(iterations) == was["n_iterations"]
    for told, (step, metrics) in zip(iterations[:1] + iterations[-1:], was["iterations"], strict=False):
        assert told["step"] == step
        same(told["metrics"], metrics)


def test_it_holds_runs_of_every_ending():
    endings = {run["status"] for run in RUNS.values()}
    assert endings == {"finished", "failed", "killed", "timed_out", "out_of_memory"}
    assert any(run["is_stopped"] for run in RUNS.values())
    assert any(run["best_start"] for run in RUNS.values())


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("sweep", PLANS)
def test_the_rows_of_a_sweep_are_the_same(here, gradmix_main, sweep):
    told = rows_of(gradmix_main("compare", f"runs/{sweep}", "--csv", "-").out)
    was = rows_of((EXPECTED / f"{sweep.replace('/', '-')}.csv").read_text())
    assert len(told) == len(was)
    for row, earlier in zip(told, was, strict=True):
        kept = {name: row.get(name) for name in earlier}
        assert {**kept, "folder": Path(kept["folder"])} == {**earlier, "folder": Path(earlier["folder"])}


def chosen(name):
    """What `gradmix compare` is asked for: what, and by which metrics."""
    asked = {
        "experiment differentiate": (["differentiate"], ()),
        "paired by time": (["paired"], ("time.seconds",)),
        "endings": (["endings"], ()),
    }
    return asked.get(name, ([f"runs/{name}"], ()))


@pytest.mark.parametrize("name", COMPARISONS)
def test_a_comparison_answers_the_same(here, name):
    what, metrics = chosen(name)
    selection, was = select(find_all(what, Path("runs")), Path("runs")), COMPARISONS[name]
    told = compare(selection.runs, metrics, n_unreadable=selection.n_unreadable, n_missing=selection.n_missing)
    assert Counter(run.status for run in told.runs) == was["counts"]
    assert selection.n_missing == was["n_missing"]
    assert told.metrics[0].name == was["metrics"][0]
    assert (list(told.factors.given), list(told.factors.choices)) == (was["given"], was["choices"])
    assert [[dict(section.given), section.is_ranked] for section in told.sections] == [
        [section["given"], section["is_ranked"]] for section in was["sections"]
    ]
    for section, earlier in zip(told.sections, was["sections"], strict=True):
        assert [dict(group.settings) for group in section.groups] == [each["settings"] for each in earlier["groups"]]
        for group, each in zip(section.groups, earlier["groups"], strict=True):
            assert (len(group.runs), len(group.finished)) == (each["n_runs"], each["n_finished"])
            same({metric: summary.median for metric, summary in group.summaries.items()}, each["medians"])
            same_difference(group.versus_best, each["versus_best"])
    standings = [[dict(each.settings), each.n_level, each.n_sections, each.mean_rank] for each in told.standings]
    assert standings == was["standings"]


def same_difference(told, was):
    if was is None:
        assert told is None
        return
    verdict = was["verdict"].removeprefix("LIKELY_") if told.is_unvarying else was["verdict"]  # two equal pairs suffice
    assert (told.verdict.name, told.n, told.is_ratio) == (verdict, was["n"], was["is_ratio"])
    if told.n:
        estimate = {name: getattr(told.estimate, name) for name in ("median", "low", "high")}
        same(estimate, {name: was[name] for name in estimate})


TODAY = {
    "done": "done, but outdated",  # by another version: kept as it is, unless --stale is given
    "failed before": "new",  # nothing of this version's has failed
    "killed before": "new",
    "same as another": "done, but outdated",  # a sweep's result is kept, also where it took it from another run
}


@pytest.mark.parametrize(
    "sweep", [sweep for sweep in PLANS if not sweep.startswith(("families/", "grid/", "peers/", "repeated/"))]
)
def test_a_sweep_is_resumed_without_losing_its_results(here, gradmix_command, sweep):
    started = json.loads(Path(f"runs/{sweep}/journal.jsonl").read_text().splitlines()[0])
    code = [word for word in started["arguments"] if word.startswith("plugins.files")]
    plan, _ = gradmix_command("resume", f"runs/{sweep}", "--plan", *code)
    states = re.findall(r"^ *\d+  (\S+(?: \S+)*)  ", plan, re.MULTILINE)
    assert states == [TODAY[state] for state in PLANS[sweep]]
    assert "gradmix 0.1.0" in plan  # why they are outdated
    assert "Nothing was started" in plan


@pytest.mark.parametrize("folder", MODELS)
def test_a_model_gives_the_same_groups(here, folder):
    was = MODELS[folder]
    model = gradmix.read_model(Path(folder) / "artifacts" / "model.json")
    rows = rows_of_file() if folder.endswith("-file") else OldFaithful().load().X
    assert "".join(map(str, model.predict(rows))) == was["labels"]
    if was["first_probabilities"]:
        np.testing.assert_allclose(model.predict_proba(rows)[:5], was["first_probabilities"], rtol=1e-9)


def rows_of_file():
    """The columns that the model was fitted to, and the constant one that it leaves out."""
    return np.loadtxt("measured.csv", delimiter=",", skiprows=1, usecols=(0, 1, 2))


def test_mlflow_shows_the_same(folder_with_store, client, gradmix_main):
    lay_out(folder_with_store)
    gradmix_main("sync")
    shown = {}
    for run in all_runs(client):
        tags = run.data.tags
        points = {name: len(client.get_metric_history(run.info.run_id, name)) for name in run.data.metrics}
        shown[str(Path(tags["gradmix.folder"]).relative_to(folder_with_store))] = {
            "experiment": client.get_experiment(run.info.experiment_id).name,
            "name": run.info.run_name,
            "status": run.info.status,
            "tag": tags["gradmix.status"],
            "stopped": tags.get("gradmix.stopped"),
            "best": tags.get("gradmix.best"),
            "n_points": points,
            "last": run.data.metrics,
            "n_params": len(run.data.params),
            "is_nested": "mlflow.parentRunId" in tags,
        }
    keyed = [(run.info.experiment_id, key) for run in all_runs(client) if (key := run.data.tags.get("gradmix.run_key"))]
    assert len(keyed) == len(set(keyed))  # each once in its experiment; in 0.1, once over all experiments
    assert shown.keys() >= IN_MLFLOW.keys()
    for folder, was in IN_MLFLOW.items():
        if was["best"]:  # 0.1 called the best value of a sweep by no metric's name
            named = f"best.{was['best'].partition(' ')[0]}"
            was["last"][named], was["n_points"][named] = was["last"].pop("best"), was["n_points"].pop("best")
        same(shown[folder].pop("last"), was.pop("last"))
        del shown[folder]["name"], was["name"]  # since 0.2, names begin with the values that differ
        assert shown[folder] == was, folder
    before = len(all_runs(client))
    assert gradmix_main("sync").out.startswith("0 ")
    assert len(all_runs(client)) == before
