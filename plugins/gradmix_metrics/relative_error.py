"""The metric ``relative_error_l2``: the overall error of a derivative."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix import Metric


@dataclass
class RelativeErrorL2(Metric):
    """Euclidean norm of the error of a derivative, relative to the norm of the exact derivative.

    NaN if the exact derivative is not known. If the exact derivative is 0, the norm of the error.
    """

    maximise = False

    def measure(self, computed: Any, exact: Any) -> float:
        """Return the relative error in the Euclidean norm of all entries."""
        if exact is None:
            return math.nan
        truth = np.ravel(np.asarray(exact, dtype=float))
        error = np.ravel(np.asarray(computed, dtype=float)) - truth
        length = _length(truth)
        return _length(error / length) if length else _length(error)


def _length(entries: Any) -> float:
    """Return the Euclidean norm, even if the squares of the entries overflow or underflow."""
    largest = float(np.max(np.abs(entries), initial=0.0))
    return largest * float(np.linalg.norm(entries / largest)) if 0 < largest < math.inf else largest
