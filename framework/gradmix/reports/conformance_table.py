"""What checks found, in the terminal: a line a check under its group, failures in full below."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gradmix.reports.console import make_console
from gradmix.testing.check import Check
from gradmix.testing.outcome import Outcome, Report, Status
from gradmix.testing.subject import Subject

if TYPE_CHECKING:
    from rich.text import Text

_MARKS: dict[Status, tuple[str, str]] = {
    "passed": ("passed", "green"),
    "failed": ("failed", "bold red"),
    "not applicable": ("n/a", "dim"),
}
"""Status → word and style."""


class ConformanceTable:
    """Shows each outcome as it comes, then failures in full.

    Parameters
    ----------
    subject
        What is checked.
    """

    def __init__(self, subject: Subject) -> None:
        self._console = make_console()
        self._group = ""
        given = "".join(f" {name}={value}" for name, value in subject.options.items())
        self._print(_styled(f"{subject.kind} {subject.name}{given}", "bold"))

    def add(self, outcome: Outcome) -> None:
        """Show one outcome."""
        if outcome.check.group != self._group:
            self._group = outcome.check.group
            self._print(_styled(f"\n{self._group}", "cyan"))
        word, style = _MARKS[outcome.status]
        line = _styled(f"  {word:<8}", style).append(outcome.check.name, "" if outcome.failure else "default")
        self._print(line.append(f"  ({outcome.reason})", "dim") if outcome.reason else line)

    def close(self, report: Report) -> None:
        """Show failures, those that one line of the component causes only once, and the count."""
        for alike in _by_cause(report.failures):
            self._failure(*alike)
        counts = f"{report.passed} passed, {report.failed} failed, {report.count('not applicable')} not applicable"
        self._print(_styled(f"\n{counts}", "bold red" if report.failed else "bold green"))

    def _failure(self, outcome: Outcome, *alike: Outcome) -> None:
        failure, check = outcome.failure, outcome.check
        if failure is None:
            return
        self._print(_styled(f"\n{check.name}", "bold red").append(f"  {check.promise}", "default"))
        expected = "" if failure.expected == check.promise else failure.expected
        also = f"in {len(alike)} other check{'s' * (len(alike) > 1)}" if alike else ""
        told = {"expected": expected, "found": failure.found, "example": failure.example, "the same": also}
        for name, text in told.items():
            if text:
                self._print(_styled(f"  {name:<10}", "cyan").append(text, "default"))
        self._print(_styled("  in Python", "cyan"))
        for line in failure.reproduction.splitlines():
            self._print(_styled(f"    {line}", "default"))

    def _print(self, text: Text) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)


def _by_cause(failures: Iterable[Outcome]) -> list[list[Outcome]]:
    """Failures that found the same at the same place, together."""
    causes: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in failures:
        if outcome.failure is not None:
            causes.setdefault((outcome.failure.found, outcome.failure.example), []).append(outcome)
    return list(causes.values())


def print_checks(checks: Iterable[Check]) -> None:
    """List checks by group, with what each promises."""
    console, group = make_console(), ""
    for check in checks:
        if check.group != group:
            group = check.group
            console.print(_styled(f"\n{group}", "cyan"), highlight=False)
        text = _styled(f"  {check.name}", "bold").append(f"  {check.promise}", "default")
        console.print(text, highlight=False, soft_wrap=True)


def _styled(text: str, style: str) -> Text:
    from rich.text import Text

    return Text(text, style=style)
