"""The plan of a sweep: the run of each job, and its state: new, done, failed before, impossible, and so on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from gradmix.config.spec import RunSpec, read_spec
from gradmix.config.trust import check_trust
from gradmix.contracts.errors import StorageError, listing
from gradmix.contracts.secrets import masked
from gradmix.journal.history import History, most_relevant
from gradmix.journal.reading import Run, read_run, read_runs
from gradmix.registry.entry import describe
from gradmix.runs.environment import timings_key
from gradmix.runs.events import notify, settings_known
from gradmix.runs.limits import TimedOutError, within
from gradmix.runs.origin import GitState, Origin, origin
from gradmix.sweeps.attempts import attempts_at_jobs
from gradmix.sweeps.reading import reused_results

Overrides = tuple[str, ...]
Compose = Callable[[Overrides], Mapping[str, Any]]
"""Composes a job's config, as plain values, from its overrides."""

State = Literal["new", "done", "duplicate", "failed", "killed", "running", "stale", "impossible"]
TO_RUN: frozenset[State] = frozenset({"new", "failed", "killed"})
"""States of jobs that a sweep runs."""


@dataclass(frozen=True)
class Intent:
    """What the command line requests: a new run or sweep, only its plan, or an earlier sweep to resume."""

    arguments: tuple[str, ...] = ()  # of `gradmix run`; they resume the sweep
    typed: tuple[str, ...] = ()  # those typed by the user; the others come from a journal
    plan_only: bool = False
    resumed: Path | None = None  # folder of the sweep to resume
    stale: bool = False  # when resumed: rerun finished jobs, too, whose options, plugins or data changed since
    trusts_journal: bool = False  # when resumed: take code and addresses from the journal, as if they were typed
    left_out: frozenset[str] = frozenset()  # when resumed: keys of the journal that are ignored, in its jobs, too
    one_only: bool = False  # whether to refuse a config that requests a sweep
    flags: tuple[str, ...] = ()  # arguments that choose the configs, of the sweep and of each job
    git: GitState | None = field(default=None, compare=False, repr=False)

    def origin(self, *arguments: str) -> Origin:
        """Return the origin of the runs that this command makes with these overrides."""
        return origin((*self.flags, *arguments), self.git)


@dataclass(frozen=True)
class Job:
    """A job of a sweep, as planned.

    Its state is ``new``; ``done``: its result exists; ``duplicate``: another job of the sweep computes the same;
    ``failed`` or ``killed``: an earlier attempt ended so, and the job is run again; ``running`` in another process;
    ``stale``: it finished, but options, plugins or data have changed since; ``impossible``.
    """

    number: int  # its place in the sweep, from 0
    overrides: Overrides
    state: State
    config: Mapping[str, Any]  # as plain values
    spec: RunSpec | None = None  # the run; None if impossible
    reason: str = ""  # why it is impossible, how it failed before, or what has changed since
    earlier: Run | None = None  # the run that the state refers to
    has_timings: bool = True  # whether the earlier run's timings are valid in this environment
    seconds: float | None = None  # how long earlier runs of its kind took

    @property
    def is_to_run(self) -> bool:
        """Whether the sweep runs it."""
        return self.state in TO_RUN


@dataclass
class Planner:
    """Plans the jobs of a sweep."""

    compose: Compose
    named: Sequence[str] = ()  # overrides that the user typed: only code that they name is executed
    resumed: Path | None = None
    stale: bool = False  # whether stale jobs of a resumed sweep are run again
    workers: int = 1  # how many jobs will run at the same time

    def __post_init__(self) -> None:
        self._attempts = {} if self.resumed is None else attempts_at_jobs(self.resumed)
        self._taken = {} if self.resumed is None else reused_results(self.resumed)
        self.history: History | None = None
        self._first_of_key: dict[str, int] = {}

    def plan(self, jobs: Mapping[int, Overrides]) -> list[Job]:
        """Plan jobs, given the overrides of each job by its number."""
        return _timed_in_turns([self._plan(number, overrides) for number, overrides in jobs.items()])

    def _plan(self, number: int, overrides: Overrides) -> Job:
        config: Mapping[str, Any] = {}
        try:
            config = self.compose(overrides)
            spec = read_spec(config)
            check_trust(spec, self.named)
            key = _looked_at(spec)
        except Exception as error:
            reason = describe(error)
            if kept := self._kept(number):
                reason = f"it cannot be computed again: {reason}"
                return Job(number, overrides, "stale", config, reason=reason, earlier=kept)
            return Job(number, overrides, "impossible", config, reason=reason)
        if self.history is None:
            notify(settings_known, spec.settings)
            self.history = History.read(Path(spec.settings.runs_dir))
        if key:
            state, reason, earlier = self._state(number, spec, key)
        else:
            earlier = self._kept(number)
            state, reason = "new" if earlier is None else "stale", "its data take longer to read than limits.seconds"
        return Job(
            number=number,
            overrides=overrides,
            state=state,
            config=config,
            spec=spec,
            reason=reason,
            earlier=earlier,
            has_timings=earlier is None or _has_timings(spec, earlier, self.workers),
            seconds=self.history.seconds(spec.params, spec.seeds),
        )

    def _kept(self, number: int) -> Run | None:
        """Return the job's earlier run if it is finished and intact. Used if the run key cannot be computed today."""
        own = None if self.stale else self._own(number)
        return own if own is not None and own.is_finished and not _damage(own) else None

    def _state(self, number: int, spec: RunSpec, key: str) -> tuple[State, str, Run | None]:
        assert self.history is not None
        own = self._own(number)
        if own is not None and own.status == "running":
            return "running", "in another process", own
        if own is not None and own.is_finished:
            if damage := _damage(own):
                return "failed", damage, own
            if own.run_key != key and not self.stale:
                return "stale", "; ".join(differences(own, spec)) or "timings are requested", own
        first = self._first_of_key.setdefault(key, number)
        if first != number:
            return "duplicate", f"the same as job {first + 1}", None
        if unknown := spec.unidentified:
            return "new", f"results cannot be reused: the version of {listing(unknown)} is unknown", None
        earlier = self.history.latest(key) if spec.settings.reuse else own
        if earlier is None:
            return "new", "", None
        if earlier.is_finished and (own is None or earlier.folder != own.folder) and (damage := _damage(earlier)):
            return "failed", damage, earlier
        if earlier.is_finished and earlier.run_key == key:
            if spec.settings.timing.is_asked_for and not _has_timings(spec, earlier, self.workers):
                return "new", "timings are measured, never reused", None
            return "done", "", earlier
        if earlier.status in ("running", "finished"):
            return "new", "", None
        return ("killed" if earlier.status == "killed" else "failed"), earlier.error or earlier.status, earlier

    def _own(self, number: int) -> Run | None:
        """Return the job's most relevant attempt, or the earlier run whose result the resumed sweep has reused."""
        own = most_relevant(read_runs(self._attempts.get(number, ())).runs)
        if own is None and number in self._taken:
            with suppress(StorageError):
                return read_run(self._taken[number])
        return own


def _looked_at(spec: RunSpec) -> str:
    """Check that a job's components fit together, and return its run key; empty if that exceeds the time limit."""
    try:
        with within(spec.settings.limits.seconds):
            spec.task.check()
            spec.task.preflight()
            return spec.run_key
    except TimedOutError:
        return ""


def _damage(run: Run) -> str:
    """Return how a finished run's journal is damaged; empty if it is intact."""
    try:
        run.verify()
    except StorageError as error:
        return str(error)
    return ""


def _has_timings(spec: RunSpec, earlier: Run, workers: int) -> bool:
    """Whether an earlier run's timings were taken in this environment and with the same timing options."""
    return bool(earlier.started.get("timings_key") == timings_key(spec.settings, workers))


def differences(run: Run, spec: RunSpec) -> list[str]:
    """Return the changes between an earlier run and the run that would be made today, as phrases."""
    options = _changes(run.params, masked(spec.params, spec.secrets), "", "absent")
    plugins = _changes(run.started.get("plugins", {}), spec.plugins, "of ", "none")
    return [*options, *plugins] or ["the content of its data or source has changed"]


def _changes(was: Mapping[str, Any], now: Mapping[str, Any], of: str, missing: str) -> list[str]:
    return [
        f"{name} was {of}{was.get(name, missing)}, is {of}{now.get(name, missing)}"
        for name in sorted({*was, *now})
        if str(was.get(name)) != str(now.get(name))
    ]


def blocks(jobs: Sequence[Job]) -> list[list[Job]]:
    """Return blocks of jobs that are timed in turns: different algorithms with the same work. Other jobs are alone."""
    found: dict[str, list[Job]] = {}
    for job in jobs:
        assert job.spec is not None
        is_paired = job.spec.settings.timing.paired
        work = json.dumps(job.spec.work, sort_keys=True) if is_paired else str(job.number)
        found.setdefault(work, []).append(job)
    return list(found.values())


def _timed_in_turns(jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs. Done jobs that were not timed in turns with the rest of their block are set to run again."""
    planned = [job for job in jobs if job.spec is not None and job.spec.settings.timing.paired]
    broken = {
        job.number
        for block in blocks(planned)
        if len(block) > 1 and len({_block_of(job) for job in block}) > 1
        for job in block
        if job.state == "done"
    }
    reason = "it is timed again, in turns with the others"
    return [replace(job, state="new", reason=reason) if job.number in broken else job for job in jobs]


def _block_of(job: Job) -> str | int | None:
    """Return the ID of the block in which a done job was timed; its number if timed alone, None if it is not done."""
    if job.earlier is None or job.state != "done":
        return None
    timing = job.earlier.timing
    return job.number if timing is None or timing.block is None else timing.block
