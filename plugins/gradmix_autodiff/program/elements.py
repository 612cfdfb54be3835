"""Calls that work entry by entry, as the text that a compiled loop has for one entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradmix_autodiff.program.node import Node
from gradmix_autodiff.program.simplify import FLOAT, is_number

BOOL = np.dtype(bool)

ARITHMETIC: dict[Any, str] = {
    np.add: "{0} + {1}",
    np.subtract: "{0} - {1}",
    np.multiply: "{0} * {1}",
    np.divide: "{0} / {1}",
    np.negative: "-{0}",
    np.square: "{0} * {0}",
    np.reciprocal: "1.0 / {0}",
    np.sqrt: "sqrt({0})",
    np.absolute: "abs({0})",
    np.maximum: "{0} if {0} >= {1} or {0} != {0} else {1}",
    np.minimum: "{0} if {0} <= {1} or {0} != {0} else {1}",
}
"""Functions of floating-point numbers, one of which may be a truth value → the text."""

COMPARISONS: dict[Any, str] = {
    np.greater: "{0} > {1}",
    np.greater_equal: "{0} >= {1}",
    np.less: "{0} < {1}",
    np.less_equal: "{0} <= {1}",
    np.equal: "{0} == {1}",
    np.not_equal: "{0} != {1}",
}

LOGIC: dict[Any, str] = {
    np.logical_and: "{0} and {1}",
    np.logical_or: "{0} or {1}",
    np.logical_not: "not {0}",
}

_CHOICE = "{1} if {0} else {2}"
_TRUTH_AS_NUMBER = "(1.0 if {{{}}} else 0.0)"


def element(node: Node) -> str | None:
    """Return the text for one entry of a node; None if it is not elementwise, or its types do not suit a loop."""
    function = node.function
    if not node.shape or node.keywords or 0 in node.shape:
        return None
    kinds = [_kind(each) for each in node.arguments]
    if _OTHER in kinds:
        return None
    if function in ARITHMETIC and node.dtype == FLOAT and FLOAT in kinds:
        return ARITHMETIC[function]
    if function in COMPARISONS and node.dtype == BOOL and BOOL not in kinds:
        return COMPARISONS[function]
    if function in LOGIC and node.dtype == BOOL and FLOAT not in kinds:
        return LOGIC[function]
    if function is np.where and node.dtype == FLOAT and len(kinds) == 3 and kinds[0] == BOOL:
        one, other = (_TRUTH_AS_NUMBER.format(i) if kinds[i] == BOOL else f"{{{i}}}" for i in (1, 2))
        return _CHOICE.replace("{1}", one).replace("{2}", other)
    return None


_OTHER = np.dtype(object)


def _kind(argument: Any) -> np.dtype[Any]:
    if is_number(argument):
        return FLOAT
    return argument.dtype if type(argument) is Node and argument.dtype in (FLOAT, BOOL) else _OTHER


def starts(index: Any, ndim: int) -> tuple[int, ...] | None:
    """Return where an index of slices without steps begins along each axis; None for any other index."""
    parts = index if type(index) is tuple else (index,)
    if len(parts) > ndim or any(type(each) is not slice or each.step not in (None, 1) for each in parts):
        return None
    begins = [each.start or 0 for each in parts]
    if any(type(each) is not int or each < 0 for each in begins):
        return None
    return (*begins, *(0,) * (ndim - len(parts)))
