"""The runner: pulls a task's iterations, journals each, times them, and tells the watchers."""

from __future__ import annotations

import statistics
import time
import traceback
import uuid
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gradmix.config.spec import RunSpec
from gradmix.contracts.errors import GradmixError, StorageError
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.run import RunInfo
from gradmix.contracts.task import Result, Steps, Writer
from gradmix.registry.registry import describe
from gradmix.runs.environment import environment
from gradmix.runs.events import Events, report_problem
from gradmix.runs.journal import FORMAT, Journal
from gradmix.runs.sampling import sampling

ARTIFACTS = "artifacts"


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Parameters
    ----------
    status
        ``finished``, or ``failed`` with its error.
    run
        The run.
    metrics
        Its final metrics.
    error
        What went wrong, in one line.
    """

    status: Literal["finished", "failed"]
    run: RunInfo
    metrics: Mapping[str, float] = field(default_factory=dict)
    error: str = ""


def execute(
    spec: RunSpec, folder: Path, sweep: str | None = None, overrides: tuple[str, ...] = (), name: str | None = None
) -> Outcome:
    """Run `spec` in `folder`, which it has to itself.

    Everything is journalled before anybody is told of it. What goes wrong from then on is part of the outcome.

    Parameters
    ----------
    spec
        What to run.
    folder
        Where journal and artifacts go.
    sweep
        Id of the sweep that the run belongs to.
    overrides
        What the command line asked for.
    name
        What to call the run where it is listed; made from its components unless given.

    Raises
    ------
    StorageError
        If the journal cannot be started.
    KeyboardInterrupt
        If it is interrupted; the journal says so.
    """
    run = RunInfo(
        name=spec.settings.name,
        run_id=uuid.uuid4().hex,
        run_key=_key(spec),
        folder=folder,
        params=spec.params,
        plugins=spec.plugins,
        sweep=sweep,
        overrides=overrides,
    )
    return _Execution(spec, run, Journal(folder), name or spec.label).outcome()


class _Execution:
    def __init__(self, spec: RunSpec, run: RunInfo, journal: Journal, label: str) -> None:
        self.spec, self.run, self.journal, self.label = spec, run, journal, label
        self.events = Events()
        self.seconds: list[float] = []

    def outcome(self) -> Outcome:
        try:
            self._start()
            with sampling(self.journal) if self.spec.settings.tracking.system_metrics else nullcontext():
                result = self._pull(self.spec.task.run())
            return self._finish(result)
        except KeyboardInterrupt as interrupt:
            self._end("interrupted", interrupt)
            raise
        except Exception as error:
            self._end("failed", error)
            return Outcome("failed", self.run, error=explain_failure(error, self.run.folder))
        except BaseException as error:  # SystemExit of somebody's code
            self._end("failed", error)
            raise
        finally:
            self.journal.close()

    def _start(self) -> None:
        settings = self.spec.settings
        self.journal.write(
            "started",
            format=FORMAT,
            kind="run",
            run_id=self.run.run_id,
            run_key=self.run.run_key,
            name=settings.name,
            label=self.label,
            config=self.spec.config,
            params=self.run.params,
            plugins=self.run.plugins,
            sweep=self.run.sweep,
            overrides=self.run.overrides,
            tracking=settings.tracking.uri,
            environment=environment(),
        )
        _write_artifact(self.run.folder / ARTIFACTS / "config.yaml", self._write_config)
        self.events.tell("gradmix_run_started", run=self.run)

    def _pull(self, steps: Steps) -> Result:
        while True:
            begin = time.perf_counter()
            try:
                iteration = next(steps)
            except StopIteration as stop:
                if not isinstance(stop.value, Result):
                    raise TypeError(f"a task must return a gradmix.Result, not {type(stop.value).__name__}") from None
                return stop.value
            self.seconds.append(time.perf_counter() - begin)
            self._journal_iteration(iteration)

    def _journal_iteration(self, iteration: Iteration[Any]) -> None:
        self.journal.write("iteration", start=iteration.start, step=iteration.step, metrics=iteration.metrics)
        self.events.tell("gradmix_iteration", run=self.run, iteration=iteration)

    def _finish(self, result: Result) -> Outcome:
        metrics = {**self._timings(), **result.metrics}
        self.journal.write("result", metrics=metrics, best_start=result.best_start, inputs=[*map(vars, result.inputs)])
        artifacts = {**result.artifacts, **(result.pictures if self.spec.settings.pictures else {})}
        for name, write in artifacts.items():
            _write_artifact(self.run.folder / ARTIFACTS / name, write)
        self.journal.write("finished")
        self.events.tell("gradmix_run_finished", run=self.run, metrics=metrics)
        return Outcome("finished", self.run, metrics)

    def _timings(self) -> dict[str, float]:
        if not self.seconds:
            return {}
        warm = self.seconds[1:] or self.seconds
        return {"time.seconds": sum(self.seconds), "time.per_iteration": statistics.median(warm)}

    def _write_config(self, path: Path) -> None:
        from omegaconf import OmegaConf

        path.write_text(OmegaConf.to_yaml(OmegaConf.create({"name": self.run.name, **self.spec.config})))

    def _end(self, event: str, error: BaseException) -> None:
        trace = (
            "" if isinstance(error, GradmixError | KeyboardInterrupt) else "".join(traceback.format_exception(error))
        )
        try:
            self.journal.write(event, error=describe(error), traceback=trace)
        except StorageError as storage_error:
            report_problem(str(storage_error))
        self.events.tell("gradmix_run_failed", run=self.run, error=error)


def _key(spec: RunSpec) -> str:
    """The run's key, or nothing if what it depends on cannot be read; the run itself will then say why."""
    try:
        return spec.run_key
    except GradmixError:
        return ""


def _write_artifact(path: Path, write: Writer) -> None:
    """Write one artifact; what is wrong with it is reported, and costs the run nothing else."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
    except Exception as error:
        report_problem(f"the artifact {path.name} could not be written: {describe(error)}")


def explain_failure(error: BaseException, folder: Path) -> str:
    """What to tell a person: our own errors speak for themselves, others point to their traceback."""
    if isinstance(error, GradmixError):
        return str(error)
    return f"{describe(error)} (the traceback is in {folder / 'journal.jsonl'})"
