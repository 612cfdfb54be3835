"""A check: a function whose docstring is what it promises, and how it says that a promise is broken."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradmix.testing.subject import Subject


@dataclass(frozen=True)
class Check:
    """One thing that a component promises, and the function that finds out whether it holds.

    Parameters
    ----------
    group
        What it is about, with others of its kind: ``"answers"``, ``"invariances"``.
    function
        Takes the `Subject`; returns if the promise holds, and raises `BrokenPromiseError` or `NotApplicableError`.
    """

    group: str
    function: Callable[[Subject], None]

    @property
    def name(self) -> str:
        """What ``gradmix check --only`` and reports call it."""
        return self.function.__name__

    @property
    def promise(self) -> str:
        """What a component that passes does, in one sentence or a few."""
        return " ".join((inspect.getdoc(self.function) or "").split())


class BrokenPromiseError(AssertionError):
    """Raised by a check where a component does something else than it promises.

    Parameters
    ----------
    expected
        What was to be.
    found
        What was.
    example
        The smallest input found that shows it, in words or numbers.
    code
        Lines of Python that show it; the component is made by the report, as ``component``.
    """

    def __init__(self, expected: str, found: str, example: str = "", code: str = "") -> None:
        super().__init__(f"expected {expected}; found {found}" + (f", at {example}" if example else ""))
        self.expected, self.found, self.example, self.code = expected, found, example, code


class NoEndError(BrokenPromiseError):
    """Raised by a check that found that the component's work does not end: no further check is tried."""


class NotApplicableError(Exception):
    """Raised by a check that has nothing to say of a component; its text is the reason."""
