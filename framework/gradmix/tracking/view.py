"""The view of a journal in MLflow: names, metrics with steps, parameters, tags. Pure functions, without MLflow."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gradmix.contracts.secrets import masked
from gradmix.journal.events import Event
from gradmix.journal.reading import Run
from gradmix.tracking.description import command_of, described, traceback_of
from gradmix.tracking.names import run_name

MLFLOW_STATUS = {
    "running": "RUNNING",
    "finished": "FINISHED",
    "failed": "FAILED",
    "timed_out": "FAILED",
    "out_of_memory": "FAILED",
    "killed": "KILLED",
}
"""Status of a run → MLflow's status. The tag ``gradmix.status`` has gradmix's own."""

_LONGEST_TEXT = 5000

STARTS = "start."
"""Prefix of the final metrics of each start."""

SYSTEM = "system/"
"""Prefix that MLflow requires for system metrics."""


class Point(NamedTuple):
    """One value of one metric. Its time is taken from the journal, so that a journal always gives the same points."""

    key: str
    value: float
    time: int
    step: int


@dataclass(frozen=True)
class View:
    """A journal as MLflow shows it, with MLflow's status and times in milliseconds since 1970."""

    run_name: str
    status: str
    start_time: int
    end_time: int
    points: tuple[Point, ...]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    inputs: tuple[Mapping[str, Any], ...] = ()
    """The data sets that the run worked on, as the journal describes them."""
    traceback: str = ""
    """Traceback of the error; empty if the run did not fail, or if the error needs no traceback."""


def milliseconds(seconds: float) -> int:
    """Convert a time to MLflow's unit."""
    return round(seconds * 1000)


def view_of(run: Run) -> View:
    """Return the view of a journal."""
    start_time = milliseconds(run.began)
    points = tuple(_points(run))
    results = run.events_named("result")
    return View(
        run_name=run_name(run),
        status=MLFLOW_STATUS[run.status],
        start_time=start_time,
        end_time=max(start_time, milliseconds(run.last_time)),  # the clock may have been set back
        points=tuple(point for point in points if math.isfinite(point.value)),
        params={key: _text(value) for key, value in masked(_params(run)).items()},
        tags=_tags(run, [point for point in points if not math.isfinite(point.value)]),
        inputs=tuple(results[-1].get("inputs", ())) if results else (),
        traceback=traceback_of(run),
    )


def _params(run: Run) -> Mapping[str, Any]:
    """Return the run's parameters. An option given by its alias, as in a grid over components, has both names."""
    given = {str(override).lstrip("+").partition("=")[0] for override in run.started.get("overrides", ())}
    names = run.declared.aliases.items()
    return {**run.params, **{alias: run.params[own] for own, alias in names if alias in given and own in run.params}}


def _points(run: Run) -> Iterator[Point]:
    """Yield system metrics, the iterations of the best start, the last iteration of each start, and the final metrics.

    No point has a time before the run's start, even if the clock was set back.
    """
    if run.status == "running":
        return  # the best start is not known yet, and points cannot be removed from MLflow
    since = milliseconds(run.began)
    for step, event in enumerate(run.events_named("system")):
        yield from _event_points(event, step, since, prefix=SYSTEM)
    iterations = run.events_named("iteration")
    shown = run.best_start if run.best_start is not None else iterations[-1]["start"] if iterations else 0
    for event in iterations:
        if event["start"] == shown:
            yield from _event_points(event, event["step"], since)
    last_of_start = {event["start"]: event for event in iterations}
    if len(last_of_start) > 1:
        for start, event in last_of_start.items():
            yield from _event_points(event, start, since, prefix=STARTS)
    stepped = {key for event in iterations for key in event["metrics"]}
    for step, event in enumerate(run.events_named("result")):  # a resumed sweep has several
        yield from (point for point in _event_points(_with_named_best(event), step, since) if point.key not in stepped)


def _with_named_best(event: Event) -> Event:
    """Return a sweep's result with its best value named after the metric: different metrics must not share an axis."""
    metric = str(event.get("best", "")).partition(" ")[0]
    metrics = {f"best.{metric}" if key == "best" and metric else key: each for key, each in event["metrics"].items()}
    return {**event, "metrics": metrics}


def _event_points(event: Mapping[str, Any], step: int, since: int, prefix: str = "") -> Iterator[Point]:
    time = max(since, milliseconds(event["time"]))
    return (Point(prefix + key, float(value), time, step) for key, value in event["metrics"].items())


def _tags(run: Run, left_out: list[Point]) -> dict[str, str]:
    """Return the tags by name, without those that the journal does not record."""
    started, (result, *_) = run.started, (*run.events_named("result")[-1:], {})
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for kind, plugin in sorted(started.get("plugins", {}).items()):
        kinds[plugin].append(kind)
    stopped = result.get("stopped")
    said = {
        "run_id": run.require("run_id"),
        "kind": run.kind,
        "status": run.status,
        "folder": os.path.abspath(run.folder),
        "run_key": run.run_key,
        "sweep": started.get("sweep"),
        "plugin": ", ".join(f"{plugin}: {' '.join(kinds[plugin])}" for plugin in sorted(kinds)),
        "error": run.error,
        "command": command_of(run),
        "best": result.get("best"),
        "stopped": stopped and f"{stopped.get('by')}: {stopped.get('reason')}",
        "non_finite": ", ".join(sorted({f"{point.key}={point.value}" for point in left_out})),
        **{f"remark.{name}": remark for name, remark in result.get("remarks", {}).items()},
    }
    git, arguments = started.get("git", {}), started.get("arguments")
    mlflows = {
        "user": started.get("user"),
        "source.name": None if arguments is None else "gradmix run",
        "source.type": None if arguments is None else "LOCAL",
        "source.git.commit": git.get("commit"),
        "source.git.branch": git.get("branch"),
        "source.git.dirty": str(git["dirty"]).lower() if "dirty" in git else None,
        "note.content": described(run),
    }
    return {
        **{f"gradmix.{name}": _text(value) for name, value in said.items() if value},
        **{f"mlflow.{name}": _text(value) for name, value in mlflows.items() if value},
    }


def _text(value: Any) -> str:
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
