"""Run checks, each isolated from the others, whatever the component does."""

from __future__ import annotations

import io
import re
import traceback
import warnings
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from gradmix.contracts.errors import GradmixError
from gradmix.interrupts import ctrl_c_noticed, time_limit
from gradmix.registry.entry import describe, describe_use
from gradmix.testing.check import BrokenPromiseError, Check, NoEndError, NotApplicableError
from gradmix.testing.limit import TimeIsUpError
from gradmix.testing.outcome import Failure, Outcome
from gradmix.testing.subject import Subject
from gradmix.testing.table import is_for_unlabelled_rows

_OURS = f"{Path(__file__).parents[1]}/"

CHECK_SECONDS = 60.0
"""Seconds that a check may take."""


def outcomes(subject: Subject, checks: Iterable[Check], seconds: float = CHECK_SECONDS) -> Iterator[Outcome]:
    """Run checks one by one; if a component raises, prints or hangs, this affects only the check that runs."""
    yield from map(Checker(subject, seconds), checks)


class Checker:
    """Runs the checks of a component until one does not end: the others are skipped, as each might hang, too.

    Parameters
    ----------
    subject
        What is checked.
    seconds
        How long a check may take.
    """

    def __init__(self, subject: Subject, seconds: float = CHECK_SECONDS) -> None:
        self.subject, self.seconds = subject, seconds
        self._last = ""

    def __call__(self, check: Check) -> Outcome:
        """Run a check, unless an earlier one did not end."""
        if self._last:
            return Outcome(check, "not applicable", f"not run, because {self._last} did not end")
        outcome = outcome_of(check, self.subject, self.seconds)
        self._last = check.name if outcome.is_last else ""
        return outcome


def outcome_of(check: Check, subject: Subject, seconds: float = CHECK_SECONDS) -> Outcome:
    """Run one check.

    Parameters
    ----------
    check
        The check.
    subject
        What is checked.
    seconds
        Seconds after which the check fails.
    """
    if getattr(subject.component, "needs_labels", False) and is_for_unlabelled_rows(check):
        return Outcome(check, "not applicable", "it needs labels")
    excuse = subject.component.deviates.get(check.name)
    if excuse is not None:
        return Outcome(check, "not applicable", f"declared in deviates: {excuse}")
    silence = io.StringIO()
    with ctrl_c_noticed() as is_pressed:
        try:
            with redirect_stdout(silence), redirect_stderr(silence), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with time_limit(seconds, TimeIsUpError):
                    check.function(subject)
        except NotApplicableError as reason:
            return Outcome(check, "not applicable", str(reason))
        except BaseException as error:  # a component may also raise SystemExit and KeyboardInterrupt
            if is_pressed():
                raise
            failure = _failure(check, subject, error, seconds)
            return Outcome(check, "failed", failure=failure, is_last=isinstance(error, NoEndError | TimeIsUpError))
    return Outcome(check, "passed")


def _failure(check: Check, subject: Subject, error: BaseException, seconds: float) -> Failure:
    given = "".join(f", {name}={value!r}" for name, value in subject.options.items())
    what = f"{check.name!r}, {subject.kind!r}, {subject.place or subject.name!r}{given}"
    again = f"from gradmix.testing import run_check\nrun_check({what})"
    if isinstance(error, BrokenPromiseError):
        code = f"{subject.code}\n{error.code}\n" if error.code else ""
        return Failure(error.expected, error.found, error.example, f"{code}{again}", _cause(error.__cause__))
    if isinstance(error, TimeIsUpError):
        return Failure(check.promise, f"it did not end within {seconds:g} s", _place(error), again)
    return Failure(check.promise, describe_use(error), _place(error), again, _cause(error))


def _cause(error: BaseException | None) -> str:
    if error is None:
        return ""
    where = "" if isinstance(error, GradmixError) else f" in {_place(error)}"  # gradmix's own errors need no place
    return re.sub(r"[0-9][0-9.e+-]*", "#", describe(error)) + where


def _place(error: BaseException) -> str:
    """Return the line that raised the error: the last one of the component or of its libraries, not of gradmix.

    Empty for an error of gradmix if no line of the component is in the traceback.
    """
    frames = traceback.extract_tb(error.__traceback__)
    foreign = [each for each in frames if not each.filename.startswith(_OURS) and "/hypothesis/" not in each.filename]
    if not foreign and isinstance(error, GradmixError):
        return ""
    last = (foreign or frames)[-1]
    return f"{last.filename}, line {last.lineno}" + (f": {last.line}" if last.line else "")
