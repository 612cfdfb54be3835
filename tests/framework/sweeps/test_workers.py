"""Workers: processes beside the main one that run a sweep's jobs, and may die of one of them."""

import dataclasses
import json
import threading
import time

import pytest

from conftest import HANGS
from gradmix.config.spec import read_spec
from gradmix.journal.folder import FILE_NAME
from gradmix.journal.writing import Journal
from gradmix.sweeps.attempts import relevant_attempt
from gradmix.sweeps.job import SweepJob
from gradmix.sweeps.plan import Job
from gradmix.sweeps.worker_pool import Worker, WorkerDiedError, WorkerPool

pytestmark = pytest.mark.processes

HANG = """
import ctypes, os, signal

def hang(x):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)  # as a call into compiled code that never returns
    while True:
        pass

def deaf(x):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open("deaf", "w").close()
    while True:
        pass

def die(x):
    os._exit(7)

def loud(x):
    print("something for people")
    return x * x

def curious(x):
    import sys
    sys.stdin.read()
    return x * x

def hungry(x):
    import numpy as np
    return x * float(np.ones(40_000_000)[0])
"""


def config(function, **settings):
    return {
        "name": "trial",
        "task": {"name": "differentiate"},
        "differentiator": {"name": "finite_difference"},
        "problem": {"name": "python", "path": f"own.py:{function}"},
        "timing": {"repeats": 0},
        "tracking": {"uri": None},
        **settings,
    }


DEAF = Job(0, (), "new", config("deaf"))


@pytest.fixture
def sweep(empty_folder):
    (empty_folder / "own.py").write_text(HANG)
    folder = empty_folder / "sweep"
    folder.mkdir()
    (folder / FILE_NAME).write_text(json.dumps({"event": "started", "time": 0}) + "\n")
    return SweepJob(folder, "sweep-id")


def run(sweep, *configs, size=1):
    pool = WorkerPool(size)
    requests = [[Job(number, (), "new", each)] for number, each in enumerate(configs)]
    reports = pool.run(sweep, requests, read_spec(configs[0]).settings.limits)
    pool.close()
    return reports, [relevant_attempt(sweep.folder, number) for number in range(len(configs))]


def test_a_worker_that_dies_is_replaced_and_its_job_says_how_it_ended(sweep):
    reports, seen = run(sweep, config("loud"), config("die"), config("loud"))
    assert [each.status for each in seen] == ["finished", "killed", "finished"]
    assert seen[1].error == "its process ended, code 7"
    assert sorted(report.number for report in reports) == [0, 2]


@pytest.mark.slow
def test_a_plugin_that_reads_standard_input_takes_no_errands(sweep):
    _, seen = run(sweep, config("curious"), config("loud"))
    assert [each.status for each in seen] == ["finished", "finished"]


def test_a_worker_that_died_before_its_job_costs_no_job(sweep):
    pool = WorkerPool(1)
    pool.run(sweep, [[Job(0, (), "new", config("loud"))]], read_spec(config("loud")).settings.limits)
    (worker,) = pool._workers
    worker._process.kill()
    worker._process.wait()
    pool.run(sweep, [[Job(1, (), "new", config("loud"))]], read_spec(config("loud")).settings.limits)
    pool.close()
    assert relevant_attempt(sweep.folder, 1).status == "finished"


def test_one_that_does_not_heed_its_alarm_is_killed(sweep):
    _, seen = run(sweep, config("hang", limits={"seconds": 0.2}), config("loud"))
    assert [each.status for each in seen] == ["timed_out", "finished"]
    assert "limits.seconds=0.2" in seen[0].error


def test_memory_is_limited_job_by_job(sweep):
    limits = {"bytes": 100_000_000}
    _, seen = run(sweep, config("hungry", limits=limits), config("loud", limits=limits), config("hungry"))
    assert [each.status for each in seen] == ["out_of_memory", "finished", "finished"]


def test_chosen_events_and_metrics_are_in_the_process_of_the_run(sweep):
    slow = {
        "name": "trial",
        "task": {"name": "cluster"},
        "clusterer": {"name": "gmm", "n_components": 3, "tol": 0.0, "random_state": 0},
        "dataset": {"name": "old_faithful"},
        "events": {"patience": {"name": "patience", "rounds": 3, "min_delta": 0.1}},
        "metric": {"silhouette": {"name": "silhouette"}},
        "pictures": False,
        "tracking": {"uri": None},
    }
    _, seen = run(sweep, slow, {**slow, "seed": 1}, size=2)
    assert [(each.status, each.stopped_by) for each in seen] == [("finished", "patience")] * 2
    assert all(0 < each.metrics["silhouette"] < 1 for each in seen)


def test_a_config_that_cannot_be_built_there_is_reported(sweep):
    reports, seen = run(sweep, config("loud"), config("loud", differentiator={"name": "of another machine"}))
    assert "of another machine" in reports[1].error
    assert seen[1] is None


def test_several_workers_share_the_jobs(sweep):
    reports, seen = run(sweep, *[config("loud", seed=number) for number in range(5)], size=2)
    assert sorted(report.number for report in reports) == list(range(5))
    assert {each.status for each in seen} == {"finished"}


def test_a_job_that_another_process_has_begun_is_left_to_it(sweep):
    folder = sweep.folder / "0"
    folder.mkdir()
    book = Journal(folder)
    book.write("started", format=1, kind="run", run_key="k")
    _, seen = run(sweep, config("loud"))
    assert seen[0].status == "running"
    assert not (sweep.folder / "0-2").exists()
    book.close()
    _, seen = run(sweep, config("loud"))
    assert seen[0].folder.name == "0-2"


def test_what_travels_is_plain(sweep):
    assert json.loads(json.dumps(dataclasses.asdict(Job(1, ("a=1",), "new", config("loud")))))["number"] == 1


@pytest.mark.slow
def test_a_worker_that_does_not_heed_an_interrupt_is_killed(sweep, monkeypatch):
    monkeypatch.setattr("gradmix.sweeps.worker_pool._PATIENCE_SECONDS", 0.5)
    worker = Worker()

    def run_it():
        with pytest.raises(WorkerDiedError, match="SIGKILL"):
            worker.run(sweep, [DEAF])

    thread = threading.Thread(target=run_it)
    thread.start()
    while not (sweep.folder.parent / "deaf").exists():
        assert thread.is_alive()
        time.sleep(0.02)
    worker.interrupt()
    thread.join(HANGS)
    assert not thread.is_alive()
    assert relevant_attempt(sweep.folder, 0).status == "killed"
