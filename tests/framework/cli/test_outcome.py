"""The exit code and the outcome of a run do not depend on gradmix's own report of it."""

import functools
from pathlib import Path

import pytest

import gradmix
from gradmix.cli.main import main
from gradmix.reports.sweep_report import SweepReport
from gradmix.reports.terminal import SessionReport

FAST = ["tracking=none", "pictures=false"]
FAILS = ["task=differentiate", "problem=python", "problem.path=mine.py:f"]


@pytest.fixture(autouse=True)
def mine(empty_folder):
    Path("mine.py").write_text("def f(x):\n    if x > 0.5:\n        raise ValueError('too large')\n    return x\n")


def broken(monkeypatch, report, *events):
    """Have methods of a report raise; the method for a start raises at its end, when it has noted what started."""
    for event in events:
        monkeypatch.setattr(report, event, raising(getattr(report, event)))


def raising(method):
    @functools.wraps(method)
    def call(*arguments, **named):
        if method.__name__.endswith("started"):
            method(*arguments, **named)
        raise ZeroDivisionError("a defect of the report")

    return call


@pytest.mark.parametrize("event", ["gradmix_run_started", "gradmix_run_failed", "close", "close_tracking"])
def test_a_failed_run_is_a_failure_if_its_report_raises(monkeypatch, capsys, event):
    broken(monkeypatch, SessionReport, event)
    assert main(["run", *FAST, *FAILS]) == 1
    printed = "".join(capsys.readouterr())
    assert "ZeroDivisionError: a defect of the report" in printed
    assert "failed" in printed


@pytest.mark.parametrize("event", ["gradmix_iteration", "gradmix_run_finished", "close", "close_tracking"])
def test_a_finished_run_is_a_success_if_its_report_raises(monkeypatch, capsys, event):
    broken(monkeypatch, SessionReport, event)
    assert main(["run", *FAST, "clusterer=kmeans"]) == 0
    printed = "".join(capsys.readouterr())
    assert "ZeroDivisionError: a defect of the report" in printed
    assert "finished" in printed or event == "close_tracking"


@pytest.mark.parametrize("event", ["sweep_started", "job_ended", "close"])
def test_the_exit_code_of_a_sweep_does_not_depend_on_its_report(monkeypatch, capsys, event):
    broken(monkeypatch, SweepReport, event)
    words = ["run", "-m", *FAST, "hydra/launcher=basic"]
    assert main([*words, *FAILS, "problem.x=0.0,1.0"]) == 1
    assert main([*words, *FAILS, "problem.x=0.0,0.25"]) == 0
    assert "ZeroDivisionError: a defect of the report" in "".join(capsys.readouterr())


def test_a_wrong_config_is_said_if_the_report_raises(monkeypatch, capsys):
    broken(monkeypatch, SessionReport, "close")
    assert main(["run", *FAST, "clusterer=kmean"]) == 2
    assert "Did you mean kmeans" in capsys.readouterr().err


def test_a_run_from_python_raises_its_own_error_if_the_report_raises_too(monkeypatch):
    broken(monkeypatch, SessionReport, "gradmix_run_failed", "close")
    with pytest.raises(ValueError, match="too large"):
        gradmix.run(*FAST, *FAILS)
