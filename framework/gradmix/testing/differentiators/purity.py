"""Purity: a call has no effect except its result."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Barrier, BrokenBarrierError
from typing import Any

import numpy as np

from gradmix.contracts.differentiator import Differentiator
from gradmix.testing.check import BrokenPromiseError
from gradmix.testing.differentiators.points import differentiator_with
from gradmix.testing.scenarios import log_sum_exp, mixed, product
from gradmix.testing.subject import Subject
from gradmix.testing.values import plain_value, shown

_THREADS = 4
_PATIENCE = 0.5


def leaves_its_arguments_alone(subject: Subject) -> None:
    """Points and directions stay unchanged, even if the function changes its argument in place."""
    made = differentiator_with(subject)
    for operator, arguments in _calls(made).items():
        before = [np.array(argument) for argument in arguments]
        getattr(made, operator)(mixed if operator in ("jvp", "vjp", "jacobian") else log_sum_exp, *arguments)
        _require_same(operator, before, arguments, "")
    if "gradient" not in made.lacks:
        x = np.array([2.0, 1.0])
        _refused_or_done(made, x)
        _require_same("gradient", [np.array([2.0, 1.0])], (x,), " of a function that begins with x[0] = 0")


def calls_are_repeatable(subject: Subject) -> None:
    """A repeated call gives the same result to the last bit, and so does another component with equal options."""
    made = differentiator_with(subject)
    for operator, arguments in _calls(made).items():
        first, again = (_answer(made, operator, arguments) for _ in range(2))
        other = _answer(subject.make(), operator, arguments)
        if not first == again == other:
            raise BrokenPromiseError(shown(first), shown(again if again != first else other), f"{operator}, twice")


def keeps_no_state_between_calls(subject: Subject) -> None:
    """Earlier calls make no difference: with another function, another point, or a function that failed."""
    made = differentiator_with(subject)
    calls = _calls(made)
    fresh = {operator: _answer(subject.make(), operator, arguments) for operator, arguments in calls.items()}
    for operator, arguments in calls.items():
        _disturb(made)
        after = _answer(made, operator, arguments)
        if after != fresh[operator]:
            raise BrokenPromiseError(shown(fresh[operator]), shown(after), f"{operator}, after other calls")


def gives_the_same_from_several_threads(subject: Subject) -> None:
    """Four threads that share it, each in the middle of a call at its own point, get the same results as alone."""
    made = differentiator_with(subject)
    for operator, (x, *directions) in _calls(made).items():
        inputs = [(x + shift, *directions) for shift in range(_THREADS)]
        alone = [_answer(made, operator, each) for each in inputs]
        meeting = Barrier(_THREADS, timeout=_PATIENCE)
        with ThreadPoolExecutor(_THREADS) as pool:
            together = list(pool.map(partial(_answer, made, operator, meeting=meeting), inputs))
        for expected, found in zip(alone, together, strict=True):
            if expected != found:
                raise BrokenPromiseError(shown(expected), shown(found), f"{operator}, called from {_THREADS} threads")


def _calls(made: Differentiator) -> dict[str, tuple[Any, ...]]:
    """Return operator → point and directions, for each operator that the differentiator has."""
    x, v, w = np.array([0.5, 1.0, 0.25]), np.array([1.0, -1.0, 2.0]), np.array([1.0, 3.0])
    calls = {
        "jvp": (x, v),
        "vjp": (x, w),
        "jacobian": (x,),
        "gradient": (x,),
        "value_and_gradient": (x,),
        "hvp": (x, v),
        "hessian": (x,),
    }
    return {operator: arguments for operator, arguments in calls.items() if operator not in made.lacks}


def _answer(made: Differentiator, operator: str, inputs: Any, meeting: Barrier | None = None) -> Any:
    f = mixed if operator in ("jvp", "vjp", "jacobian") else log_sum_exp

    def function(x: Any) -> Any:
        if meeting is not None:
            with suppress(BrokenBarrierError):  # a differentiator may also let in one thread at a time
                meeting.wait()
        return f(x)

    return plain_value(getattr(made, operator)(function, *inputs))


def _require_same(operator: str, before: list[Any], after: tuple[Any, ...], what: str) -> None:
    for was, now in zip(before, after, strict=True):
        if not np.array_equal(was, now):
            raise BrokenPromiseError(f"{shown(was)} as before", shown(now), f"an argument of {operator}{what}")


def _refused_or_done(made: Differentiator, x: Any) -> None:
    """Differentiate a function that changes its argument; the differentiator may refuse it."""

    def overwrites(y: Any) -> Any:
        y[0] = 0.0
        return y[0] * y[1]

    try:
        made.gradient(overwrites, x)
    except Exception:
        return


def _disturb(made: Differentiator) -> None:
    def fails(y: Any) -> Any:
        _ = np.sin(y) * 2.0
        raise ZeroDivisionError

    for operator, arguments in {"jvp": (np.array([3.0, 4.0]), np.ones(2)), "gradient": (np.array([3.0, 4.0]),)}.items():
        if operator in made.lacks:
            continue
        getattr(made, operator)(product, *arguments)
        try:
            getattr(made, operator)(fails, *arguments)
        except Exception:
            continue
