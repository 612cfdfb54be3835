import ctypes
import itertools
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import pytest

import gradmix
from conftest import journals
from gradmix import Data, Dataset, Iteration, Result, Task, Timed
from gradmix.config.spec import CLOCKS, RunSpec, Settings, Timing
from gradmix.runs.environment import timings_key
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
    assert outcome.metrics["time.ratio_to_function"] > 1
    assert len(CALLS) == 2 + 1 + 5  # warm-up, one to see how long it takes, the rounds


@dataclass
class Clock:
    """A clock that shows what the work says it took."""

    now: float = 0.0

    def __call__(self):
        return self.now


def test_short_work_is_repeated_within_a_round(monkeypatch):
    clock = Clock()
    monkeypatch.setitem(CLOCKS, "wall", clock)

    def work():
        clock.now += 1e-6

    watch = Stopwatch(Timed(work), Timing(warmup=1))
    watch.round()
    assert watch.content["calls_per_round"] >= 1000  # a round takes a millisecond or more
    assert watch.metrics["time.seconds"] == pytest.approx(1e-6)


def test_rounds_in_turns_with_others_are_longer(monkeypatch):
    clock = Clock()
    monkeypatch.setitem(CLOCKS, "wall", clock)

    def work():
        clock.now += 1e-6

    calls = [Stopwatch(Timed(work), Timing(paired=paired)).content["calls_per_round"] for paired in (False, True)]
    assert calls[1] >= 8 * calls[0]


@dataclass
class SlowData(Dataset):
    """Takes ten seconds to read."""

    clock: Clock = None

    def read(self):
        self.clock.now += 10.0
        return Data([[0.0], [1.0]])


@dataclass
class Loading(Task):
    """Needs data to compile and twice to run, and a second for each iteration."""

    clock: Clock
    dataset: Dataset = gradmix.part("old_faithful")

    def setup(self):
        self.clock.now += 3.0

    def compile(self):
        self.dataset.load()
        self.clock.now += 2.0

    def run(self):
        first = self.dataset.load()
        for step in range(4):
            self.clock.now += 1.0
            yield Iteration(None, {"step": float(step)})
        return Result({"same": float(first is self.dataset.load())})


@pytest.mark.parametrize("name", CLOCKS)
def test_the_time_of_the_work_has_no_loading_imports_or_compiling_in_it(tmp_path, monkeypatch, name):
    clock = Clock()
    monkeypatch.setitem(CLOCKS, name, clock)
    task = Loading(clock, dataset=SlowData(clock=clock))
    settings = Settings(name="trial", timing=Timing(clock=name))
    outcome = execute(
        Order(RunSpec(settings, task, {"task": {"name": "loading"}, "seed": 0}, {}, seconds=0.5), tmp_path)
    )
    assert outcome.error == ""
    times = {"time.startup": 3.5, "time.load": 10.0, "time.compile": 2.0}
    times |= {"time.seconds": 4.0, "time.per_iteration": 1.0}
    assert outcome.metrics == {"same": 1.0, **times}


def test_rounds_are_timed_by_the_chosen_clock(tmp_path, monkeypatch):
    clock = Clock()
    monkeypatch.setitem(CLOCKS, "processor", clock)

    def work():
        clock.now += 2.0

    watch = Stopwatch(Timed(work), Timing(clock="processor"))
    watch.round()
    assert watch.metrics == {"time.seconds": 2.0}
    assert watch.content["clock"] == "processor"


def test_how_it_was_timed_is_part_of_what_the_times_mean():
    keys = {
        timings_key(Settings(name="trial", timing=Timing(**how)))
        for how in ({}, {"clock": "processor"}, {"allocator": "default"})
    }
    assert len(keys) == 3


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc")
@pytest.mark.processes
def test_a_pinned_allocator_keeps_the_memory_of_a_round():
    program = """
import resource
import numpy as np
from gradmix.config.spec import Timing
from gradmix.contracts.task import Timed
from gradmix.runs.timing import Stopwatch, peak_bytes

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def work():
    return np.ones(2_000_000) + 1

watch = Stopwatch(Timed(work), Timing(allocator="pinned"))
before = faults()
for _ in range(20):
    watch.round()
print(watch.content["allocator"], (faults() - before) < 100, peak_bytes(work) > 15_000_000)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.stdout == "pinned True True\n", ended.stderr


def test_together_they_take_turns_round_by_round(tmp_path):
    orders = [Order(spec(name, repeats=4, paired=True), folder(tmp_path, name)) for name in "abc"]
    outcomes = execute_together(orders)
    assert [outcome.status for outcome in outcomes] == ["finished"] * 3
    turns = [name for name, _ in itertools.groupby(CALLS)]  # a round may be several calls
    assert turns[-12:] == list("abc") * 4
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


def test_where_the_system_does_not_tell_what_is_resident_the_peak_is_what_python_held(monkeypatch):
    monkeypatch.setattr("gradmix.runs.timing._peak_resident", lambda work: 0)
    kept = np.ones(1_000_000)  # is there before, and does not count
    assert peak_bytes(lambda: (kept + 1).sum()) == pytest.approx(8e6, rel=0.1)


def test_the_default_allocator_is_left_alone(monkeypatch):
    pinned = []
    monkeypatch.setattr("gradmix.runs.timing.pin_allocator", lambda: pinned.append(True) or True)
    Stopwatch(Timed(lambda: None), Timing(allocator="default"))
    assert not pinned
    Stopwatch(Timed(lambda: None), Timing(allocator="pinned"))
    assert pinned


def test_memory_is_measured_when_asked_for(tmp_path):
    assert "memory.peak_bytes" not in execute(Order(spec(repeats=1), folder(tmp_path, "a"))).metrics
    assert "memory.peak_bytes" in execute(Order(spec(memory=True), folder(tmp_path, "b"))).metrics


def test_memory_is_set_beside_that_of_the_function():
    watch = Stopwatch(Timed(lambda: np.ones(3_000_000), lambda: np.ones(1_000_000)), Timing(memory=True))
    watch.measure_memory()
    assert watch.metrics["memory.ratio_to_function"] == pytest.approx(3.0, rel=0.1)
    assert watch.content["traced_bytes"] == pytest.approx((24e6, 8e6), rel=0.1)
    alone = Stopwatch(Timed(lambda: np.ones(1_000_000)), Timing(memory=True))
    alone.measure_memory()
    assert "memory.ratio_to_function" not in alone.metrics
