"""A colour, a symbol and a name for each group, the same in all plots."""

from __future__ import annotations

from typing import Any

from gradmix.journal.reading import Run
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import value_of
from gradmix.reports.grouping import Group

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D1F", "#332288")
"""Colours that people with any colour vision tell apart (after Okabe and Ito), best group first."""
OTHERS = "#B8BEC6"
SYMBOLS = ("circle", "square", "diamond", "cross", "triangle-up", "x", "star", "pentagon")


class Styles:
    """A colour and a symbol for each group, the same in all figures.

    Parameters
    ----------
    comparison
        The comparison; its best groups get the colours.
    """

    def __init__(self, comparison: Comparison) -> None:
        ranked = [tuple(each.settings.values()) for each in comparison.standings]
        groups = [tuple(group.settings.values()) for group in comparison.groups]
        self._rank = {values: rank for rank, values in enumerate(dict.fromkeys([*ranked, *groups]))}
        self._factors = comparison.factors

    def color(self, group: Group) -> str:
        """Its colour; grey beyond the palette."""
        rank = self.rank(group)
        return PALETTE[rank] if rank < len(PALETTE) else OTHERS

    def symbol(self, group: Group) -> str:
        """Its symbol."""
        return SYMBOLS[self.rank(group) % len(SYMBOLS)]

    def label(self, group: Group) -> str:
        """Its settings in words."""
        return self._factors.label(group.settings)

    def legend(self, group: Group) -> str:
        """Its name in a legend: groups without a colour of their own share one line."""
        return self.label(group) if self.rank(group) < len(PALETTE) else f"{len(self._rank) - len(PALETTE)} others"

    def trace(self, group: Group) -> dict[str, Any]:
        """What all its traces have in common."""
        return {"type": "scatter", "name": self.legend(group), "legendgroup": self.legend(group)}

    def repeat(self, group: Group, run: Run) -> str:
        """Which of its runs this is; with the group's name, if the legend does not say it."""
        said = [self.label(group)] if self.rank(group) >= len(PALETTE) else []
        said += [self._factors.label({key: value_of(run, key)}) for key in self._factors.repeats]
        return ", ".join(said) or run.folder.name

    def rank(self, group: Group) -> int:
        """Where it stands, from 0."""
        return self._rank[tuple(group.settings.values())]
