"""How each derivative is computed for recording, and how long its program would be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from gradmix import Differentiator
from gradmix_autodiff.dual import DualNumbers
from gradmix_autodiff.program.symbol import SymbolArray

MOST_SWEEPS = 64
"""Largest number of sweeps for a recorded matrix of derivatives; its program contains each sweep."""

Compute = Callable[[Differentiator, Any, tuple[Any, ...]], Any]


def _matrix(plain: Differentiator, f: Any, x: Any) -> Any:
    """Return a Jacobian. A program pushes many tangents by one operation; rows are pulled one after the other."""
    if isinstance(x, SymbolArray) and plain.pulls and len(x) <= MOST_COLUMNS_A_ROW * f.result.size:
        return DualNumbers().matrix(f, x)
    return plain.matrix(f, x)


def _second(plain: Differentiator, f: Any, x: Any) -> Any:
    """Return a Hessian; a program pushes tangents of the gradient."""
    if isinstance(x, SymbolArray) and plain.pulls:
        return DualNumbers().matrix(lambda y: plain.first(f, y)[1], x)
    return plain.second(f, x)


MOST_COLUMNS_A_ROW = 8
"""Largest number of columns per row at which tangents are pushed."""

COMPUTE: Mapping[str, Compute] = {
    "first": lambda plain, f, points: plain.first(f, *points),
    "matrix": lambda plain, f, points: _matrix(plain, f, *points),
    "second": lambda plain, f, points: _second(plain, f, *points),
    "product": lambda plain, f, points: plain.product(f, *points),
    "push": lambda plain, f, points: plain.push(f, *points),
    "push_many": lambda plain, f, points: plain.push_many(f, *points),
    "pull": lambda plain, f, points: plain.pull(f, points[0])[1](points[1]),
}
"""Hook → how the plain differentiator computes it."""


def sweeps(plain: Differentiator, hook: str, m: int, n: int) -> float:
    """Return the number of forward or backward sweeps of a hook, for a function of n variables with m values."""
    forward = math.ceil(n / plain.chunk) if plain.pushes else math.inf
    gradient = 1 if plain.pulls else forward
    along = 1 if plain.pushes else m  # one tangent; without a push, every unit vector is pulled
    counts = {
        "push": along,
        "push_many": along,
        "pull": gradient,
        "first": gradient,
        "product": gradient,
        "matrix": min(forward, m if plain.pulls else math.inf),
        "second": gradient * min(forward, n if plain.pulls else math.inf),
    }
    return counts[hook]


def is_long(plain: Differentiator, hook: str, m: int, n: int) -> bool:
    """Return whether a derivative takes too many sweeps, or has too many entries, for one program."""
    entries = {"matrix": m * n, "second": n * n}.get(hook, 0)
    return sweeps(plain, hook, m, n) > MOST_SWEEPS or entries > MOST_SWEEPS**3
