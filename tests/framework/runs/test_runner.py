import dataclasses
import json
import sys
import threading
from dataclasses import dataclass

import pytest

import gradmix
from conftest import journals
from gradmix import Iteration, NumericalError, Result, Task
from gradmix.config.spec import Limits, RunSpec, Settings, read_spec
from gradmix.runs.events import notify, settings_known, watched_by
from gradmix.runs.runner import Order
from gradmix.runs.runner import execute as execute_order

CONFIG = {
    "name": "trial",
    "task": {"name": "cluster"},
    "clusterer": {"name": "gmm", "random_state": 0},
    "dataset": {"name": "old_faithful"},
}


def execute(spec, folder, overrides=()):
    return execute_order(Order(spec, folder, overrides=overrides))


@dataclass
class Counting(Task):
    """Counts, then does as it is told."""

    steps: int = 3
    then: object = None

    def run(self):
        for step in range(1, self.steps + 1):
            yield Iteration(step, {"count": float(step)}, step=step)
        if isinstance(self.then, BaseException):
            raise self.then
        return Result({"count": float(self.steps)}) if self.then is None else self.then


@dataclass
class Unnumbered(Task):
    """Two starts, without a word about steps."""

    def run(self):
        for start in (0, 1):
            for value in (3.0, 2.0, 1.0):
                yield Iteration(value, {"count": value}, start=start)
        return Result({})


def counting(then=None):
    settings = Settings(name="trial", pictures=True)
    return RunSpec(settings, Counting(then=then), {"task": {"name": "counting"}, "seed": 0}, {"task": "test 1"})


class Recorder:
    """Writes down what it is told."""

    def __init__(self):
        self.told, self.problems = [], []

    @gradmix.hookimpl
    def gradmix_run_started(self, run):
        self.told.append("started")

    @gradmix.hookimpl
    def gradmix_iteration(self, run, iteration):
        self.told.append(iteration.step)

    @gradmix.hookimpl
    def gradmix_run_finished(self, run, metrics):
        self.told.append("finished")

    @gradmix.hookimpl
    def gradmix_run_failed(self, run, error):
        self.told.append(type(error).__name__)

    @gradmix.hookimpl
    def problem(self, message):
        self.problems.append(message)


def test_iterations_that_a_task_does_not_number_are_numbered_by_the_runner(tmp_path):
    spec = dataclasses.replace(counting(), task=Unnumbered())
    assert execute(spec, tmp_path).status == "finished"
    (events,) = journals(tmp_path)
    numbers = [(event["start"], event["step"]) for event in events if event["event"] == "iteration"]
    assert numbers == [(start, step) for start in (0, 1) for step in (1, 2, 3)]


def test_a_run_is_journalled_iteration_by_iteration(tmp_path):
    outcome = execute(read_spec(CONFIG), tmp_path, overrides=("a=1",))
    assert outcome.status == "finished"
    (events,) = journals(tmp_path)
    assert [event["event"] for event in events[:2]] == ["started", "iteration"]
    assert events[0]["run_key"] == outcome.run.run_key == read_spec(CONFIG).run_key
    assert events[0]["params"]["clusterer"] == "gmm"
    assert events[0]["overrides"] == ["a=1"]
    assert events[0]["environment"]["python"]
    assert [event["step"] for event in events[1:-2]] == list(range(1, len(events) - 2))
    assert [event["event"] for event in events[-2:]] == ["result", "finished"]
    assert events[-2]["metrics"]["log_likelihood"] == pytest.approx(-1130.264, abs=0.01)
    assert {file.name for file in (tmp_path / "artifacts").iterdir()} == {"config.yaml", "model.json", "fit.png"}


def test_a_run_samples_the_system_on_request_only(tmp_path):
    for flag in (True, False):
        (tmp_path / str(flag)).mkdir()
        execute(read_spec({**CONFIG, "tracking": {"system_metrics": flag}}), tmp_path / str(flag))
    without, sampled = ([event["event"] for event in events] for events in journals(tmp_path))
    assert sampled[:2] == ["started", "system"]
    assert sampled[-3:] == ["system", "result", "finished"]
    assert "system" not in without


def test_the_same_config_and_seed_give_the_same_numbers(tmp_path):
    results = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        metrics = execute(read_spec(CONFIG), tmp_path / name).metrics
        results.append({name: value for name, value in metrics.items() if not name.startswith("time.")})
    assert results[0] == results[1]


def test_watchers_hear_of_everything_in_order(tmp_path):
    recorder = Recorder()
    with watched_by(recorder):
        execute(counting(), tmp_path)
    assert recorder.told == ["started", 1, 2, 3, "finished"]


@pytest.mark.parametrize("error", [NumericalError("singular"), ZeroDivisionError("oh"), RuntimeError(), SystemExit(0)])
def test_an_error_ends_the_run_and_not_the_process(tmp_path, error):
    recorder = Recorder()
    with watched_by(recorder):
        outcome = execute(counting(error), tmp_path)
    assert outcome.status == "failed"
    assert recorder.told == ["started", 1, 2, 3, type(error).__name__]
    (events,) = journals(tmp_path)
    assert [event["event"] for event in events] == ["started", *["iteration"] * 3, "failed"]
    assert bool(events[-1]["traceback"]) != isinstance(error, gradmix.GradmixError)


def test_an_interrupt_is_journalled_and_goes_on_up(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        execute(counting(KeyboardInterrupt()), tmp_path)
    assert journals(tmp_path)[0][-1]["event"] == "interrupted"


@pytest.mark.parametrize(
    ("then", "sentence"),
    [
        ({"count": 3}, "Counting.run must return a gradmix.Result; it returned a dict of 1."),
        (Result(None), "metrics as a mapping of names to numbers; it gave None."),
        (Result({"count": "x"}), "Counting.run must give numbers as metrics; count is 'x'."),
        (Result({}, best_start="x"), "an integer as best_start; it gave 'x'."),
        (Result({}, artifacts={"a.txt": "text"}), "a function of a path that writes a.txt; it returned 'text'."),
        (Result({}, inputs=(3,)), "inputs as a tuple of gradmix.Input; it gave a tuple of int."),
        (Result({}, answer=[1]), "answer as a mapping; it gave a list of int."),
        (Result({}, remarks={"a": 1}), "the remark a as a string; it gave 1."),
    ],
)
def test_a_task_that_returns_something_else_fails_in_one_sentence(tmp_path, then, sentence):
    outcome = execute(counting(then), tmp_path)
    assert outcome.status == "failed"
    assert outcome.error.endswith(sentence), outcome.error
    assert journals(tmp_path)[0][-1]["traceback"] == ""


@pytest.mark.parametrize(
    ("method", "returned", "sentence"),
    [
        ("run", [Iteration(None, {})], "Counting.run must yield its iterations"),
        ("run", iter([{"count": 1.0}]), "Counting.run must yield gradmix.Iteration; it yielded a dict of 1."),
        (
            "metrics",
            ["count"],
            "Counting.metrics must return a sequence of gradmix.Meaning; it returned a list of str.",
        ),
        ("improves", "count", "must be a gradmix.Objective, such as gradmix.INERTIA; it is 'count'."),
        ("draw", None, "Counting.draw must return a mapping of file names to functions that write them"),
        ("content", "abc", "Counting.content must return a tuple of strings; it returned 'abc'."),
    ],
)
def test_whatever_a_task_returns_wrongly_is_said_to_who_listens(tmp_path, monkeypatch, method, returned, sentence):
    errors = []

    class Listener:
        @gradmix.hookimpl
        def gradmix_run_failed(self, error):
            errors.append(str(error))

    monkeypatch.setattr(Counting, method, lambda self, *args: returned)
    with watched_by(Listener()):
        outcome = execute(counting(), tmp_path)
    assert outcome.status == "failed"
    assert sentence in outcome.error
    assert sentence in errors[0]


def test_a_watcher_that_raises_is_reported_once_and_stops_nothing(tmp_path):
    class Broken(Recorder):
        @gradmix.hookimpl
        def gradmix_iteration(self, run, iteration):
            super().gradmix_iteration(run, iteration)
            raise ValueError("no network")

    broken, recorder = Broken(), Recorder()
    with watched_by(broken, recorder):
        assert execute(counting(), tmp_path).status == "finished"
    assert broken.told == ["started", 1]
    assert recorder.told == ["started", 1, 2, 3, "finished"]
    (problem,) = recorder.problems
    assert "Broken raised in iteration" in problem
    assert "no network" in problem


class Leaving:
    """Would end the process, if it could."""

    @gradmix.hookimpl
    def gradmix_run_started(self, run):
        sys.exit(3)


class LeavingLate:
    """As that, in the midst of the run."""

    @gradmix.hookimpl
    def gradmix_iteration(self, run):
        sys.exit(3)


@pytest.mark.parametrize("watcher", [Leaving(), LeavingLate()])
def test_a_watcher_cannot_end_the_process(tmp_path, watcher):
    recorder = Recorder()
    with watched_by(watcher, recorder):
        assert execute(counting(), tmp_path).status == "finished"
    assert recorder.told == ["started", 1, 2, 3, "finished"]
    (problem,) = recorder.problems
    assert f"{type(watcher).__name__} raised in " in problem
    assert "SystemExit: 3" in problem


def test_an_artifact_that_cannot_be_written_costs_only_itself(tmp_path):
    recorder = Recorder()
    result = Result(
        {"a": 1.0}, artifacts={"bad.txt": lambda path: 1 / 0, "good.txt": lambda path: path.write_text("x")}
    )
    with watched_by(recorder):
        assert execute(counting(result), tmp_path).status == "finished"
    assert (tmp_path / "artifacts" / "good.txt").read_text() == "x"
    assert "bad.txt" in recorder.problems[0]


def test_pictures_can_be_left_out(tmp_path):
    spec = read_spec({**CONFIG, "pictures": False})
    execute(spec, tmp_path)
    assert not (tmp_path / "artifacts" / "fit.png").exists()


def test_running_leaves_the_components_as_they_were(tmp_path):
    spec = read_spec(CONFIG)
    before = dataclasses.asdict(spec.task)
    execute(spec, tmp_path)
    assert dataclasses.asdict(spec.task) == before


def test_data_that_cannot_be_read_are_a_failed_run_with_its_reason(tmp_path):
    spec = read_spec({**CONFIG, "dataset": {"name": "file", "path": "missing.csv"}})
    outcome = execute(spec, tmp_path)
    assert outcome.status == "failed"
    assert "missing.csv: No such file" in outcome.error
    assert json.loads((tmp_path / "journal.jsonl").read_text().splitlines()[-1])["event"] == "failed"


def test_a_listener_of_the_session_that_raises_keeps_no_other_from_hearing(capsys):
    class Broken:
        @gradmix.hookimpl
        def settings_known(self):
            raise ValueError("no terminal")

        @gradmix.hookimpl
        def problem(self, message):
            raise ValueError("no terminal either")

    class Hearing:
        def __init__(self):
            self.heard = []

        @gradmix.hookimpl
        def settings_known(self, settings):
            self.heard.append(settings)

        @gradmix.hookimpl
        def problem(self, message):
            self.heard.append(message)

    hearing = Hearing()
    with watched_by(Broken(), hearing):
        notify(settings_known, Settings(name="trial"))
    reported, settings = hearing.heard
    assert settings == Settings(name="trial")
    assert "Broken raised in settings_known: ValueError: no terminal" in reported
    assert "no terminal either" in capsys.readouterr().err


def test_listeners_can_be_left_out_for_a_while(tmp_path):
    outer, inner = Recorder(), Recorder()
    with watched_by(outer):
        with watched_by(inner, alone=True):
            execute(counting(), tmp_path)
        assert outer.told == []
    assert inner.told == ["started", 1, 2, 3, "finished"]


@dataclass
class Endless(Counting):
    """Depends on something that takes forever to read."""

    def content(self):
        threading.Event().wait(60)


def test_reading_what_the_key_depends_on_is_within_the_time_limit(tmp_path):
    settings = Settings(name="trial", limits=Limits(seconds=0.05))
    spec = RunSpec(settings, Endless(), {"task": {"name": "counting"}, "seed": 0}, {"task": "test 1"})
    assert execute(spec, tmp_path).status == "timed_out"
    (events,) = journals(tmp_path)
    assert [event["event"] for event in events] == ["started", "timed_out"]
    assert events[0]["run_key"] == ""
