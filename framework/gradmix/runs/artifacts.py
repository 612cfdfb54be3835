"""Files that a run leaves beside its journal, and pictures of a finished run, drawn from what it has left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gradmix.config.spec import RunSpec, read_spec
from gradmix.contracts.errors import PluginError, StorageError
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.returned import as_writers
from gradmix.contracts.run import RunInfo
from gradmix.contracts.task import FinishedRun, Task, Writer
from gradmix.journal.reading import Run, read_run
from gradmix.registry.entry import describe
from gradmix.runs.events import RunEvents, report_problem

ARTIFACTS = "artifacts"
"""Folder of a run's artifacts, in the run's own."""


def write_artifact(path: Path, write: Writer) -> None:
    """Write one artifact; what is wrong with it is reported, and costs the run nothing else."""
    try:
        if path.parent.name != ARTIFACTS or path.name in ("", ".", ".."):
            raise PluginError("an artifact needs a plain file name, without a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
    except Exception as error:
        report_problem(f"the artifact {path.name} could not be written: {describe(error)}")


def pictures_of(
    spec: RunSpec,
    folder: Path,
    metrics: Mapping[str, float],
    best_start: int,
    events: RunEvents,
    recall: Callable[[], Mapping[str, Any]],
) -> dict[str, Writer]:
    """File name → what writes the picture: the task's own and those of chosen events.

    The journal in `folder` has the run's iterations; `recall` gives its answer.
    """
    draws = type(spec.task).draw is not Task.draw
    if not draws and not events.have_pictures:
        return {}
    iterations = tuple(
        Iteration(
            None,
            {name: float(value) for name, value in each["metrics"].items()},
            start=each["start"],
            step=each["step"],
        )
        for each in read_run(folder).events_named("iteration")
    )
    run = FinishedRun(metrics, iterations, best_start, recall)
    own = dict(as_writers(f"{type(spec.task).__name__}.draw", spec.task.draw(run)))
    if not events.have_pictures:
        return own
    return {**own, **events.pictures({**run.answer, "metrics": dict(metrics)}, taken=own)}


def pictures_later(folder: Path, allowed: Callable[[RunSpec], None] = lambda spec: None) -> dict[str, Writer]:
    """Pictures of a run that finished some time ago.

    `allowed` raises if what the journal names must not be run, such as code that is not ours. Raises `GradmixError` if
    the run has not finished, or if its components are not what they were.
    """
    run = read_run(folder)
    if run.kind == "sweep":
        raise StorageError(
            f"a sweep is drawn job by job, such as {folder.name}/1; {folder / ARTIFACTS} has its overview."
        )
    if not run.is_finished:
        raise StorageError(f"the run {folder} has left nothing to draw: its status is {run.status}.")
    spec = spec_of(run)
    allowed(spec)
    started = run.started
    info = RunInfo(
        name=run.require("name"),
        run_id=run.require("run_id"),
        run_key=run.run_key,
        folder=run.folder,
        params=run.params,
        plugins=started.get("plugins", {}),
        sweep=started.get("sweep"),
        overrides=tuple(started.get("overrides", ())),
    )
    events = RunEvents(spec.events.components, info, spec.task.improves)
    return pictures_of(
        spec, folder, run.metrics, run.best_start or 0, events, lambda: spec.task.recall(folder / ARTIFACTS)
    )


def spec_of(run: Run) -> RunSpec:
    """The run that a journal describes, built of today's components; `GradmixError` if one is not there any more."""
    config, started = run.require("config"), run.started
    events = {**config.get("events", {}), **started.get("drawn_by", {})}
    return read_spec({**config, "name": run.require("name"), **({"events": events} if events else {})})
