"""A sweep: it is planned before its first job starts, and works with any of Hydra's launchers.

The outcome of a job is read from its journal, whatever the launcher returns or raises. A killed worker therefore
affects only its own job, and if a launcher fails, the jobs that have not started are launched again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from gradmix.config.spec import RunSpec, Settings
from gradmix.contracts.errors import ConfigError, GradmixError
from gradmix.journal.reading import Run, read_runs
from gradmix.registry.entry import describe
from gradmix.runs.events import notify, report_problem
from gradmix.sweeps.attempts import attempts, relevant_attempt
from gradmix.sweeps.events import SweepInfo, jobs_running, sweep_started
from gradmix.sweeps.job import STOPPED, JobReport, SweepJob, label_of
from gradmix.sweeps.ledger import Ledger
from gradmix.sweeps.plan import Intent, Job
from gradmix.sweeps.watch import JobWatch

_MOST_ERRORS_SHOWN = 10
_WAIT_SECONDS = 0.2

Launch = Callable[[SweepJob, Sequence[Job]], Iterable[JobReport]]
"""Launches jobs and waits for them. It may raise any exception when a worker dies."""


class Sweep:
    """A running sweep of `n_jobs` jobs. `jobs` has all of them, or for a search the first ones."""

    def __init__(
        self,
        settings: Settings,
        varies: Sequence[str],
        launch: Launch,
        jobs: Sequence[Job],
        n_jobs: int,
        wanted: Intent | None = None,
    ) -> None:
        self.settings, self.varies, self.launch = settings, tuple(varies), launch
        self.ledger = Ledger(settings, self.varies, n_jobs, wanted or Intent())
        self._jobs = jobs
        earlier = (run for job in jobs if job.is_to_run for run in read_runs(self._attempts(job)).runs)
        self._superseded = tuple(run.folder.name for run in earlier if run.is_finished)

    @property
    def info(self) -> SweepInfo:
        """The sweep's description for events."""
        return self.ledger.info

    def __enter__(self) -> Self:
        (self.info.folder / STOPPED).unlink(missing_ok=True)
        self.ledger.open(self._jobs)
        notify(sweep_started, self.info, self._jobs)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.ledger.close(error)

    def run(self, jobs: Sequence[Job]) -> list[Run]:
        """Run the jobs that need a run, and reuse the results of the others; return how each job ended.

        A job that no process has started is missing.
        """
        for job in jobs:
            if job.state in ("done", "stale"):
                assert job.earlier is not None
                self._take(job, job.earlier, is_reused=True)
            elif job.state == "impossible":
                self._refuse(job, job.reason)
        pending = [job for job in jobs if job.is_to_run]
        for number in range(self.settings.retries + 1):
            if number:
                ends = self.ledger.ends
                pending = [job for job in pending if job.number in ends and not ends[job.number].is_finished]
            if pending:
                self._launch_all(pending)
        self._follow_duplicates([job for job in jobs if job.state == "duplicate"])
        return [self.ledger.ends[job.number] for job in jobs if job.number in self.ledger.ends]

    def _follow_duplicates(self, duplicates: Sequence[Job]) -> None:
        """Record each duplicate with the outcome of the job that computes the same."""
        first_of_key = {end.run_key: end for end in self.ledger.ends.values()}
        for job in duplicates:
            first = first_of_key.get(_key(job.spec))
            if first is not None:
                error = f"{job.reason}, which {first.status}: {first.error}" if first.error else ""
                self._take(job, replace(first, error=error), is_reused=True)

    def _launch_all(self, pending: Sequence[Job]) -> None:
        """Launch jobs. If the launcher fails, launch again those that have not started.

        Jobs whose process was killed when the launcher failed are then launched one at a time: a job that is killed
        again, although it runs alone, is itself the cause.
        """
        suspects: list[Job] = []
        before = {folder.name for job in pending for folder in self._attempts(job)}
        while pending and (error := self._launch(pending)) is not None:
            self._wait_for_running(pending)  # a worker that is being stopped may have started another job
            waiting = [job for job in pending if relevant_attempt(self.info.folder, job.number, before) is None]
            begun = [(job, relevant_attempt(self.info.folder, job.number)) for job in pending if job not in waiting]
            suspects += [job for job, seen in begun if seen is not None and seen.status == "killed"]
            if not begun:
                report_problem(f"the launcher failed, and started no job: {describe(error)}.")
                return
            pending = [] if self.is_stopped else waiting
        for job in suspects:
            if not self.is_stopped:
                self._launch([job])
                self._wait_for_running([job])

    def _attempts(self, job: Job) -> list[Path]:
        return attempts(self.info.folder, job.number)

    @property
    def is_stopped(self) -> bool:
        """Whether a job has failed and ``on_error`` lets no further job start."""
        return (self.info.folder / STOPPED).exists()

    def _wait_for_running(self, jobs: Sequence[Job]) -> None:
        """Wait for jobs that are still running although the launcher has failed because of another job."""
        for job in jobs:
            while (seen := relevant_attempt(self.info.folder, job.number)) is not None and seen.status == "running":
                time.sleep(_WAIT_SECONDS)

    def _launch(self, jobs: Sequence[Job]) -> Exception | None:
        """Launch jobs and wait until they have ended; return the launcher's exception if it failed, otherwise None."""
        by_number = {job.number: job for job in jobs}
        sweep_job = SweepJob(
            self.info.folder.absolute(),
            self.info.run_id,
            self.varies,
            self.settings.stops_on_error,
            superseded=self._superseded,
            origin=self.ledger.origin,
        )
        watch = JobWatch(
            self.info.folder,
            by_number,
            lambda number, seen: self._take(by_number[number], seen),
            lambda running: notify(jobs_running, self.info, running),
        )
        with watch:
            try:
                for report in self.launch(sweep_job, jobs):
                    self._unpack(report)
                    if report.error:
                        self._refuse(by_number[report.number], report.error)
            except GradmixError:
                raise
            except Exception as error:
                self._wait_for_running(jobs)
                return error
        return None

    def _unpack(self, report: JobReport) -> None:
        """Write the files that a worker on another file system has sent."""
        for name, content in report.parcel.items():
            path = self.info.folder / name
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    def _refuse(self, job: Job, error: str) -> None:
        """Record a job that could not start."""
        run = Run(self.info.folder / str(job.number), "failed", {"run_key": _key(job.spec)}, error=error)
        self._take(job, run)

    def _take(self, job: Job, seen: Run, is_reused: bool = False) -> None:
        """Record how a job ended, as read from its journal."""
        end = replace(
            seen,
            started={**seen.started, "overrides": job.overrides, "label": label_of(job.overrides, self.varies)},
            number=job.number,
            error=seen.error or ("its process no longer exists" if seen.status == "killed" else ""),
            is_reused=is_reused,
            has_timings=seen.has_timings and (job.has_timings or not is_reused),
        )
        if end.began and not is_reused and self.settings.stops_on_error and not end.is_finished:
            (self.info.folder / STOPPED).touch()
        self.ledger.enter(job, end)


def _key(spec: RunSpec | None) -> str:
    try:
        return spec.run_key if spec is not None else ""
    except GradmixError:
        return ""


def check(jobs: Sequence[Job]) -> None:
    """Check that every job can be run; otherwise raise a `ConfigError` with the jobs that cannot, and the reasons."""
    wrong = [job for job in jobs if job.state == "impossible"]
    if wrong:
        of_reason: dict[str, list[Job]] = {}
        for job in wrong:
            of_reason.setdefault(job.reason, []).append(job)
        shown = [f"  {_named(same)}\n      {reason}" for reason, same in of_reason.items()]
        more = [f"  … and {len(shown) - _MOST_ERRORS_SHOWN} more reasons"] if len(shown) > _MOST_ERRORS_SHOWN else []
        first = f"{len(wrong)} of the {len(jobs)} combinations cannot be run; nothing was started."
        raise ConfigError("\n".join([first, *shown[:_MOST_ERRORS_SHOWN], *more]))


def _named(jobs: Sequence[Job]) -> str:
    """Describe jobs that cannot be run for the same reason, by the overrides of the first one."""
    others = f"  … and {len(jobs) - 1} more combinations" if len(jobs) > 1 else ""
    return f"{' '.join(jobs[0].overrides) or '(no overrides)'}{others}"


def common_settings(jobs: Sequence[Job]) -> Settings:
    """Return the settings of a sweep's jobs; `ConfigError` if the jobs differ in a setting that all must share."""
    found = [job.spec.settings for job in jobs if job.spec is not None]
    if not found:
        raise ConfigError(f"nothing was run; finished jobs are kept. Job {jobs[0].number + 1}: {jobs[0].reason}")
    for each in ("name", "runs_dir", "tracking", "on_error", "reuse", "strict", "limits", "timing", "pictures"):
        if len({str(getattr(settings, each)) for settings in found}) > 1:
            default = " Its default is the name of the task: add name=NAME." if each == "name" else ""
            raise ConfigError(f"{each}: all jobs of a sweep have the same value; it cannot be swept over.{default}")
    return found[0]
