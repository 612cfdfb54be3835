"""Run: the iterations, result and artifacts of a task."""

from __future__ import annotations

import inspect
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gradmix.contracts.iteration import Iteration
from gradmix.contracts.meaning import Meaning, meaning_of
from gradmix.contracts.returned import as_writers
from gradmix.contracts.task import FinishedRun, Input, Result, Task, Timed
from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.component.uses import result_of
from gradmix.testing.component.watching import watched
from gradmix.testing.subject import Subject
from gradmix.testing.values import plain_value

_RUN = "steps = component.run()\nlist(steps)"
_LEGAL_NAME = re.compile(r"[\w\-. :/]+")


def yields_iterations(subject: Subject) -> None:
    """`run` is a generator: it yields an `Iteration` each time and returns a `Result`."""
    steps = subject.make().run()
    if not inspect.isgenerator(steps):
        raise BrokenPromiseError("a generator", type(steps).__name__, "run()", _RUN)
    iterations, result = _ran(subject)
    for iteration in iterations:
        if not isinstance(iteration, Iteration):
            raise BrokenPromiseError("a gradmix.Iteration", type(iteration).__name__, "what run() yields", _RUN)
    if not isinstance(result, Result):
        raise BrokenPromiseError("a gradmix.Result", type(result).__name__, "what run() returns", _RUN)


def measures_finite_numbers(subject: Subject) -> None:
    """Metrics of iterations and of the result are finite numbers, with names that MLflow accepts."""
    iterations, result = _ran(subject)
    for where, metrics in [("iteration", each.metrics) for each in iterations] + [("result", result.metrics)]:
        _require_metrics(where, metrics)


def declares_its_metrics(subject: Subject) -> None:
    """`metrics` states what each metric of the result means, and which direction is better, if either is."""
    task: Task = subject.make()
    declared: Any = task.metrics()
    strange = [repr(each) for each in declared if not isinstance(each, Meaning)]
    if strange:
        raise BrokenPromiseError("a gradmix.Meaning", strange[0], "what metrics() returns")
    names = {each.name for each in declared}
    missing = [name for name in result_of(task).metrics if name not in names and not meaning_of(name).is_timing]
    if missing:
        raise BrokenPromiseError(f"a meaning of {missing[0]}", ", ".join(sorted(names)) or "none", "metrics()", _RUN)


def best_start_was_yielded(subject: Subject) -> None:
    """`best_start` is one of the starts whose iterations were yielded."""
    iterations, result = _ran(subject)
    starts = {iteration.start for iteration in iterations} or {0}
    if result.best_start not in starts:
        raise BrokenPromiseError(f"one of {sorted(starts)}", str(result.best_start), "best_start", _RUN)


def run_is_repeatable(subject: Subject) -> None:
    """A second run with the same seeds yields the same metrics, except times and memory."""
    first, again = _measured(subject), _measured(subject)
    if first != again:
        place = next(i for i, pair in enumerate(zip(first, again, strict=False)) if pair[0] != pair[1])
        raise BrokenPromiseError(
            str(first[place])[:300], str(again[place])[:300], f"metrics no. {place}, run again", _RUN
        )


def writes_its_artifacts(subject: Subject) -> None:
    """Each artifact and picture has a plain file name, and its writer makes only that file."""
    iterations, result = _ran(subject)
    drawn = subject.make().draw(FinishedRun(result.metrics, iterations, result.best_start, lambda: result.answer))
    as_writers(f"{subject.component.__name__}.draw", drawn)
    for name, write in {**result.artifacts, **drawn}.items():
        if Path(name).name != name:
            raise BrokenPromiseError("a file name", repr(name), "artifacts", _RUN)
        with tempfile.TemporaryDirectory() as folder:
            try:
                write(Path(folder) / name)
            except Exception as error:
                raise BrokenPromiseError(
                    "a file", f"{type(error).__name__}: {error}", f"artifact {name}", _RUN
                ) from error
            left = sorted(path.name for path in Path(folder).iterdir())
        if left != [name]:
            raise BrokenPromiseError(name, ", ".join(left) or "no file", f"artifact {name}", _RUN)


def answers_as_declared(subject: Subject) -> None:
    """`Result.answer` has exactly the names in `answers`, by which metrics and pictures request its values."""
    task = subject.make()
    answered = sorted(result_of(task).answer)
    if answered != sorted(task.answers):
        raise BrokenPromiseError(", ".join(sorted(task.answers)) or "nothing", ", ".join(answered), "answer", _RUN)


def recalls_its_answer(subject: Subject) -> None:
    """`recall` restores from the artifacts of a finished run all names in `answers`, so that it can be drawn later."""
    task = subject.make()
    if type(task).recall is Task.recall:
        raise NotApplicableError("it has no method recall")
    result = result_of(task)
    with tempfile.TemporaryDirectory() as folder:
        for name, write in result.artifacts.items():
            write(Path(folder) / name)
        recalled = sorted(subject.make().recall(Path(folder)))
    if recalled != sorted(task.answers):
        raise BrokenPromiseError(", ".join(sorted(task.answers)), ", ".join(recalled), "recall(artifacts)", _RUN)


def declares_its_inputs(subject: Subject) -> None:
    """`inputs` has a `gradmix.Input` for each data set of the run."""
    _, result = _ran(subject)
    for each in result.inputs:
        if not isinstance(each, Input) or not each.digest or each.rows < 1:
            raise BrokenPromiseError("a gradmix.Input with rows and a digest", repr(each), "inputs", _RUN)


def preflight_changes_nothing(subject: Subject) -> None:
    """`preflight` returns nothing, changes nothing, and can be repeated."""
    task: Task = subject.make()
    look: Any = task.preflight
    look()
    with watched() as deeds:
        answer = look()
    if answer is not None:
        raise BrokenPromiseError("nothing", repr(answer), "preflight()")
    done = [*deeds.written, *deeds.moved_to, *deeds.changed, *([deeds.printed] if deeds.printed else [])]
    if done:
        raise BrokenPromiseError("nothing done", ", ".join(done), "preflight()")


def can_be_timed(subject: Subject) -> None:
    """The functions that `timed` returns can be called repeatedly."""
    timed = subject.make().timed()
    if timed is None:
        raise NotApplicableError("it has nothing to time except the run itself")
    if not isinstance(timed, Timed):
        raise BrokenPromiseError("a gradmix.Timed, or None", type(timed).__name__, "timed()")
    for _ in range(2):
        timed.work()
        if timed.reference is not None:
            timed.reference()


def _ran(subject: Subject) -> tuple[list[Any], Any]:
    iterations: list[Any] = []
    return iterations, result_of(subject.make(), iterations)


def _measured(subject: Subject) -> list[Any]:
    iterations, result = _ran(subject)
    return [
        {name: plain_value(value) for name, value in metrics.items() if not meaning_of(name).is_timing}
        for metrics in [*(each.metrics for each in iterations), result.metrics]
    ]


def _require_metrics(where: str, metrics: Mapping[str, Any]) -> None:
    for name, value in metrics.items():
        if not _LEGAL_NAME.fullmatch(name):
            raise BrokenPromiseError(
                "letters, digits and _ - . : / in a name", repr(name), f"metrics of the {where}", _RUN
            )
        if not isinstance(value, int | float | np.number) or not np.isfinite(value):
            raise BrokenPromiseError("a finite number", repr(value), f"{name} of the {where}", _RUN)
