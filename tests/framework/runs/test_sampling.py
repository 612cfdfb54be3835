import json
import threading
import time

import psutil
import pytest

import gradmix
from gradmix.contracts.errors import StorageError
from gradmix.journal.reading import read_run
from gradmix.journal.writing import Journal
from gradmix.runs.events import watched_by
from gradmix.runs.sampling import sampling


class Problems:
    def __init__(self):
        self.heard = []

    @gradmix.hookimpl
    def problem(self, message):
        self.heard.append(message)


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path)
    journal.write("started", format=1)
    yield journal
    journal.close()


def samples(folder):
    return [event["metrics"] for event in read_run(folder).events if event["event"] == "system"]


def test_a_short_run_has_a_sample_at_its_start_and_one_at_its_end(journal, tmp_path):
    with sampling(journal):
        pass
    first, last = samples(tmp_path)
    own = psutil.Process().memory_info().rss / 1e6
    assert last["process_memory_usage_megabytes"] == pytest.approx(own, rel=0.2)
    assert 0 < first["system_memory_usage_percentage"] < 100
    assert set(last) == set(first)  # the use of a processor cannot be told over so short a time


def test_the_use_of_the_processor_is_told(journal, tmp_path):
    begin = time.process_time()
    with sampling(journal, seconds=60):
        while time.process_time() - begin < 0.2:
            pass
    last = samples(tmp_path)[-1]
    assert last["process_cpu_utilization_percentage"] > 0
    assert 0 < last["cpu_utilization_percentage"] <= 100


def test_it_samples_as_often_as_it_is_told_and_then_no_more(journal, tmp_path):
    with sampling(journal, seconds=0.001):
        while len(samples(tmp_path)) < 5:
            pass
    n = len(samples(tmp_path))
    assert n >= 5
    assert not [thread for thread in threading.enumerate() if thread.name == "gradmix-sampling"]
    journal.write("finished")
    assert read_run(tmp_path).events[-1]["event"] == "finished"


def test_a_sampler_that_fails_is_told_and_the_run_goes_on(journal, tmp_path, monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: 1 / 0)
    problems = Problems()
    with watched_by(problems), sampling(journal):
        journal.write("iteration", start=0, step=1, metrics={})
    assert problems.heard == ["the system metrics are not complete: ZeroDivisionError: division by zero"]
    assert [event["event"] for event in read_run(tmp_path).events] == ["started", "iteration"]


def test_a_full_disk_ends_the_samples_only(journal, monkeypatch):
    def full(event, **content):
        raise StorageError("cannot append to the journal: No space left on device.")

    problems = Problems()
    with monkeypatch.context() as patch, watched_by(problems):
        patch.setattr(journal, "write", full)
        with sampling(journal):
            pass
    assert "No space left" in problems.heard[0]


def test_an_error_of_the_run_passes_through(journal, tmp_path):
    with pytest.raises(KeyError), sampling(journal):
        raise KeyError("x")
    assert len(samples(tmp_path)) == 2


def test_threads_that_write_at_once_leave_whole_lines_in_the_order_of_their_times(tmp_path):
    journal = Journal(tmp_path)
    journal.write("started", format=1)

    def write(number):
        for step in range(200):
            journal.write("iteration", start=number, step=step, metrics={"a": "x" * 100})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    events = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    assert len(events) == 801
    times = [event["time"] for event in events]
    assert times == sorted(times)
    for number in range(4):
        assert [event["step"] for event in events[1:] if event["start"] == number] == list(range(200))
