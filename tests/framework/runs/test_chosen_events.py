"""Chosen events: each hears what it takes; its errors are its own; a stopping rule ends the run with a result."""

import signal
import threading
from dataclasses import dataclass, field

import numpy as np
import pytest

import gradmix
from conftest import journals
from gradmix import Events, Iteration, Objective, Result, StopRun, Task
from gradmix.config.build import Built
from gradmix.config.chosen import Chosen
from gradmix.config.spec import Limits, RunSpec, Settings
from gradmix.journal.reading import read_run
from gradmix.runs.events import watched_by
from gradmix.runs.runner import Order, execute


@dataclass
class Counting(Task):
    """Counts up, and can stop early unless it is told to be deaf."""

    steps: int = 5
    then: object = None
    heeds: str = "returns"

    def improves(self):
        return Objective("count", maximise=True)

    def run(self):
        reached = 0
        for reached in range(1, self.steps + 1):
            try:
                yield Iteration(reached, {"count": float(reached)}, step=reached)
            except StopRun:
                if self.heeds == "raises":
                    raise
                if self.heeds == "returns":
                    break
        if self.then is not None:
            raise self.then
        return Result({"reached": float(reached)}, answer={"total": reached})

    def draw(self, run):
        return {"own.png": lambda path: path.write_text("own")}


@dataclass
class Recording(Events):
    """Writes down what it hears."""

    told: list = field(default_factory=list)

    def run_started(self, run):
        self.told.append(("started", run.name))

    def iteration(self, iteration, objective):
        self.told.append(iteration.metrics[objective.metric])

    def run_finished(self, metrics, total, stopped):
        self.told.append(("finished", metrics["reached"], total, stopped))

    def run_failed(self, error):
        self.told.append(("failed", type(error).__name__))


@dataclass
class Raising(Events):
    """Raises in one method."""

    where: str = "iteration"
    error: object = None
    calls: int = 0

    def _perhaps(self, where):
        if where == self.where:
            self.calls += 1
            raise self.error or ValueError("no network")

    def run_started(self):
        self._perhaps("run_started")

    def iteration(self):
        self._perhaps("iteration")

    def run_finished(self):
        self._perhaps("run_finished")

    def run_failed(self):
        self._perhaps("run_failed")

    def pictures(self):
        self._perhaps("pictures")
        return {}


@dataclass
class Must(Raising):
    """As that, and must not fail."""

    must = True


@dataclass
class StopAt(Events):
    """Stops at a count."""

    may_stop = True
    count: int = 2

    def iteration(self, iteration):
        if iteration.estimate >= self.count:
            raise StopRun("it is enough")


@dataclass
class Pushy(StopAt):
    """Would stop, but may not."""

    may_stop = False


@dataclass
class Drawing(Events):
    """Adds a picture."""

    name: str = "more.png"

    def pictures(self, total):
        return {self.name: lambda path: path.write_text(f"a picture of {total}")}


class Listener:
    def __init__(self):
        self.problems, self.stops = [], []

    @gradmix.hookimpl
    def problem(self, message):
        self.problems.append(message)

    @gradmix.hookimpl
    def stopped(self, run, by, reason):
        self.stops.append((by, reason))


def run(folder, *, task=None, limits=None, pictures=True, sweep=None, **events):
    settings = Settings(name="trial", pictures=pictures, limits=limits or Limits())
    chosen = Chosen("events", {name: Built(each, {"name": name}) for name, each in events.items()})
    spec = RunSpec(settings, task or Counting(), {"task": {"name": "counting"}, "seed": 0}, {}, events=chosen)
    listener = Listener()
    with watched_by(listener):
        outcome = execute(Order(spec, folder, sweep=sweep))
    return outcome, listener


def names(folder):
    (events,) = journals(folder)
    return [event["event"] for event in events]


def test_each_method_hears_what_it_takes(tmp_path):
    recording = Recording()
    outcome, listener = run(tmp_path, watch=recording)
    assert outcome.status == "finished"
    assert recording.told == [("started", "trial"), 1.0, 2.0, 3.0, 4.0, 5.0, ("finished", 5.0, 5, "")]
    assert listener.problems == []


def test_a_failed_run_is_told_of(tmp_path):
    recording = Recording()
    run(tmp_path, task=Counting(steps=1, then=ZeroDivisionError()), watch=recording)
    assert recording.told[-1] == ("failed", "ZeroDivisionError")


@pytest.mark.parametrize("where", ["run_started", "iteration", "run_finished", "pictures"])
@pytest.mark.parametrize("error", [ValueError("no network"), SystemExit(3), StopRun("enough")])
def test_what_events_raise_is_reported_once_and_the_run_goes_on(tmp_path, where, error):
    raising, recording = Raising(where, error), Recording()
    outcome, listener = run(tmp_path, bad=raising, good=recording)
    assert outcome.status == "finished"
    assert raising.calls == 1
    assert recording.told[-1] == ("finished", 5.0, 5, "")
    (problem,) = listener.problems
    assert f"events.bad raised in {where}" in problem
    assert names(tmp_path)[-1] == "finished"


@pytest.mark.parametrize("where", ["run_started", "iteration", "run_finished", "pictures"])
@pytest.mark.parametrize("error", [ValueError("no network"), SystemExit(3)])
def test_those_that_must_not_fail_end_the_run_as_failed(tmp_path, where, error):
    recording = Recording()
    outcome, listener = run(tmp_path, bad=Must(where, error), good=recording)
    assert outcome.status == "failed"
    assert f"events.bad, which must not fail, raised in {where}: {type(error).__name__}" in outcome.error
    assert recording.told[-1] == ("failed", "PluginError")
    assert names(tmp_path)[-1] == "failed"
    assert "result" not in names(tmp_path)
    (events,) = journals(tmp_path)
    assert type(error).__name__ in events[-1]["traceback"]
    assert listener.problems == []


def test_an_error_on_the_way_out_hides_no_other(tmp_path):
    outcome, listener = run(tmp_path, task=Counting(then=ZeroDivisionError("oh")), bad=Must("run_failed"))
    assert "ZeroDivisionError: oh" in outcome.error
    assert "events.bad raised in run_failed" in listener.problems[0]


def test_ctrl_c_within_events_is_the_runs(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, bad=Raising("iteration", KeyboardInterrupt()))
    assert names(tmp_path)[-1] == "interrupted"


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="alarms ring in the main thread")
def test_a_time_limit_that_rings_within_events_is_the_runs(tmp_path):
    @dataclass
    class Waiting(Events):
        def iteration(self):
            signal.pause()

    outcome, listener = run(tmp_path, limits=Limits(seconds=0.05), slow=Waiting())
    assert outcome.status == "timed_out"
    assert listener.problems == []


def test_a_stopping_rule_ends_the_run_with_what_it_has(tmp_path):
    recording = Recording()
    outcome, listener = run(tmp_path, rule=StopAt(2), watch=recording)
    assert outcome.status == "finished"
    assert outcome.metrics["reached"] == 2
    assert names(tmp_path) == ["started", "iteration", "iteration", "result", "finished"]
    (events,) = journals(tmp_path)
    assert events[-2]["stopped"] == {"by": "rule", "reason": "it is enough"}
    assert listener.stops == [("rule", "it is enough")]
    assert recording.told[-1] == ("finished", 2.0, 2, "rule: it is enough")
    assert read_run(tmp_path).stopped_by == "rule"


def test_a_run_that_nobody_stops_says_nothing_of_it(tmp_path):
    run(tmp_path, rule=StopAt(99))
    assert "stopped" not in journals(tmp_path)[0][-2]
    assert read_run(tmp_path).stopped_by == ""


def test_of_two_that_would_stop_it_the_first_is_named(tmp_path):
    _, listener = run(tmp_path, first=StopAt(2), second=StopAt(2))
    assert [by for by, _ in listener.stops] == ["first"]


def test_only_those_who_may_stop_a_run(tmp_path):
    outcome, listener = run(tmp_path, pushy=Pushy(2))
    assert outcome.metrics["reached"] == 5
    assert "may_stop = True" in listener.problems[0]
    assert "enough" not in str(journals(tmp_path)[0][-2])


@pytest.mark.parametrize(
    ("heeds", "message"),
    [
        ("raises", r"events.rule wants the run to stop \(it is enough\), but its task cannot stop early"),
        ("goes on", "must then return its result without yielding again"),
    ],
)
def test_a_task_that_cannot_stop_says_so(tmp_path, heeds, message):
    outcome, listener = run(tmp_path, task=Counting(heeds=heeds), rule=StopAt(2))
    assert outcome.status == "failed"
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(outcome.error)
    assert listener.stops == []


def test_pictures_are_added_to_the_tasks_own(tmp_path):
    run(tmp_path, draw=Drawing())
    assert (tmp_path / "artifacts" / "more.png").read_text() == "a picture of 5"
    assert (tmp_path / "artifacts" / "own.png").exists()


def test_no_picture_replaces_another(tmp_path):
    _, listener = run(tmp_path, draw=Drawing("own.png"))
    assert (tmp_path / "artifacts" / "own.png").read_text() == "own"
    assert "the file own.png already exists" in listener.problems[0]


def test_a_job_of_a_sweep_leaves_its_pictures_for_later(tmp_path):
    for wanted in ("auto", True):
        folder = tmp_path / str(wanted)
        folder.mkdir()
        run(folder, draw=Drawing(), pictures=wanted, sweep="abc")
        assert (folder / "artifacts" / "more.png").exists() is (wanted is True)
        assert (folder / "artifacts" / "own.png").exists() is (wanted is True)


def test_pictures_can_be_left_out_here_too(tmp_path):
    run(tmp_path, draw=Drawing(), pictures=False)
    assert not (tmp_path / "artifacts" / "more.png").exists()


@dataclass
class Meddling(Events):
    """Writes into what it is told."""

    def iteration(self, iteration):
        iteration.estimate[:] = 9.0


@dataclass
class Halving(Task):
    """Halves an array in its place."""

    def run(self):
        value = np.ones(1)
        for step in (1, 2):
            value /= 2
            yield Iteration(value, {"value": float(value[0])}, step=step)
        return Result({"reached": float(value[0])})


def test_who_hears_of_a_run_cannot_change_it(tmp_path):
    outcome, listener = run(tmp_path, task=Halving(), meddling=Meddling())
    assert outcome.metrics["reached"] == 0.25
    (problem,) = listener.problems
    assert "read-only" in problem


def test_who_draws_cannot_change_what_was_measured(tmp_path):
    @dataclass
    class Correcting(Events):
        def pictures(self, metrics):
            metrics["reached"] = 9.0
            return {}

    outcome, _ = run(tmp_path, correcting=Correcting())
    assert outcome.metrics["reached"] == 5.0
