"""Names for arrays in signatures, and checks of what users hand in, for plugins that compute with NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.differentiator import (
    Traced,
    as_point,
    check_scalar,
    check_shape,
    is_traced,
    stacked,
    unit_vectors,
)
from gradmix.contracts.rows import as_rows, column_name, constant_columns

Array = NDArray[np.float64]
"""An array of float64."""

IntArray = NDArray[np.intp]
"""An array of indices."""

__all__ = [
    "Array",
    "IntArray",
    "Traced",
    "as_point",
    "as_rows",
    "check_scalar",
    "check_shape",
    "column_name",
    "constant_columns",
    "is_traced",
    "stacked",
    "unit_vectors",
]
