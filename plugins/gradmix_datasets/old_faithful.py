"""The data set ``old_faithful``: eruptions of a geyser."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from gradmix import Data, Dataset


@dataclass(kw_only=True)
class OldFaithful(Dataset):
    """Eruptions of the Old Faithful geyser: 272 rows of duration and waiting time, both in minutes.

    Notes
    -----
    Source: Azzalini & Bowman, "A look at some data on the Old Faithful geyser", Applied Statistics 39 (1990) 357-365;
    the values are those of R's data set ``faithful``.

    Examples
    --------
    >>> OldFaithful().load().X.shape
    (272, 2)
    """

    def read(self) -> Data:
        """Read the rows from the file in this package."""
        text = files("gradmix_datasets").joinpath("old_faithful.csv").read_text(encoding="utf-8")
        header, *rows = text.split()
        return Data(np.array([row.split(",") for row in rows], dtype=float), feature_names=tuple(header.split(",")))
