"""Capabilities: the differentiator's declarations are true."""

from __future__ import annotations

import math

import numpy as np

from gradmix.contracts.differentiator import Differentiator
from gradmix.contracts.errors import DifferentiationError
from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.differentiators.points import OPERATORS, example_of
from gradmix.testing.scenarios import SCENARIOS, squares, wave
from gradmix.testing.subject import Subject


def refuses_operators_that_it_lacks(subject: Subject) -> None:
    """Every name in `lacks` is an operator, has a reason, and raises a `DifferentiationError`."""
    made: Differentiator = subject.make()
    for operator, reason in made.lacks.items():
        if operator not in OPERATORS:
            raise BrokenPromiseError(f"one of {', '.join(OPERATORS)}", repr(operator), "lacks")
        if not reason.strip():
            raise BrokenPromiseError("a reason", repr(reason), f"lacks[{operator!r}]")
        try:
            _call(made, operator)
        except DifferentiationError:
            continue
        except Exception as error:
            raise BrokenPromiseError("a DifferentiationError", f"{type(error).__name__}: {error}", operator) from error
        raise BrokenPromiseError("a DifferentiationError", "an answer", f"{operator}, which is in lacks")


def offers_all_other_operators(subject: Subject) -> None:
    """`check_operator` refuses the operators in `lacks` and accepts all others, and those work."""
    made: Differentiator = subject.make()
    for operator in OPERATORS:
        try:
            made.check_operator(operator)
            is_refused = False
        except DifferentiationError:
            is_refused = True
        if is_refused != (operator in made.lacks):
            results = ("a DifferentiationError", "no error")
            expected, found = results if operator in made.lacks else results[::-1]
            raise BrokenPromiseError(expected, found, f"check_operator({operator!r})")
        if not is_refused:
            _call(made, operator)


def refuses_branches_as_declared(subject: Subject) -> None:
    """If `follows_values` is False, a function that branches on a value raises a `DifferentiationError`."""
    made: Differentiator = subject.make()
    if made.follows_values:
        raise NotApplicableError("it can follow branches: follows_values is True")
    for scenario in (each for each in SCENARIOS.values() if each.looks_at_values):
        operator = next(name for name in ("derivative", "jvp", "vjp") if name not in made.lacks)
        along = () if operator == "derivative" else (1.0,)
        try:
            getattr(made, operator)(scenario.f, 1.5, *along)
        except DifferentiationError:
            continue
        except Exception as error:
            raise BrokenPromiseError("a DifferentiationError", f"{type(error).__name__}: {error}", operator) from error
        raise BrokenPromiseError("a DifferentiationError", "an answer", f"{operator} of {example_of(scenario)}")


def promises_an_accuracy(subject: Subject) -> None:
    """`accuracy` is a number between 0 and 0.01: a less accurate derivative is useless for comparison."""
    accuracy = subject.make().accuracy
    if not (isinstance(accuracy, float) and math.isfinite(accuracy) and 0 < accuracy <= 0.01):
        raise BrokenPromiseError("0 < accuracy ≤ 0.01", repr(accuracy), "accuracy")


def _call(made: Differentiator, operator: str) -> object:
    f, x = (wave, 1.5) if operator == "derivative" else (squares, np.array([1.0, 2.0]))
    direction = {"jvp": (np.ones(2),), "hvp": (np.ones(2),), "vjp": (1.0,)}.get(operator, ())
    return getattr(made, operator)(f, x, *direction)
