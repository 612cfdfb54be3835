"""The ledger of a sweep: it writes the sweep's journal, records how each job ended, and sums up the results."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gradmix.config.spec import Settings
from gradmix.contracts.errors import StorageError
from gradmix.contracts.meaning import merged, ranking_metric
from gradmix.contracts.secrets import secrets_in
from gradmix.journal.events import FORMAT, RESUMED
from gradmix.journal.folder import fresh_folder
from gradmix.journal.reading import Run, read_run
from gradmix.journal.writing import Journal
from gradmix.registry.entry import describe
from gradmix.runs.environment import environment
from gradmix.runs.events import notify, report_problem
from gradmix.sweeps.events import SweepInfo, job_ended, sweep_ended
from gradmix.sweeps.plan import Intent, Job, Overrides
from gradmix.sweeps.reading import job_folders, jobs_ended


class Ledger:
    """Journals a new or resumed sweep of `n_jobs` jobs, which differ in the keys in `varies`.

    Raises `StorageError` if its folder cannot be created, or if another process is still writing the journal.
    """

    def __init__(self, settings: Settings, varies: Sequence[str], n_jobs: int, wanted: Intent) -> None:
        self.settings, self.varies, self.wanted = settings, varies, wanted
        self.ends: dict[int, Run] = {}
        self.origin = wanted.origin()
        self._is_full = False
        if (resumed := wanted.resumed) is None:
            folder = fresh_folder(Path(settings.runs_dir) / settings.name, "sweep")
            self.journal, run_id = Journal(folder, secrets_in(wanted.arguments)), uuid.uuid4().hex
        else:
            folder = resumed
            try:
                self.journal = Journal.reopen(folder, secrets_in(wanted.arguments))
            except StorageError as error:
                raise StorageError(f"the sweep {folder} cannot be resumed: {error}") from error
            run_id = str(read_run(folder).require("run_id"))
        self.info = SweepInfo(settings.name, run_id, folder, n_jobs, resumed is not None)

    def open(self, jobs: Sequence[Job]) -> None:
        """Journal the start of the sweep, or that it was resumed."""
        self._hide_secrets(jobs)
        if self.info.is_resumed:
            self.info = replace(self.info, is_unchanged=self._is_unchanged(jobs))
            self._write(RESUMED, environment=environment(), arguments=self.wanted.arguments)
            return
        self.journal.write(
            "started",
            format=FORMAT,
            kind="sweep",
            run_id=self.info.run_id,
            name=self.info.name,
            label=f"sweep over {', '.join(self.varies)}" if self.varies else "sweep",
            varies=self.varies,
            jobs=[job.overrides for job in jobs],
            **self.origin.with_arguments(*self.wanted.arguments).recorded(self.settings.tracking.user),
            settings=asdict(self.settings),
            tracking=self.settings.tracking.uri,
            environment=environment(),
        )

    def ask(self, jobs: Sequence[Job]) -> None:
        """Journal the jobs that a search has chosen, before any of them starts. No later job gets their numbers."""
        self._hide_secrets(jobs)
        with self._storing():
            self.journal.write("asked", jobs=[{"number": job.number, "overrides": job.overrides} for job in jobs])

    def enter(self, job: Job, end: Run) -> None:
        """Journal how a job ended, then notify the listeners."""
        self.ends[job.number] = end
        folder, sweep = end.folder.absolute(), self.info.folder.absolute()
        is_beside = folder.is_relative_to(sweep.parents[1])  # stays valid if all runs are moved
        with self._storing():
            self._write(
                "job",
                number=job.number,
                overrides=job.overrides,
                folder=(os.path.relpath(folder, sweep) if is_beside else str(folder)) if end.began else None,
                status=end.status,
                run_key=end.run_key,
                run_id=str(end.started.get("run_id", "")),
                reused=end.is_reused,
                timings=end.has_timings,
                error=end.error,
            )
        notify(job_ended, self.info, end)

    def close(self, error: BaseException | None) -> None:
        """Journal the sweep's result, its end and the error that ended it, if there was one; then close the journal."""
        try:
            with self._storing():
                best, said = self._best()
                self._write("result", metrics={**self.counts, **best}, best=said)
                if error is None:
                    self._write("finished")
                else:
                    event = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
                    self._write(event, error=describe(error))
        finally:
            self.journal.close()
            notify(sweep_ended, self.info)

    def _hide_secrets(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self.journal.hide([*secrets_in(job.overrides), *(job.spec.secrets if job.spec is not None else ())])

    def _is_unchanged(self, jobs: Sequence[Job]) -> bool:
        """Whether a resumed sweep has finished, needs no run, and already has all outcomes in its journal."""
        sweep = read_run(self.info.folder)
        is_asked_for_more = any(not each.startswith("runs_dir=") for each in self.wanted.typed)
        if is_asked_for_more or not sweep.is_finished or len(jobs) < self.info.n_jobs:
            return False
        recorded = jobs_ended(sweep)
        places = job_folders(self.info.folder, recorded)
        return all(
            job.state in ("done", "stale")
            and job.earlier is not None
            and (event := recorded.get(job.number)) is not None
            and (event.get("status"), event.get("run_key")) == (job.earlier.status, job.earlier.run_key)
            and event.get("timings", True) == job.has_timings
            and job.number in places
            and places[job.number].absolute() == job.earlier.folder.absolute()
            for job in jobs
        )

    def _write(self, event: str, **content: Any) -> None:
        if not self.info.is_unchanged:
            self.journal.write(event, **content)

    @property
    def counts(self) -> dict[str, int]:
        """The number of jobs that are done and the number that failed."""
        done = sum(end.is_finished for end in self.ends.values())
        return {"done": done, "failed": len(self.ends) - done}

    def _best(self) -> tuple[dict[str, float], str]:
        """Return the best value of the ranking metric, and a line that names the metric and the job."""
        done = [end for end in self.ends.values() if end.is_finished]
        declared = merged(end.declared.meanings for end in done)
        metric = ranking_metric([end.metrics for end in done], declared, [key.replace("/", ".") for key in self.varies])
        if metric is None:
            return {}, ""
        best = min(done, key=lambda end: metric.loss(end.metrics))
        value = best.metrics[metric.name]
        return {"best": value}, f"{metric.name} {value:g}: {best.label or 'the only job'}"

    @contextmanager
    def _storing(self) -> Iterator[None]:
        """Go on if the journal cannot be written, and report it once. The jobs' own journals have the same data."""
        try:
            yield
        except StorageError as error:
            if not self._is_full:
                report_problem(str(error))
            self._is_full = True


def jobs_of_resumed(wanted: Intent, fixed: Mapping[str, str]) -> Mapping[int, Overrides]:
    """Return the jobs of a resumed sweep; none if the sweep is new.

    `fixed` has the overrides that all jobs share, by key. They replace those in the journal.
    """
    jobs = {} if wanted.resumed is None else jobs_of(read_run(wanted.resumed))
    found = {}
    for number, overrides in jobs.items():
        by_key = {override.partition("=")[0]: override for override in overrides}
        taken = {key: override for key, override in by_key.items() if key not in wanted.left_out}
        found[number] = tuple({**taken, **fixed}.values())
    return found


def jobs_of(sweep: Run) -> Mapping[int, Overrides]:
    """Return the overrides of a sweep's jobs, by job number, from its journal."""
    asked = [job for event in sweep.events_named("asked") for job in event.get("jobs", [])]
    later = {job["number"]: job.get("overrides", ()) for job in (*asked, *sweep.events_named("job"))}
    planned: Sequence[Sequence[str]] = sweep.started.get("jobs", [])
    return {number: tuple(overrides) for number, overrides in {**dict(enumerate(planned)), **later}.items()}
