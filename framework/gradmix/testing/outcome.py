"""The outcomes of checks and their report, as values and as JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Literal

from gradmix.testing.check import Check

Status = Literal["passed", "failed", "not applicable"]


@dataclass(frozen=True)
class Failure:
    """How a promise is broken.

    Parameters
    ----------
    expected, found
        The promised and the actual result.
    example
        The smallest input found that shows the difference.
    reproduction
        Python code that shows the difference.
    cause
        The exception and the place where it was raised, without numbers, so that all failures by one mistake share it;
        empty if nothing was raised.
    """

    expected: str
    found: str
    example: str
    reproduction: str
    cause: str = ""


@dataclass(frozen=True)
class Outcome:
    """The outcome of one check.

    Parameters
    ----------
    check
        The check.
    status
        Whether the promise holds.
    reason
        Why the check is not applicable.
    failure
        What is wrong, if the check failed.
    is_last
        Whether the remaining checks are not worth running.
    """

    check: Check
    status: Status
    reason: str = ""
    failure: Failure | None = None
    is_last: bool = False

    def plain(self) -> dict[str, Any]:
        """Return the outcome as plain values for JSON."""
        return {
            "check": self.check.name,
            "group": self.check.group,
            "promise": self.check.promise,
            "status": self.status,
            **({"reason": self.reason} if self.reason else {}),
            **(dataclasses.asdict(self.failure) if self.failure else {}),
        }


@dataclass(frozen=True)
class Report:
    """The outcomes of all checks of a component.

    Parameters
    ----------
    kind, name, options
        The component that was checked.
    outcomes
        The outcome of each check.
    """

    kind: str
    name: str
    options: dict[str, Any]
    outcomes: tuple[Outcome, ...]

    def count(self, status: Status) -> int:
        """Count the checks with this status."""
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def passed(self) -> int:
        """Number of checks that passed."""
        return self.count("passed")

    @property
    def failed(self) -> int:
        """Number of checks that failed."""
        return self.count("failed")

    @property
    def conformance(self) -> float:
        """Share of the applicable checks that passed; 1 if there is none."""
        return self.passed / (self.passed + self.failed) if self.passed + self.failed else 1.0

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The checks that failed."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == "failed")

    def json(self) -> str:
        """Return the whole report as JSON."""
        return json.dumps(
            {
                "kind": self.kind,
                "name": self.name,
                "options": self.options,
                "passed": self.passed,
                "failed": self.failed,
                "not_applicable": self.count("not applicable"),
                "conformance": self.conformance,
                "checks": [outcome.plain() for outcome in self.outcomes],
            },
            indent=1,
            default=str,
        )
