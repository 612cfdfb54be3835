"""The runner: takes iterations from a task, times and journals each of them, and calls the listeners."""

from __future__ import annotations

import os
import statistics
import sys
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, chdir, closing, nullcontext
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from gradmix.config.spec import RunSpec
from gradmix.contracts.component import Component
from gradmix.contracts.dataset import Loaded, loaded_once
from gradmix.contracts.errors import GradmixError, PluginError, StorageError
from gradmix.contracts.events import StopRun
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.meaning import recorded
from gradmix.contracts.returned import unlike
from gradmix.contracts.role import Role
from gradmix.contracts.run import RunInfo
from gradmix.contracts.secrets import masked, secrets_in
from gradmix.contracts.task import Result, Timed, Writer
from gradmix.contracts.terminal import visible
from gradmix.journal.events import FORMAT
from gradmix.journal.writing import Journal
from gradmix.registry.entry import describe_use
from gradmix.registry.originals import originals
from gradmix.runs.artifacts import ARTIFACTS, pictures_of, write_artifact
from gradmix.runs.environment import environment, threads_of_run, timings_key
from gradmix.runs.events import RunEvents, notify, report_problem, stopped
from gradmix.runs.limits import OutOfMemoryError, TimedOutError, limited, within
from gradmix.runs.origin import Origin
from gradmix.runs.pulling import Pulled, measured, pull
from gradmix.runs.sampling import sampling
from gradmix.runs.timing import Stopwatch, rounds_of

_STATUSES: Mapping[type[Exception], str] = {TimedOutError: "timed_out", OutOfMemoryError: "out_of_memory"}
"""Error → the run's status, which is also the last event of its journal. Any other error gives ``failed``."""


def status_of_error(error: BaseException) -> str:
    """Return the status of a run that ended with this error."""
    return next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), "failed")


@dataclass(frozen=True)
class Order:
    """A run to make, in a folder that no other run uses."""

    spec: RunSpec
    folder: Path
    sweep: str | None = None  # id of the sweep that it belongs to
    overrides: tuple[str, ...] = ()
    label: str | None = None  # its name in lists; built from its components if None
    workers: int = 1  # how many runs are made at the same time, each in its own process
    origin: Origin = field(default_factory=Origin)
    varies: tuple[str, ...] = ()  # keys in which the jobs of its sweep differ


def execute(order: Order) -> Execution:
    """Make one run.

    Every event is journalled before any listener is called. Once the journal exists, errors
    are not raised, but recorded as the end of the run.

    Raises
    ------
    StorageError
        If the journal cannot be started.
    KeyboardInterrupt
        If the run is interrupted; the journal records this.
    """
    return execute_together([order])[0]


def execute_together(orders: Sequence[Order]) -> list[Execution]:
    """Make several runs as `execute` does, and time their work in turns, round by round.

    If one run fails, the others go on.
    """
    with ExitStack() as journals:
        block = uuid.uuid4().hex if len(orders) > 1 else None
        runs = []
        for order in orders:
            journal = Journal(order.folder, {*order.spec.secrets, *secrets_in(order.overrides)})
            runs.append(Execution(order, journals.enter_context(closing(journal)), block))
        try:
            for turn in zip_longest(*(run.stages for run in runs)):
                for run, stage in zip(runs, turn, strict=True):
                    if stage is not None:
                        run.attempt(stage)
            for run in runs:
                run.attempt(run.finish)
        except BaseException as error:  # Ctrl-C: it ends all runs
            for run in runs:
                if not run.status:
                    run.end("interrupted" if isinstance(error, KeyboardInterrupt) else "failed", error)
            raise
        return runs


class Execution:
    """The execution of one run in stages, of which `finish` is the last. An error in a stage ends the run.

    At the end, `status` is ``finished`` or the reason why the run ended earlier, `metrics` has the final metrics, and
    `error` is the error in one line, or empty.
    """

    def __init__(self, order: Order, journal: Journal, block: str | None) -> None:
        spec = order.spec
        self.order, self.spec, self.journal, self.block = order, spec, journal, block
        self.run = RunInfo(
            name=spec.settings.name,
            run_id=uuid.uuid4().hex,
            run_key="",
            folder=order.folder,
            params=spec.params,
            plugins=spec.plugins,
            sweep=order.sweep,
            overrides=order.overrides,
        )
        self.status, self.error = "", ""
        self.metrics: Mapping[str, float] = {}
        self.events: RunEvents | None = None
        self.rounds = rounds_of(spec.task, spec.settings.timing)
        self.stages = (self._compute, self._set_stopwatch, *[self._time] * self.rounds)
        self.stopwatch: Stopwatch | None = None
        self.loaded: Loaded = {}
        self.ready: Mapping[str, float] = {}
        self.pulled: Pulled | None = None
        self.measured: Mapping[str, float] = {}

    def attempt(self, stage: Callable[[], None]) -> None:
        """Execute a stage, unless the run has ended."""
        if self.status:
            return
        try:
            with loaded_once(self.loaded):
                stage()
        except (Exception, SystemExit) as error:
            self.status, self.error = status_of_error(error), explain_failure(error, self.run.folder)
            self.end(self.status, error)

    def _compute(self) -> None:
        settings = self.spec.settings
        self._start()
        watched = sampling(self.journal) if settings.tracking.system_metrics else nullcontext()
        with watched, originals(), chdir("."), np.errstate(), limited(settings.limits, self._abandon) as check:
            self.ready = self._set_up()
            self.pulled = pull(self.spec.task, self._notify_of_iteration, check, settings.timing.now)
            self.measured = measured(self.spec.metrics.components, self.pulled.result)
        if self.pulled.stopped is not None:
            notify(stopped, self.run, self.pulled.stopped.by, self.pulled.stopped.reason)

    def _abandon(self, error: TimedOutError) -> None:
        """End the process of a run that ignores its time limit, because its code catches every exception."""
        self.end("timed_out", error)
        said = f"gradmix run: {error} The run ignored the limit, so its process was ended."
        print(visible(said), file=sys.stderr, flush=True)
        os._exit(1)

    def _set_stopwatch(self) -> None:
        timing = self.spec.settings.timing
        with limited(self.spec.settings.limits):
            timed = self.spec.task.timed() if self.rounds or timing.memory else None
            if not isinstance(timed, Timed | None):
                raise unlike(f"{type(self.spec.task).__name__}.timed", "gradmix.Timed or None", timed)
            self.stopwatch = None if timed is None else Stopwatch(timed, timing)

    def _time(self) -> None:
        if self.stopwatch is not None:
            with limited(self.spec.settings.limits):
                self.stopwatch.round()

    def _start(self) -> None:
        """Journal the start, even if reading the files on which the run key depends exceeds the time limit."""
        late: TimedOutError | PluginError | None = None
        try:
            with within(self.spec.settings.limits.seconds):
                self.run = replace(self.run, run_key=self.spec.run_key)
        except (TimedOutError, PluginError) as error:
            late = error
        except GradmixError:
            pass  # a file on which the key depends cannot be read: the run reports why
        settings = self.spec.settings
        self.journal.write(
            "started",
            format=FORMAT,
            kind="run",
            run_id=self.run.run_id,
            run_key=self.run.run_key,
            name=settings.name,
            label=self.order.label or self.spec.label,
            config=self.spec.config,
            params=self.run.params,
            plugins=self.run.plugins,
            sweep=self.run.sweep,
            overrides=self.run.overrides,
            **self.order.origin.recorded(settings.tracking.user),
            **({"varies": self.order.varies} if self.order.varies else {}),
            **({"content": self.spec.content} if self.run.run_key else {}),
            tracking=settings.tracking.uri,
            environment={**environment(), "threads": threads_of_run(settings.limits, self.order.workers)},
            timings_key=timings_key(settings, self.order.workers),
            parts={path: {"kind": each.kind, "role": each.role.value} for path, each in self.spec.parts.items()},
            seeds=self.spec.seeds,
            aliases=self.spec.aliases,
            metrics={name: recorded(meaning) for name, meaning in self.spec.meanings.items()},
            ranking=[*self.spec.meanings],
            **({"drawn_by": drawing} if (drawing := self.spec.events.drawing) else {}),
        )
        write_artifact(self.run.folder / ARTIFACTS / "config.yaml", self._write_config)
        self.events = RunEvents(self.spec.events.components, self.run, self.spec.task.improves)
        self.events.call("run_started")
        if late is not None:
            raise late

    def _set_up(self) -> Mapping[str, float]:
        """Import, load, and then compile, which may depend on the data; return the seconds of each, by metric name."""
        now = self.spec.settings.timing.now
        seconds = {"time.startup": self.spec.seconds}
        parts = self.spec.parts.values()
        steps = [("time.load" if each.role is Role.GIVEN else "time.startup", each.setup) for each in parts]
        steps += [("time.compile", each.compile) for each in parts if type(each).compile is not Component.compile]
        for name, step in steps:
            begin = now()
            step()
            seconds[name] = seconds.get(name, 0.0) + now() - begin
        return seconds

    def _notify_of_iteration(self, iteration: Iteration[Any]) -> StopRun | None:
        self.journal.write("iteration", start=iteration.start, step=iteration.step, metrics=iteration.metrics)
        iteration = replace(iteration, metrics=MappingProxyType(dict(iteration.metrics)))  # read-only
        assert self.events is not None
        return self.events.iterated(iteration)

    def finish(self) -> None:
        """Measure memory if requested, journal the result, and write the artifacts."""
        assert self.pulled is not None
        assert self.events is not None
        result, request = self.pulled.result, self.pulled.stopped
        if self.stopwatch is not None:
            if self.spec.settings.timing.memory:
                with limited(self.spec.settings.limits):
                    self.stopwatch.measure_memory()
            self.journal.write("timing", block=self.block, **self.stopwatch.content)
        metrics = {**self._timings(self.pulled.seconds), **result.metrics, **self.measured}
        artifacts = {**result.artifacts, **self._pictures(result, metrics)}
        stopped_by = "" if request is None else f"{request.by}: {request.reason}"
        what = {**result.answer, "metrics": dict(metrics), "stopped": stopped_by, "remarks": dict(result.remarks)}
        self.events.call("run_finished", what, must=True)
        self.journal.write(
            "result",
            metrics=metrics,
            best_start=result.best_start,
            inputs=[*map(vars, result.inputs)],
            **({} if request is None else {"stopped": {"by": request.by, "reason": request.reason}}),
            **({"remarks": dict(result.remarks)} if result.remarks else {}),
        )
        for name, write in artifacts.items():
            write_artifact(self.run.folder / ARTIFACTS / name, write)
        self.journal.write("finished")
        self.events.call("run_finished", what, must=False)
        self.status, self.metrics = "finished", metrics

    def _pictures(self, result: Result, metrics: Mapping[str, float]) -> Mapping[str, Writer]:
        """Return the pictures of a single run. A sweep draws those of its best jobs after all jobs have ended."""
        wanted = self.spec.settings.pictures
        if self.events is None or not (wanted is True or (wanted == "auto" and self.run.sweep is None)):
            return {}
        folder, best_start = self.run.folder, result.best_start
        return pictures_of(self.spec, folder, metrics, best_start, self.events, lambda: result.answer)

    def _timings(self, seconds: Sequence[float]) -> Mapping[str, float]:
        """Return the medians of the timed rounds; without rounds, the times of the run itself."""
        own = {}
        if seconds:
            warm = seconds[1:] or seconds
            own = {"time.seconds": sum(seconds), "time.per_iteration": statistics.median(warm)}
        return {**self.ready, **own, **(self.stopwatch.metrics if self.stopwatch is not None else {})}

    def _write_config(self, path: Path) -> None:
        import yaml

        text = yaml.dump(
            {"name": self.run.name, **masked(self.spec.config, self.journal.hidden)},
            Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper),
            sort_keys=False,
            allow_unicode=True,
        )
        path.write_text(text, encoding="utf-8")

    def end(self, event: str, error: BaseException) -> None:
        """Journal the error that ended the run, and notify the listeners."""
        is_interrupt = isinstance(error, KeyboardInterrupt)
        is_plain = is_interrupt or _needs_no_traceback(error)
        trace = "" if is_plain else "".join(traceback.format_exception(error))
        try:
            self.journal.write(event, error="interrupted" if is_interrupt else describe_use(error), traceback=trace)
        except StorageError as storage_error:
            report_problem(str(storage_error))
        events = RunEvents({}, self.run, lambda: None) if self.events is None else self.events
        events.call("run_failed", {"error": error})


def _needs_no_traceback(error: BaseException) -> bool:
    """Whether the error is one of gradmix's own and was not caused by a plugin's code."""
    return isinstance(error, GradmixError) and not (isinstance(error, PluginError) and error.__cause__ is not None)


def explain_failure(error: BaseException, folder: Path) -> str:
    """Return the error in one line for the user. Unless it is gradmix's own, the line says how to see the traceback."""
    where = "" if _needs_no_traceback(error) else f" (`gradmix show {folder}` prints the traceback)"
    return f"{describe_use(error)}{where}"
