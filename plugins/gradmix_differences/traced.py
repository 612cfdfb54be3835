"""Differences of values that another differentiator traces: a search cannot look at these, so the step is fixed."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradmix import VectorFunction
from gradmix_differences.complex_step import TINY, complex_derivative
from gradmix_differences.differences import Plan
from gradmix_differences.quotients import EPS


def along_traced(f: VectorFunction, x: Any, v: Any, plan: Plan) -> Any:
    """Return the derivative along one direction by the plan's simplest stencil, in operations that can be traced.

    The step, which balances truncation against rounding, is relative to 1 unless it is given.
    """
    if plan.is_complex:
        return complex_derivative(f, x, v, plan.step or TINY)
    stencil = plan.stencil(1)
    h = plan.step or 2.0 ** np.round(np.log2(EPS) / (1 + stencil.order))
    terms = [weight * f(x + offset * h * v) for offset, weight in zip(stencil.offsets, stencil.weights, strict=True)]
    return sum(terms[1:], terms[0]) / h
