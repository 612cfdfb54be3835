"""Cost: evaluations of the function and operations, counted, as problems grow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradmix.contracts.counted import Counted
from gradmix.contracts.differentiator import Differentiator
from gradmix.testing.check import BrokenPromiseError
from gradmix.testing.counting import python_calls
from gradmix.testing.differentiators.points import differentiator_with
from gradmix.testing.scenarios import squares
from gradmix.testing.subject import Subject

_SMALL, _LARGE = 8, 32
_SLACK = 1.5
_LONG = 1500


def evaluations_are_repeatable(subject: Subject) -> None:
    """The same call takes the same number of evaluations each time."""
    made = differentiator_with(subject, "gradient")
    counts = [_evaluations(made, "gradient", _SMALL) for _ in range(3)]
    if len(set(counts)) > 1:
        raise BrokenPromiseError(
            f"{counts[0]} evaluations each time", str(counts), f"the gradient by {_SMALL} variables"
        )


def gradient_evaluations_grow_at_most_linearly(subject: Subject) -> None:
    """A gradient by four times as many variables takes at most about four times as many evaluations."""
    _require_growth(differentiator_with(subject, "gradient"), "gradient", _LARGE // _SMALL)


def jvp_evaluations_do_not_depend_on_size(subject: Subject) -> None:
    """A directional derivative of one value takes the same number of evaluations for any number of variables."""
    _require_growth(differentiator_with(subject, "jvp"), "jvp", 1)


def works_in_proportion_to_the_program(subject: Subject) -> None:
    """The derivative of a program four times as long takes about four times as many operations."""
    made = differentiator_with(subject, "derivative")
    short, long = (python_calls(_derivative(made, steps)) for steps in (100, 400))
    if long > 4 * _SLACK * short:
        code = "def f(x):\n    y = x\n    for _ in range(400):\n        y = 0.5 * np.sin(y) + x\n    return y\n"
        raise BrokenPromiseError(
            f"at most {4 * _SLACK * short:.0f} calls, {4 * _SLACK:g} times those for 100 steps",
            str(long),
            "y ← 0.5 sin y + x, 400 steps",
            f"import numpy as np\n{code}component.derivative(f, 1.0)",
        )


def follows_long_programs(subject: Subject) -> None:
    """A program of 1500 steps can be differentiated without reaching the recursion limit."""
    made = differentiator_with(subject, "derivative")
    try:
        _derivative(made, _LONG)()
    except RecursionError as error:
        raise BrokenPromiseError("a derivative", "RecursionError", f"y ← 0.5 sin y + x, {_LONG} steps") from error


def _derivative(made: Differentiator, steps: int) -> Callable[[], object]:
    def program(x: Any) -> Any:
        y = x
        for _ in range(steps):
            y = 0.5 * np.sin(y) + x
        return y

    return lambda: made.derivative(program, 1.0)


def _evaluations(made: Differentiator, operator: str, n: int) -> int:
    f, x = Counted(squares), np.linspace(0.5, 1.5, n)
    getattr(made, operator)(f, x, *((np.ones(n),) if operator == "jvp" else ()))
    return f.calls


def _require_growth(made: Differentiator, operator: str, factor: float) -> None:
    small, large = (_evaluations(made, operator, n) for n in (_SMALL, _LARGE))
    most = factor * small * _SLACK + 2
    if large > most:
        raise BrokenPromiseError(
            f"at most {most:.0f} evaluations, from {small} for {_SMALL} variables",
            str(large),
            f"{operator} of Σ xᵢ² by {_LARGE} variables",
            f"import numpy as np\nfrom gradmix import Counted\n"
            f"from gradmix.testing.scenarios import squares\nf, x = Counted(squares), np.linspace(0.5, 1.5, {_LARGE})\n"
            f"component.{operator}(f, x{', np.ones(' + str(_LARGE) + ')' if operator == 'jvp' else ''}); f.calls",
        )
