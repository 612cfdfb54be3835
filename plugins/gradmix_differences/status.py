"""What limits a difference quotient."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """How the search for a step ended; the later, the worse."""

    CONVERGED = 0
    ROUNDING = 1
    TRUNCATION = 2
    EXHAUSTED = 3
    NOISE = 4
    NOT_SMOOTH = 5
    NOT_FINITE = 6

    @property
    def words(self) -> str:
        """Return the status in a few words."""
        return _WORDS[self]


_WORDS = {
    Status.CONVERGED: "converged",
    Status.ROUNDING: "limited by rounding",
    Status.TRUNCATION: "limited by the step",
    Status.EXHAUSTED: "evaluations exhausted",
    Status.NOISE: "limited by noise of the function",
    Status.NOT_SMOOTH: "a jump or a kink of the function",
    Status.NOT_FINITE: "not finite at the point or near it",
}
