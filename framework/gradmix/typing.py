"""Deprecated: the former name of `gradmix.arrays`; use that."""

import warnings

from gradmix.arrays import *  # noqa: F403

warnings.warn("gradmix.typing is now gradmix.arrays; import from there.", DeprecationWarning, stacklevel=2)
