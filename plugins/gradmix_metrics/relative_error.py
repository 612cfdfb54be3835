"""The metric ``relative_error_l2``: how far a derivative is off as a whole."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix import Metric


@dataclass
class RelativeErrorL2(Metric):
    """Length of the error of a derivative, relative to the length of the exact one.

    NaN where the exact derivative is not known; where that is 0, the error itself.
    """

    maximise = False

    def measure(self, computed: Any, exact: Any) -> float:
        """Measure, in the Euclidean norm of all entries."""
        if exact is None:
            return math.nan
        truth = np.ravel(np.asarray(exact, dtype=float))
        error = np.ravel(np.asarray(computed, dtype=float)) - truth
        length = _length(truth)
        return _length(error / length) if length else _length(error)


def _length(entries: Any) -> float:
    """Euclidean norm, also of entries whose squares are no longer numbers, or are 0."""
    largest = float(np.max(np.abs(entries), initial=0.0))
    return largest * float(np.linalg.norm(entries / largest)) if 0 < largest < math.inf else largest
