"""Sweeps under each launcher: a worker that is killed costs its own job alone, and resume makes the sweep whole."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from conftest import HANGS, all_runs

pytestmark = pytest.mark.processes

TRAP = """
import os, signal
from pathlib import Path

def deadly(x):
    if abs(float(x) - 3) < 0.1 and not Path("disarmed").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return x * x
"""
LAUNCHERS = {
    "in worker processes": ["hydra/launcher=gradmix"],
    "two workers": ["hydra/launcher=gradmix", "hydra.launcher.workers=2"],
    "joblib": ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
    "ray": ["hydra/launcher=ray"],
    "submitit": ["hydra/launcher=submitit_local"],
}
SIX = [
    *("task=differentiate", "differentiator=finite_difference", "timing.repeats=0"),
    *("problem=python", "problem.path=trap.py:deadly", "problem.x=1,2,3,4,5,6"),
]


def finished(folder=Path("runs")):
    """Point of each run that finished."""
    found = []
    for path in folder.rglob("journal.jsonl"):
        events = [json.loads(line) for line in path.read_text().splitlines()]
        if events[0]["kind"] == "run" and events[-1]["event"] == "finished":
            found.append(events[0]["params"]["problem.x"])
    return sorted(found)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS.values(), ids=LAUNCHERS)
def test_a_killed_worker_costs_its_own_job_alone(gradmix_command, client, launcher):
    if launcher == LAUNCHERS["ray"]:
        pytest.importorskip("ray")  # not with the oldest dependencies, nor in Python 3.14
    Path("trap.py").write_text(TRAP)
    out, _ = gradmix_command("run", "-m", *SIX, *launcher, code=1)
    assert "3/6  problem.x=3  killed" in out
    assert finished() == [1, 2, 4, 5, 6]
    before = {path: path.read_bytes() for path in Path("runs").rglob("journal.jsonl") if path.parent.name.isdigit()}
    Path("disarmed").touch()
    out, _ = gradmix_command("resume", "last", "problem.path=trap.py:deadly")
    assert "6 jobs: 1 killed before, 5 done" in out
    assert finished() == [1, 2, 3, 4, 5, 6]
    assert all(path.read_bytes() == content for path, content in before.items())
    runs = [run for run in all_runs(client) if run.data.tags["gradmix.kind"] == "run"]
    assert sorted(float(run.data.params["problem.x"]) for run in runs if run.info.status == "FINISHED") == [
        1,
        2,
        3,
        4,
        5,
        6,
    ]
    assert len({run.data.tags["gradmix.run_key"] for run in runs}) == len(runs) == 6


SLOW_JOBS = ["clusterer.tol=0", "clusterer.n_components=6", "dataset=mixture", "dataset.n=5000", "pictures=false"]


def wait_for(condition, process, seconds=HANGS):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    "launcher", [LAUNCHERS["in worker processes"], LAUNCHERS["joblib"]], ids=["in worker processes", "joblib"]
)
def test_a_killed_parent_loses_nothing_that_was_journalled(gradmix_command, client, launcher):
    process = gradmix_command.start("run", "-m", *SLOW_JOBS, "seed=range(6)", "clusterer.max_iter=150", *launcher)
    wait_for(lambda: len(list(Path("runs").rglob("artifacts/model.json"))) >= 2, process)
    os.kill(process.pid, signal.SIGKILL)  # the parent alone; its workers see that it has gone, and end
    process.communicate(timeout=HANGS)
    done = len(list(Path("runs").rglob("artifacts/model.json")))
    wait_until_nobody_works()
    out, _ = gradmix_command("resume", "last")
    assert "done                6" in out
    journals = [json.loads(path.read_text().splitlines()[0]) for path in Path("runs").rglob("journal.jsonl")]
    assert done >= 2
    assert sorted({each["params"]["seed"] for each in journals if each["kind"] == "run"}) == list(range(6))
    runs = [run for run in all_runs(client) if run.data.tags["gradmix.kind"] == "run"]
    assert sorted(run.data.params["seed"] for run in runs) == list("012345")
    assert {run.info.status for run in runs} == {"FINISHED"}


def kill_all(process):
    """Kill a process and all that it has started, at one stroke."""
    for each in [*psutil.Process(process.pid).children(recursive=True), process]:
        each.kill()


def wait_until_nobody_works(seconds=HANGS):
    """Wait for workers that finish their last job after their parent has gone."""
    from gradmix.journal.folder import find_journals
    from gradmix.journal.reading import read_runs

    deadline = time.monotonic() + seconds
    while any(each.status == "running" for each in read_runs(find_journals(Path("runs"))).runs):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_a_whole_session_killed_at_any_time_is_made_whole_by_resume(gradmix_command, client):
    """Everything at once, as when a machine goes down: parent, worker, ingester."""
    process = gradmix_command.start("run", "-m", *SLOW_JOBS, "seed=range(4)", "clusterer.max_iter=60")
    wait_for(lambda: list(Path("runs").rglob("tracked.json")), process)  # ingestion is under way
    kill_all(process)
    process.communicate(timeout=HANGS)
    out, _ = gradmix_command("resume", "last")
    assert "done                4" in out
    runs = all_runs(client)
    assert sorted(run.data.params["seed"] for run in runs if run.data.tags["gradmix.kind"] == "run") == list("0123")
    assert {run.info.status for run in runs} == {"FINISHED"}


@pytest.mark.slow
def test_a_session_killed_while_the_store_is_made(gradmix_command, empty_folder):
    process = gradmix_command.start("run", "-m", "seed=1,2", "pictures=false")
    wait_for(lambda: list(Path("runs").glob(".mlflow-*/mlflow.db")), process)
    kill_all(process)
    process.communicate(timeout=HANGS)
    assert not Path("runs/mlflow.db").exists()
    out, err = gradmix_command("run", "-m", "seed=1,2", "pictures=false")
    assert "done                2" in out
    assert err == ""
    from mlflow import MlflowClient

    runs = all_runs(MlflowClient(f"sqlite:///{empty_folder}/runs/mlflow.db"))
    names = sorted(run.data.params["seed"] for run in runs if run.data.tags["gradmix.kind"] == "run")
    assert names == ["1", "2"]


@pytest.mark.slow
def test_two_sweeps_at_once_into_one_store(gradmix_command, client):
    both = [gradmix_command.start("run", "-m", f"seed={seeds}", "pictures=false") for seeds in ("1,2,3", "3,4,5")]
    for process in both:
        out, err = process.communicate(timeout=HANGS)
        assert process.returncode == 0, err
        assert "done                3" in out
    runs = [run for run in all_runs(client) if run.data.tags["gradmix.kind"] == "run"]
    assert sorted(run.data.params["seed"] for run in runs) == list("12345")


@pytest.mark.slow
def test_a_disk_that_is_full(gradmix_command, empty_folder):
    """A small disk: what was journalled before it was full is whole, and resume goes on when there is room."""
    place = empty_folder / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        arguments = ["-m", f"runs_dir={place}", *SLOW_JOBS, "seed=range(6)", "clusterer.max_iter=300", "tracking=none"]
        out, err = gradmix_command("run", *arguments, code=1)
        assert "No space left" in out + err
        complete = finished_seeds(place)
        subprocess.run(["mount", "-o", "remount,size=50m", str(place)], check=True)
        out, _ = gradmix_command("resume", "last", "--runs-dir", str(place))
        assert "done                6" in out
        assert set(complete) < set(finished_seeds(place)) == set(range(6))
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
def test_a_folder_of_runs_that_cannot_be_written(gradmix_command, empty_folder):
    place = empty_folder / "runs"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        for arguments in (["run"], ["run", "-m", "seed=1,2"]):
            _, err = gradmix_command(*arguments, code=1)
            assert "cannot write to runs" in err
            assert "Read-only file system" in err
            assert "runs_dir=" in err
    finally:
        subprocess.run(["umount", str(place)], check=True)


def finished_seeds(folder):
    found = []
    for path in folder.rglob("journal.jsonl"):
        lines = path.read_text().splitlines()
        if lines and json.loads(lines[0]).get("kind") == "run" and json.loads(lines[-1])["event"] == "finished":
            found.append(json.loads(lines[0])["params"]["seed"])
    return found
