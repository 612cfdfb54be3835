"""What MLflow has afterwards is read back by MLflow's own client."""

import json
import math
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import all_runs
from gradmix import StorageError
from gradmix.config.spec import Tracking
from gradmix.journal.reading import read_run
from gradmix.journal.writing import Journal
from gradmix.tracking.ingest import Ingester, is_meant_for, sync
from gradmix.tracking.note import FILE_NAME as NOTE
from gradmix.tracking.note import read_note
from gradmix.tracking.store import open_client
from gradmix.tracking.view import view_of
from made_journals import START, write_events
from tracked import brought, reconnect

RUNS = Path("runs")
TRACKING = Tracking()
MODEL = json.dumps({"clusterer": {"name": "kmeans"}, "model": {"centers": [[1.0]]}})


def journal(
    name="one",
    *,
    ends=True,
    sweep=None,
    kind="run",
    starts=1,
    steps=3,
    last=None,
    under=RUNS / "trial",
    key=None,
    tracking=TRACKING.uri,
):
    """A run's folder, with its journal."""
    folder = under / name
    folder.mkdir(parents=True)
    book = Journal(folder)
    params = {"clusterer": "gmm", "clusterer.n_components": 2, "clusterer.tol": None, "flag": True}
    start = {
        "run_id": f"id-{name}",
        "run_key": key or f"key {name}",
        "name": "trial",
        "label": f"run {name}",
        "kind": kind,
        "tracking": tracking,
    }
    book.write("started", format=1, **start, params=params, plugins={"task": "p 1"}, sweep=sweep)
    for number in range(starts):
        for step in range(1, steps + 1):
            value = -100.0 + 10 * number + step if last is None or step < steps else last
            book.write("iteration", start=number, step=step, metrics={"log_likelihood": value})
    if ends:
        inputs = [{"name": "d", "digest": "d1", "rows": 9, "columns": [["a", "float64"]], "source": "/d.csv"}]
        book.write("result", metrics={"log_likelihood": 1.0, "bic": 5.0}, best_start=starts - 1, inputs=inputs)
        book.write("finished")
    book.close()
    return folder


def points(client, run, key):
    return [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, key)]


def snapshot(client):
    """Everything that the store has, comparably."""
    return sorted(
        (
            *(run.info.run_id, run.info.status, sorted(run.data.tags.items()), sorted(run.data.params.items())),
            *((key, tuple(points(client, run, key))) for key in sorted(run.data.metrics)),
        )
        for run in all_runs(client)
    )


def test_a_journal_comes_in_whole(client):
    folder = journal()
    (folder / "artifacts").mkdir()
    (folder / "artifacts" / "model.json").write_text(MODEL)
    mark = Ingester(TRACKING).bring_in(folder)
    run = client.get_run(mark.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "run one"
    assert client.get_experiment(run.info.experiment_id).name == "trial"
    assert points(client, run, "log_likelihood") == [(1, -99.0), (2, -98.0), (3, -97.0)]
    assert points(client, run, "bic") == [(0, 5.0)]
    assert run.data.params == {
        "clusterer": "gmm",
        "clusterer.n_components": "2",
        "clusterer.tol": "null",
        "flag": "true",
    }
    assert run.data.tags["gradmix.run_key"] == "key one"
    assert run.data.tags["gradmix.status"] == "finished"
    assert run.data.tags["gradmix.plugin"] == "p 1: task"
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["model", "model.json"]


def test_syncing_twice_changes_nothing(client):
    journal("one")
    journal("two", starts=2)
    assert brought(RUNS, TRACKING) == (2, [])
    before = snapshot(client)
    assert brought(RUNS, TRACKING) == (0, [])
    assert snapshot(client) == before
    for note in RUNS.rglob(NOTE):  # the notes decide nothing
        note.write_text(note.read_text()[:-20])
    assert brought(RUNS, TRACKING) == (0, [])
    assert snapshot(client) == before


def test_a_clock_that_went_back_ends_nothing_before_its_start_and_syncing_again_changes_nothing(client):
    at = {"time": START - 3600}
    started = {"event": "started", "format": 1, "run_id": "id", "run_key": "key", "name": "trial", "label": "run"}
    iterations = [
        {"event": "iteration", "start": start, "step": step, "metrics": {"inertia": 1.0 / step}, **at}
        for start in (0, 1)
        for step in (1, 2)
    ]
    events = [{"event": "system", "metrics": {"cpu": 1.0}, **at}, *iterations]
    events += [{"event": "result", "metrics": {"bic": 5.0}, "best_start": 1, **at}, {"event": "finished", **at}]
    write_events(RUNS / "trial" / "back", [{**started, "kind": "run", "tracking": TRACKING.uri}, *events])
    assert sync(RUNS, TRACKING).errors == []
    (run,) = all_runs(client)
    assert run.info.start_time == run.info.end_time == START * 1000
    keys = ("inertia", "start.inertia", "system/cpu", "bic")
    times = [point.timestamp for key in keys for point in client.get_metric_history(run.info.run_id, key)]
    assert times == [START * 1000] * 6
    before = snapshot(client)
    (RUNS / "trial" / "back" / NOTE).unlink()
    assert brought(RUNS, TRACKING) == (0, [])
    assert snapshot(client) == before


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("broken_call", ["create_run", "log_batch", "log_inputs", "set_terminated"])
def test_an_ingestion_that_breaks_off_is_finished_later_without_doubling(client, monkeypatch, broken_call, is_done):
    folder = journal()
    (folder / "artifacts").mkdir()
    (folder / "artifacts" / "model.json").write_text(MODEL)
    ingester = Ingester(TRACKING)
    call = getattr(ingester.client, broken_call)

    def break_off(*arguments, **options):
        if is_done:
            call(*arguments, **options)
        raise ConnectionError("the server has gone")

    monkeypatch.setattr(ingester.client, broken_call, break_off)
    with pytest.raises(StorageError, match=r"did not import .*`gradmix sync`"):
        ingester.bring_in(folder)
    assert brought(RUNS, TRACKING) == (0 if broken_call == "set_terminated" and is_done else 1, [])
    (run,) = all_runs(client)
    assert run.info.status == "FINISHED"
    assert len(points(client, run, "log_likelihood")) == 3
    assert len(run.inputs.dataset_inputs) == 1
    assert {file.path for file in client.list_artifacts(run.info.run_id, "model")} >= {"model/MLmodel"}


@pytest.mark.parametrize("call", [1, 2])
def test_a_note_that_cannot_be_written_doubles_nothing(client, monkeypatch, call):
    folder, calls = journal(), []
    whole = json.dumps

    def full_disk(value, **options):
        calls.append(value)
        if len(calls) == call:
            raise OSError(28, "No space left on device")
        return whole(value, **options)

    with monkeypatch.context() as patch:
        patch.setattr("gradmix.tracking.note.json.dumps", full_disk)
        with pytest.raises(StorageError):
            Ingester(TRACKING).bring_in(folder)
    assert sync(RUNS, TRACKING).errors == []
    assert len(all_runs(client)) == 1


def test_a_store_that_was_deleted_is_made_anew_from_the_journals(empty_folder, quick_stores):
    sweep = journal("sweep", kind="sweep", steps=0)
    journal("0", sweep="id-sweep", under=sweep)
    assert brought(RUNS, TRACKING) == (2, [])
    (RUNS / "mlflow.db").unlink()
    reconnect()
    assert brought(RUNS, TRACKING) == (2, [])
    runs = {run.data.tags["gradmix.run_id"]: run for run in all_runs(open_client(TRACKING))}
    assert runs["id-0"].data.tags["mlflow.parentRunId"] == runs["id-sweep"].info.run_id


def test_a_journal_that_never_began_is_passed_over(client):
    journal("good")
    for name, content in (("empty", ""), ("half", '{"event": "star')):
        (RUNS / "trial" / name).mkdir()
        (RUNS / "trial" / name / "journal.jsonl").write_text(content)
    assert brought(RUNS, TRACKING) == (1, [])


def test_a_run_whose_process_was_killed_is_killed_in_mlflow_too(client):
    journal(ends=False)
    sync(RUNS, TRACKING)
    (run,) = all_runs(client)
    assert run.info.status == "KILLED"
    assert len(points(client, run, "log_likelihood")) == 3


def test_a_run_that_was_killed_after_its_fit_has_its_result(client):
    folder = RUNS / "trial" / "drawing"
    folder.mkdir(parents=True)
    book = Journal(folder)
    book.write("started", format=1, run_id="id", name="trial", label="drawing")
    book.write("result", metrics={"bic": 5.0}, best_start=0)
    book.close()
    sync(RUNS, TRACKING)
    (run,) = all_runs(client)
    assert run.info.status == "KILLED"
    assert points(client, run, "bic") == [(0, 5.0)]


def test_a_run_that_is_still_running_is_looked_at_again(client):
    folder = RUNS / "trial" / "live"
    folder.mkdir(parents=True)
    book = Journal(folder)
    book.write("started", format=1, run_id="id", name="trial", label="live")
    book.write("iteration", start=0, step=1, metrics={"log_likelihood": -5.0})
    sync(RUNS, TRACKING)
    (run,) = all_runs(client)
    assert run.info.status == "RUNNING"
    assert points(client, run, "log_likelihood") == []  # which start is the best is not known yet
    book.write("iteration", start=1, step=1, metrics={"log_likelihood": -4.0})
    book.write("result", metrics={"bic": 1.0}, best_start=1)
    book.write("finished")
    book.close()
    sync(RUNS, TRACKING)
    (run,) = all_runs(client)
    assert run.info.status == "FINISHED"
    assert points(client, run, "bic") == [(0, 1.0)]
    assert points(client, run, "log_likelihood") == [(1, -4.0)]


def test_numbers_that_are_not_finite_are_tags_and_no_points(client):
    journal(last=-math.inf)
    sync(RUNS, TRACKING)
    (run,) = all_runs(client)
    assert [step for step, _ in points(client, run, "log_likelihood")] == [1, 2]
    assert run.data.tags["gradmix.non_finite"] == "log_likelihood=-inf"


def test_the_best_start_tells_the_story_and_the_others_how_they_ended(client):
    journal(starts=3)
    sync(RUNS, TRACKING)
    (run,) = all_runs(client)
    assert points(client, run, "log_likelihood") == [(1, -79.0), (2, -78.0), (3, -77.0)]
    assert points(client, run, "start.log_likelihood") == [(0, -97.0), (1, -87.0), (2, -77.0)]


def test_jobs_are_nested_under_their_sweep_whatever_comes_first(client):
    sweep = journal("sweep", kind="sweep", steps=0)
    job = journal("0", sweep="id-sweep", under=sweep)
    child = Ingester(TRACKING).bring_in(job)
    parent = Ingester(TRACKING).bring_in(sweep)
    assert client.get_run(child.run_id).data.tags["mlflow.parentRunId"] == parent.run_id
    assert len(all_runs(client)) == 2


def test_a_journal_of_many_metrics_and_params_goes_in_batches(client):
    folder = RUNS / "trial" / "long"
    folder.mkdir(parents=True)
    book = Journal(folder)
    params = {f"option.{number}": number for number in range(250)} | {"text": "x" * 9000}
    book.write("started", format=1, run_id="id", name="trial", label="long", params=params)
    for step in range(1, 2501):
        book.write("iteration", start=0, step=step, metrics={"log_likelihood": float(step)})
    book.write("finished")
    book.close()
    mark = Ingester(TRACKING).bring_in(folder)
    run = client.get_run(mark.run_id)
    assert len(points(client, run, "log_likelihood")) == 2500
    assert len(run.data.params) == 251


def test_a_store_that_cannot_be_reached_loses_nothing(folder_with_store):
    journal()
    count, errors = brought(RUNS, Tracking(uri="http://127.0.0.1:1"))
    assert count == 0
    assert "Nothing is lost" in errors[0]
    assert brought(RUNS, TRACKING) == (1, [])


def test_another_store_gets_all_of_it_as_well(client, quick_stores, tmp_path):
    folder = journal()
    sync(RUNS, TRACKING)
    other = Tracking(uri=f"sqlite:///{tmp_path}/other/mlflow.db")
    sync(RUNS, other)
    assert read_note(folder).uri == other.uri
    assert len(all_runs(open_client(other))) == 1
    sync(RUNS, TRACKING)
    assert len(all_runs(client)) == 1


def test_an_experiment_deleted_in_mlflow_is_named(client):
    client.delete_experiment(client.create_experiment("trial"))
    journal()
    _, errors = brought(RUNS, TRACKING)
    assert "deleted in MLflow" in errors[0]


def test_a_broken_journal_does_not_stop_the_others(client):
    broken = journal("a")
    (broken / "journal.jsonl").write_text("nonsense\n")
    journal("b")
    count, errors = brought(RUNS, TRACKING)
    assert count == 1
    assert "line 1" in errors[0]


def test_what_mlflow_is_to_show_is_the_same_each_time(empty_folder):
    folder = journal(starts=2)
    assert view_of(read_run(folder)) == view_of(read_run(folder))


def _open_fresh(folder):
    os.chdir(folder)
    open_client(TRACKING).search_experiments()
    journal_folder = journal(str(os.getpid()))
    return Ingester(TRACKING).bring_in(journal_folder).status


@pytest.mark.slow
def test_several_processes_may_make_the_store_at_once(empty_folder):
    (empty_folder / "runs").mkdir()
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.map(_open_fresh, [empty_folder] * 3, chunksize=1) == ["FINISHED"] * 3
    assert len(all_runs(open_client(TRACKING))) == 3
    assert not list((empty_folder / "runs").glob(".mlflow-*"))


def test_data_that_another_process_registers_meanwhile_is_found(client):
    from mlflow.store.tracking.dbmodels.models import SqlDataset
    from sqlalchemy import event
    from sqlalchemy.orm import Session

    first = Ingester(TRACKING).bring_in(journal("first"))
    database = sqlite3.connect("runs/mlflow.db", isolation_level=None)
    (row,) = database.execute("SELECT * FROM datasets")
    database.execute("DELETE FROM datasets")
    meanwhile = []

    def register(session, *_):  # MLflow has looked for the data, in vain, and is about to add it
        if any(isinstance(each, SqlDataset) for each in session.new):
            meanwhile.append(row)
            database.execute(f"INSERT INTO datasets VALUES ({', '.join('?' * len(row))})", row)

    event.listen(Session, "before_flush", register)
    try:
        second = Ingester(TRACKING).bring_in(journal("second"))
    finally:
        event.remove(Session, "before_flush", register)
    assert meanwhile == [row]
    assert database.execute("SELECT * FROM datasets").fetchall() == [row]
    database.close()
    for mark in (first, second):
        (told,) = client.get_run(mark.run_id).inputs.dataset_inputs
        assert (told.dataset.name, told.dataset.digest) == ("d", "d1")


def test_the_ingester_in_its_own_process_answers_with_what_went_wrong(client):
    folders = [journal("one"), RUNS / "nowhere"]
    where = {"tracking": {"uri": TRACKING.uri, "artifacts": None}, "runs_dir": str(RUNS)}
    lines = [json.dumps(where), *(str(folder.absolute()) for folder in folders)]
    command = [sys.executable, "-m", "gradmix.tracking.process"]
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    errors = json.loads(done.stdout)
    assert len(errors) == 1
    assert "nowhere" in errors[0]
    assert len(all_runs(client)) == 1


def shown(client):
    """Ids of the runs in sight."""
    return sorted(run.data.tags["gradmix.run_id"] for run in all_runs(client))


def test_one_run_for_each_key_the_newest_that_finished(client):
    journal("failed", key="same", ends=False)
    sync(RUNS, TRACKING)
    assert shown(client) == ["id-failed"]
    journal("first", key="same")
    journal("other")
    sync(RUNS, TRACKING)
    assert shown(client) == ["id-first", "id-other"]
    journal("second", key="same")
    journal("killed later", key="same", ends=False)
    _, errors = brought(RUNS, TRACKING)
    assert shown(client) == ["id-other", "id-second"]
    assert errors == []
    before = snapshot(client)
    assert brought(RUNS, TRACKING) == (0, [])
    assert snapshot(client) == before


@pytest.mark.parametrize("order", [1, -1])
def test_one_run_for_each_key_whatever_comes_in_first(client, order):
    folders = [journal("first", key="same"), journal("second", key="same")]
    for folder in folders[::order]:
        Ingester(TRACKING).bring_in(folder)
    assert shown(client) == ["id-second"]


def test_a_run_stands_under_the_newest_sweep_that_has_its_result(client):
    sweeps = []
    job = None
    for number in range(3):
        folder = journal(f"sweep{number}", kind="sweep", steps=0, ends=False)
        job = job or journal("0", sweep="id-sweep0", under=folder)
        book = Journal.reopen(folder)
        book.write("job", number=0, folder=str(job.absolute()), status="finished", reused=number > 0)
        book.write("finished")
        book.close()
        sweeps.append(folder)
    sync(RUNS, TRACKING)
    runs = {run.data.tags["gradmix.run_id"]: run for run in all_runs(client)}
    assert runs["id-0"].data.tags["mlflow.parentRunId"] == runs["id-sweep2"].info.run_id
    (sweeps[1] / NOTE).unlink()
    sync(RUNS, TRACKING)
    runs = {run.data.tags["gradmix.run_id"]: run for run in all_runs(client)}
    assert runs["id-0"].data.tags["mlflow.parentRunId"] == runs["id-sweep2"].info.run_id
    assert len(runs) == 4


def test_a_session_brings_in_what_was_meant_for_its_store_alone(empty_folder):
    here, there, nowhere = (read_run(journal(name, tracking=uri)) for name, uri in STORES.items())
    uri = STORES["here"]
    assert [is_meant_for(each, uri) for each in (here, there, nowhere)] == [True, False, False]
    assert is_meant_for(here, f"sqlite:///{Path.cwd()}/runs/mlflow.db")


def test_only_journals_meant_for_a_store_supersede_others_in_a_session(client):
    for name, uri in STORES.items():
        journal(name, key="same", tracking=uri)
    ingester = Ingester(TRACKING)
    ingester.bring_in_all(ingester.not_ingested(RUNS, before=time.time()))
    assert shown(client) == ["id-here"]


STORES = {"here": "sqlite:///runs/mlflow.db", "there": "http://127.0.0.1:9", "nowhere": None}
