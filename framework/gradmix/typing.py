"""Deprecated: the former name of `gradmix.arrays`; import from `gradmix.arrays` instead."""

import warnings

from gradmix.arrays import *  # noqa: F403

warnings.warn("gradmix.typing is now gradmix.arrays; import from there.", DeprecationWarning, stacklevel=2)
