"""Answers: each operator against exact derivatives, in every scenario and for every installed problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from gradmix.contracts.differentiator import Differentiator
from gradmix.contracts.errors import DifferentiationError, GradmixError
from gradmix.contracts.problem import Problem
from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.differentiators.points import (
    differentiator_with,
    directions,
    first_tolerance,
    points_of,
    require_close,
    scenarios_for,
    second_tolerance,
)
from gradmix.testing.law import for_all
from gradmix.testing.scenarios import Scenario
from gradmix.testing.subject import Subject
from gradmix.testing.subject import subject as subject_named
from gradmix.testing.values import shown

_EXAMPLES = 5


def jvp_is_right(subject: Subject) -> None:
    """`jvp` returns J(x)·v, of the shape of f(x), within the promised accuracy."""
    made = differentiator_with(subject, "jvp")

    def compare(scenario: Scenario, x: Any, v: Any) -> None:
        exact = np.tensordot(scenario.first(x), v, axes=len(scenario.shape))
        inputs = {"x": x, "v": v}
        require_close(
            "jvp(f, x, v)", lambda: made.jvp(scenario.f, x, v), exact, first_tolerance(made), scenario, inputs
        )

    for scenario in scenarios_for(made):
        _for_points_and(scenario, scenario.shape, compare)


def vjp_is_right(subject: Subject) -> None:
    """`vjp` returns w·J(x), of the shape of x, within the promised accuracy."""
    made = differentiator_with(subject, "vjp")

    def compare(scenario: Scenario, x: Any, w: Any) -> None:
        exact = np.tensordot(w, scenario.first(x), axes=len(scenario.result_shape))
        inputs = {"x": x, "w": w}
        require_close(
            "vjp(f, x, w)", lambda: made.vjp(scenario.f, x, w), exact, first_tolerance(made), scenario, inputs
        )

    for scenario in scenarios_for(made):
        _for_points_and(scenario, scenario.result_shape, compare)


def derivative_is_right(subject: Subject) -> None:
    """`derivative` returns f′(x) of a function of one variable, of the shape of f(x), within the promised accuracy.

    The points include negative ones and zero, if the function is smooth there.
    """
    made = differentiator_with(subject, "derivative")
    _compare("derivative(f, x)", made.derivative, made, lambda scenario: scenario.shape == ())


def gradient_is_right(subject: Subject) -> None:
    """`gradient` returns ∇f(x) of a function with one value, of the shape of x, within the promised accuracy."""
    made = differentiator_with(subject, "gradient")
    _compare("gradient(f, x)", made.gradient, made, _is_scalar_valued)


def value_and_gradient_is_right(subject: Subject) -> None:
    """`value_and_gradient` returns ∇f(x) within the promised accuracy, and f(x) to about the last digit."""
    made = differentiator_with(subject, "value_and_gradient")
    _compare("value_and_gradient(f, x)[1]", lambda f, x: made.value_and_gradient(f, x)[1], made, _is_scalar_valued)

    def compare(scenario: Scenario, x: Any) -> None:
        def value() -> float:
            return float(made.value_and_gradient(scenario.f, x)[0])

        require_close("value_and_gradient(f, x)[0]", value, scenario.f(x), 1e-14, scenario, {"x": x})

    for scenario in filter(_is_scalar_valued, scenarios_for(made)):
        _for_points(scenario, compare)


def jacobian_is_right(subject: Subject) -> None:
    """`jacobian` returns J(x), of the shape f(x).shape + x.shape, within the promised accuracy."""
    made = differentiator_with(subject, "jacobian")
    _compare("jacobian(f, x)", made.jacobian, made, lambda scenario: True)


def hvp_is_right(subject: Subject) -> None:
    """`hvp` returns H(x)·v, of the shape of x, within the square root of the promised accuracy."""
    made = differentiator_with(subject, "hvp")

    def compare(scenario: Scenario, x: Any, v: Any) -> None:
        assert scenario.second is not None
        exact = np.tensordot(scenario.second(x), v, axes=len(scenario.shape))
        inputs = {"x": x, "v": v}
        require_close(
            "hvp(f, x, v)", lambda: made.hvp(scenario.f, x, v), exact, second_tolerance(made), scenario, inputs
        )

    for scenario in filter(_is_scalar_valued, scenarios_for(made)):
        _for_points_and(scenario, scenario.shape, compare)


def hessian_is_right(subject: Subject) -> None:
    """`hessian` returns H(x), of the shape x.shape + x.shape, within the square root of the promised accuracy."""
    made = differentiator_with(subject, "hessian")

    def compare(scenario: Scenario, x: Any) -> None:
        assert scenario.second is not None
        exact, tolerance = scenario.second(x), second_tolerance(made)
        require_close("hessian(f, x)", lambda: made.hessian(scenario.f, x), exact, tolerance, scenario, {"x": x})

    for scenario in filter(_is_scalar_valued, scenarios_for(made)):
        _for_points(scenario, compare)


def solves_installed_problems(subject: Subject) -> None:
    """Every installed problem is solved within the promised accuracy, or refused by a `DifferentiationError`."""
    made = differentiator_with(subject)
    refusals = {}
    problems = dict(_problems(subject))
    for name, problem in problems.items():
        try:
            made.check_operator(problem.operator)
            got = getattr(made, problem.operator)(problem.function, problem.point())
        except DifferentiationError as refusal:
            refusals[name] = str(refusal)
            continue
        exact, tolerance = problem.exact(), first_tolerance(made)
        error = _relative_error(got, exact)
        if not error <= tolerance:
            raise BrokenPromiseError(
                f"{shown(exact)}, to {tolerance:.1e}",
                f"{shown(got)}, an error of {error:.1e}",
                f"problem {name}",
                f'problem = subject("{name}", "problem").make()\n'
                f"component.{problem.operator}(problem.function, problem.point()), problem.exact()",
            )
    if len(refusals) == len(problems):
        raise NotApplicableError("; ".join(refusals.values()) or "no problem with an exact answer is installed")


def _relative_error(got: Any, exact: Any) -> float:
    truth = np.asarray(exact, dtype=float)
    if np.shape(got) != truth.shape:
        return float("inf")
    return float(np.max(np.abs(np.asarray(got) - truth), initial=0.0) / np.max(np.abs(truth), initial=1.0))


def _problems(subject: Subject) -> list[tuple[str, Problem]]:
    """Return the installed problems that have an exact answer and work; the checks of problems test the others.

    Problems whose exact answer is not the derivative of their program declare it in `deviates`, and are left out.
    """
    found = []
    for name in subject.known.names("problem"):
        try:
            problem: Problem = subject_named(name, "problem").make()
            problem.function(problem.point())
            if problem.exact() is not None and "exact_is_right" not in problem.deviates:
                found.append((name, problem))
        except (GradmixError, ArithmeticError, ImportError, TypeError, ValueError):
            continue
    return found


def _is_scalar_valued(scenario: Scenario) -> bool:
    return scenario.second is not None


def _compare(what: str, operator: Callable[..., Any], made: Differentiator, fits: Callable[[Scenario], bool]) -> None:
    """Compare an operator that returns the whole first derivative."""

    def compare(scenario: Scenario, x: Any) -> None:
        exact = scenario.first(x)
        require_close(what, lambda: operator(scenario.f, x), exact, first_tolerance(made), scenario, {"x": x})

    for scenario in filter(fits, scenarios_for(made)):
        _for_points(scenario, compare)


def _for_points(scenario: Scenario, compare: Callable[[Scenario, Any], None]) -> None:
    for_all(points_of(scenario), lambda x: compare(scenario, x), _EXAMPLES)


def _for_points_and(scenario: Scenario, shape: tuple[int, ...], compare: Callable[[Scenario, Any, Any], None]) -> None:
    pairs = st.tuples(points_of(scenario), directions(shape))
    for_all(pairs, lambda pair: compare(scenario, *pair), _EXAMPLES)
