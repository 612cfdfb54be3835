"""The looks of groups, the same in all figures: colour, marker and line style represent one choice each."""

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
"""The colour of elements that do not belong to one group."""
OTHERS = "#c4c9d0"
"""The colour of groups beyond the palette."""
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")
Dashes = Literal["-", "--", ":", "-."]
DASHES: tuple[Dashes, ...] = ("-", "--", ":", "-.")

Channel = Literal["color", "marker", "dashes"]
_ROOM: Mapping[Channel, int] = {"color": len(GROUP_COLORS), "marker": len(MARKERS), "dashes": len(DASHES)}


@dataclass(frozen=True)
class Look:
    """The colour, marker and line style of a series."""

    color: str = INK
    marker: str = "o"
    dashes: Dashes = "-"


@dataclass(frozen=True)
class Entry:
    """An entry of a legend: the meaning of a look. Entries of a channel are sorted by `order`."""

    channel: Channel
    text: str
    look: Look
    order: tuple[int, int]


class Styles:
    """The look of each group: colour represents one choice, the marker a second and the line style a third.

    The best values get their colours first. A choice with too many values gets no channel, except if no other choice
    has the colour: then its best values have colours, and the others are grey.
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
        """Return the look of a group."""
        return self.of(group.settings)[0]

    def color(self, group: Group) -> str:
        """Return the colour of a group."""
        return self.look(group).color

    def of(self, settings: Settings) -> tuple[Look, tuple[Entry, ...]]:
        """Return the look of some settings and its legend entries; choices without a setting have the default look."""
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
                change = {**change, **_changed("marker", index)}  # for colour-blind readers
            entries.append(Entry(channel, text, replace(Look(), **change), (place, index)))
            look = replace(look, **change)
        return look, tuple(entries)

    def label(self, group: Group) -> str:
        """Describe a group's settings in words."""
        return self._factors.label(group.settings)

    def said(self, group: Group, run: Run) -> str:
        """Describe a run in words: its given values, its group, and its repeats."""
        repeats = [self._factors.label({key: value_of(run, key)}) for key in self._factors.repeats]
        given = [str(value) for value in group.given.values()]
        return ", ".join([*given, self.label(group), *repeats])


def _changed(channel: Channel, index: int) -> Mapping[str, Any]:
    values: Sequence[str] = {"color": (*GROUP_COLORS, OTHERS), "marker": MARKERS, "dashes": DASHES}[channel]
    return {channel: values[index % len(values)]}


def _is_numeric(values: list[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values if value is not None)
