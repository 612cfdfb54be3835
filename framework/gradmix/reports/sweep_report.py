"""A sweep in the terminal: its plan, a line for each job when it ends, and a closing table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gradmix.contracts.hooks import hookimpl
from gradmix.contracts.meaning import meaning_of
from gradmix.journal.reading import Run
from gradmix.reports.console import print_table
from gradmix.reports.sweep_progress import SweepProgress
from gradmix.reports.wording import measured, metric_text, shown
from gradmix.sweeps.events import SweepInfo
from gradmix.sweeps.plan import Job, State

_LOOKS: Mapping[State, tuple[str, str]] = {
    "new": ("new", "cyan"),
    "failed": ("failed before", "yellow"),
    "killed": ("killed before", "yellow"),
    "done": ("done", "green"),
    "duplicate": ("same as another", "green"),
    "running": ("running elsewhere", "magenta"),
    "stale": ("done, but outdated", "yellow"),
    "impossible": ("impossible", "red"),
}
"""State of a job → words and style."""

_LINES_IN_SIGHT = 20
"""Number of jobs whose lines are still visible at the end; in longer sweeps, failed jobs are listed again."""


class SweepReport:
    """Reports a sweep, job by job."""

    def __init__(self, console: Console) -> None:
        self.sweep: SweepInfo | None = None
        self._console = console
        self._ends: dict[int | None, Run] = {}
        self._progress: SweepProgress | None = None

    @hookimpl
    def planned(self, jobs: Sequence[Job], workers: int, n_jobs: int) -> None:
        """Show the jobs that would run; for a search, `jobs` are the first ones."""
        table = Table("job", "state", "time", "overrides", box=None, padding=(0, 2, 0, 0), header_style="bold")
        for column in table.columns[:3]:
            column.no_wrap = True
        table.columns[0].justify = table.columns[2].justify = "right"
        common = set.intersection(*(set(job.overrides) for job in jobs)) if len(jobs) > 1 else set()
        if common:
            self._console.print(f"all with {' '.join(each for each in jobs[0].overrides if each in common)}\n")
        for job in jobs:
            seconds = measured(job.seconds, "s") if job.is_to_run and job.seconds is not None else ""
            words = " ".join(each for each in job.overrides if each not in common) or "(defaults)"
            reason = f"\n  {job.reason}" if job.reason else ""
            table.add_row(str(job.number + 1), Text(*_LOOKS[job.state]), seconds, words + reason)
        self._console.print(table, soft_wrap=not self._console.is_terminal)
        in_all = _counted(jobs)
        if len(jobs) < n_jobs:
            in_all = f"a search of {n_jobs} jobs: {_states(jobs)}, {n_jobs - len(jobs)} to be chosen during the search"
        time = _time_to_run(jobs, workers, n_jobs - len(jobs))
        self._console.print(f"\n{in_all}; {time}. Nothing was started.", soft_wrap=True)

    @hookimpl
    def options_left_out(self, sentences: Sequence[str]) -> None:
        """Print which options do not apply to which components."""
        for sentence in sentences:
            self._console.print(f"{sentence}; strict=true refuses it", soft_wrap=True)

    @hookimpl
    def sweep_started(self, sweep: SweepInfo, jobs: Sequence[Job]) -> None:
        """Print the plan, and what has changed since earlier runs whose results are kept."""
        self.sweep = sweep
        lines = [_counted(jobs)]
        if len(jobs) < sweep.n_jobs:
            lines = [f"a search of {sweep.n_jobs} jobs" + (f"; so far {lines[0]}" if sweep.is_resumed else "")]
        elif all(job.state == "new" for job in jobs):
            lines = [f"{_plural(sweep.n_jobs, 'job')}, all checked"]
        changes = Counter(change for job in jobs if job.state == "stale" for change in job.reason.split("; "))
        for change, n in changes.items():
            lines.append(f"changed since: {change} ({_plural(n, 'finished job')}, kept as done)")
        lines += ["`gradmix resume … --stale` runs them again."] if changes else []
        for line in lines:
            self._console.print(line, soft_wrap=True)
        self._progress = SweepProgress(self._console, sweep.n_jobs)

    @hookimpl
    def jobs_running(self, running: Sequence[Run]) -> None:
        """Show the progress of the jobs."""
        if self._progress is not None:
            self._progress.goes_on(running)

    @hookimpl
    def sweep_ended(self) -> None:
        """End the line of the progress."""
        if self._progress is not None:
            self._progress.stop()

    @hookimpl
    def job_ended(self, sweep: SweepInfo, end: Run) -> None:
        """Print how a job ended, unless its result is reused."""
        self._ends[end.number] = end
        if self._progress is not None:
            self._progress.ended(end)
        if not end.is_reused:
            self._print(end, sweep.n_jobs)

    @property
    def is_complete(self) -> bool:
        """Whether every job is done."""
        done = sum(end.is_finished for end in self._ends.values())
        return self.sweep is not None and done == self.sweep.n_jobs

    def close(self) -> None:
        """Print the failed jobs and the closing table."""
        self.sweep_ended()
        sweep, ends = self.sweep, self._ends.values()
        if sweep is None:
            return
        if len(ends) > _LINES_IN_SIGHT:
            for end in sorted(ends, key=lambda end: end.number or 0):
                if not end.is_finished:
                    self._print(end, sweep.n_jobs)
        statuses = Counter(end.status for end in ends)
        always = {"done": statuses.pop("finished", 0), "failed": statuses.pop("failed", 0)}
        reused = sum(end.is_reused for end in ends)
        others = {"of these reused": reused, **statuses, "not reached": sweep.n_jobs - len(ends)}
        counts = always | {name: count for name, count in others.items() if count}
        rows = {name: str(count) for name, count in counts.items()} | {"folder": shown(sweep.folder)}
        rows |= {} if self.is_complete else {"continue": f"gradmix resume {sweep.folder.name}"}
        rows |= {"compare": f"gradmix compare {sweep.folder.name}"} if len(ends) > 1 else {}
        print_table(self._console, rows)

    def _print(self, end: Run, n_jobs: int) -> None:
        line = Text(f"{(end.number or 0) + 1:>{len(str(n_jobs))}}/{n_jobs}  {end.label or '(defaults)'}")
        if end.is_finished:
            ranking = [each.name for each in end.declared.meanings.values() if each.better and not each.is_cost]
            named = [name for name in ranking if name in end.metrics][:2]
            values = "  ".join(_values(name, end) for name in named)
            line += Text(f"  {values or 'finished'}", style="green")
            line += Text(f"  stopped by {end.stopped_by}" if end.stopped_by else "")
        else:
            line += Text(f"  {end.status.replace('_', ' ')}", style="red") + Text(f": {end.error}" if end.error else "")
        line += Text(f"  {measured(end.seconds, 's')}" if end.seconds else "", style="dim")
        self._console.print(line, soft_wrap=True)


def _values(name: str, end: Run) -> str:
    """Return a metric of a job's run, marked if another metric makes it meaningless."""
    meaning = meaning_of(name, end.declared.meanings)
    mark = meaning.spoiled_by
    spoiled = f" (invalid: {mark} {metric_text(mark, end.metrics[mark])})" if meaning.is_spoiled(end.metrics) else ""
    return f"{name} {metric_text(name, end.metrics[name])}{spoiled}"


def _plural(n: int, what: str) -> str:
    return f"{n} {what}{'s' if n != 1 else ''}"


def _counted(jobs: Sequence[Job]) -> str:
    return f"{_plural(len(jobs), 'job')}: {_states(jobs)}"


def _states(jobs: Sequence[Job]) -> str:
    counts = Counter(job.state for job in jobs)
    return ", ".join(f"{counts[state]} {words}" for state, (words, _) in _LOOKS.items() if counts[state])


def _time_to_run(jobs: Sequence[Job], workers: int, unchosen: int) -> str:
    """Estimate how long the remaining jobs may take, including `unchosen` jobs that a search will choose."""
    to_run = [job for job in jobs if job.is_to_run]
    tells = jobs if unchosen else to_run  # a search chooses jobs similar to the earlier ones
    known = [job.seconds for job in tells if job.seconds is not None]
    count = len(to_run) + unchosen
    if not count:
        return "nothing to run"
    said = f"up to {count} to run" if unchosen else f"{count} to run"
    if not known:
        return f"{said}, no earlier run to estimate the time from"
    total = sum(known) / len(known) * count / workers
    basis = "" if len(known) == count else f", estimated from {_plural(len(known), 'job')}"
    return f"{said}, about {measured(total, 's')}{basis}"
