"""How groups look, the same in all figures: a colour, a marker and a kind of line each stand for one choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from gradmix.contracts.palette import GROUP_COLORS
from gradmix.journal.reading import Run
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import value_of
from gradmix.reports.grouping import Group, Settings

INK = "#3b4754"
"""The colour of what is not of one group."""
OTHERS = "#c4c9d0"
"""The colour of groups beyond the palette."""
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")
Dashes = Literal["-", "--", ":", "-."]
DASHES: tuple[Dashes, ...] = ("-", "--", ":", "-.")

Channel = Literal["color", "marker", "dashes"]
_ROOM: Mapping[Channel, int] = {"color": len(GROUP_COLORS), "marker": len(MARKERS), "dashes": len(DASHES)}


@dataclass(frozen=True)
class Look:
    """How a series is drawn."""

    color: str = INK
    marker: str = "o"
    dashes: Dashes = "-"


@dataclass(frozen=True)
class Entry:
    """A line of a legend: what a look stands for. Entries of a channel come in their `order`."""

    channel: Channel
    text: str
    look: Look
    order: tuple[int, int]


class Styles:
    """A look for each group: of the choices one is told by colour, the next by the marker, a third by the line.

    Colours go to the best values first. A choice with too many values is told by none of these, unless it is the only
    one: then the best of its values have colours, and the others are grey.
    """

    def __init__(self, comparison: Comparison) -> None:
        factors = self._factors = comparison.factors
        ranked = [dict(each.settings) for each in comparison.standings]
        ranked += [dict(group.settings) for group in comparison.groups]
        values = {key: list(dict.fromkeys(each[key] for each in ranked)) for key in factors.choices}
        self._keys: dict[Channel, str] = {}
        self._values: dict[str, list[Any]] = {}
        left = sorted(factors.choices, key=lambda key: (_is_numeric(values[key]), "." in key, -len(values[key])))
        for channel, room in _ROOM.items():
            key = next((key for key in left if len(values[key]) <= room), None)
            if key is not None:
                left.remove(key)
                self._keys[channel] = key
                self._values[key] = values[key] if channel == "color" else [*factors.values[key]]
        if "color" not in self._keys and factors.choices:
            self._keys = {"color": left[0]}
            self._values[left[0]] = values[left[0]]

    def look(self, group: Group) -> Look:
        """The look of a group."""
        return self.of(group.settings)[0]

    def color(self, group: Group) -> str:
        """Its colour."""
        return self.look(group).color

    def of(self, settings: Settings) -> tuple[Look, tuple[Entry, ...]]:
        """The look of some settings, and the lines of a legend that say so; ink and circles where a choice is open."""
        look, entries = Look(), []
        for place, (channel, key) in enumerate(self._keys.items()):
            if key not in settings:
                continue
            index = self._values[key].index(settings[key])
            text = self._factors.label({key: settings[key]})
            if channel == "color" and index >= len(GROUP_COLORS):
                text, index = f"{len(self._values[key]) - len(GROUP_COLORS)} others", len(GROUP_COLORS)
            change: Mapping[str, Any] = _changed(channel, index)
            if channel == "color" and "marker" not in self._keys:
                change = {**change, **_changed("marker", index)}  # for readers who see no colours
            entries.append(Entry(channel, text, replace(Look(), **change), (place, index)))
            look = replace(look, **change)
        return look, tuple(entries)

    def label(self, group: Group) -> str:
        """Its settings in words."""
        return self._factors.label(group.settings)

    def said(self, group: Group, run: Run) -> str:
        """A run in words: its group, and which of the group's runs it is."""
        repeats = [self._factors.label({key: value_of(run, key)}) for key in self._factors.repeats]
        given = [str(value) for value in group.given.values()]
        return ", ".join([*given, self.label(group), *repeats])


def _changed(channel: Channel, index: int) -> Mapping[str, Any]:
    values: Sequence[str] = {"color": (*GROUP_COLORS, OTHERS), "marker": MARKERS, "dashes": DASHES}[channel]
    return {channel: values[index % len(values)]}


def _is_numeric(values: list[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values if value is not None)
