"""The graph of a recorded computation: calls of NumPy functions, without duplicates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from gradmix_autodiff.program.fingerprint import fingerprint

NO_KEYWORDS: Mapping[str, Any] = {}
MOST_NODES = 60_000
"""Largest number of nodes of a program; a longer one would take seconds to record."""


MOST_BYTES = 1 << 29
"""Largest memory of the plain arrays that a program keeps, in bytes."""


class NotRecordableError(Exception):
    """A computation cannot be a program: it depends on values in a way that no guard can check."""


class TooLargeError(NotRecordableError):
    """A program would take too much time or memory at any point."""


class Node:
    """One call in a graph, an input, or a plain array.

    Parameters
    ----------
    index
        Its place in the graph.
    function
        The called function; None for an input or an array.
    arguments, keywords
        The arguments: nodes, plain values, and lists and tuples of these.
    operands
        The nodes among these.
    shape, dtype
        Shape and type of the result; a tuple has the type of objects.
    """

    __slots__ = ("arguments", "dtype", "function", "index", "keywords", "operands", "shape", "value")

    def __init__(
        self,
        index: int,
        function: Callable[..., Any] | None,
        arguments: tuple[Any, ...],
        keywords: Mapping[str, Any],
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
    ) -> None:
        self.index, self.function, self.arguments, self.keywords = index, function, arguments, keywords
        self.operands = (*nodes_in(arguments), *nodes_in(tuple(keywords.values())))
        self.shape, self.dtype = shape, dtype
        self.value: Any = None
        """The plain array that it represents; None for other nodes."""

    def __repr__(self) -> str:
        return f"v{self.index}"


class Guard(NamedTuple):
    """A property that was observed while recording, and must hold in each call.

    Parameters
    ----------
    node
        The node whose value was observed.
    kind
        The property: its ``truth``, its entries (``same``), its ``shape``, or that it is ``finite``.
    expected
        The observed value.
    """

    node: Node
    kind: str
    expected: Any


class Graph:
    """A computation that is being recorded. Equal calls are one node."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.inputs: list[Node] = []
        self.guards: dict[tuple[int, str], Guard] = {}
        self.arrays: dict[int, tuple[Node, bytes | int]] = {}
        self.is_open = True
        self._known: dict[Any, Node] = {}
        self._bytes = 0

    def input(self, value: Any) -> Node:
        """Add an input."""
        node = self.added(None, (), NO_KEYWORDS, np.shape(value), np.asarray(value).dtype)
        self.inputs.append(node)
        return node

    def array(self, value: np.ndarray[Any, Any]) -> Node:
        """Return the node of a plain array.

        Raises
        ------
        NotRecordableError
            If the array is not numeric, or has changed since it was used before.
        """
        if value.dtype.kind not in "biufc":
            raise NotRecordableError(f"an array of {value.dtype} is used")
        known = self.arrays.get(id(value))
        if known is None:
            self._bytes += value.nbytes
            if self._bytes > MOST_BYTES:
                raise TooLargeError(f"it keeps plain arrays of more than {MOST_BYTES >> 20} MiB")
            node = self.added(None, (), NO_KEYWORDS, value.shape, value.dtype)
            node.value = value
            self.arrays[id(value)] = node, fingerprint(value, False)
            return node
        if fingerprint(value, False) != known[1]:
            raise NotRecordableError(f"a plain array of shape {value.shape} is changed after it was used")
        return known[0]

    def check_arrays(self) -> None:
        """Check that no plain array has changed since it was used.

        Raises
        ------
        NotRecordableError
            If one has.
        """
        for node, _ in self.arrays.values():
            self.array(node.value)

    def call(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        keywords: Mapping[str, Any] = NO_KEYWORDS,
    ) -> Node:
        """Return the node of a call, an existing one if the call is not new."""
        try:
            key = (function, key_of(arguments), key_of(tuple(keywords.items())))
            known = self._known.get(key)
        except TypeError:  # an argument that cannot be compared: each such call is a new node
            return self.added(function, arguments, keywords, shape, dtype)
        if known is None:
            known = self._known[key] = self.added(function, arguments, keywords, shape, dtype)
        return known

    def guard(self, node: Node, kind: str, expected: Any) -> None:
        """Add a guard: a property that was observed of a node."""
        self.guards.setdefault((node.index, kind), Guard(node, kind, expected))

    def added(self, function: Any, arguments: Any, keywords: Any, shape: Any, dtype: Any) -> Node:
        """Return a new node."""
        if not self.is_open:
            raise NotRecordableError("a value is used after its evaluation has ended")
        if len(self.nodes) >= MOST_NODES:
            raise TooLargeError(f"it takes more than {MOST_NODES} operations")
        node = Node(len(self.nodes), function, arguments, keywords, shape, dtype)
        self.nodes.append(node)
        return node


def nodes_in(arguments: Any) -> Iterator[Node]:
    """Return the nodes in nested lists and tuples."""
    for each in arguments:
        if type(each) is Node:
            yield each
        elif isinstance(each, list | tuple):
            yield from nodes_in(each)
        elif type(each) is slice:
            yield from nodes_in((each.start, each.stop, each.step))


def key_of(x: Any) -> Any:
    """Return a key that is equal only for values that compute the same: 0.0 is not −0.0, and 1 is not 1.0.

    Raises
    ------
    TypeError
        If the value cannot be compared.
    """
    kind = type(x)
    if kind is Node:
        return x
    if kind is float:
        return (float, x.hex())
    if kind is tuple or kind is list:
        return (kind, *map(key_of, x))
    if kind is slice:
        return (slice, key_of(x.start), key_of(x.stop), key_of(x.step))
    if isinstance(x, np.generic):
        return (kind, x.tobytes())
    if kind in (int, bool, str, type(None), type(Ellipsis)) or isinstance(x, type | np.dtype) or callable(x):
        return (kind, x)
    raise TypeError
