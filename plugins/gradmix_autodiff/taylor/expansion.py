"""A function evaluated with series."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradmix.arrays import is_traced
from gradmix_autodiff.evaluation import evaluate, is_finite
from gradmix_autodiff.taylor.coefficients import stacked
from gradmix_autodiff.taylor.series import Expansion


def expand(f: Callable[[Any], Any], x: Any, v: Any, order: int) -> Any:
    """Return the coefficients of f(x + v t), shape (order + 1, m).

    If one of these is not finite, f is evaluated again with masks of the entries that depend on t.
    """
    with np.errstate(all="ignore"):
        if not order:
            return f(x)[None]
        found = _expanded(f, x, v, order, is_careful=False)
        return found if is_finite(found) else _expanded(f, x, v, order, is_careful=True)


def _expanded(f: Callable[[Any], Any], x: Any, v: Any, order: int, is_careful: bool) -> Any:
    evaluation = Expansion(order, is_careful)
    rows = [x, v, *np.zeros((order - 1, len(v)))]
    stack: Any = np.stack(rows)
    coefficients: Any = stack if isinstance(stack, np.ndarray) else [*stack]
    present = np.not_equal(coefficients[1], 0) if is_careful and not is_traced(v) else None
    if is_careful and present is None:
        present = np.ones(len(v), dtype=bool)
    try:
        y = evaluate(f, evaluation.series(coefficients, present))
    finally:
        evaluation.is_open = False
    return stacked(evaluation.coefficients_of(y))
