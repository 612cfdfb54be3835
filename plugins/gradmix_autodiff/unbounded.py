"""A hint where one operation makes a derivative infinite or NaN, most often the square root at 0."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from gradmix_autodiff.table import Elementwise
from gradmix_autodiff.traced import plain_value


def watch_infinite(rule: Elementwise, change: Any, present: Any) -> None:
    """Warn if a derivative becomes infinite or NaN in an operation that has a better alternative."""
    if rule.hint and not np.all(np.isfinite(plain_value(change)) | ~np.asarray(present)):
        warn_infinite(rule)


def warn_infinite(rule: Elementwise) -> None:
    """Warn that the derivative of an operation is infinite, with what to use instead."""
    warnings.warn(f"the derivative of {rule.function.__name__} is infinite at 0. {rule.hint}", stacklevel=2)
