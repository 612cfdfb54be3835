"""Names for arrays in signatures, and checks of rows, for plugins that compute with NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.rows import as_rows, column_name, constant_columns

Array = NDArray[np.float64]
"""An array of float64."""

IntArray = NDArray[np.intp]
"""An array of indices."""

__all__ = ["Array", "IntArray", "as_rows", "column_name", "constant_columns"]
