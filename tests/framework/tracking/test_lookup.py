"""A run is found by its folder, its name, its number in a sweep, its key, or its ID in MLflow."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from conftest import all_runs
from gradmix import UnknownNameError
from gradmix.config.spec import Tracking
from gradmix.tracking.ingest import sync
from gradmix.tracking.lookup import find_all, find_attempts, find_run
from made_journals import job, write_run, write_sweep

RUNS = Path("runs")
SWEEP = RUNS / "trial" / "2026-01-01_10-00-00-sweep"
SINGLE = RUNS / "trial" / "2026-01-02_10-00-00-gmm-iris"


@pytest.fixture
def runs(empty_folder):
    """A sweep of two jobs and a single run, with keys that share five digits."""
    for number, key in enumerate(("abcde0" + "0" * 58, "abcde1" + "0" * 58)):
        identity = {"run_key": key, "run_id": f"{number}" * 32}
        write_run(SWEEP / str(number), {"seed": number}, {"bic": 1.0}, started=identity)
    write_sweep(SWEEP, [job(0), job(1)])
    write_run(SINGLE, {"seed": 2}, {"bic": 1.0}, at=9.0, started={"run_key": "f" * 64, "run_id": "2" * 32})
    return empty_folder


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        (str(SINGLE), SINGLE),
        ("2026-01-02", SINGLE),
        ("gmm-iris", SINGLE),
        ("last", SINGLE),
        ("2026-01-01", SWEEP),
        ("2026-01-01/2", SWEEP / "1"),
        (str(SWEEP / "1"), SWEEP / "1"),
        ("abcde0", SWEEP / "0"),
        ("f" * 64, SINGLE),
        ("2" * 32, SINGLE),
    ],
)
def test_a_run_is_found_without_mlflow_being_loaded(runs, monkeypatch, name, folder):
    monkeypatch.setitem(sys.modules, "mlflow", None)  # an import of it fails
    assert find_run(name, RUNS) == folder


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("abcde", r"there is no sweep, experiment or run 'abcde'"),  # too short for a key
        ("abcdf0", r"begins with 'abcdf0'\. Did you mean abcde0\?"),
        ("trial", r"is not a run or a sweep"),
        ("2026-01-01/3", r"no journal of a job 3; jobs are counted from 1"),
        ("2026-01", r"matches 2 sweeps or runs"),
        ("2027", r"there is no sweep, experiment or run '2027'"),
        ("3" * 32, r"no run in runs has"),
    ],
)
def test_what_means_no_run_is_one_error(runs, name, complaint):
    with pytest.raises(UnknownNameError, match=complaint):
        find_run(name, RUNS)


def test_digits_that_begin_several_keys_are_refused_with_the_keys(runs):
    write_run(RUNS / "trial" / "2026-01-03_10-00-00-a", {"seed": 3}, started={"run_key": "abcde0" + "1" * 58})
    with pytest.raises(UnknownNameError, match=r"2 run keys or IDs begin with 'abcde0'(.|\n)*abcde01111"):
        find_run("abcde0", RUNS)
    assert find_run("abcde01", RUNS).name == "2026-01-03_10-00-00-a"


def test_of_attempts_at_the_same_work_the_one_that_tells_most_is_last(runs):
    key = {"run_key": "9" * 64}
    done = write_run(RUNS / "trial" / "b", {"seed": 3}, {"bic": 1.0}, started=key)
    for name in ("a", "c"):
        write_run(RUNS / "trial" / name, {"seed": 3}, status="failed", at=ord(name), started=key)
    assert find_run("999999", RUNS) == done
    assert [folder.name for folder in find_attempts("999999", RUNS)] == ["a", "c", "b"]


@pytest.mark.processes
def test_an_id_of_mlflows_is_found_in_the_note_or_else_in_the_store(client):
    write_run(SINGLE, {"seed": 2}, {"bic": 1.0}, started={"run_key": "f" * 64, "run_id": "2" * 32})
    sync(RUNS, Tracking(uri="sqlite:///runs/mlflow.db"))
    (run,) = all_runs(client)
    assert find_run(run.info.run_id, RUNS) == find_run(run.info.run_id[:8], RUNS) == SINGLE
    note = SINGLE / "tracked.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "run_id": "another"}))
    assert find_run(run.info.run_id, RUNS) == SINGLE
    shutil.rmtree(SINGLE)
    with pytest.raises(UnknownNameError, match="no run in runs has"):
        find_run(run.info.run_id, RUNS)


def test_every_command_takes_every_name_of_a_run(runs, gradmix_main):
    for name in (str(SINGLE), "2026-01-02", "f" * 64, "f" * 8, "2" * 32):
        assert str(SINGLE) in gradmix_main("compare", name, "--csv", "-").out
        assert str(SINGLE) in gradmix_main("runs", name, "--csv", "-").out
        assert str(SINGLE) in gradmix_main("show", name).out
        gradmix_main("export", "--runs", "runs.csv", name)
        assert str(SINGLE) in Path("runs.csv").read_text()
    for command in ("compare", "show", "runs", "reproduce"):
        assert "'abcdf0'. Did you mean abcde0?" in gradmix_main(command, "abcdf0", code=2).err


def test_where_several_runs_are_wanted_a_key_means_each_attempt(runs, gradmix_main):
    for name in ("a", "b"):
        write_run(RUNS / "trial" / name, {"seed": 3}, {"bic": 1.0}, at=ord(name), started={"run_key": "9" * 64})
    assert [folder.name for folder in find_all(["999999"], RUNS)] == ["a", "b"]
    assert len(gradmix_main("runs", "999999").out.strip().splitlines()) == 3  # a head and two runs


def test_the_newest_is_a_sweep_where_several_runs_are_wanted(runs):
    assert find_run("last", RUNS) == SINGLE
    assert find_all(["last", "last/2"], RUNS) == [SWEEP, SWEEP / "1"]
