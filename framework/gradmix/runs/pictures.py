"""Pictures of runs that have finished, drawn from their journals and artifacts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gradmix.config.spec import RunSpec, Settings, read_spec
from gradmix.contracts.errors import StorageError
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.run import RunInfo
from gradmix.contracts.task import FinishedRun, Task, Writer
from gradmix.journal.reading import Run, read_run
from gradmix.runs.artifacts import ARTIFACTS
from gradmix.runs.events import RunEvents


def draws_itself(settings: Settings, is_job: bool) -> bool:
    """Whether a run draws its pictures when it ends: a sweep draws those of its best jobs, when all have ended."""
    return settings.pictures is True or (settings.pictures == "auto" and not is_job)


def pictures_of(
    spec: RunSpec,
    folder: Path,
    metrics: Mapping[str, float],
    best_start: int,
    events: RunEvents,
    recall: Callable[[], Mapping[str, Any]],
) -> dict[str, Writer]:
    """File name → what writes the picture: the task's own and those of chosen events.

    Parameters
    ----------
    spec
        What was run.
    folder
        The run's own, whose journal has its iterations.
    metrics, best_start
        Its result.
    events
        Its chosen events.
    recall
        Gives its answer.
    """
    draws = type(spec.task).draw is not Task.draw
    if not draws and not events.have_pictures:
        return {}
    run = FinishedRun(metrics, _iterations(read_run(folder)), best_start, recall)
    own = dict(spec.task.draw(run))
    if not events.have_pictures:
        return own
    return {**own, **events.pictures({**run.answer, "metrics": dict(metrics)}, taken=own)}


def _iterations(run: Run) -> tuple[Iteration[None], ...]:
    return tuple(
        Iteration(
            None,
            {name: float(value) for name, value in each["metrics"].items()},
            start=each["start"],
            step=each["step"],
        )
        for each in run.events_named("iteration")
    )


def pictures_later(folder: Path, allowed: Callable[[RunSpec], None] = lambda spec: None) -> dict[str, Writer]:
    """Pictures of a run that finished some time ago.

    Parameters
    ----------
    folder
        The run's own.
    allowed
        Raises if what the journal names must not be run, such as code that is not ours.

    Raises
    ------
    GradmixError
        If the run has not finished, or its components are not what they were.
    """
    run = read_run(folder)
    if not run.is_finished:
        raise StorageError(f"the run {folder} has left nothing to draw: its status is {run.status}.")
    spec = spec_of(run)
    allowed(spec)
    events = RunEvents(spec.events.components, _info(run), spec.task.improves)
    return pictures_of(
        spec, folder, run.metrics, run.best_start or 0, events, lambda: spec.task.recall(folder / ARTIFACTS)
    )


def spec_of(run: Run) -> RunSpec:
    """The run that a journal describes, built of today's components.

    Raises
    ------
    GradmixError
        If a component or an option is not there any more.
    """
    config, started = run.require("config"), run.started
    events = {**config.get("events", {}), **started.get("drawn_by", {})}
    return read_spec({**config, "name": run.require("name"), **({"events": events} if events else {})})


def _info(run: Run) -> RunInfo:
    started = run.started
    return RunInfo(
        name=run.require("name"),
        run_id=run.require("run_id"),
        run_key=run.run_key,
        folder=run.folder,
        params=run.params,
        plugins=started.get("plugins", {}),
        sweep=started.get("sweep"),
        overrides=tuple(started.get("overrides", ())),
    )
