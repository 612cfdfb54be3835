"""The outcomes of checks in the terminal: a line for each check under its group, failures in full below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.text import Text

from gradmix.reports.console import make_console
from gradmix.testing.causes import Cause
from gradmix.testing.check import Check
from gradmix.testing.outcome import Outcome, Report, Status
from gradmix.testing.subject import Subject

_MOST_REASONS = 4

_MARKS: dict[Status, tuple[str, str]] = {
    "passed": ("passed", "green"),
    "failed": ("failed", "bold red"),
    "not applicable": ("n/a", "dim"),
}
"""Status → word and style."""


class ConformanceTable:
    """Shows each outcome when its check ends, then failures in full."""

    def __init__(self, subject: Subject) -> None:
        self._console = make_console()
        self._group = ""
        given = "".join(f" {name}={value}" for name, value in subject.options.items())
        self._print(f"{subject.kind} {subject.name}{given}", "bold")

    def add(self, outcome: Outcome) -> None:
        """Show one outcome."""
        if outcome.check.group != self._group:
            self._group = outcome.check.group
            self._print(f"\n{self._group}", "cyan")
        word, style = _MARKS[outcome.status]
        more = Text(outcome.check.name, style="default" if outcome.status == "passed" else style)
        more.append(f"  ({outcome.reason})" if outcome.reason else "", "dim")
        self._print(f"  {word:<8}", style, more)

    def close(self, report: Report, causes: Sequence[Cause]) -> None:
        """Show the failures, once for each cause, and the counts."""
        for cause in causes:
            first, *alike = cause.failures
            check, failure = first.check, first.failure
            assert failure is not None
            self._print(f"\n{check.name}", "bold red", f"  {check.promise}")
            shown = {
                "expected": "" if failure.expected == check.promise else failure.expected,
                "found": failure.found,
                "example": failure.example,
                "also": f"in {len(alike)} other check{'s' * (len(alike) > 1)}" if alike else "",
                "remedy": cause.remedy,
            }
            for name, text in shown.items():
                if text:
                    self._print(f"  {name:<10}", "cyan", text)
            self._print("  in Python", "cyan", "".join(f"\n    {line}" for line in failure.reproduction.splitlines()))
        failed = f"{len(causes)} failed"
        failed += f" (in {report.failed} checks)" if report.failed > len(causes) else ""
        self._print(
            f"\n{report.passed} passed, {failed}", "bold red" if report.failed else "bold green", _left_out(report)
        )

    def _print(self, text: str, style: str, more: Text | str = "") -> None:
        self._console.print(Text(text, style=style), more, sep="", soft_wrap=True)


def _left_out(report: Report) -> str:
    """Return how many checks did not run, and why; the commonest reasons first."""
    reasons = Counter(outcome.reason for outcome in report.outcomes if outcome.status == "not applicable")
    if not reasons:
        return ""
    shown = [f"{count}: {reason}" for reason, count in reasons.most_common(_MOST_REASONS)]
    others = sum(count for _, count in reasons.most_common()[_MOST_REASONS:])
    shown += [f"{others}: for other reasons, shown above"] if others else []
    return f", {sum(reasons.values())} did not run ({'; '.join(shown)})"


def print_checks(checks: Iterable[Check]) -> None:
    """List checks by group, each with its promise."""
    console, group = make_console(), ""
    for check in checks:
        if check.group != group:
            group = check.group
            console.print(Text(f"\n{group}", style="cyan"))
        console.print(Text(f"  {check.name}", style="bold"), f"  {check.promise}", sep="", soft_wrap=True)
