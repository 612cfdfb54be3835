"""The engine: the table of rules filled, and traced values with the operators that follow from it."""

from __future__ import annotations

from functools import cache

from gradmix_autodiff import dual_number, taped, traced
from gradmix_autodiff.rules import compositions, elementwise, fft, linalg, special


@cache
def install() -> None:
    """Enter all rules into the table, and give traced values their operators."""
    for rules in (elementwise, special, compositions, linalg, fft):
        rules.install()
    traced.complete()
    taped.complete()
    dual_number.complete()
