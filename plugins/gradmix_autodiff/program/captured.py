"""Values that a function reads beside its argument, as they were when recorded: a change makes programs stale."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, KeysView, Mapping, Sequence
from itertools import chain
from operator import is_
from typing import Any

import numpy as np

from gradmix_autodiff.program.fingerprint import fingerprint
from gradmix_autodiff.program.node import key_of
from gradmix_autodiff.program.reach import MISSING, Reach


class Captured:
    """Names, attributes, cells and entries that a function reads, each with its object, and the arrays among them.

    Parameters
    ----------
    function
        The function.
    is_compiled
        Whether compiled code compares arrays.
    constants
        Arguments that are constant.

    Raises
    ------
    NotRecordableError
        If the function reads too many values to compare in each call, or a value whose changes cannot be detected.
    """

    def __init__(self, function: Callable[..., Any], is_compiled: bool, constants: Sequence[Any] = ()) -> None:
        self._is_compiled = is_compiled
        self._places: list[tuple[Callable[[Any, Any], Any], Any, Any]] = []
        self._attributes: list[tuple[Any, str, Any]] = []
        self._entries: list[tuple[Collection[Any], tuple[Any, ...]]] = []
        self._mappings: list[tuple[Mapping[Any, Any], tuple[Any, ...]]] = []
        self._sizes: list[tuple[Collection[Any], int]] = []
        self._absent: list[tuple[KeysView[str], frozenset[str]]] = []
        self._arrays: dict[int, tuple[Any, tuple[Any, ...], bytes | int]] = {}
        self.met = Reach(self).through(function, constants)
        """Everything found, in the same order in each process: how it is reached, and its value."""

    def is_same(self) -> bool:
        """Return whether everything is unchanged."""
        for get, key, known in self._places:
            if get(key, MISSING) is not known:
                return False
        for holder, name, known in self._attributes:
            if getattr(holder, name, MISSING) is not known:
                return False
        try:
            for entries, kept in self._entries:
                if len(entries) != len(kept) or not all(map(is_, entries, kept)):
                    return False
            for mapping, pairs in self._mappings:
                if 2 * len(mapping) != len(pairs) or not all(map(is_, chain(mapping, mapping.values()), pairs)):
                    return False
        except RuntimeError:  # another thread is changing it
            return False
        for container, size in self._sizes:
            if len(container) != size:
                return False
        for names, absent in self._absent:
            if not names.isdisjoint(absent):
                return False
        known_arrays = self._arrays.values()
        return not known_arrays or all(
            layout == _layout(each) and fingerprint(each, self._is_compiled) == mark
            for each, layout, mark in known_arrays
        )

    @property
    def arrays(self) -> list[np.ndarray[Any, Any]]:
        """Return the watched arrays, in the order in which the function reaches them."""
        return [each for each, _, _ in self._arrays.values()]

    # what to watch

    def place(self, get: Callable[[Any, Any], Any], key: Any, known: Any) -> None:
        """Watch the value that a function returns for a key."""
        self._places.append((get, key, known))

    def attribute(self, holder: Any, name: str) -> Any:
        """Watch an attribute, which may be missing now."""
        known = getattr(holder, name, MISSING)
        self._attributes.append((holder, name, known))
        return known

    def entries(self, container: Collection[Any]) -> tuple[Any, ...]:
        """Watch the entries of a container and their order."""
        known = tuple(container)
        self._entries.append((container, known))
        return known

    def mapping(self, mapping: Mapping[Any, Any]) -> Iterable[tuple[Any, Any]]:
        """Watch the keys and values of a mapping and their order."""
        pairs = (*mapping, *mapping.values())
        self._mappings.append((mapping, pairs))
        return zip(pairs, pairs[len(mapping) :], strict=False)

    def size(self, container: Collection[Any]) -> None:
        """Watch the number of entries of a container."""
        self._sizes.append((container, len(container)))

    def absent(self, names: KeysView[str], absent: frozenset[str]) -> None:
        """Watch whether any missing name appears."""
        if absent:
            self._absent.append((names, absent))

    def watch(self, values: np.ndarray[Any, Any]) -> None:
        """Watch the content of an array, too."""
        if id(values) not in self._arrays:
            self._arrays[id(values)] = values, _layout(values), fingerprint(values, self._is_compiled)


def _layout(values: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    return values.shape, values.strides, values.dtype


def marks_of(x: Any) -> Any:
    """Return marks that are equal exactly for equal constant arguments: type and content."""
    if isinstance(x, np.ndarray):
        return (x.shape, x.dtype.str, x.tobytes() if x.dtype != object else id(x))
    if isinstance(x, list | tuple):
        return (type(x), *map(marks_of, x))
    if isinstance(x, dict):
        return tuple((key, marks_of(value)) for key, value in x.items())
    try:
        return key_of(x)
    except TypeError:
        return id(x)
