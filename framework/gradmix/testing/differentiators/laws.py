"""Laws: relations between operators that hold for every function."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from gradmix.contracts.errors import DifferentiationError
from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.differentiators.points import (
    differentiator_with,
    directions,
    example_of,
    first_tolerance,
    points,
    require_close,
    second_tolerance,
)
from gradmix.testing.law import for_all
from gradmix.testing.scenarios import SCENARIOS, Scenario, mixed, wave
from gradmix.testing.subject import Subject
from gradmix.testing.values import shown, written

_EXAMPLES = 10


def jvp_and_vjp_are_dual(subject: Subject) -> None:
    """⟨w, J·v⟩ = ⟨w·J, v⟩ for all directions: `jvp` and `vjp` use the same J."""
    made = differentiator_with(subject, "jvp", "vjp")
    scenario = SCENARIOS["mixed"]

    def law(inputs: tuple[Any, Any, Any]) -> None:
        x, v, w = inputs
        pushed, pulled = np.vdot(w, made.jvp(mixed, x, v)), np.vdot(made.vjp(mixed, x, w), v)
        if not abs(pushed - pulled) <= first_tolerance(made) * _size(scenario, x) * 24:
            code = f"{_inputs(scenario, x=x, v=v, w=w)}\nw @ component.jvp(f, x, v), component.vjp(f, x, w) @ v"
            example = f"{example_of(scenario)}, x = {shown(x)}, v = {shown(v)}, w = {shown(w)}"
            raise BrokenPromiseError(f"⟨w, J·v⟩ = ⟨w·J, v⟩ = {pushed}", f"⟨w·J, v⟩ = {pulled}", example, code)

    for_all(st.tuples(points((3,)), directions((3,)), directions((2,))), law, _EXAMPLES)


def jvp_is_linear(subject: Subject) -> None:
    """J·(2u − v/2) = 2 J·u − J·v/2, and J·0 = 0."""
    made = differentiator_with(subject, "jvp")
    scenario = SCENARIOS["mixed"]

    def law(inputs: tuple[Any, Any, Any]) -> None:
        x, u, v = inputs

        def whole() -> Any:
            return made.jvp(mixed, x, 2 * u - v / 2)

        parts = 2 * made.jvp(mixed, x, u) - made.jvp(mixed, x, v) / 2
        tolerance = first_tolerance(made) * _size(scenario, x) * 24
        require_close("jvp(f, x, 2 * u - v / 2)", whole, parts, tolerance, scenario, {"x": x, "u": u, "v": v})

    for_all(st.tuples(points((3,)), directions((3,)), directions((3,))), law, _EXAMPLES)


def vjp_is_linear(subject: Subject) -> None:
    """(2u − w/2)·J = 2 u·J − w·J/2, and 0·J = 0."""
    made = differentiator_with(subject, "vjp")
    scenario = SCENARIOS["mixed"]

    def law(inputs: tuple[Any, Any, Any]) -> None:
        x, u, w = inputs

        def whole() -> Any:
            return made.vjp(mixed, x, 2 * u - w / 2)

        parts = 2 * made.vjp(mixed, x, u) - made.vjp(mixed, x, w) / 2
        tolerance = first_tolerance(made) * _size(scenario, x) * 24
        require_close("vjp(f, x, 2 * u - w / 2)", whole, parts, tolerance, scenario, {"x": x, "u": u, "w": w})

    for_all(st.tuples(points((3,)), directions((2,)), directions((2,))), law, _EXAMPLES)


def hessian_is_symmetric(subject: Subject) -> None:
    """H = Hᵀ, within the square root of the promised accuracy."""
    made = differentiator_with(subject, "hessian")
    scenario = SCENARIOS["product"]

    def law(x: Any) -> None:
        hessian = made.hessian(scenario.f, x)
        require_close(
            "hessian(f, x).T", lambda: np.transpose(hessian), hessian, second_tolerance(made), scenario, {"x": x}
        )

    for_all(points((2,)), law, _EXAMPLES)


def hvp_agrees_with_hessian(subject: Subject) -> None:
    """`hvp` returns the product of `hessian` with v."""
    made = differentiator_with(subject, "hvp", "hessian")
    scenario = SCENARIOS["log_sum_exp"]

    def law(pair: tuple[Any, Any]) -> None:
        x, v = pair
        product = made.hessian(scenario.f, x) @ v
        tolerance, inputs = 4 * second_tolerance(made), {"x": x, "v": v}
        require_close("hvp(f, x, v)", lambda: made.hvp(scenario.f, x, v), product, tolerance, scenario, inputs)

    for_all(st.tuples(points((3,)), directions((3,))), law, _EXAMPLES)


def obeys_the_chain_rule(subject: Subject) -> None:
    """The derivative of g(f(x)) is that of g at f(x) times that of f."""
    made = differentiator_with(subject, "derivative")

    def law(x: float) -> None:
        y = wave(x)
        whole = made.derivative(lambda z: np.sin(wave(z)), x)
        parts = made.derivative(np.sin, y) * made.derivative(wave, x)
        if not abs(whole - parts) <= 100 * first_tolerance(made) * max(1.0, abs(parts)):
            code = "import numpy as np\n" + f"component.derivative(lambda x: np.sin(x**3 + np.sin(x)), {x})"
            raise BrokenPromiseError(str(parts), str(whole), f"sin(x³ + sin x) at x = {x}", code)

    for_all(points(()), law, _EXAMPLES)


def keeps_nested_derivatives_apart(subject: Subject) -> None:
    """The derivative of x · (d/dy (x + y)) by x is 1: the inner derivative does not confuse the outer x with its y.

    Source: Siskind & Pearlmutter, "Perturbation confusion and referential transparency", IFL 2005.
    """
    made = differentiator_with(subject, "derivative")
    try:
        got = made.derivative(lambda x: x * made.derivative(lambda y: x + y, 1.0), 1.0)
    except DifferentiationError as refusal:
        raise NotApplicableError(f"it refuses to differentiate its own derivatives: {refusal}") from None
    if not abs(got - 1.0) <= second_tolerance(made):
        code = "component.derivative(lambda x: x * component.derivative(lambda y: x + y, 1.0), 1.0)"
        raise BrokenPromiseError("1.0", shown(got), "x · d/dy (x + y), both at 1", code)


def _size(scenario: Scenario, x: Any) -> float:
    return float(max(1.0, np.max(np.abs(scenario.first(x)))))


def _inputs(scenario: Scenario, **inputs: Any) -> str:
    lines = [f"{name} = {written(value)}" for name, value in inputs.items()]
    return "\n".join(["import numpy as np", scenario.code, *lines])
