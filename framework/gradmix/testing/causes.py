"""Causes: several checks that fail for one reason are reported as one failure, with its remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import new_class

from gradmix.contracts.differentiator import Differentiator
from gradmix.registry.entry import Entry
from gradmix.testing.outcome import Outcome
from gradmix.testing.runner import outcome_of
from gradmix.testing.subject import Subject

_SECOND = {"hvp": "hvp_is_right", "hessian": "hessian_is_right"}
"""Operators for second derivatives, and their checks."""

_SECONDS = 20.0
"""Seconds that a check may take when it is repeated."""


@dataclass(frozen=True)
class Cause:
    """Failures with one common cause.

    Parameters
    ----------
    failures
        The checks that failed; the first one is shown as the example.
    remedy
        How to fix the cause, if known.
    """

    failures: tuple[Outcome, ...]
    remedy: str = ""


def causes_of(subject: Subject, outcomes: Iterable[Outcome]) -> list[Cause]:
    """Group the failures among the outcomes by cause.

    Failures by the same exception in the same place have one cause. If a differentiator's second derivatives are wrong,
    all checks that would pass if it declared second derivatives as lacking have that cause.
    """
    done = list(outcomes)
    failures = [each for each in done if each.failure is not None]
    second = _because_of_second_derivatives(subject, done, failures)
    found: dict[object, list[Outcome]] = {}
    for each in failures:
        failure = each.failure
        assert failure is not None
        key = "" if each in second else failure.cause or (failure.found, failure.example)
        found.setdefault(key, []).append(each)
    remedy = 'if it has no second derivatives, declare it: lacks = {"hvp": "…", "hessian": "…"}, each with the reason'
    return [Cause(tuple(each), remedy if key == "" else "") for key, each in found.items()]


def _because_of_second_derivatives(
    subject: Subject, done: Sequence[Outcome], failures: Sequence[Outcome]
) -> list[Outcome]:
    """Return the failures that disappear if only the differentiator's second derivatives are declared as lacking."""
    failed = {each.check.name for each in failures}
    if subject.kind != Differentiator.kind or failed.isdisjoint(_SECOND.values()):
        return []
    if not any(each.status == "passed" and each.check.name in ("jvp_is_right", "vjp_is_right") for each in done):
        return []
    trial = _without_second_derivatives(subject)
    return [each for each in failures if outcome_of(each.check, trial, _SECONDS).status != "failed"]


def _without_second_derivatives(subject: Subject) -> Subject:
    component = subject.component
    lacks = {**getattr(component, "lacks", {}), **dict.fromkeys(_SECOND, "for a trial")}
    content = {"__module__": component.__module__, "lacks": lacks}
    limited = new_class(component.__name__, (component,), {}, lambda body: body.update(content))
    entry = replace(subject.known.find(subject.kind, subject.name), implementation=limited)
    entries: dict[tuple[str, str], tuple[Entry, ...]] = {
        **subject.known.entries,
        (subject.kind, subject.name): (entry,),
    }
    return replace(subject, known=replace(subject.known, entries=entries))
