"""What checks found: outcomes and their report, as values and as JSON."""

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
        What was to be, and what was.
    example
        The smallest input found that shows it.
    reproduction
        Python that shows it.
    cause
        The exception that it comes from, and where that was raised, without numbers: the same for all that it breaks;
        empty if nothing was raised.
    """

    expected: str
    found: str
    example: str
    reproduction: str
    cause: str = ""


@dataclass(frozen=True)
class Outcome:
    """What one check found.

    Parameters
    ----------
    check
        The check.
    status
        Whether the promise holds.
    reason
        Why the check is not applicable.
    failure
        What is wrong, where it failed.
    is_last
        Whether it makes every other check pointless.
    """

    check: Check
    status: Status
    reason: str = ""
    failure: Failure | None = None
    is_last: bool = False

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
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
    """What all checks of a component found.

    Parameters
    ----------
    kind, name, options
        What was checked.
    outcomes
        What each check found.
    """

    kind: str
    name: str
    options: dict[str, Any]
    outcomes: tuple[Outcome, ...]

    def count(self, status: Status) -> int:
        """How many checks ended so."""
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def passed(self) -> int:
        """How many promises hold."""
        return self.count("passed")

    @property
    def failed(self) -> int:
        """How many do not."""
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
        """The whole report."""
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
