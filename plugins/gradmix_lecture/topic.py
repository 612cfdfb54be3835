"""The base of the lecture's topics: a table of numbers, and pictures that are drawn from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from gradmix import Component, Meaning, Role

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gradmix.arrays import Array


@dataclass(frozen=True)
class Table:
    """Numbers by row and name, as a run's journal contains them for its iterations.

    Parameters
    ----------
    rows
        Each row's numbers by name; rows of several kinds have different names.

    Examples
    --------
    >>> table = Table([{"h": 0.1, "error.forward": 0.3}, {"h": 0.01, "error.forward": 0.03}, {"root": 2.0}])
    >>> table["h"], table.names("error.")
    (array([0.1 , 0.01]), ['forward'])
    """

    rows: Sequence[Mapping[str, float]]

    def __getitem__(self, name: str) -> Array:
        """Return a column, from the rows that have it."""
        return np.array([row[name] for row in self.rows if name in row])

    def __len__(self) -> int:
        return len(self.rows)

    def having(self, *names: str) -> Table:
        """Return the rows that have all of these columns."""
        return Table([row for row in self.rows if all(name in row for name in names)])

    def where(self, name: str, value: float) -> Table:
        """Return the rows with this number in a column."""
        return Table([row for row in self.rows if row.get(name) == value])

    def names(self, beginning: str = "") -> list[str]:
        """Return the names of columns that begin with `beginning`, without it, in order of first appearance."""
        found = dict.fromkeys(name for row in self.rows for name in row if name.startswith(beginning))
        return [name.removeprefix(beginning) for name in found]


class Topic(Component, ABC):
    """Base of the lecture's topics: a dataclass whose fields are the options.

    The first line of the docstring is the heading of the topic's page, and the paragraph after it is its text.
    """

    kind: ClassVar[str] = "topic"
    role: ClassVar[Role] = Role.GIVEN
    formula: ClassVar[str]
    """Formula in the lecture's notation, in Matplotlib's mathtext; it may have several lines."""
    counted: ClassVar[str] = ""
    """What the frames count, for the label of the slider, such as ``"iteration"``."""

    @abstractmethod
    def rows(self) -> Iterator[Mapping[str, float]]:
        """Compute the numbers row by row; all are finite. Each row becomes a line of the journal."""

    @abstractmethod
    def plot(self, table: Table) -> Figure:
        """Draw the picture from the numbers."""

    def frames(self, table: Table) -> Iterator[tuple[str, Figure]]:
        """Yield the pictures of a slider, each with its label; all have the same size."""
        return iter(())

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of the numbers in `summary`."""
        return ()

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the few numbers that the page and the metrics quote."""
        return {}

    def texts(self) -> Mapping[str, str]:
        """Return the topic's text files: name → content. The page shows them side by side."""
        return {}
