import statistics
import time
from dataclasses import dataclass

import numpy as np
import pytest

from conftest import journals
from gradmix import Result, Task, Timed
from gradmix.config.spec import RunSpec, Settings, Timing
from gradmix.runs.runner import Order, execute, execute_together
from gradmix.runs.timing import PAIRED_ROUNDS, Stopwatch, peak_bytes, rounds_of

CALLS = []


@dataclass
class Working(Task):
    """Notes when it is called."""

    name: str = "a"
    fails_at: int = -1

    def run(self):
        yield from ()
        return Result({"answer": 1.0})

    def timed(self):
        def work():
            CALLS.append(self.name)
            if CALLS.count(self.name) == self.fails_at:
                raise RuntimeError("no more")
            end = time.perf_counter() + 2e-3
            while time.perf_counter() < end:
                pass

        return Timed(work, lambda: None)


def spec(name="a", fails_at=-1, **timing):
    settings = Settings(name="trial", timing=Timing(**timing))
    return RunSpec(settings, Working(name, fails_at), {"task": {"name": name}, "seed": 0}, {"task": "test 1"})


@pytest.fixture(autouse=True)
def no_calls():
    CALLS.clear()


def folder(tmp_path, name):
    place = tmp_path / name
    place.mkdir()
    return place


def test_medians_of_rounds_with_the_warm_up_left_out(tmp_path):
    outcome = execute(Order(spec(repeats=5, warmup=2), tmp_path))
    (events,) = journals(tmp_path)
    timing = next(event for event in events if event["event"] == "timing")
    assert len(timing["seconds"]) == len(timing["reference_seconds"]) == 5
    assert outcome.metrics["time.seconds"] == statistics.median(timing["seconds"]) >= 2e-3
    assert outcome.metrics["time.ratio_to_function"] > 100
    assert len(CALLS) == 2 + 1 + 5  # warm-up, one to see how long it takes, the rounds


def test_short_work_is_repeated_within_a_round():
    watch = Stopwatch(Timed(lambda: None), warmup=1)
    watch.round()
    assert watch.content["calls_per_round"] > 1000
    assert 0 < watch.metrics["time.seconds"] < 1e-5


def test_together_they_take_turns_round_by_round(tmp_path):
    orders = [Order(spec(name, repeats=4, paired=True), folder(tmp_path, name)) for name in "abc"]
    outcomes = execute_together(orders)
    assert [outcome.status for outcome in outcomes] == ["finished"] * 3
    assert CALLS[-12:] == list("abc") * 4
    blocks = {event["block"] for events in journals(tmp_path) for event in events if event["event"] == "timing"}
    assert len(blocks) == 1
    assert blocks != {None}


def test_one_that_fails_in_its_turn_harms_no_other(tmp_path):
    names = {"a": -1, "b": 4, "c": -1}
    outcomes = execute_together(
        [Order(spec(name, at, repeats=4), folder(tmp_path, name)) for name, at in names.items()]
    )
    assert [outcome.status for outcome in outcomes] == ["finished", "failed", "finished"]
    assert "no more" in outcomes[1].error
    assert [CALLS.count(name) for name in "abc"] == [6, 4, 6]


def test_how_many_rounds():
    task = Working()
    assert rounds_of(task, Timing()) == 0
    assert rounds_of(task, Timing(repeats=7, paired=True)) == 7
    assert rounds_of(task, Timing(paired=True)) == PAIRED_ROUNDS
    assert rounds_of(task, Timing(repeats=0, paired=True)) == 0


def test_the_peak_of_memory_is_what_numpy_held_at_once():
    def work():
        first = np.ones(4_000_000)
        second = first + 1
        return float(second[0])

    assert peak_bytes(work) == pytest.approx(64e6, rel=0.1)


def test_memory_is_measured_when_asked_for(tmp_path):
    assert "memory.peak_bytes" not in execute(Order(spec(repeats=1), folder(tmp_path, "a"))).metrics
    assert "memory.peak_bytes" in execute(Order(spec(memory=True), folder(tmp_path, "b"))).metrics
