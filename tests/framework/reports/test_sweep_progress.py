"""The line on the running jobs of a sweep, in a terminal and without one."""

import io
import itertools
import sys
from pathlib import Path

import pytest
from rich.console import Console

from conftest import moved_clock
from gradmix.journal.reading import Run
from gradmix.reports import sweep_progress
from gradmix.reports.sweep_progress import SweepProgress
from gradmix.reports.sweep_report import SweepReport
from gradmix.runs.events import notify, watched_by
from gradmix.sweeps.events import SweepInfo, job_ended, jobs_running, sweep_ended, sweep_started


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves."""
    return moved_clock(monkeypatch, sweep_progress)


def console(is_terminal):
    return Console(file=io.StringIO(), force_terminal=is_terminal, width=100, _environ={"TERM": "xterm"})


def ended(number, status="finished", is_reused=False):
    started = {"label": f"seed={number}", "time": 1.0}
    return Run(Path(str(number)), status, started, number=number, is_reused=is_reused, last_time=1.0)


def running(number, began, iteration=None):
    return Run(Path(str(number)), "running", {"label": f"seed={number}", "time": began}, iteration=iteration)


def line_of(progress):
    return progress.line().plain


def test_the_line_has_the_counts_the_times_and_the_longest_running_job(clock):
    progress = SweepProgress(console(False), 10)
    assert line_of(progress) == "0/10 done, 0 running · 0 s"
    progress.ended(ended(0, is_reused=True))
    clock.now += 30
    progress.goes_on([running(4, 20.0, (0, 7)), running(1, 10.0, (2, 81)), running(3, 15.0)])
    assert line_of(progress) == "1/10 done, 3 running · 30 s · iteration 81 (start 3) of seed=1"
    progress.ended(ended(1))
    progress.ended(ended(2, "timed_out"))
    progress.goes_on([running(3, 15.0)])
    # two jobs took 30 s, so that the other seven take 105 s
    assert line_of(progress) == "2/10 done, 1 failed, 1 running · 30 s, about 1 min 45 s left · seed=3"
    progress.ended(ended(2))  # a second attempt
    progress.goes_on([])
    assert line_of(progress) == "3/10 done, 0 running · 30 s, about 1 min 10 s left"
    for number in range(3, 10):
        progress.ended(ended(number))
    assert line_of(progress) == "10/10 done, 0 running · 30 s"


def test_without_a_terminal_a_short_sweep_has_no_line_and_a_long_one_ever_fewer(clock):
    screen = console(False)
    progress, times = SweepProgress(screen, 100), []
    for _ in range(36_000):  # an hour, with ten looks a second
        clock.now += 0.1
        progress.goes_on([])
        if screen.file.getvalue():
            times.append(clock.now - 100)
            screen.file.truncate(0)
            screen.file.seek(0)
    assert times[0] >= 10
    pauses = [round(after - before) for before, after in itertools.pairwise(times)]
    assert pauses == sorted(pauses)
    assert 300 < pauses[-1] <= 600
    assert len(times) < 20


SWEEP = SweepInfo("trial", "1", Path("runs/trial/sweep"), 2)


def test_in_a_terminal_the_line_leaves_the_jobs_lines_alone_and_vanishes():
    screen = console(True)
    with watched_by(SweepReport(screen)):
        notify(sweep_started, SWEEP, ())
        notify(jobs_running, SWEEP, [running(0, 1.0, (0, 5))])
        notify(job_ended, SWEEP, ended(0, "failed"))
        notify(job_ended, SWEEP, ended(1, "failed"))
        notify(sweep_ended, SWEEP)
    written = screen.file.getvalue()
    assert "0/2 done, 2 failed, 1 running" in written
    for number in range(2):
        assert f"{number + 1}/2  seed={number}\x1b[31m  failed\x1b[0m\n" in written
    assert written.endswith("\x1b[1A\x1b[2K")  # one line up, and erase it
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h") == 1  # the cursor is back


def test_a_sweep_that_is_interrupted_gives_the_cursor_back():
    screen = console(True)
    report = SweepReport(screen)
    with watched_by(report):
        notify(sweep_started, SWEEP, ())
    report.close()  # without the event that the sweep has ended
    assert screen.file.getvalue().count("\x1b[?25h") == 1


def test_messages_on_standard_error_appear_above_the_line():
    screen = console(True)
    progress = SweepProgress(screen, 2)
    print("a component's message", file=sys.stderr)
    progress.stop()
    assert "a component's message\n" in screen.file.getvalue()
