"""Helpers for checks of differentiators: points, directions and comparisons."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from gradmix.contracts.differentiator import Differentiator
from gradmix.contracts.errors import DifferentiationError
from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.scenarios import SCENARIOS, Scenario
from gradmix.testing.subject import Subject
from gradmix.testing.values import shown, written

OPERATORS = ("jvp", "vjp", "derivative", "gradient", "value_and_gradient", "jacobian", "hvp", "hessian")
"""The names of all operators of a differentiator."""

_LEAST = 4 * float(np.finfo(float).eps)


def differentiator_with(subject: Subject, *operators: str) -> Differentiator:
    """Make the differentiator.

    Raises
    ------
    NotApplicableError
        If it lacks one of the operators.
    """
    made: Differentiator = subject.make()
    for operator in operators:
        if operator in made.lacks:
            raise NotApplicableError(f"it has no {operator}: {made.lacks[operator]}")
    return made


def scenarios_for(differentiator: Differentiator) -> list[Scenario]:
    """Return all scenarios that the differentiator promises to handle."""
    return [each for each in SCENARIOS.values() if differentiator.follows_values or not each.looks_at_values]


def first_tolerance(differentiator: Differentiator) -> float:
    """Return the error allowed in first derivatives: the promised accuracy."""
    return max(differentiator.accuracy, _LEAST)


def second_tolerance(differentiator: Differentiator) -> float:
    """Return the error allowed in second derivatives: the square root, which differences of differences reach."""
    return math.sqrt(first_tolerance(differentiator))


def points(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    """Return points of a shape: multiples of 1/8 from 3/8 to 2, smaller and simpler ones first."""
    return _arrays(shape, st.integers(3, 16).map(lambda eighths: eighths / 8))


def points_of(scenario: Scenario) -> st.SearchStrategy[Any]:
    """Return points where a scenario is smooth: multiples of 1/8 from −2 to 2, zero first, or only positive ones."""
    if scenario.is_for_positive_points:
        return points(scenario.shape)
    return _arrays(scenario.shape, st.integers(-16, 16).map(lambda eighths: eighths / 8))


def directions(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    """Return directions of a shape: multiples of 1/2 from −2 to 2."""
    return _arrays(shape, st.integers(-4, 4).map(lambda halves: halves / 2))


def _arrays(shape: tuple[int, ...], entries: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    size = math.prod(shape)
    lists = st.lists(entries, min_size=size, max_size=size)
    return lists.map(lambda values: np.array(values, dtype=float).reshape(shape)[()] if shape else values[0])


def require_close(
    what: str,
    compute: Callable[[], Any],
    exact: Any,
    tolerance: float,
    scenario: Scenario,
    inputs: Mapping[str, Any],
    least: float = 1.0,
) -> None:
    """Require that a derivative has the shape and the values of the exact one; accept a refusal where it is allowed.

    The error is the largest error of an entry, relative to the largest exact entry, or to `least` if that is larger.

    Raises
    ------
    BrokenPromiseError
        If they differ; the message shows both.
    """
    wanted = np.asarray(exact, dtype=float)
    example = ", ".join([example_of(scenario), *(f"{name} = {shown(value)}" for name, value in inputs.items())])
    code = "\n".join(
        [
            "import numpy as np",
            scenario.code,
            *(f"{name} = {written(value)}" for name, value in inputs.items()),
            f"component.{what}",
        ]
    )
    try:
        got = compute()
    except Exception as error:
        if scenario.may_be_refused and isinstance(error, DifferentiationError):
            return
        raise BrokenPromiseError(
            f"{what} = {shown(wanted)}", f"{type(error).__name__}: {error}", example, code
        ) from error
    require_array(what, got, wanted.shape, example, code)
    distance = float(np.max(np.abs(np.asarray(got) - wanted), initial=0.0) / np.max(np.abs(wanted), initial=least))
    if not distance <= tolerance:
        raise BrokenPromiseError(
            f"{what} = {shown(wanted)}, to {tolerance:.1e}", f"{shown(got)}, an error of {distance:.1e}", example, code
        )


def require_array(what: str, got: Any, shape: tuple[int, ...], example: str, code: str = "") -> None:
    """Require floats of a shape: a float, or an array of float64."""
    if not isinstance(got, float | np.ndarray | np.generic) or np.asarray(got).dtype != np.float64:
        kind = f"an array of {got.dtype}" if isinstance(got, np.ndarray) else type(got).__name__
        raise BrokenPromiseError(f"{what} as a float or an array of float64", kind, example, code)
    if np.shape(got) != shape:
        raise BrokenPromiseError(f"{what} of the shape {shape}", f"the shape {np.shape(got)}", example, code)


def example_of(scenario: Scenario) -> str:
    """Describe a scenario's function in words."""
    return f"f(x) = {(inspect.getdoc(scenario.f) or '').rstrip('.')} ({scenario.name})"
