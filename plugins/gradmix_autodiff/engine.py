"""The engine: the table of rules filled, and traced values with the operators that follow from it."""

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
    """Whether the table has a function."""
    install()
    return any(function in table for table in (ELEMENTWISE, COMPOSITIONS, CONSTANT))
