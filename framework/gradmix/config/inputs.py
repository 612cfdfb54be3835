"""Description and digest of the data that a run works on."""

from __future__ import annotations

import hashlib
from pathlib import PurePath

import numpy as np

from gradmix.contracts.dataset import Data, Dataset
from gradmix.contracts.returned import unlike
from gradmix.contracts.task import Input
from gradmix.registry.registry import registry

_DIGEST_BYTES = 8


def input_of(dataset: Dataset, data: Data) -> Input:
    """Describe the data that a data set has loaded.

    Parameters
    ----------
    dataset
        The data set.
    data
        The loaded data; all of them are read once, for the digest.
    """
    source = dataset.source()
    if not isinstance(source, str):
        raise unlike(f"{type(dataset).__name__}.source", "a string", source)
    n_rows, n_columns = data.X.shape
    names = data.feature_names or tuple(map(str, range(n_columns)))
    entry = registry().entry_of(dataset)
    digest = hashlib.blake2b(repr((data.X.shape, data.feature_names)).encode(), digest_size=_DIGEST_BYTES)
    digest.update(np.ascontiguousarray(data.X).data)
    return Input(
        name=PurePath(source).name or (entry.name if entry else type(dataset).__name__),
        digest=digest.hexdigest(),
        rows=n_rows,
        columns=tuple((name, data.X.dtype.name) for name in names),
        source=source,
    )
