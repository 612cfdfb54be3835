"""Loops compiled by numba: many operations on the entries of arrays in one pass over memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from types import FunctionType
from typing import Any

import numpy as np

from gradmix_autodiff.kept_code import kept_module
from gradmix_autodiff.program.elements import element, starts
from gradmix_autodiff.program.node import Node
from gradmix_autodiff.program.schedule import Job, is_slice, parts_of
from gradmix_autodiff.program.simplify import is_number


class Loop:
    """The text of a loop, and the arguments of its calls.

    Parameters
    ----------
    job
        The nodes.
    stored
        Places of the nodes whose entries are needed elsewhere.
    """

    def __init__(self, job: Job, stored: frozenset[int]) -> None:
        assert job.shape is not None
        self.shape = job.shape
        self.read: list[Node] = []
        """The nodes that it reads, in the order of its arguments; those that it writes follow."""
        self.written: list[Node] = []
        self.summed: list[Node] = []
        """Nodes among `written` that must hold zeros before the loop."""
        self._names: dict[int, str] = {}
        self._body: list[str] = []
        self._inner: dict[int, list[tuple[str, str, str]]] = {}
        for node in job.nodes:
            self._add(node, node.index in stored)

    def _add(self, node: Node, is_stored: bool) -> None:
        text = element(node)
        if text is not None:
            name = f"t{len(self._names)}"
            self._body.append(f"{name} = " + text.format(*map(self._entry, node.arguments)))
            self._names[node.index] = name
            if is_stored:
                self._body.append(f"{self._output(node)}[{', '.join(self._places)}] = {name}")
        elif node.keywords:
            self._sum(node)
        else:
            out = self._output(node, is_summed=True)
            for index, value in parts_of(node):
                begins = starts(index, len(self.shape)) or ()
                places = ", ".join(_shifted(i, begin) for i, begin in zip(self._places, begins, strict=True))
                self._body.append(f"{out}[{places}] += {self._entry(value)}")

    def _sum(self, node: Node) -> None:
        axes, out, ndim = node.keywords["axis"], self._output(node, is_summed=True), len(self.shape)
        kept = node.keywords["keepdims"]
        places = ["0" if axis in axes else place for axis, place in enumerate(self._places) if kept or axis not in axes]
        target = f"{out}[{', '.join(places) or '0'}]"
        value = self._entry(node.arguments[0])
        if axes == tuple(range(ndim - len(axes), ndim)):  # the inner axes: a local variable, added up in any order
            self._inner.setdefault(ndim - len(axes), []).append((f"s{out}", target, value))
        else:
            self._body.append(f"{target} += {value}")

    @property
    def _places(self) -> list[str]:
        return [f"i{axis}" for axis in range(len(self.shape))]

    def _output(self, node: Node, is_summed: bool = False) -> str:
        self.written.append(node)
        if is_summed:
            self.summed.append(node)
        return f"o{len(self.written) - 1}"

    def _entry(self, argument: Any) -> str:
        if is_number(argument):
            return _literal(float(argument))
        if argument.index in self._names:
            return self._names[argument.index]
        begins = (0,) * len(argument.shape)
        shape = argument.shape
        if is_slice(argument):
            begins = starts(argument.arguments[1], len(shape)) or begins
            argument = argument.arguments[0]
        if not any(each is argument for each in self.read):
            self.read.append(argument)
        name = f"p{next(place for place, each in enumerate(self.read) if each is argument)}"
        if not argument.shape:
            return name
        offset = len(self.shape) - len(shape)
        places = [
            _shifted("0" if size == 1 else f"i{offset + axis}", begin)
            for axis, (size, begin) in enumerate(zip(shape, begins, strict=True))
        ]
        return f"{name}[{', '.join(places)}]"

    @property
    def text(self) -> str:
        """Return the loop as a Python function, whose arguments are the arrays that it reads and writes."""
        names = [f"p{place}" for place in range(len(self.read))] + [f"o{place}" for place in range(len(self.written))]
        lines, indent = [f"def loop({', '.join(names)}):"], "    "
        for axis, size in enumerate(self.shape):
            lines += [f"{indent}{local} = 0.0" for local, _, _ in self._inner.get(axis, ())]
            lines.append(f"{indent}for i{axis} in range({size}):")
            indent += "    "
        lines += [indent + line for line in self._body]
        lines += [
            f"{indent}{local} = plus({local}, {value})" for each in self._inner.values() for local, _, value in each
        ]
        for axis in reversed(range(len(self.shape))):
            indent = indent[:-4]
            lines += [f"{indent}{target} = {local}" for local, target, _ in self._inner.get(axis, ())]
        return "\n".join(lines) + "\n"


def _shifted(place: str, begin: int) -> str:
    if not begin:
        return place
    return str(begin) if place == "0" else f"{place} + {begin}"


def _literal(x: float) -> str:
    return repr(x) if np.isfinite(x) else "nan" if np.isnan(x) else "inf" if x > 0 else "(-inf)"


@lru_cache(maxsize=256)
def compiled(text: str) -> Callable[..., None]:
    """Return a loop as machine code, cached on disk by numba; entries are computed as written, sums in any order."""
    numba: Any = import_module("numba")
    try:
        return _machine_code(vars(kept_module(_HEAD + text, "prepared", numba.__version__)), is_kept=True)
    except (OSError, RuntimeError):  # neither gradmix nor numba can write to a cache folder
        space: dict[str, Any] = {}
        exec(_HEAD + text, space)  # our own text
        return _machine_code(space, is_kept=False)


_HEAD = """from numpy import inf, nan, sqrt


def plus(a, b):
    return a + b


"""


def _machine_code(space: dict[str, Any], is_kept: bool) -> Callable[..., None]:
    numba: Any = import_module("numba")
    if isinstance(space["plus"], FunctionType):
        space["plus"] = numba.njit(fastmath={"reassoc", "nsz"}, error_model="numpy", forceinline=True)(space["plus"])
    return numba.njit(error_model="numpy", cache=is_kept)(space["loop"])  # type: ignore[no-any-return]
