"""MLflow is asked what it has: whatever it has lost comes in again from the journals, once."""

import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from conftest import all_runs
from gradmix.config.spec import Tracking
from gradmix.journal.folder import FILE_NAME
from gradmix.journal.writing import Journal
from gradmix.tracking.ingest import Ingester, sync
from gradmix.tracking.store import open_client
from made_journals import job, write_run, write_sweep
from tracked import brought, reconnect

RUNS = Path("runs")
STORE = RUNS / "mlflow.db"
BACKUP = RUNS / "mlflow.db.bak"
TRACKING = Tracking()

pytestmark = pytest.mark.usefixtures("quick_stores")


def runs(number, first=0, **options):
    """Journals of some runs, each with an artifact."""
    folders = [write_run(RUNS / "curves" / str(each), curve=(-3.0, -2.0), **options) for each in range(first, number)]
    for folder in folders:
        (folder / "artifacts").mkdir()
        (folder / "artifacts" / "config.yaml").write_text("seed: 0\n")
    return folders


def names(client):
    """Names of the runs in sight."""
    return sorted(run.info.run_name for run in all_runs(client))


def session():
    """What a run's own ingester does at its start."""
    ingester = Ingester(TRACKING)
    ingester.bring_in_all(ingester.not_ingested(RUNS, before=time.time()))
    return ingester.tally


def meant_for_the_store(folders):
    for folder in folders:
        path = folder / FILE_NAME
        path.write_text(
            path.read_text().replace('"kind": "run"', '"kind": "run", "tracking": "sqlite:///runs/mlflow.db"')
        )


def test_an_older_backup_is_filled_up(client):
    runs(2)
    sync(RUNS, TRACKING)
    shutil.copy(STORE, "older.db")
    runs(5, first=2)
    assert brought(RUNS, TRACKING) == (3, [])
    shutil.copy("older.db", STORE)
    reconnect()
    assert names(client) == ["0", "1"]
    assert brought(RUNS, TRACKING) == (3, [])
    assert names(client) == ["0", "1", "2", "3", "4"]
    assert brought(RUNS, TRACKING) == (0, [])


def test_a_store_that_went_back_is_filled_up_by_the_next_session_too(client):
    meant_for_the_store(runs(2))
    assert len(session().brought) == 2
    shutil.copy(STORE, "older.db")
    meant_for_the_store(runs(4, first=2))
    assert len(session().brought) == 2
    assert session().brought == []
    shutil.copy("older.db", STORE)
    reconnect()
    assert len(session().brought) == 2
    assert names(client) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("content", [b"", b"nonsense", None], ids=["empty", "not a database", "damaged"])
def test_a_broken_store_is_kept_and_made_again(client, content):
    runs(3)
    sync(RUNS, TRACKING)
    content = STORE.read_bytes()[: STORE.stat().st_size // 2] if content is None else content
    STORE.write_bytes(content)
    reconnect()
    tally = sync(RUNS, TRACKING)
    assert (len(tally.brought), tally.errors) == (3, [])
    assert [str(BACKUP.absolute()) in remark for remark in tally.remarks] == [True]
    assert BACKUP.read_bytes() == content
    reconnect()
    assert names(client) == ["0", "1", "2"]
    assert brought(RUNS, TRACKING) == (0, [])


def test_each_broken_store_is_kept(client):
    runs(1)
    for content in (b"first", b"second"):
        STORE.write_bytes(content)
        reconnect()
        assert brought(RUNS, TRACKING) == (1, [])
    kept = {path.name: path.read_bytes() for path in RUNS.glob("mlflow.db.bak*")}
    assert kept == {"mlflow.db.bak": b"first", "mlflow.db.bak1": b"second"}


@pytest.mark.parametrize("move", [shutil.move, shutil.copytree], ids=["moved", "copied"])
def test_a_store_elsewhere_has_its_artifacts_beside_it(client, move, monkeypatch):
    runs(2)
    sync(RUNS, TRACKING)
    before = {path for path in Path().rglob("*") if path.is_file()}
    move(RUNS, "elsewhere")
    there = Tracking(uri="sqlite:///elsewhere/mlflow.db")
    tally = sync(Path("elsewhere"), there)
    assert len(tally.brought) == 2
    assert "was moved" in tally.remarks[0]
    for run in all_runs(open_client(there)):
        place = Path(run.info.artifact_uri.removeprefix("file://"))
        assert place.is_relative_to(Path("elsewhere").absolute())
        assert (place / "config.yaml").exists()
    assert brought(Path("elsewhere"), there) == (0, [])
    assert move is shutil.move or {path for path in before if not path.exists()} == set()


def test_a_store_reached_by_a_link_was_not_moved(client):
    runs(1)
    sync(RUNS, TRACKING)
    Path("link").symlink_to(RUNS)
    assert brought(Path("link"), Tracking(uri="sqlite:///link/mlflow.db")) == (0, [])
    assert not BACKUP.exists()


def test_runs_deleted_by_the_user_count_as_present_until_they_are_wanted_back(client):
    runs(3)
    sync(RUNS, TRACKING)
    deleted, purged, _ = sorted(all_runs(client), key=lambda run: run.info.run_name)
    client.delete_run(deleted.info.run_id)
    client.delete_run(purged.info.run_id)
    purge(purged)
    tally = sync(RUNS, TRACKING)
    assert (tally.brought, len(tally.deleted), tally.errors) == ([], 2, [])
    assert names(client) == ["2"]
    assert brought(RUNS, TRACKING, restores=True) == (2, [])
    assert names(client) == ["0", "1", "2"]
    assert client.get_run(deleted.info.run_id).info.lifecycle_stage == "active"
    assert brought(RUNS, TRACKING, restores=True) == (0, [])


def test_an_experiment_deleted_by_the_user_is_wanted_back(client):
    runs(2)
    sync(RUNS, TRACKING)
    client.delete_experiment(client.get_experiment_by_name("curves").experiment_id)
    assert brought(RUNS, TRACKING) == (0, [])
    assert sync(RUNS, TRACKING, restores=True).errors == []
    assert names(client) == ["0", "1"]


def purge(run):
    """What ``mlflow gc`` does to a deleted run."""
    from click.testing import CliRunner
    from mlflow.cli import gc

    uri = f"sqlite:///{STORE.absolute()}"
    arguments = ["--backend-store-uri", uri, "--tracking-uri", uri, "--run-ids", run.info.run_id]
    result = CliRunner().invoke(gc, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output


def test_what_a_newer_run_supersedes_is_not_brought_back(client):
    write_run(RUNS / "curves" / "old", started={"run_key": "same"})
    sync(RUNS, TRACKING)
    write_run(RUNS / "curves" / "new", started={"run_key": "same"}, at=10.0)
    sync(RUNS, TRACKING)
    assert names(client) == ["new"]
    tally = sync(RUNS, TRACKING, restores=True)
    assert (tally.brought, tally.deleted) == ([], set())
    assert names(client) == ["new"]


@pytest.mark.parametrize("loss", ["folder", "journal", "notes"])
@pytest.mark.parametrize(
    "brings_in", [sync, lambda runs_dir, tracking: Ingester(tracking).bring_in(RUNS / "curves" / "new")]
)
def test_a_key_is_shown_once_even_if_the_earlier_journal_is_gone(client, loss, brings_in):
    old = write_run(RUNS / "curves" / "old", started={"run_key": "same"})
    sync(RUNS, TRACKING)
    if loss == "folder":
        shutil.rmtree(old)
    elif loss == "journal":
        (old / FILE_NAME).write_bytes(b"")
    else:
        (old / "tracked.json").unlink()
    write_run(RUNS / "curves" / "new", started={"run_key": "same"}, at=10.0)
    brings_in(RUNS, TRACKING)
    assert names(client) == ["new"]


def test_keys_that_are_shown_twice_are_put_right_by_sync_without_any_journal(client):
    write_run(RUNS / "curves" / "old", started={"run_key": "same"})
    sync(RUNS, TRACKING)
    experiment = client.get_experiment_by_name("curves").experiment_id
    tags = {"gradmix.run_id": "another", "gradmix.run_key": "same", "gradmix.kind": "run"}
    older = client.create_run(experiment, start_time=1, tags=tags, run_name="older")
    client.set_terminated(older.info.run_id, "FINISHED", 2)
    sync(RUNS, TRACKING)
    assert names(client) == ["old"]


def test_artifacts_that_are_gone_are_uploaded_again(client):
    runs(2)
    sync(RUNS, TRACKING)
    shutil.rmtree(RUNS / "mlflow-artifacts")
    assert brought(RUNS, TRACKING) == (2, [])
    for run in all_runs(client):
        assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["config.yaml"]
    assert brought(RUNS, TRACKING) == (0, [])


def test_many_journals_take_a_few_questions(client, monkeypatch):
    runs(30)
    sync(RUNS, TRACKING)
    calls = []
    from mlflow import MlflowClient

    for name in ("search_runs", "get_run", "get_experiment_by_name", "log_batch", "create_run", "set_tag"):
        call = getattr(MlflowClient, name)
        monkeypatch.setattr(
            MlflowClient, name, lambda *a, _call=call, _name=name, **o: calls.append(_name) or _call(*a, **o)
        )
    assert brought(RUNS, TRACKING) == (0, [])
    assert sorted(calls) == ["get_experiment_by_name", "search_runs"]


def test_what_a_restored_backup_lacks_is_brought_in_again(client):
    meant_for_the_store(runs(3))
    assert len(session().brought) == 3
    assert (session().brought, session().errors) == ([], [])
    shutil.copy(STORE, "earlier.db")
    meant_for_the_store(runs(4, first=3))
    assert len(session().brought) == 1
    shutil.copy("earlier.db", STORE)
    reconnect()
    assert [folder.name for folder in session().brought] == ["3"]


def test_of_two_runs_of_one_key_without_journals_sync_leaves_one_in_sight(client):
    (folder, _) = runs(2)
    sync(RUNS, TRACKING)
    (shown,) = (run for run in all_runs(client) if run.info.run_name == "0")
    again = client.create_run(shown.info.experiment_id, tags=shown.data.tags)  # as an earlier version did
    client.set_terminated(again.info.run_id)
    shutil.rmtree(folder)
    assert brought(RUNS, TRACKING) == (0, [])
    assert names(client) == ["0", "1"]


def test_a_job_costs_four_requests(client, monkeypatch):
    sweep = RUNS / "curves" / "sweep"
    sweep.mkdir(parents=True)
    book = Journal(sweep)
    book.write("started", format=1, run_id="sweep", name="curves", label="sweep", kind="sweep")
    ingester = Ingester(TRACKING)
    ingester.bring_in(sweep)
    inputs = [{"name": "d", "digest": "d1", "rows": 9, "columns": [["a", "float64"]], "source": "/d.csv"}]
    more = {"status": "killed", "result": {"metrics": {"b": 1.0}, "inputs": inputs}, "finished": {}}
    jobs = [write_run(sweep / str(each), {"a": 1}, started={"sweep": "sweep"}, **more) for each in range(3)]
    calls = []
    client = ingester.client
    for name in dir(client):
        if not name.startswith("_") and callable(call := getattr(client, name)):
            monkeypatch.setattr(
                client, name, lambda *a, _call=call, _name=name, **o: calls.append(_name) or _call(*a, **o)
            )
    for each in jobs:
        ingester.bring_in(each)
    assert calls == ["create_run", "log_batch", "log_inputs", "set_terminated"] * 3
    book.close()


def test_an_unlinked_store_is_not_called_read_only(client):
    runs(1)
    ingester = Ingester(TRACKING)
    ingester.bring_in(RUNS / "curves" / "0")
    STORE.unlink()
    runs(2, first=1)
    with pytest.raises(Exception, match="moved or deleted while it was in use"):
        ingester.bring_in(RUNS / "curves" / "1")
    reconnect()
    assert brought(RUNS, TRACKING) == (2, [])  # at once: no note speaks of a store that is not there
    assert brought(RUNS, TRACKING) == (0, [])


def test_drafts_of_killed_processes_are_removed(client):
    draft = RUNS / ".mlflow-killed"
    draft.mkdir()
    (draft / "mlflow.db").write_bytes(b"half")
    runs(1)
    assert brought(RUNS, TRACKING) == (1, [])
    assert not draft.exists()


def test_a_store_that_is_a_folder_is_named(empty_folder):
    STORE.mkdir(parents=True)
    runs(1)
    _, (error,) = brought(RUNS, TRACKING)
    assert "is a folder" in error


def test_an_ingester_that_began_before_the_experiment_was_there_makes_no_run_twice(client):
    (folder,) = runs(1)
    late = Ingester(TRACKING)
    journals = late.everything(RUNS)
    assert next(journals) == folder  # it has asked MLflow, which has nothing yet
    assert brought(RUNS, TRACKING) == (1, [])
    late.bring_in(folder)
    assert names(client) == ["0"]


def test_two_ingesters_with_journals_of_one_key_leave_one_in_sight(client):
    one, other = (
        write_run(RUNS / f"sweep{each}" / "0", curve=(-3.0, -2.0), started={"run_key": "same"}) for each in range(2)
    )
    first, second = Ingester(TRACKING), Ingester(TRACKING)
    for ingester in (first, second):
        ingester._inventory("curves").load()  # neither has brought in anything yet
    first.bring_in(one)
    second.bring_in(other)
    second.bring_in_all([])
    first.bring_in_all([])
    assert len(all_runs(client)) == 1


def test_a_run_that_another_ingester_has_half_made_is_not_superseded(client, monkeypatch):
    """Neither of two ingesters may withdraw the other's run for one that the other withdraws in turn."""
    older, newer = (
        write_run(RUNS / f"sweep{each}" / f"{each}", curve=(-3.0,), started={"run_key": "same"}, at=10.0 * each)
        for each in range(2)
    )
    first, second = Ingester(TRACKING), Ingester(TRACKING)
    end = second.client.set_terminated

    def end_late(*arguments):
        first.bring_in(older)
        end(*arguments)

    monkeypatch.setattr(second.client, "set_terminated", end_late)
    second.bring_in(newer)
    second.bring_in_all([])
    first.bring_in_all([])
    assert names(client) == ["1"]


def test_a_mark_that_another_ingester_sets_at_the_same_time_is_set_again(client, monkeypatch):
    runs(1)
    ingester = Ingester(TRACKING)
    mark, calls = ingester.client.set_experiment_tag, []

    def fail_once(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise MlflowException("UNIQUE constraint failed: experiment_tags.key, experiment_tags.experiment_id")
        mark(*arguments)

    monkeypatch.setattr(ingester.client, "set_experiment_tag", fail_once)
    ingester.bring_in_all(ingester.everything(RUNS))
    assert ingester.tally.errors == []
    assert len(calls) == 2


def _sync_in(folder):
    os.chdir(folder)
    reconnect()
    return sync(RUNS, TRACKING).errors


def test_two_ingesters_at_once_make_each_run_once(folder_with_store):
    runs(20)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(_sync_in, [folder_with_store] * 2, chunksize=1) == [[], []]
    assert names(open_client(TRACKING)) == sorted(map(str, range(20)))


@pytest.mark.slow
def test_killed_at_random_and_let_through_all_is_there_once(folder_with_store):
    runs(25)
    chance = random.Random(0)
    context = multiprocessing.get_context("spawn")
    for _ in range(5):
        process = context.Process(target=_sync_in, args=(folder_with_store,))
        process.start()
        process.join(chance.uniform(2.0, 6.0))
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert sync(RUNS, TRACKING).errors == []
    client = open_client(TRACKING)
    found = all_runs(client)
    assert sorted(run.info.run_name for run in found) == sorted(map(str, range(25)))
    assert {run.info.status for run in found} == {"FINISHED"}
    places = {Path(run.info.artifact_uri.removeprefix("file://")).parent.name for run in found}
    assert {path.name for path in (RUNS / "mlflow-artifacts" / "curves").iterdir()} == places
    assert brought(RUNS, TRACKING) == (0, [])
    with sqlite3.connect(STORE) as store:
        assert store.execute("SELECT count(*) FROM metrics").fetchone() == (50,)


def test_runs_that_were_moved_away_from_their_store_are_found_where_they_are(client):
    runs(2)
    elsewhere = Tracking(uri=f"sqlite:///{Path.cwd()}/elsewhere.db")
    shutil.copy(STORE, "elsewhere.db")
    assert brought(RUNS, elsewhere) == (2, [])
    RUNS.rename("archive")
    moved = Path("archive")
    assert brought(moved, elsewhere) == (2, [])
    assert brought(moved, elsewhere) == (0, [])
    folders = [Path(run.data.tags["gradmix.folder"]) for run in all_runs(open_client(elsewhere))]
    assert sorted(folders) == [Path.cwd() / moved / "curves" / name for name in "01"]


def test_a_reused_result_is_nested_under_the_newest_sweep_even_after_its_own_was_renamed(client):
    first, second = (RUNS / "curves" / f"2026-01-0{day}_00-00-00-sweep" for day in (1, 2))
    write_run(first / "0", curve=(-3.0, -2.0), started={"run_key": "k", "sweep": str(first)})
    write_sweep(first, [job(0, run_key="k")])
    place = os.path.relpath(first / "0", second)
    write_sweep(second, [job(0, run_key="k", folder=place, reused=True)], at=9.0)
    first.rename(first.with_name("baseline"))
    assert brought(RUNS, TRACKING) == (3, [])
    stored = {run.data.tags["gradmix.run_id"]: run for run in all_runs(client)}
    assert stored[str(first / "0")].data.tags["mlflow.parentRunId"] == stored[str(second)].info.run_id


def test_of_a_journal_that_was_copied_the_first_keeps_its_run(client):
    runs(1)
    assert brought(RUNS, TRACKING) == (1, [])
    shutil.copytree(RUNS / "curves", RUNS / "copy")
    assert brought(RUNS, TRACKING) == (0, [])
    assert [run.data.tags["gradmix.folder"] for run in all_runs(client)] == [str(Path.cwd() / RUNS / "curves" / "0")]
