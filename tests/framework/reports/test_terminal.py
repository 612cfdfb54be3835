"""A run in the terminal, while it goes on and when it is interrupted."""

from pathlib import Path

import pytest

from conftest import moved_clock
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.run import RunInfo
from gradmix.reports import terminal
from gradmix.reports.terminal import SessionReport

RUN = RunInfo("trial", "1", "key", Path("runs/trial/one"), params={"clusterer": "gmm"}, overrides=("clusterer=gmm",))


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves."""
    return moved_clock(monkeypatch, terminal)


def iterate(report, clock, n, seconds):
    for step in range(1, n + 1):
        clock.now += seconds
        report.gradmix_iteration(Iteration(None, {"inertia": 1.0 / step}, step=step))


def steps_in(text):
    return [int(line.split()[1]) for line in text.splitlines() if line.startswith("iteration")]


def test_without_a_terminal_a_run_goes_on_printing_ever_fewer_lines_and_its_last_iteration(clock, capsys):
    report = SessionReport()
    report.gradmix_run_started(RUN)
    iterate(report, clock, 36_000, 0.1)  # an hour
    report.gradmix_run_finished({"inertia": 1.0}, {})
    out = capsys.readouterr().out
    steps = steps_in(out)
    assert steps[:20] == list(range(1, 21))
    assert steps[-1] == 36_000
    assert out.count("not every iteration") == 1
    assert 50 < len(steps) < 250
    late = [after - before for before, after in zip(steps[-5:-1], steps[-4:], strict=True)]
    assert max(late) <= 36_000 * 0.06  # it never falls silent


def test_a_short_run_has_a_line_for_each_iteration(clock, capsys):
    report = SessionReport()
    report.gradmix_run_started(RUN)
    iterate(report, clock, 20, 0.001)
    report.gradmix_run_finished({"inertia": 1.0}, {})
    out = capsys.readouterr().out
    assert steps_in(out) == list(range(1, 21))
    assert "not every iteration" not in out


def test_the_live_line_has_the_time_also_while_an_iteration_lasts(clock):
    report = SessionReport()
    report.gradmix_run_started(RUN)
    iterate(report, clock, 1, 2.0)
    clock.now += 40
    assert report._live_line().plain == "iteration    1  inertia 1  42 s"


def test_an_interrupted_run_says_what_is_kept_and_how_to_go_on(clock, capsys):
    report = SessionReport()
    report.gradmix_run_started(RUN)
    iterate(report, clock, 30, 0.001)
    report.gradmix_run_failed(RUN, KeyboardInterrupt())
    report.close()
    out = capsys.readouterr().out
    assert steps_in(out)[-1] == 30
    assert "gradmix show one" in out
    assert "limits.seconds=60" in out
