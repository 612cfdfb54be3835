"""Metrics that a config adds: measured on the task's answer, journalled with their direction, and never half."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from conftest import journals
from gradmix import Data, Metric, Result, Task
from gradmix.config.build import Built
from gradmix.config.chosen import Chosen
from gradmix.config.spec import RunSpec, Settings
from gradmix.runs.runner import Order, execute


@dataclass
class Answering(Task):
    """Finds two numbers."""

    answers = ("small", "large", "never")

    def run(self):
        yield from ()
        return Result({"own": 1.0, "both": 2.0}, answer={"small": 2.0, "large": 10.0})


@dataclass
class Ratio(Metric):
    """How much larger."""

    maximise = True
    unit = "times"

    def measure(self, small, large):
        return large / small


@dataclass
class Giving(Metric):
    """Gives what it is told to."""

    value: object = None

    def measure(self):
        if isinstance(self.value, BaseException):
            raise self.value
        return self.value


@dataclass
class Lacking(Metric):
    """Needs what the class promises and the answer has not."""

    def measure(self, never):
        return never


def run(folder, **metrics):
    chosen = Chosen("metric", {name: Built(each, {}) for name, each in metrics.items()})
    config = {"task": {"name": "answering"}, "seed": 0}
    return execute(Order(RunSpec(Settings(name="trial"), Answering(), config, {}, metrics=chosen), folder))


def test_metrics_join_the_tasks_own(tmp_path):
    outcome = run(tmp_path, ratio=Ratio(), parts=Giving({"a": 1, "b": 2.5}))
    metrics = {name: value for name, value in outcome.metrics.items() if not name.startswith("time.")}
    assert metrics == {"own": 1.0, "both": 2.0, "ratio": 5.0, "parts.a": 1.0, "parts.b": 2.5}
    (events,) = journals(tmp_path)
    assert events[0]["metrics"]["ratio"] == {"better": "higher", "unit": "times", "meaning": "How much larger"}
    assert events[0]["metrics"]["parts"]["better"] is None


def test_a_run_without_says_nothing_of_them(tmp_path):
    run(tmp_path)
    assert "ratio" not in journals(tmp_path)[0][0]["metrics"]


def test_what_is_not_finite_is_journalled_as_it_is(tmp_path):
    assert math.isnan(run(tmp_path, odd=Giving(math.nan)).metrics["odd"])
    assert journals(tmp_path)[0][-2]["metrics"]["odd"] == "nan"


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({"odd": Giving(ValueError("one group"))}, "metric.odd failed: Giving.measure raised ValueError: one group"),
        ({"odd": Giving(SystemExit(3))}, "metric.odd failed: Giving.measure raised SystemExit: 3"),
        (
            {"odd": Giving("many")},
            "metric.odd: Giving.measure must return a number, or numbers by name; it returned 'many'",
        ),
        (
            {"odd": Giving({"a,b": 1.0})},
            "metric.odd: Giving.measure must give its values plain names, without signs or spaces; one is 'a,b'",
        ),
        ({"own": Giving(1.0)}, "the task itself has metrics named own"),
        ({"odd": Lacking()}, "metric.odd needs never, which the task declares in answers but did not return"),
    ],
)
def test_a_metric_that_cannot_be_measured_fails_the_run_and_is_named(tmp_path, metrics, message):
    outcome = run(tmp_path, **metrics)
    assert outcome.status == "failed"
    assert message in outcome.error
    assert "result" not in [event["event"] for event in journals(tmp_path)[0]]


def test_ctrl_c_within_a_metric_is_the_runs(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, odd=Giving(KeyboardInterrupt()))


@dataclass
class Holding(Task):
    """Finds groups of rows."""

    answers = ("groups", "data")

    def run(self):
        yield from ()
        return Result({}, answer={"groups": np.arange(3), "data": Data(np.ones((3, 1)))})


@dataclass
class Spoiling(Metric):
    """Writes into what it is to measure."""

    what: str = "groups"

    def measure(self, groups, data):
        spoilt = groups if self.what == "groups" else data.X
        spoilt[:] = 0
        return 1.0


@pytest.mark.parametrize("what", ["groups", "data"])
def test_a_metric_cannot_spoil_what_the_next_one_measures(tmp_path, what):
    spec = RunSpec(
        Settings(name="x"),
        Holding(),
        {"task": {"name": "x"}},
        {},
        metrics=Chosen("metric", {"m": Built(Spoiling(what), {})}),
    )
    outcome = execute(Order(spec, tmp_path))
    assert outcome.status == "failed"
    expected = "metric.m failed: Spoiling.measure raised ValueError: assignment destination is read-only"
    assert outcome.error.startswith(expected)
