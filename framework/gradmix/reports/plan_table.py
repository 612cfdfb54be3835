"""A sweep's plan in words: what would run and why, what is there already, how long it may take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gradmix.reports.wording import measured
from gradmix.sweeps.events import SweepInfo
from gradmix.sweeps.plan import Job, State, summary

_LOOKS: Mapping[State, tuple[str, str]] = {
    "new": ("new", "cyan"),
    "done": ("done", "green"),
    "duplicate": ("same as another", "green"),
    "failed": ("failed before", "yellow"),
    "killed": ("killed before", "yellow"),
    "running": ("running elsewhere", "magenta"),
    "stale": ("done, but outdated", "yellow"),
    "impossible": ("impossible", "red"),
}
"""State → words and style."""


def print_plan(console: Console, jobs: Sequence[Job], workers: int, n_jobs: int) -> None:
    """Print the plan of a sweep of `n_jobs` jobs; `jobs` are the first ones, if a search chooses more as it goes on."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("job", "state", "time", "overrides"):
        table.add_column(
            heading, justify="right" if heading in ("job", "time") else "left", no_wrap=heading != "overrides"
        )
    common = set.intersection(*(set(job.overrides) for job in jobs)) if len(jobs) > 1 else set()
    if common:
        console.print(f"all with {' '.join(each for each in jobs[0].overrides if each in common)}\n")
    for job in jobs:
        state = Text(*_LOOKS[job.state])
        seconds = measured(job.seconds, "s") if job.is_to_run and job.seconds is not None else ""
        words = " ".join(each for each in job.overrides if each not in common) or "(defaults)"
        reason = f"\n  {job.reason}" if job.reason else ""
        table.add_row(str(job.number + 1), state, seconds, words + reason)
    console.print(table, soft_wrap=not console.is_terminal)
    in_all = _in_all(jobs)
    if len(jobs) < n_jobs:
        in_all = f"a search of {n_jobs} jobs: {_states(jobs)}, {n_jobs - len(jobs)} to be chosen as it goes on"
    console.print(
        f"\n{in_all}; {estimate(jobs, workers, n_jobs - len(jobs))}. Nothing was started.",
        soft_wrap=True,
    )


def _in_all(jobs: Sequence[Job]) -> str:
    return f"{len(jobs)} job{'s' if len(jobs) != 1 else ''}: {_states(jobs)}"


def _states(jobs: Sequence[Job]) -> str:
    return ", ".join(f"{count} {_LOOKS[state][0]}" for state, count in summary(jobs).items())  # type: ignore[index]


def estimate(jobs: Sequence[Job], workers: int, unchosen: int = 0) -> str:
    """How long those that are to run may take, with `unchosen` more that a search will choose, as far as is known."""
    to_run = [job for job in jobs if job.is_to_run]
    tells = jobs if unchosen else to_run  # a search chooses jobs like those that it has had
    known = [job.seconds for job in tells if job.seconds is not None]
    count = len(to_run) + unchosen
    if not count:
        return "nothing to run"
    said = f"up to {count} to run" if unchosen else f"{count} to run"
    if not known:
        return f"{said}, no earlier run to estimate the time from"
    total = sum(known) / len(known) * count / workers
    basis = "" if len(known) == count else f", from what is known of {len(known)}"
    return f"{said}, about {measured(total, 's')}{basis}"


def opening(sweep: SweepInfo, jobs: Sequence[Job]) -> str:
    """First line of a sweep's report."""
    if len(jobs) < sweep.n_jobs:
        return f"a search of {sweep.n_jobs} jobs" + (f"; so far {_in_all(jobs)}" if sweep.is_resumed else "")
    if all(job.state == "new" for job in jobs):
        return f"{sweep.n_jobs} job{'s' if sweep.n_jobs != 1 else ''}, all checked"
    return _in_all(jobs)


def drift(jobs: Sequence[Job]) -> Iterator[str]:
    """What has changed since runs of the sweep that are kept as they are, each change once."""
    changes: dict[str, list[int]] = {}
    for job in jobs:
        if job.state == "stale":
            for change in job.reason.split("; "):
                changes.setdefault(change, []).append(job.number + 1)
    for change, numbers in changes.items():
        yield f"changed since: {change} ({len(numbers)} finished job{'s' if len(numbers) != 1 else ''}, kept as done)"
    if changes:
        yield "`gradmix resume … --stale` runs them again."
