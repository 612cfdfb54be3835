"""A function evaluated with tangents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradmix_autodiff.dual_number import seed
from gradmix_autodiff.evaluation import evaluate, is_finite


def push_many(f: Callable[[Any], Any], point: Any, tangents: Any) -> tuple[Any, Any]:
    """Return the value of f at a point and the tangents pushed through f.

    If one of these is not finite, f is evaluated again carefully: absent tangents are distinguished from zeros.
    """
    with np.errstate(all="ignore"):
        value, pushed = _pushed(f, point, tangents, is_careful=False)
        return (value, pushed) if is_finite(pushed) else _pushed(f, point, tangents, is_careful=True)


def _pushed(f: Callable[[Any], Any], point: Any, tangents: Any, is_careful: bool) -> tuple[Any, Any]:
    number = seed(point, tangents, is_careful)
    evaluation = number.evaluation
    try:
        y = evaluate(f, number)
    finally:
        evaluation.is_open = False
    if getattr(y, "level", 0) == evaluation.level:
        return y.value, y.tangents
    return y, np.zeros((len(tangents), *np.shape(y)))
