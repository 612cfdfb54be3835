"""Errors that say what to write instead."""

from __future__ import annotations

import linecache
import re
from typing import Any

from gradmix import DifferentiationError


def unsupported(name: str, detail: str = "") -> DifferentiationError:
    """The error for a function that has no rule, with what can be done."""
    return DifferentiationError(
        f"{name}{detail} has no derivative rule here. Write it in terms of other NumPy functions, "
        "or use differentiator=finite_difference."
    )


def full_name(function: Any) -> str:
    """What people call a function of NumPy's: ``np.linalg.norm``."""
    module = str(getattr(function, "__module__", None) or "numpy")
    return f"{module.replace('numpy', 'np', 1).replace('np._core', 'np')}.{function.__name__}"


def in_place(what: str, instead: str) -> DifferentiationError:
    """The error for an update in place that cannot be followed, with what to write instead."""
    return DifferentiationError(
        f"{what} would be seen through other names or views of the same array in NumPy, which cannot be followed "
        f"here: write {instead}."
    )


_NUMPY_NAMES = {
    "pow": "np.power",
    "fabs": "np.abs",
    "lgamma": "scipy.special.gammaln",
    "erf": "scipy.special.erf",
    "erfc": "scipy.special.erfc",
} | {f"a{name}": f"np.arc{name}" for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")}


def needs_a_number(frame: Any) -> DifferentiationError:
    """The error for a place that asks a traced value for a plain number."""
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    where = f"{frame.f_code.co_filename}, line {frame.f_lineno}" + (f": {line}" if line else "")
    calls = re.findall(r"\bmath\.(\w+)", line)
    if calls:
        advice = "; ".join(f"use {_NUMPY_NAMES.get(call, f'np.{call}')} instead of math.{call}" for call in calls)
    else:
        advice = (
            "float(), int(), the math module and assignment into a plain array need a number; use NumPy's functions, "
            "and np.stack([…]) to make arrays"
        )
    return DifferentiationError(f"a traced value is no plain number ({where}): {advice}.")
