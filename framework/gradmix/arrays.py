"""Array types for signatures, and checks of users' input, for plugins that compute with NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.compiling import can_compile
from gradmix.contracts.own_rules import FunctionWithRule
from gradmix.contracts.points import Traced, as_point, is_traced
from gradmix.contracts.prepared import Prepared
from gradmix.contracts.rows import as_numbers, as_rows, column_name, constant_columns, extremes
from gradmix.registry.rules import rule_of, unusable_rules

Array = NDArray[np.float64]
"""An array of float64."""

IntArray = NDArray[np.intp]
"""An array of indices."""

__all__ = [
    "Array",
    "FunctionWithRule",
    "IntArray",
    "Prepared",
    "Traced",
    "as_numbers",
    "as_point",
    "as_rows",
    "can_compile",
    "column_name",
    "constant_columns",
    "extremes",
    "is_traced",
    "rule_of",
    "unusable_rules",
]

_GONE = ("check_scalar", "check_shape", "stacked", "unit_vectors")


def __getattr__(name: str) -> None:
    if name in _GONE:
        raise ImportError(
            f"gradmix.arrays no longer has {name}: the base class of differentiators checks shapes and makes the "
            "basis. A differentiator implements push(self, f, x, v) or pull(self, f, x); docs/upgrading.md shows how."
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
