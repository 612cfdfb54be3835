"""The task ``check``: the conformance kit as a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from gradmix import Iteration, Meaning, Result, Steps, Task

if TYPE_CHECKING:
    from pathlib import Path

    from gradmix.testing import Outcome, Report, Subject


_METRICS = (
    Meaning("conformance", "higher", "", "share of the applicable checks that passed"),
    Meaning("checks.failed", "lower", "checks", "checks that failed"),
    Meaning("checks.passed", "higher", "checks", "checks that passed"),
    Meaning("checks.not_applicable", None, "checks", "checks that do not apply"),
)


@dataclass
class Check(Task):
    """Check that a component keeps its contract, as ``gradmix check`` does; each check is one iteration.

    Parameters
    ----------
    component
        Name of the component.
    component_kind
        Its kind; needed only if components of several kinds have this name.
    options
        The options that differ from their defaults.
    only
        Names of the checks to run; if empty, all checks run.

    Notes
    -----
    Metrics: ``checks.passed``, ``checks.failed``, ``checks.not_applicable``, and ``conformance``, the share of the
    applicable checks that passed. The artifact ``report.json`` lists the failed checks, each with the smallest failing
    example.
    """

    component: str
    component_kind: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    only: tuple[str, ...] = ()

    def metrics(self) -> Sequence[Meaning]:
        """Describe the share of passed checks and the numbers of checks by outcome."""
        return _METRICS

    def preflight(self) -> None:
        """Check that the component and the checks exist."""
        from gradmix.testing import checks_for

        checks_for(self._subject(), self.only)

    def content(self) -> tuple[str, ...]:
        """Return the distribution that offers the component, and its version."""
        found = self._subject()
        return (found.known.find(found.kind, found.name).plugin.identity,)

    def run(self) -> Steps:
        """Yield the outcome of each check."""
        from gradmix.testing import checks_for, outcomes

        found = self._subject()
        done: list[Outcome] = []
        for outcome in outcomes(found, checks_for(found, self.only)):
            done.append(outcome)
            report = _report(found, done)
            so_far = {"checks.passed": float(report.passed), "checks.failed": float(report.failed)}
            yield Iteration(outcome, so_far, step=len(done))
        report = _report(found, done)
        metrics = {
            "checks.passed": float(report.passed),
            "checks.failed": float(report.failed),
            "checks.not_applicable": float(report.count("not applicable")),
            "conformance": report.conformance,
        }
        return Result(metrics=metrics, artifacts={"report.json": partial(_write, report=report)})

    def _subject(self) -> Subject:
        from gradmix.testing import subject

        return subject(self.component, self.component_kind, **self.options)


def _report(found: Subject, done: Sequence[Outcome]) -> Report:
    from gradmix.testing import Report

    return Report(found.kind, found.name, dict(found.options), tuple(done))


def _write(path: Path, report: Report) -> None:
    path.write_text(report.json() + "\n", encoding="utf-8")
