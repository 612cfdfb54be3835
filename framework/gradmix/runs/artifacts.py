"""The artifacts of a run: files beside its journal. Pictures can also be drawn later, from these files."""

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
"""Name of the folder of artifacts in the run's folder."""


def write_artifact(path: Path, write: Writer) -> None:
    """Write one artifact. An error is reported, and does not affect the run otherwise."""
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
    """Return file name → function that writes the picture, for the pictures of the task and of the events.

    The iterations are read from the journal in `folder`; `recall` returns the run's answer.
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
    """Return the pictures of a run that finished earlier.

    `allowed` raises if the run described by the journal must not be executed, for example because it names unknown
    code. Raises `GradmixError` if the run has not finished, or if its components have changed.
    """
    run = read_run(folder)
    if run.kind == "sweep":
        raise StorageError(
            f"a sweep is drawn job by job, such as {folder.name}/1; {folder / ARTIFACTS} has its overview."
        )
    if not run.is_finished:
        raise StorageError(f"the run {folder} has nothing to draw: its status is {run.status}.")
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
    """Build the run that a journal describes from the installed components; `GradmixError` if one no longer exists."""
    config, started = run.require("config"), run.started
    events = {**config.get("events", {}), **started.get("drawn_by", {})}
    return read_spec({**config, "name": run.require("name"), **({"events": events} if events else {})})
