"""Errors: wrong inputs raise an error and never give a wrong result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradmix.contracts.differentiator import Differentiator
from gradmix.contracts.errors import GradmixError
from gradmix.testing.check import BrokenPromiseError
from gradmix.testing.differentiators.points import OPERATORS, differentiator_with
from gradmix.testing.scenarios import mixed, product, squares, wave
from gradmix.testing.subject import Subject
from gradmix.testing.values import shown


class _UserError(Exception):
    """An exception that a user's function raises."""


def lets_errors_of_the_function_through(subject: Subject) -> None:
    """Exceptions of the function reach the caller unchanged: the user's own and arithmetic ones."""
    made = differentiator_with(subject)
    for raised in (_UserError("a user's own error"), ZeroDivisionError("division by zero")):
        _require_raised(made, raised)


def _require_raised(made: Differentiator, raised: Exception) -> None:
    def fails(x: Any) -> Any:
        raise raised

    example = f"of a function that raises {type(raised).__name__.strip('_')}"
    for operator in (name for name in OPERATORS if name not in made.lacks):
        x = 1.0 if operator == "derivative" else np.ones(2)
        arguments = (x, np.ones(2)) if operator in ("jvp", "vjp", "hvp") else (x,)
        try:
            getattr(made, operator)(fails, *arguments)
        except Exception as error:
            if error is raised:
                continue
            found = f"{type(error).__name__}: {error}"
            raise BrokenPromiseError("the error of the function", found, f"{operator} {example}") from error
        raise BrokenPromiseError("the error of the function", "none", f"{operator} {example}")


def refuses_a_direction_of_another_shape(subject: Subject) -> None:
    """A direction whose shape does not fit raises a `DifferentiationError`: nothing is broadcast."""
    made = differentiator_with(subject)
    x = np.array([0.5, 1.0, 0.25])
    for v in (np.ones(2), 1.0, np.ones((3, 1)), np.ones((1, 3))):
        _require_refusal(made, "jvp", mixed, x, v)
        _require_refusal(made, "hvp", squares, x, v)
    for w in (np.ones(3), 1.0, np.ones((2, 1)), np.ones((1, 2))):
        _require_refusal(made, "vjp", mixed, x, w)


def refuses_the_gradient_of_several_values(subject: Subject) -> None:
    """`gradient` and `value_and_gradient` of a function with several values raise a `DifferentiationError`."""
    made = differentiator_with(subject)
    _require_refusal(made, "gradient", mixed, np.ones(3))
    _require_refusal(made, "value_and_gradient", mixed, np.ones(3))


def refuses_the_derivative_by_several_variables(subject: Subject) -> None:
    """`derivative` at a point with several entries raises a `DifferentiationError`."""
    _require_refusal(differentiator_with(subject), "derivative", product, np.ones(2))


def refuses_points_that_are_not_numbers(subject: Subject) -> None:
    """A string, None or a complex number as a point raises a `DifferentiationError`."""
    made = differentiator_with(subject)
    for x in ("1.0", None, 1.0 + 2.0j):
        _require_refusal(made, "derivative", wave, x)
    for points in (np.array([1.0 + 1.0j, 2.0]), np.array(["1", "2"]), [1.0, "2"]):
        _require_refusal(made, "gradient", product, points)


def refuses_functions_that_do_not_return_numbers(subject: Subject) -> None:
    """A function that returns None or a string raises a `DifferentiationError`, `TypeError` or `ValueError`."""
    made = differentiator_with(subject)
    for f in (_returns_none, _returns_text):
        _require_refusal(made, "derivative", f, 1.0, accepted=(TypeError, ValueError))
        _require_refusal(made, "gradient", f, np.ones(2), accepted=(TypeError, ValueError))


def _returns_none(x: Any) -> Any:
    return None


def _returns_text(x: Any) -> Any:
    return "3"


def _require_refusal(
    made: Any,
    operator: str,
    f: Callable[[Any], Any],
    *inputs: Any,
    accepted: tuple[type[Exception], ...] = (GradmixError,),
) -> None:
    if operator in made.lacks:
        return
    example = f"{operator} of the function {f.__name__.strip('_')} at {', '.join(map(shown, inputs))}"
    try:
        got = getattr(made, operator)(f, *inputs)
    except accepted:
        return
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
        raise BrokenPromiseError("a DifferentiationError that says what is wrong", found, example) from error
    raise BrokenPromiseError("a DifferentiationError", shown(got), example)
