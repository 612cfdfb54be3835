"""Compositions: NumPy's functions in terms of others that have rules, so that they need no rule themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradmix_autodiff.rules import calculus, choices, creation, products, shapes, statistics
from gradmix_autodiff.rules.creation import made
from gradmix_autodiff.rules.moving import astype, getitem, setitem
from gradmix_autodiff.rules.structure import MATMUL, gather
from gradmix_autodiff.table import COMPOSITIONS, CONSTANT, PRIMITIVES


def install() -> None:
    """Enter the compositions into the table."""
    COMPOSITIONS.update({"getitem": getitem, "setitem": setitem, "astype": astype, "made": made, "gather": gather})
    for subject in (statistics, shapes, choices, products, calculus, creation):
        COMPOSITIONS.update(subject.TABLE)
    PRIMITIVES[np.matmul] = MATMUL
    CONSTANT.update(_CONSTANT)


_CONSTANT: frozenset[Any] = frozenset(
    {np.shape, np.ndim, np.size, np.argmax, np.argmin, np.argsort, np.argpartition, np.all, np.any, np.isclose}
    | {np.allclose, np.array_equal, np.array_equiv, np.nonzero, np.flatnonzero, np.count_nonzero, np.searchsorted}
    | {np.isscalar, np.iscomplexobj, np.isrealobj, np.iscomplex, np.isreal, np.result_type, np.array_repr}
    | {np.array_str, np.array2string, np.round, np.around, np.nanargmax, np.nanargmin, np.argwhere, np.lexsort}
    | {np.digitize, np.isposinf, np.isneginf, np.may_share_memory, np.shares_memory}
    | {np.unravel_index, np.ravel_multi_index, np.can_cast, np.min_scalar_type, np.common_type, np.isin}
)
"""Functions whose result does not change with small changes of the arguments."""
