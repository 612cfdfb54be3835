"""A sweep: planned before the first job starts, launched by any of Hydra's launchers, told by its jobs' journals.

Whatever a launcher returns or raises, how a job ended is read in its journal: a worker that was killed costs its own
job alone, and what a launcher left undone when it broke is launched again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from gradmix.config.spec import RunSpec, Settings
from gradmix.contracts.errors import ConfigError, GradmixError, StorageError
from gradmix.contracts.metrics import ranking_metric
from gradmix.registry.registry import describe
from gradmix.runs.attempts import telling
from gradmix.runs.environment import environment
from gradmix.runs.events import JobEnd, SweepInfo, report_problem, tell_watchers
from gradmix.runs.folder import fresh_folder
from gradmix.runs.glimpse import Glimpse
from gradmix.runs.intent import intent
from gradmix.runs.job import STOPPED, Report, SweepJob, label_of
from gradmix.runs.journal import FORMAT, RESUMED, Journal, Record, read_journal
from gradmix.runs.plan import Job, Overrides
from gradmix.runs.watch import JobWatch

_MOST_ERRORS_SHOWN = 10
_WAIT_SECONDS = 0.2


class Launch(Protocol):
    """Launches jobs and waits for them; may raise whatever it likes when a worker dies."""

    def __call__(self, job: SweepJob, jobs: Sequence[Job], /) -> Iterable[Report]:
        """Launch."""


class Sweep:
    """A sweep under way.

    Parameters
    ----------
    settings
        What its jobs have in common.
    varies
        Keys that tell the jobs apart.
    launch
        Launches jobs.
    jobs
        All of them, planned; the first ones, if more are found as it goes on.
    n_jobs
        How many there will be.
    """

    def __init__(
        self, settings: Settings, varies: Sequence[str], launch: Launch, jobs: Sequence[Job], n_jobs: int
    ) -> None:
        self.settings, self.varies, self.launch = settings, tuple(varies), launch
        self.ends: dict[int, JobEnd] = {}
        self._is_full = False
        wanted = intent()
        if wanted.resumed is None:
            folder = fresh_folder(Path(settings.runs_dir) / settings.name, "sweep")
            self.journal, run_id = Journal(folder), uuid.uuid4().hex
        else:
            folder = wanted.resumed
            self.journal, run_id = _reopened(folder), str(read_journal(folder).started["run_id"])
        self.info = SweepInfo(settings.name, run_id, folder, n_jobs, wanted.resumed is not None)
        self._jobs = jobs

    def __enter__(self) -> Self:
        (self.info.folder / STOPPED).unlink(missing_ok=True)
        if self.info.is_resumed:
            self.journal.write(RESUMED, environment=environment(), arguments=intent().arguments)
        else:
            self._write_start()
        tell_watchers("sweep_started", self.info, self._jobs)
        return self

    def _write_start(self) -> None:
        self.journal.write(
            "started",
            format=FORMAT,
            kind="sweep",
            run_id=self.info.run_id,
            name=self.settings.name,
            label=f"sweep over {', '.join(self.varies)}" if self.varies else "sweep",
            varies=self.varies,
            jobs=[job.overrides for job in self._jobs],
            arguments=intent().arguments,
            working_folder=str(Path.cwd()),
            settings=asdict(self.settings),
            tracking=self.settings.tracking.uri,
            environment=environment(),
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with suppress(
                StorageError
            ):  # a disk that is full; what was journalled is safe, and the sweep can be resumed
                best, said = self._best()
                self.journal.write("result", metrics={**self.counts, **best}, best=said)
                if error is None:
                    self.journal.write("finished")
                else:
                    event = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
                    self.journal.write(event, error=describe(error))
        finally:
            self.journal.close()
            tell_watchers("sweep_ended", self.info)

    @property
    def counts(self) -> dict[str, int]:
        """How many jobs are done, and how many are not."""
        done = sum(end.status == "finished" for end in self.ends.values())
        return {"done": done, "failed": len(self.ends) - done}

    def _best(self) -> tuple[dict[str, float], str]:
        """The best value of the metric by which such runs are ranked, and a line that says whose it is."""
        done = [end for end in self.ends.values() if end.status == "finished"]
        metric = ranking_metric([end.metrics for end in done], self.varies)
        if metric is None:
            return {}, ""
        best = min(done, key=lambda end: metric.sign * end.metrics[metric.name])
        value = best.metrics[metric.name]
        return {"best": value}, f"{metric.name} {value:g}: {best.label or 'the only job'}"

    def run(self, jobs: Sequence[Job]) -> list[JobEnd]:
        """Run those of the jobs that are to be run, and take the results of the others; how each ended.

        A job that no process got to is missing.
        """
        for job in jobs:
            if job.state in ("done", "stale"):
                self._take(job, job.earlier, is_reused=True)
            elif job.state == "impossible":
                self._refuse(job, job.reason)
        pending = [job for job in jobs if job.is_to_run]
        for number in range(self.settings.retries + 1):
            if number:
                pending = [job for job in pending if self._has_failed(job)]
            if pending:
                self._launch_all(pending)
        first_of_key = {end.run_key: end for end in self.ends.values() if end.status == "finished"}
        for job in jobs:
            if job.state == "twin" and job.spec is not None and job.spec.run_key in first_of_key:
                twin = first_of_key[job.spec.run_key]
                label = label_of(job.overrides, self.varies)
                self._tell(replace(twin, number=job.number, overrides=job.overrides, label=label, is_reused=True))
        return [self.ends[job.number] for job in jobs if job.number in self.ends]

    def _has_failed(self, job: Job) -> bool:
        return job.number in self.ends and self.ends[job.number].status != "finished"

    def _launch_all(self, pending: Sequence[Job]) -> None:
        """Launch jobs, and again those that a launcher which broke has not got to; then, alone, those that it cut off.

        Whoever dies alone dies of its own.
        """
        suspects: list[Job] = []
        while pending and (error := self._launch(pending)) is not None:
            self._wait_for_running(pending)
            waiting = [job for job in pending if telling(self.info.folder, job.number) is None]
            suspects += [job for job in pending if job not in waiting and self._was_cut_off(job)]
            if len(waiting) == len(pending):
                report_problem(f"the launcher failed, and started no job: {describe(error)}.")
                return
            pending = [] if self.is_stopped else waiting
        for job in suspects:
            if not self.is_stopped:
                self._launch([job])
                self._wait_for_running([job])

    @property
    def is_stopped(self) -> bool:
        """Whether a job has failed after which no other is to start."""
        return (self.info.folder / STOPPED).exists()

    def _was_cut_off(self, job: Job) -> bool:
        seen = telling(self.info.folder, job.number)
        return seen is not None and seen.status == "killed"

    def _wait_for_running(self, jobs: Sequence[Job]) -> None:
        """Wait for jobs that outlive the launcher's patience with another one."""
        for job in jobs:
            while (seen := telling(self.info.folder, job.number)) is not None and seen.status == "running":
                time.sleep(_WAIT_SECONDS)

    def _launch(self, jobs: Sequence[Job]) -> Exception | None:
        """Launch jobs and wait until they have ended; what the launcher raised, if it broke."""
        by_number = {job.number: job for job in jobs}
        sweep_job = SweepJob(self.info.folder.absolute(), self.info.run_id, self.varies, self.settings.stops_on_error)

        def tell(number: int, seen: Glimpse) -> None:
            self._take(by_number[number], seen)

        error = None
        with JobWatch(self.info.folder, by_number, tell):
            try:
                for report in self.launch(sweep_job, jobs):
                    self._unpack(report)
                    if report.error:
                        self._refuse(by_number[report.number], report.error)
            except GradmixError:
                raise
            except Exception as broken:
                error = broken
        return error

    def _unpack(self, report: Report) -> None:
        """Write down here the files of a worker that does not share our disk."""
        for name, content in report.parcel.items():
            path = self.info.folder / name
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    def _refuse(self, job: Job, error: str) -> None:
        label = label_of(job.overrides, self.varies)
        self._tell(JobEnd(job.number, job.overrides, label, "failed", run_key=_key(job.spec), error=error))

    def _take(self, job: Job, seen: Glimpse | None, is_reused: bool = False) -> None:
        """Take what a journal says of how a job ended."""
        assert seen is not None
        end = JobEnd(
            number=job.number,
            overrides=job.overrides,
            label=label_of(job.overrides, self.varies),
            status=seen.status,
            folder=seen.folder,
            run_key=seen.run_key,
            metrics=seen.metrics,
            seconds=seen.seconds,
            error=seen.error or ("its process has gone" if seen.status == "killed" else ""),
            is_reused=is_reused,
            has_timings=job.has_timings or not is_reused,
        )
        if not is_reused and self.settings.stops_on_error and end.status != "finished":
            (self.info.folder / STOPPED).touch()
        self._tell(end)

    def _tell(self, end: JobEnd) -> None:
        """Journal how a job ended, then tell of it."""
        self.ends[end.number] = end
        with self._storing():
            self.journal.write(
                "job",
                number=end.number,
                overrides=end.overrides,
                folder=None if end.folder is None else self._place(end.folder),
                status=end.status,
                run_key=end.run_key,
                reused=end.is_reused,
                timings=end.has_timings,
                error=end.error,
            )
        tell_watchers("job_ended", self.info, end)

    @contextmanager
    def _storing(self) -> Iterator[None]:
        """Go on when the disk is full, and say so once: what the jobs have journalled tells all that is lost here."""
        try:
            yield
        except StorageError as error:
            if not self._is_full:
                report_problem(str(error))
            self._is_full = True

    def _place(self, folder: Path) -> str:
        """A run's folder, from the sweep's own if it is inside."""
        with suppress(ValueError):
            return str(folder.absolute().relative_to(self.info.folder.absolute()))
        return str(folder.absolute())


def _key(spec: RunSpec | None) -> str:
    try:
        return spec.run_key if spec is not None else ""
    except GradmixError:
        return ""


def _reopened(folder: Path) -> Journal:
    try:
        return Journal.reopen(folder)
    except StorageError as error:
        raise StorageError(f"the sweep {folder} cannot be resumed: {error}") from error


def check(jobs: Sequence[Job]) -> None:
    """Check that every job can be run.

    Raises
    ------
    ConfigError
        Names those that cannot, and why.
    """
    wrong = [job for job in jobs if job.state == "impossible"]
    if wrong:
        shown = [f"  {' '.join(job.overrides) or '(no overrides)'}\n      {job.reason}" for job in wrong]
        more = [f"  … and {len(wrong) - _MOST_ERRORS_SHOWN} more"] if len(wrong) > _MOST_ERRORS_SHOWN else []
        first = f"{len(wrong)} of the {len(jobs)} combinations cannot be run; nothing was started."
        raise ConfigError("\n".join([first, *shown[:_MOST_ERRORS_SHOWN], *more]))


def common_settings(jobs: Sequence[Job]) -> Settings:
    """The settings of a sweep's jobs.

    Raises
    ------
    ConfigError
        If they differ in what a sweep has one of.
    """
    found = [job.spec.settings for job in jobs if job.spec is not None]
    for each in ("name", "runs_dir", "tracking", "on_error", "reuse", "timing"):
        if len({str(getattr(settings, each)) for settings in found}) > 1:
            raise ConfigError(f"a sweep has one {each} for all its jobs; sweep over something else.")
    return found[0]


def jobs_of_resumed(fixed: Mapping[str, str]) -> Mapping[int, Overrides]:
    """The jobs of the sweep that is taken up again; none if there is no such sweep.

    Parameters
    ----------
    fixed
        Key → override, of those that all its jobs have in common, as they are wanted now.
    """
    resumed = intent().resumed
    jobs = {} if resumed is None else jobs_of(read_journal(resumed))
    return {number: tuple({**_by_key(overrides), **fixed}.values()) for number, overrides in jobs.items()}


def _by_key(overrides: Overrides) -> dict[str, str]:
    return {override.partition("=")[0]: override for override in overrides}


def jobs_of(record: Record) -> Mapping[int, Overrides]:
    """The jobs of a sweep, by number, as its journal has them."""
    jobs: dict[int, Any] = dict(enumerate(record.started.get("jobs", [])))
    jobs |= {event["number"]: event["overrides"] for event in record.events if event["event"] == "job"}
    return {number: tuple(overrides) for number, overrides in jobs.items()}
