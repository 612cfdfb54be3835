"""Data sets: the base class that a plugin derives from, and the data that a data set returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.component import Component
from gradmix.contracts.errors import DataError, PluginError
from gradmix.contracts.preparation import Preparation
from gradmix.contracts.returned import unlike
from gradmix.contracts.role import Role
from gradmix.contracts.rows import Matrix, as_rows


@dataclass(frozen=True, eq=False)
class Data:
    """Rows to cluster.

    Parameters
    ----------
    X
        Shape (n, d), finite.
    labels
        The true group of each row, shape (n,); None if the groups are not known.
    feature_names
        Names of the d columns; empty if they have none.
    preparation
        How `Dataset.load` treated the columns; None before that.
    remarks
        A short remark for users on how the data were read; a run shows it beside its metrics.
    """

    X: Matrix
    labels: NDArray[object] | None = None  # type: ignore[type-var]
    feature_names: tuple[str, ...] = ()
    preparation: Preparation | None = None
    remarks: str = ""

    def __repr__(self) -> str:
        shape = " x ".join(map(str, np.shape(self.X)))
        names = f": {', '.join(self.feature_names)}" if self.feature_names else ""
        groups = "" if self.labels is None else "; with labels"
        return f"Data({shape}{names}{groups}{'; ' if self.remarks else ''}{self.remarks})"


@dataclass(kw_only=True)
class Dataset(Component, ABC):
    """Base of all data sets: implement `read`.

    Parameters
    ----------
    standardise
        Scale each column to mean 0 and standard deviation 1.
    drop_constant
        Leave out columns in which all rows are equal.
    """

    kind: ClassVar[str] = "dataset"
    role: ClassVar[Role] = Role.GIVEN
    standardise: bool = False
    drop_constant: bool = False

    @abstractmethod
    def read(self) -> Data:
        """Read or make the raw data; `load` checks and scales them."""

    def source(self) -> str:
        """Return the path or address that the data come from, for readers of a run; empty if they are generated."""
        return ""

    def setup(self) -> None:
        """Load the data; within a run, later calls of `load` return the same data at once."""
        super().setup()
        self.load()

    def load(self) -> Data:
        """Read and check the data, and scale them if `standardise` is set; a run does this once.

        Raises
        ------
        DataError
            If they cannot be read, are not finite numbers, or cannot be scaled.
        """
        loaded = _loaded.get()
        if loaded is None:
            return self._load()
        if id(self) not in loaded:
            loaded[id(self)] = (self, self._load())
        return loaded[id(self)][1]

    def _load(self) -> Data:
        data = self.read()
        _check_read(f"{type(self).__name__}.read", data)
        data = replace(data, X=as_rows(data.X, data.feature_names, "the data"))
        if len(data.X) == 0:
            raise DataError("the data have no rows.")
        _check_described(f"{type(self).__name__}.read", data)
        preparation = Preparation.fitted(data.X, data.feature_names, self.drop_constant, self.standardise)
        return replace(
            data,
            X=preparation.apply(data.X),
            feature_names=tuple(data.feature_names[column] for column in preparation.kept if data.feature_names),
            preparation=preparation,
        )


Loaded = dict[int, tuple[Dataset, Data]]
"""`id` of a data set → the data set and its data. Keeping the data set alive ensures that its `id` is not reused."""

_loaded: ContextVar[Loaded | None] = ContextVar("gradmix_loaded", default=None)


@contextmanager
def loaded_once(loaded: Loaded) -> Iterator[None]:
    """Load each data set once within the context, and keep the data in `loaded`."""
    token = _loaded.set(loaded)
    try:
        yield
    finally:
        _loaded.reset(token)


def _check_read(method: str, data: Any) -> None:
    if not isinstance(data, Data):
        raise unlike(method, "gradmix.Data(X, labels)", data)
    names = data.feature_names
    if not isinstance(names, tuple | list) or not all(isinstance(each, str) for each in names):
        raise unlike(method, "feature_names as a tuple of strings", names, "give", "gave")
    if not isinstance(data.remarks, str):
        raise unlike(method, "remarks as a string", data.remarks, "give", "gave")


def _check_described(method: str, data: Data) -> None:
    """Check that there is one name for each column and one label for each row."""
    n, d = data.X.shape
    if data.feature_names and len(data.feature_names) != d:
        raise PluginError(f"{method} must give a name for each of the {d} columns; it gave {len(data.feature_names)}.")
    if data.labels is None:
        return
    if np.ndim(data.labels) != 1:
        raise unlike(method, f"one label for each row, shape ({n},)", data.labels, "give", "gave")
    masked = np.broadcast_to(np.ma.getmask(data.labels), len(data.labels))
    missing = [row for row, label in enumerate(data.labels) if masked[row] or label is None or label != label]
    if len(data.labels) != len(data.X) or missing:
        where = f"row {missing[0]} (counted from 0) has none" if missing else f"there are {len(data.labels)}"
        raise DataError(f"the data need one label for each of their {len(data.X)} rows; {where}.")
