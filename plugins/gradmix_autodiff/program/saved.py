"""Prepared functions in files: programs as operations by name, with shapes, constants and guards; no code, no pickle.

A file identifies its function, including the content of all values that this reads, and the versions that recorded it.
Each program in a file is computed once, operation by operation, before it is used: each result must have the shape and
type that the file states, and the derivative must be the recorded one.
"""

from __future__ import annotations

import json
import platform
import zipfile
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from operator import getitem
from typing import IO, Any

import numpy as np

from gradmix import DifferentiationError, Differentiator
from gradmix_autodiff.program.captured import Captured
from gradmix_autodiff.program.identity import difference, marks
from gradmix_autodiff.program.node import MOST_BYTES, NO_KEYWORDS, Graph, Node
from gradmix_autodiff.program.operations import function_of, name_of
from gradmix_autodiff.program.path import Path, agree
from gradmix_autodiff.program.schedule import live
from gradmix_autodiff.program.symbol import STABLE
from gradmix_autodiff.table import ELEMENTWISE, WRITING, specialised

FORMAT = "gradmix prepared function 1"
_TYPES = {each.__name__: each for each in (bool, int, float, complex)}
_SCALARS = (bool, int, float, str, type(None))


class StaleError(DifferentiationError):
    """The programs in a file belong to another function, or were recorded by another version."""


def identity(plain: Differentiator, function: Any) -> tuple[dict[str, Any], Captured]:
    """Return the identity of a function and its differentiator for a file, and the values that the function reads.

    Raises
    ------
    DifferentiationError
        If the function reads something that cannot be identified in another process.
    """
    places = function.argnums if isinstance(function.argnums, tuple) else (function.argnums,)
    constants = [each for place, each in enumerate(function.args) if place not in places]
    captured = Captured(function.f, is_compiled=False, constants=constants)
    return {
        "format": FORMAT,
        "versions": {**_versions(), "python": platform.python_version()},
        "differentiator": repr(plain),
        "argument": f"{function.argument}, argnums={function.argnums}",
        "marks": [list(each) for each in marks(captured.met)],
    }, captured


@cache
def _versions() -> Mapping[str, str]:
    return {name: version(name) for name in ("gradmix", "numpy", "scipy")}


def write(file: IO[bytes], plain: Differentiator, function: Any, paths: Mapping[str, tuple[Path, ...]]) -> None:
    """Write the programs of a function, by hook.

    Raises
    ------
    DifferentiationError
        If a program has an operation or a value that a file cannot hold.
    """
    head, captured = identity(plain, function)
    writer = _Writer(captured)
    head["paths"] = [
        {"hook": hook, "value": writer.value(function(path.points[0])), **writer.path(path)}
        for hook, several in paths.items()
        for path in several
    ]
    text = np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)
    arrays: dict[str, Any] = {f"a{place}": each for place, each in enumerate(writer.arrays)}
    np.savez_compressed(file, head=text, **arrays)


def read(
    file: Any, name: str, plain: Differentiator, function: Any, x: Any, is_compiled: bool
) -> dict[str, tuple[Path, ...]]:
    """Read the programs of a function, by hook.

    Raises
    ------
    StaleError
        If the programs belong to another function or another version.
    DifferentiationError
        If the file is not a valid file of programs.
    """
    try:
        with np.load(file, allow_pickle=False) as given:
            head = json.loads(given["head"].tobytes())
            if head["format"] != FORMAT:
                raise ValueError(f"its format is {head['format']!r}, not {FORMAT!r}")
            function(x)  # which may cache values, as before it was saved
            now, captured = identity(plain, function)
            _check_identity(name, head, now)
            arrays = [given[f"a{place}"] for place in range(len(given.files) - 1)]
        reader, found = _Reader(arrays, captured.arrays), dict[str, tuple[Path, ...]]()
        for each in head["paths"]:
            path = reader.path(each, is_compiled)
            if not agree((function(path.points[0].copy()),), (reader.value(each["value"]),)):
                raise StaleError(f"{name} was saved from a function with other values. Prepare the function again.")
            path.arrangement = function.result
            found[each["hook"]] = (*found.get(each["hook"], ()), path)
    except DifferentiationError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, LookupError, EOFError, zipfile.BadZipFile) as error:
        raise DifferentiationError(f"{name} is not a prepared function: {error}.") from error
    return found


def _check_identity(name: str, saved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for package, number in now["versions"].items():
        if saved["versions"].get(package) != number:
            raise StaleError(
                f"{name} was saved with {package} {saved['versions'].get(package)}; {number} is installed. Prepare the "
                "function again."
            )
    for part, what in (("differentiator", "by"), ("argument", "for")):
        if saved[part] != now[part]:
            raise StaleError(f"{name} was saved {what} {saved[part]}, not {now[part]}. Prepare the function again.")
    changed = difference(map(tuple, saved["marks"]), map(tuple, now["marks"]))
    if changed is not None:
        raise StaleError(f"{name} was saved from another function: {changed} differs. Prepare the function again.")


class _Writer:
    """Writes values as JSON, with arrays beside it; an array that the function reads is only referred to."""

    def __init__(self, captured: Captured) -> None:
        self.arrays: list[np.ndarray[Any, Any]] = []
        self._known = {id(each): place for place, each in enumerate(captured.arrays)}
        self._keeps_results = any(hasattr(each, "cache_info") for _, each in captured.met)
        self._places: dict[int, int] = {}
        self._nodes: dict[int, int] = {}

    def path(self, path: Path) -> dict[str, Any]:
        """Return a path as JSON, without the nodes that nothing depends on."""
        graph, shared = path.graph, {id(each) for each in path.arrays}
        nodes = live(graph, [each for each in path.results if type(each) is Node])
        nodes = sorted({each.index: each for each in (*graph.inputs, *nodes)}.values(), key=lambda each: each.index)
        for node in nodes:
            if self._keeps_results and id(node.value) in shared and not self._is_reached(node.value):
                raise DifferentiationError(
                    f"an array of shape {node.shape} cannot be saved: a function that keeps its results, as with "
                    "functools.cache, may have returned it, and another process could not notice a change."
                )
        self._nodes = {node.index: place for place, node in enumerate(nodes)}
        return {
            "nodes": [self._node(node) for node in nodes],
            "guards": [
                [self._nodes[each.node.index], each.kind, self.value(each.expected)] for each in graph.guards.values()
            ],
            "results": [self.value(each) for each in path.results],
            "is_tuple": path.is_tuple,
            "points": [self.value(each) for each in path.points],
            "plain": [self.value(each) for each in path.plain],
        }

    def value(self, x: Any) -> Any:
        """Return a value as JSON: numbers and strings unchanged, anything else as a list that begins with its kind."""
        kind = type(x)
        if kind in _SCALARS:
            return x
        if kind is Node:
            return ["node", self._nodes[x.index]]
        if kind in (list, tuple):
            return [kind.__name__, *map(self.value, x)]
        if kind is slice:
            return ["slice", *map(self.value, (x.start, x.stop, x.step))]
        if kind is complex:
            return ["complex", x.real, x.imag]
        if isinstance(x, np.ndarray):
            return self._array(x)
        if isinstance(x, np.generic):
            return ["number", x.dtype.str, x.tobytes().hex()]
        if isinstance(x, np.dtype):
            return ["dtype", x.str]
        if x is Ellipsis:
            return ["..."]
        if isinstance(x, type):
            return ["type", x.__name__] if x in _TYPES.values() else ["scalar", np.dtype(x).str]
        return self._function(x)

    def _node(self, node: Node) -> list[Any]:
        shape, dtype = list(node.shape), node.dtype.str
        if node.function is None:
            return [None if node.value is None else self._array(node.value), shape, dtype]
        keywords = {key: self.value(each) for key, each in node.keywords.items()}
        return [self._function(node.function), shape, dtype, [self.value(each) for each in node.arguments], keywords]

    def _function(self, function: Any) -> list[Any]:
        name = name_of(function)
        if name is not None:
            return ["function", name]
        inner = name_of(getattr(function, "func", None)) if hasattr(function, "func") else None
        if inner is not None:
            return ["partial", inner, function.__name__, *map(self.value, function.args)]
        raise DifferentiationError(
            f"a call of {getattr(function, '__name__', function)} cannot be saved: a file can name functions of "
            "NumPy and SciPy only, not functions that have their own rule, are checkpointed or solve equations."
        )

    def _array(self, x: np.ndarray[Any, Any]) -> list[Any]:
        if id(x) in self._known:
            return ["reached", self._known[id(x)]]
        if id(x) not in self._places:
            self._places[id(x)] = len(self.arrays)
            self.arrays.append(x)
        strides = [] if x.flags.c_contiguous else list(x.strides)  # the rounding of sums depends on the memory layout
        return ["array", self._places[id(x)], *strides]

    def _is_reached(self, x: Any) -> bool:
        """Return whether an array, or its base, is among those that the function reaches."""
        while isinstance(x, np.ndarray):
            if id(x) in self._known:
                return True
            x = x.base
        return False


class _Reader:
    """Reads values from JSON, and paths, which are checked by computing them once."""

    def __init__(self, arrays: list[np.ndarray[Any, Any]], known: list[np.ndarray[Any, Any]]) -> None:
        self._arrays, self._known = arrays, known
        self._graph = Graph()

    def path(self, given: Mapping[str, Any], is_compiled: bool) -> Path:
        """Return a path, after checking that it gives the recorded results at its point."""
        self._graph = graph = Graph()
        for each in given["nodes"]:
            self._add(*each)
        for place, kind, expected in given["guards"]:
            graph.guard(graph.nodes[_natural(place)], kind, self.value(expected))
        results = tuple(map(self.value, given["results"]))
        points, plain = (tuple(map(self.value, given[part])) for part in ("points", "plain"))
        values = self._computed(points)
        _check_guards(graph, values)
        found = tuple(_resolved(each, values) for each in results)
        if bool(given["is_tuple"]) is not given["is_tuple"] or not agree(found, plain):
            raise ValueError("at the point where it was recorded, it does not reproduce the derivative")
        graph.is_open = False
        return Path(graph, results, points, plain, given["is_tuple"], is_compiled)

    def value(self, given: Any) -> Any:
        """Return the value that a JSON value represents."""
        if not isinstance(given, list):
            return given
        kind, *parts = given
        return _KINDS[kind](self, *parts)

    def _add(self, function: Any, shape: list[int], dtype: str, arguments: Any = (), keywords: Any = None) -> None:
        graph, size, kind = self._graph, tuple(map(_natural, shape)), np.dtype(dtype)
        if function is None:
            graph.inputs.append(graph.added(None, (), NO_KEYWORDS, size, kind))
        elif function[0] in ("reached", "array"):
            array = self.value(function)
            if (array.shape, array.dtype) != (size, kind) or graph.array(array) is not graph.nodes[-1]:
                raise ValueError("an array does not match its description")
        else:
            called = self.value(function)
            if not callable(called) or called in WRITING or not all(map(str.isidentifier, keywords)):
                raise ValueError("it contains a call that is not permitted")
            if {"out", "copy", "overwrite_input"} & keywords.keys():
                raise ValueError("it writes into arrays")
            named = {key: self.value(each) for key, each in keywords.items()}
            graph.added(called, tuple(map(self.value, arguments)), named or NO_KEYWORDS, size, kind)

    def _computed(self, points: tuple[Any, ...]) -> list[Any]:
        """Return the value of each node; its shape and type must be those in the file."""
        graph, waiting, values = self._graph, list(points), list[Any]()
        guarded = {each.node.index for each in graph.guards.values() if each.kind == "shape"}
        if len(points) != len(graph.inputs) or not all(isinstance(each, np.ndarray) for each in points):
            raise ValueError("its inputs do not match its points")
        with np.errstate(all="ignore"):
            for node in graph.nodes:
                if node.function is not None:
                    arguments = _resolved(node.arguments, values)
                    y = node.function(*arguments, **{key: _resolved(x, values) for key, x in node.keywords.items()})
                    if node.shape and node.index not in guarded and _may_change_shape(node):
                        raise ValueError(f"the shape of the result of {node.function} is not checked")
                else:
                    y = waiting.pop(0) if node.value is None else node.value
                is_tuple = isinstance(y, list | tuple) and node.dtype == object
                if not is_tuple and (np.shape(y) != node.shape or np.asarray(y).dtype != node.dtype):
                    raise ValueError("a value does not have the shape and type that the file states")
                values.append(y)
        return values

    # kinds of values

    def _node(self, place: int) -> Node:
        return self._graph.nodes[_natural(place)]

    def _partial(self, name: str, shown: str, *given: Any) -> Any:
        return specialised(function_of(name), *map(self.value, given), name=str(shown))


_KINDS: dict[str, Any] = {
    "node": _Reader._node,
    "list": lambda reader, *parts: list(map(reader.value, parts)),
    "tuple": lambda reader, *parts: tuple(map(reader.value, parts)),
    "slice": lambda reader, *parts: slice(*map(reader.value, parts)),
    "complex": lambda reader, real, imag: complex(real, imag),
    "array": lambda reader, place, *strides: _laid_out(reader._arrays[_natural(place)], strides),
    "reached": lambda reader, place: reader._known[_natural(place)],
    "number": lambda reader, dtype, content: np.frombuffer(bytes.fromhex(content), dtype)[0],
    "dtype": lambda reader, name: np.dtype(name),
    "scalar": lambda reader, name: np.dtype(name).type,
    "...": lambda reader: Ellipsis,
    "type": lambda reader, name: _TYPES[name],
    "function": lambda reader, name: function_of(name),
    "partial": _Reader._partial,
}
"""Kind of a value that JSON cannot represent → how it is created."""


def _laid_out(array: np.ndarray[Any, Any], strides: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return an array with other strides."""
    if not strides:
        return array
    reach = [(size - 1) * step for size, step in zip(array.shape, strides, strict=True)]
    begin = -sum(min(each, 0) for each in reach)
    size = begin + sum(max(each, 0) for each in reach) + array.itemsize
    if size > MOST_BYTES:
        raise ValueError("an array is too large")
    made = np.ndarray(array.shape, array.dtype, np.zeros(size, dtype=np.uint8), begin, strides)
    made[...] = array
    return made


def _natural(x: Any) -> int:
    if type(x) is not int or x < 0:
        raise ValueError(f"{x!r} is not a valid index or size")
    return x


def _resolved(x: Any, values: list[Any]) -> Any:
    """Return a value in which each node is replaced by its computed value."""
    kind = type(x)
    if kind is Node:
        return values[x.index]
    if kind in (list, tuple):
        return kind(_resolved(each, values) for each in x)
    if kind is slice:
        return slice(*(_resolved(each, values) for each in (x.start, x.stop, x.step)))
    return x


def _may_change_shape(node: Node) -> bool:
    """Return whether the result of a call may have another shape at another point."""
    function = node.function
    if function is getitem:
        whole, index = node.arguments
        parts = index if isinstance(index, tuple) else (index,)
        return whole.dtype == object or any(
            type(each) is Node and each.dtype == bool and each.value is None for each in parts
        )
    of_ufunc = isinstance(function, np.ufunc) or getattr(function, "__name__", "") in ("reduce", "accumulate")
    is_numpys = isinstance(function, type(np.sum)) and function.__module__ == "numpy"
    is_entrywise = any(function is each.function for each in ELEMENTWISE.values())
    return is_numpys and not (of_ufunc or function in STABLE or is_entrywise)


def _check_guards(graph: Graph, values: list[Any]) -> None:
    """Check that all guards hold at the recorded point."""
    for node, kind, expected in graph.guards.values():
        if not _GUARDS[kind](values[node.index], expected):
            raise ValueError("a condition is false at the point where it was recorded")


_GUARDS: Mapping[str, Any] = {
    "truth": lambda y, expected: bool(y) is expected,
    "same": lambda y, expected: isinstance(expected, np.ndarray) and np.array_equal(y, expected),
    "shape": lambda y, expected: (np.shape(y), np.asarray(y).dtype) == expected,
    "finite": lambda y, expected: bool(np.isfinite(y).all()),
}
