"""The engine fills the table of rules and defines the operators of traced values from it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from gradmix_autodiff import dual_number, taped_operators, traced
from gradmix_autodiff.rules import compositions, elementwise, fft, linalg, special
from gradmix_autodiff.table import COMPOSITIONS, CONSTANT, ELEMENTWISE


@cache
def install() -> None:
    """Enter all rules into the table, and give traced values their operators."""
    for rules in (elementwise, special, compositions, linalg, fft):
        rules.install()
    traced.complete()
    taped_operators.complete()
    dual_number.complete()


def has_rule(function: Callable[..., Any]) -> bool:
    """Return whether the table has a rule for a function."""
    install()
    return any(function in table for table in (ELEMENTWISE, COMPOSITIONS, CONSTANT))
