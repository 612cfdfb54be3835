"""What a topic of the lecture is: a table of numbers, and pictures that are drawn from it."""

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
    """Numbers by row and name: what a run's journal has of its iterations.

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
        """A column, of the rows that have it."""
        return np.array([row[name] for row in self.rows if name in row])

    def __len__(self) -> int:
        return len(self.rows)

    def having(self, *names: str) -> Table:
        """The rows that have all of these columns."""
        return Table([row for row in self.rows if all(name in row for name in names)])

    def where(self, name: str, value: float) -> Table:
        """The rows with this number in a column."""
        return Table([row for row in self.rows if row.get(name) == value])

    def names(self, beginning: str = "") -> list[str]:
        """What follows `beginning` in the names of columns, in the order in which they first appear."""
        found = dict.fromkeys(name for row in self.rows for name in row if name.startswith(beginning))
        return [name.removeprefix(beginning) for name in found]


class Topic(Component, ABC):
    """Base of the lecture's topics: a dataclass whose fields are what one may change.

    The first line of the docstring is the heading of the topic's page, and the paragraph after it is its text.
    """

    kind: ClassVar[str] = "topic"
    role: ClassVar[Role] = Role.GIVEN
    formula: ClassVar[str]
    """In the lecture's notation, as Matplotlib's mathtext reads it; lines are separated by line breaks."""
    counted: ClassVar[str] = ""
    """What the frames are counted by, for the label of the slider: ``"iteration"``."""

    @abstractmethod
    def rows(self) -> Iterator[Mapping[str, float]]:
        """Compute the numbers, row by row; each row becomes a line of the journal. All of them are finite."""

    @abstractmethod
    def plot(self, table: Table) -> Figure:
        """Draw the picture from the numbers."""

    def frames(self, table: Table) -> Iterator[tuple[str, Figure]]:
        """Draw the pictures of a slider, each with its label; all of one size."""
        return iter(())

    def metrics(self) -> Sequence[Meaning]:
        """What the numbers in `summary` mean."""
        return ()

    def summary(self, table: Table) -> Mapping[str, float]:
        """The few numbers that one would quote."""
        return {}

    def texts(self) -> Mapping[str, str]:
        """Files of text that belong to the topic: name → content. The page shows them side by side."""
        return {}
