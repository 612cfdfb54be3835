"""Sizes: many variables, and derivatives that are large or small."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from gradmix.contracts.differentiator import Differentiator
from gradmix.testing.differentiators.points import (
    differentiator_with,
    first_tolerance,
    require_close,
    second_tolerance,
)
from gradmix.testing.scenarios import MANY, SIZED, Scenario
from gradmix.testing.subject import Subject

Case = tuple[str, str, dict[str, Any], Callable[[], Any]]


def is_right_for_many_variables(subject: Subject) -> None:
    """First derivatives by 100 variables, Jacobians by 40, and second derivatives by 12 are right in every entry."""
    made = differentiator_with(subject)
    for operator, name, inputs, exact in _cases():
        if operator not in made.lacks:
            _require_right(made, operator, MANY[name], inputs, exact())


def gradient_is_right_whatever_its_size(subject: Subject) -> None:
    """`gradient` of 10⁸ Σ xᵢ² and of 10⁻¹⁵ Σ xᵢ² has the promised accuracy relative to its size."""
    made = differentiator_with(subject, "gradient")
    x = np.array([0.5, -1.0, 1.5])
    for scenario in SIZED.values():
        exact, tolerance = scenario.first(x), first_tolerance(made)
        compute = partial(made.gradient, scenario.f, x)
        require_close("gradient(f, x)", compute, exact, tolerance, scenario, {"x": x}, least=0.0)


def _require_right(made: Differentiator, operator: str, scenario: Scenario, inputs: dict[str, Any], exact: Any) -> None:
    which = "[1]" if operator == "value_and_gradient" else ""
    what = f"{operator}(f, {', '.join(inputs)}){which}"
    tolerance = second_tolerance(made) if operator in ("hvp", "hessian") else first_tolerance(made)

    def compute() -> Any:
        got = getattr(made, operator)(scenario.f, *inputs.values())
        return got[1] if which else got

    require_close(what, compute, exact, tolerance, scenario, inputs)


def _cases() -> Iterator[Case]:
    """Return operator, scenario, arguments after the function, and exact result of each case."""
    x, v, w = _point(100), np.cos(np.arange(100.0)), np.array([1.0, -0.5])
    one, pair = MANY["coupled_100"], MANY["coupled_pair_100"]
    yield "gradient", one.name, {"x": x}, lambda: one.first(x)
    yield "value_and_gradient", one.name, {"x": x}, lambda: one.first(x)
    yield "jvp", one.name, {"x": x, "v": v}, lambda: one.first(x) @ v
    yield "vjp", pair.name, {"x": x, "w": w}, lambda: w @ pair.first(x)
    some = _point(40)
    yield "jacobian", "coupled_pair_40", {"x": some}, lambda: MANY["coupled_pair_40"].first(some)
    yield from _second_cases(MANY["coupled_12"], _point(12), np.cos(np.arange(12.0)))


def _second_cases(scenario: Scenario, x: Any, v: Any) -> Iterator[Case]:
    assert scenario.second is not None
    hessian = scenario.second(x)
    yield "hessian", scenario.name, {"x": x}, lambda: hessian
    yield "hvp", scenario.name, {"x": x, "v": v}, lambda: hessian @ v


def _point(n: int) -> Any:
    return np.linspace(0.5, 1.5, n)
