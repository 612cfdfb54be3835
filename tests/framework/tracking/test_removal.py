"""`gradmix rm`: runs and sweeps are deleted on disk and in MLflow, and nothing else is."""

import shutil
from pathlib import Path

import pytest

from conftest import all_runs
from gradmix import ConfigError, StorageError
from gradmix.config.spec import Tracking
from gradmix.journal.writing import Journal
from gradmix.sweeps.selection import select
from gradmix.tracking import removal as removing
from gradmix.tracking.ingest import sync
from gradmix.tracking.removal import plan_removal, remove
from made_journals import job, write_run, write_sweep

RUNS = Path("runs")
FIRST = RUNS / "trial" / "2026-01-01_10-00-00-sweep"
SECOND = RUNS / "trial" / "2026-01-02_10-00-00-sweep"
SINGLE = RUNS / "trial" / "2026-01-03_10-00-00-gmm-iris"
STORE = Tracking(uri="sqlite:///runs/mlflow.db")


def made(folder, number, sweep=None):
    """A run with a file among its artifacts, as if it was to be tracked."""
    started = {"run_key": f"{number:08x}" * 8, "run_id": f"{number + 100:08x}" * 4}
    started |= {"sweep": sweep and str(sweep), "tracking": STORE.uri}
    write_run(folder, {"seed": number}, {"bic": float(number)}, name="trial", at=number, started=started)
    (folder / "artifacts").mkdir()
    (folder / "artifacts" / "note.txt").write_text("x" * 1000)
    return folder


@pytest.fixture
def runs(empty_folder):
    """A sweep of three jobs, a second one that reuses the third of these, and a single run."""
    for number in range(3):
        made(FIRST / str(number), number, FIRST)
    write_sweep(FIRST, [job(number) for number in range(3)])
    made(SECOND / "0", 7, SECOND)
    write_sweep(SECOND, [job(0), job(1, folder=f"../{FIRST.name}/2", reused=True)], at=50.0)
    made(SINGLE, 9)
    return empty_folder


@pytest.fixture
def tracked(client, runs):
    """The same, in MLflow, too."""
    assert not sync(RUNS, STORE).errors
    return client


def in_sight(client):
    return {Path(run.data.tags["gradmix.folder"]).relative_to(Path.cwd()) for run in all_runs(client)}


def deleted(*folders, **options):
    return list(remove(plan_removal(folders, RUNS, **options)))


@pytest.mark.processes
def test_a_run_is_deleted_on_disk_and_in_mlflow_and_sync_brings_nothing_back(tracked):
    before = in_sight(tracked)
    deleted(SINGLE)
    assert not SINGLE.exists()
    assert in_sight(tracked) == before - {SINGLE}
    assert not sync(RUNS, STORE).brought
    assert not sync(RUNS, STORE, restores=True).brought
    assert in_sight(tracked) == before - {SINGLE}


@pytest.mark.processes
def test_mlflow_can_restore_what_was_deleted_there(tracked):
    (run,) = [run for run in all_runs(tracked) if run.data.tags["gradmix.folder"].endswith("iris")]
    deleted(SINGLE)
    tracked.restore_run(run.info.run_id)
    assert SINGLE in in_sight(tracked)
    assert [each.path for each in tracked.list_artifacts(run.info.run_id)] == ["note.txt"]


@pytest.mark.processes
def test_a_sweep_goes_with_its_runs_but_for_those_that_another_one_reuses(tracked):
    plan = plan_removal([FIRST], RUNS)
    assert plan.kept == {FIRST / "2": SECOND}
    assert 2000 < plan.n_bytes() < 10_000
    assert list(remove(plan)) == [FIRST / "0", FIRST / "1", FIRST]
    assert [path.name for path in FIRST.iterdir()] == ["2"]
    assert in_sight(tracked) == {FIRST / "2", SECOND, SECOND / "0", SINGLE}
    assert [run.folder.resolve() for run in select([SECOND], RUNS).runs][1] == (FIRST / "2").resolve()
    assert not sync(RUNS, STORE).brought
    deleted(FIRST / "2", with_reused=True)
    assert not FIRST.exists()


def test_what_is_reused_is_deleted_if_told(runs):
    with pytest.raises(ConfigError, match=rf"{SECOND.name} has reused the result of .*/2; --reused deletes it"):
        plan_removal([FIRST / "2"], RUNS)
    assert deleted(FIRST, with_reused=True)[-1] == FIRST
    assert not FIRST.exists()


def test_a_sweep_and_the_one_that_reuses_its_runs_can_go_together(runs):
    deleted(FIRST, SECOND, FIRST / "1")
    assert not FIRST.exists()
    assert not SECOND.exists()
    assert SINGLE.exists()


@pytest.mark.parametrize("running", [FIRST, FIRST / "1"], ids=["sweep", "job"])
def test_what_is_running_is_refused(runs, running):
    text = (running / "journal.jsonl").read_text().splitlines(keepends=True)
    (running / "journal.jsonl").write_text("".join(text[:-1]))
    journal = Journal.reopen(running)
    for folder in {FIRST, running}:
        with pytest.raises(ConfigError, match="is running; wait until it ends"):
            plan_removal([folder], RUNS)
    journal.close()
    plan_removal([FIRST], RUNS, with_reused=True)


def test_what_begins_after_the_question_was_asked_is_not_deleted(runs):
    plan = plan_removal([SINGLE], RUNS)
    journal = Journal.reopen(SINGLE)
    with pytest.raises(StorageError, match="is being written by another process"):
        list(remove(plan))
    journal.close()
    assert (SINGLE / "artifacts" / "note.txt").exists()


@pytest.mark.processes
@pytest.mark.parametrize("n_steps", [0, 1, 3, 4, 9, 20])
def test_it_can_be_interrupted_anywhere_and_repeated(tracked, monkeypatch, n_steps):
    left = [n_steps]

    def counted(step):
        def run(*arguments, **options):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return step(*arguments, **options)

        return run

    with monkeypatch.context() as patch:
        for place, name in ((Path, "unlink"), (Path, "rmdir"), (shutil, "rmtree"), (removing._Store, "delete")):
            patch.setattr(place, name, counted(getattr(place, name)))
        with pytest.raises(KeyboardInterrupt):
            deleted(FIRST, with_reused=True)
    assert not sync(RUNS, STORE).errors
    deleted(FIRST, with_reused=True)
    assert not FIRST.exists()
    sync(RUNS, STORE)
    assert in_sight(tracked) == {SECOND, SECOND / "0", SINGLE}


def test_a_store_that_does_not_answer_keeps_the_folder(runs, monkeypatch):
    write_run(SINGLE, {"seed": 1}, started={"tracking": "http://127.0.0.1:9"})
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(StorageError, match=r"no server answers there(.|\n)*The folder is kept"):
        deleted(SINGLE)
    assert (SINGLE / "journal.jsonl").exists()


def test_a_run_that_was_never_tracked_needs_no_mlflow(runs, monkeypatch):
    write_run(SINGLE, {"seed": 1}, started={"tracking": None})
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)  # an import of it fails
    assert deleted(SINGLE) == [SINGLE]


def test_a_store_is_asked_with_the_user_that_ones_own_settings_name(runs, monkeypatch):
    write_run(SINGLE, {"seed": 1}, started={"tracking": "http://127.0.0.1:9"})
    for address in ("http://me:pw@127.0.0.1:9", "http://me:pw@127.0.0.1:10"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        is_same = address.endswith(":9")
        assert [*plan_removal([SINGLE], RUNS).stores] == [address if is_same else "http://127.0.0.1:9"]
