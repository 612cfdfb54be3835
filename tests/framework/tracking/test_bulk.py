"""The short way leaves in the store what MLflow's client would have left, row for row and file for file."""

import math
import re
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import all_runs
from every_journal import END, KINDS, PARAMS, dump, result, write
from gradmix import StorageError
from gradmix.config.spec import Tracking
from gradmix.journal.writing import Journal
from gradmix.tracking import bulk
from gradmix.tracking.bulk import REVISION, Bulk
from gradmix.tracking.ingest import Ingester, sync
from gradmix.tracking.mark import MARK
from made_journals import write_events

RUNS = Path("runs")
STORE = RUNS / "mlflow.db"
TRACKING = Tracking()
SWEEP = RUNS / "trial" / "sweep"


@pytest.fixture
def journals(client):
    """Journals of every kind, each a run of its own and a sweep's job."""
    ended = [{"event": "job", "number": 0, "folder": "finished", "status": "finished", "reused": False}]
    started = {"event": "started", "format": 1, "kind": "sweep", "run_id": "the sweep", "tracking": TRACKING.uri}
    write_events(SWEEP, [{**started, "name": "trial", "label": "sweep"}, *ended, END])
    jobs = [write(SWEEP / kind, kind, sweep="the sweep") for kind in KINDS]  # first, so that data sets are theirs
    return [SWEEP, *jobs, *(write(RUNS / "trial" / "single" / kind, kind) for kind in KINDS)]


def client_only(monkeypatch):
    """Leave all to MLflow's client."""
    monkeypatch.setattr(bulk, "REVISION", "another")


def ingest(*folders, where="mlflow.db"):
    """Bring journals into a store as if no other one had them."""
    tracking = Tracking(uri=f"sqlite:///{RUNS / where}")
    for mark in RUNS.rglob(MARK):
        mark.unlink()
    ingester = Ingester(tracking)
    return [ingester.bring_in(folder) for folder in folders]


def test_every_row_and_every_file_is_as_mlflows_client_leaves_it(journals, store_template, monkeypatch):
    for name in ("bulk", "client"):
        (RUNS / name).mkdir()
        shutil.copy(store_template, RUNS / name / "mlflow.db")
    written = []
    insert = Bulk._insert_all
    monkeypatch.setattr(Bulk, "_insert_all", lambda self, *rows: written.append(rows) or insert(self, *rows))
    ingest(*journals, where="bulk/mlflow.db")
    assert len(written) == len(KINDS)  # the jobs, and nothing else
    client_only(monkeypatch)
    ingest(*journals, where="client/mlflow.db")
    assert len(written) == len(KINDS)
    quick, slow = dump(RUNS / "bulk" / "mlflow.db"), dump(RUNS / "client" / "mlflow.db")
    assert set(quick) == set(slow)
    for table in slow:
        assert quick[table] == slow[table], table
    assert {len(quick[table]) > 0 for table in bulk.COLUMNS} == {True}
    assert not re.search("[0-9a-f]{32}", repr([*quick["runs"], *quick["inputs"], *quick["files"]]))


def test_mlflows_client_reads_it_back(journals, client):
    marks = dict(zip(KINDS, ingest(*(SWEEP / kind for kind in KINDS)), strict=True))
    parent = client.search_runs([marks["finished"].experiment_id], "tags.`gradmix.kind` = 'sweep'")[0]
    run = client.get_run(marks["finished"].run_id)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "Lauf finished 🙂")
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert run.data.params["unicode"] == PARAMS["finished"]["unicode"]
    assert run.data.metrics["log_likelihood"] == -98.0
    assert [each.dataset.name for each in run.inputs.dataset_inputs] == ["old_faithful"]
    assert {file.path for file in client.list_artifacts(run.info.run_id)} >= {"model", "model.json", "config.yaml"}
    many = client.get_metric_history(marks["many metrics"].run_id, "log_likelihood")
    assert [point.step for point in many] == list(range(1, 2501))
    assert math.isfinite(client.get_run(marks["not finite"].run_id).data.metrics["log_likelihood"])
    assert client.get_run(marks["killed"].run_id).info.status == "KILLED"


def test_ingesting_again_changes_nothing(journals, client):
    ingest(*journals)
    before = dump(STORE)
    ingest(*journals)
    assert dump(STORE) == before
    assert sync(RUNS, TRACKING) == ([], [])


def test_a_job_that_still_runs_is_completed_later(client):
    folder = SWEEP / "live"
    folder.mkdir(parents=True)
    book = Journal(folder)
    book.write("started", format=1, run_id="live", name="trial", label="live", sweep="the sweep", params={"a": 1})
    book.write("iteration", start=0, step=1, metrics={"log_likelihood": -3.0})
    (mark,) = ingest(folder)
    assert (client.get_run(mark.run_id).info.status, client.get_run(mark.run_id).info.end_time) == ("RUNNING", None)
    book.write("finished")
    book.close()
    assert sync(RUNS, TRACKING)[1] == []
    (run,) = all_runs(client)
    assert (run.info.run_id, run.info.status) == (mark.run_id, "FINISHED")
    assert run.data.metrics == {"log_likelihood": -3.0}


BREAKS = {
    "files": ("gradmix.tracking.upload.write_model_folder", OSError(28, "No space left on device")),
    "first row": ("gradmix.tracking.bulk.run_rows", ConnectionError("gone")),
    "last row": ("gradmix.tracking.bulk.input_rows", ConnectionError("gone")),
}


@pytest.mark.parametrize("place", BREAKS)
def test_what_breaks_in_the_middle_leaves_nothing_half(journals, store_template, monkeypatch, place):
    ingest(SWEEP, SWEEP / "failed")
    before = dump(STORE)
    name, error = BREAKS[place]

    def fail(*arguments, **options):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(name, fail)
        with pytest.raises(StorageError, match="Nothing is lost: `gradmix sync`"):
            Ingester(TRACKING).bring_in(SWEEP / "finished")
    assert dump(STORE) == before
    assert sync(RUNS, TRACKING)[1] == []
    completed = dump(STORE)
    shutil.copy(store_template, STORE)
    shutil.rmtree(RUNS / "mlflow-artifacts")
    ingest(SWEEP)
    assert sync(RUNS, TRACKING)[1] == []
    assert dump(STORE) == completed


def test_a_mark_that_was_lost_after_the_commit_doubles_nothing(journals, client, monkeypatch):
    ingest(*journals)
    before = dump(STORE)
    folder = SWEEP / "finished"
    (folder / MARK).write_text((folder / MARK).read_text()[:20])
    assert len(sync(RUNS, TRACKING)[0]) == 1
    assert dump(STORE) == before


def test_a_locked_store_is_told_as_by_the_client(journals, client, monkeypatch):
    ingest(SWEEP)
    ingester = Ingester(TRACKING)
    ingester.bring_in(SWEEP / "empty")
    monkeypatch.setattr(bulk, "_SECONDS_TO_WAIT", 0.05)
    ingester.bulk = Bulk(ingester.uri)
    holder = sqlite3.connect(STORE)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StorageError, match=r"another process has locked it.*`gradmix sync`"):
        ingester.bring_in(SWEEP / "finished")
    holder.execute("ROLLBACK")
    holder.execute("BEGIN IMMEDIATE")  # reading is free, writing is not
    with pytest.raises(StorageError, match="another process has locked it"):
        ingester.bring_in(SWEEP / "finished")
    holder.close()
    assert ingester.bring_in(SWEEP / "finished").status == "finished"
    assert len(all_runs(client)) == 3


def test_two_ingesters_at_once_double_nothing(journals, client):
    ingest(SWEEP)
    alone = [Ingester(TRACKING) for _ in range(2)]
    for ingester in alone:
        ingester.open()

    def all_jobs(ingester):
        ingester.bulk = Bulk(ingester.uri)
        return [ingester.bring_in(SWEEP / kind).run_id for kind in KINDS]

    with ThreadPoolExecutor(2) as threads:
        one, two = threads.map(all_jobs, alone)
    assert one == two
    assert len(all_runs(client)) == len(KINDS) + 1
    with sqlite3.connect(STORE) as store:
        assert store.execute("SELECT count(*) - count(DISTINCT name || digest) FROM datasets").fetchone() == (0,)


def test_the_schema_is_the_one_that_the_rows_were_written_for(client):
    with sqlite3.connect(STORE) as store:
        (revision,) = store.execute("SELECT version_num FROM alembic_version").fetchone()
    assert revision == REVISION, "MLflow's schema has changed: look at every column in tracking/rows.py"


def is_by_client(monkeypatch, folder):
    """Whether a journal is brought in by MLflow's client."""
    asked = []
    ingester = Ingester(TRACKING)
    create = ingester.client.create_run
    with monkeypatch.context() as patch:
        patch.setattr(ingester.client, "create_run", lambda *some, **more: asked.append(1) or create(*some, **more))
        ingester.bring_in(folder)
    return bool(asked)


def test_a_store_of_another_revision_is_left_to_the_client(journals, client, monkeypatch):
    ingest(SWEEP)
    assert not is_by_client(monkeypatch, SWEEP / "finished")
    client_only(monkeypatch)
    assert is_by_client(monkeypatch, SWEEP / "failed")
    assert sync(RUNS, TRACKING)[1] == []
    assert len(all_runs(client)) == 2 * len(KINDS) + 1


@pytest.mark.parametrize(
    ("params", "metrics", "says"),
    [
        ({"a[0]": 1}, {}, "a\\[0\\]"),
        ({"k" * 251: 1}, {}, "250"),
        ({}, {"a,b": 1.0}, "a,b"),
        ({}, {"/a": 1.0}, "/a"),
        ({}, {"a/../b": 1.0}, "a/../b"),
    ],
)
def test_what_mlflow_refuses_its_client_refuses(client, params, metrics, says):
    started = {"event": "started", "format": 1, "run_id": "odd", "name": "trial", "label": "odd", "sweep": "s"}
    folder = write_events(SWEEP / "odd", [{**started, "params": params}, result(**metrics), END])
    with pytest.raises(StorageError, match=says):
        ingest(folder)


def test_artifacts_elsewhere_are_left_to_the_client(journals, client, monkeypatch):
    client.create_experiment("trial", "mlflow-artifacts:/somewhere")
    assert is_by_client(monkeypatch, SWEEP / "killed")
