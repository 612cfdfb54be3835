"""A check: a function whose docstring states the promise, and the exceptions by which it reports a broken promise."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradmix.testing.subject import Subject


@dataclass(frozen=True)
class Check:
    """One promise of a component, and the function that tests whether it holds.

    Parameters
    ----------
    group
        The group of checks that it belongs to: ``"answers"``, ``"invariances"``.
    function
        Takes the `Subject`; returns if the promise holds, and raises `BrokenPromiseError` or `NotApplicableError`.
    """

    group: str
    function: Callable[[Subject], None]

    @property
    def name(self) -> str:
        """The check's name in ``gradmix check --only`` and in reports."""
        return self.function.__name__

    @property
    def promise(self) -> str:
        """The promise, in one sentence or a few: the function's docstring on one line."""
        return " ".join((inspect.getdoc(self.function) or "").split())


class BrokenPromiseError(AssertionError):
    """Raised by a check if a component breaks a promise.

    Parameters
    ----------
    expected
        The promised result.
    found
        The actual result.
    example
        The smallest input found that shows the difference, in words or numbers.
    code
        Lines of Python that show the difference; the report adds the line that builds ``component``.
    """

    def __init__(self, expected: str, found: str, example: str = "", code: str = "") -> None:
        super().__init__(f"expected {expected}; found {found}" + (f", at {example}" if example else ""))
        self.expected, self.found, self.example, self.code = expected, found, example, code


class NoEndError(BrokenPromiseError):
    """Raised by a check if the component's work does not end; the remaining checks are then skipped."""


class NotApplicableError(Exception):
    """Raised by a check that does not apply to a component; its message is the reason."""
