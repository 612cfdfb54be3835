"""Emission of a graph as one Python function."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradmix.arrays import can_compile
from gradmix_autodiff.program.loops import Loop, compiled
from gradmix_autodiff.program.node import Graph, Guard, Node, NotRecordableError, key_of
from gradmix_autodiff.program.schedule import Job, live, ordered, parts_of
from gradmix_autodiff.program.simplify import FLOAT, REDUCTIONS, accumulated
from gradmix_autodiff.rules.structure import PUT

OTHER_PATH = None
"""A program's return value where a guard does not hold: the function takes another path there."""
UNBOUNDED = False
"""A program's return value where a derivative is not finite: the tape computes it instead."""

_OPERATORS = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/"}
_VIEWS = frozenset({operator.getitem, np.reshape, np.transpose, np.broadcast_to})
_FRESH = frozenset({np.matmul, np.where, np.concatenate, accumulated, PUT.function})


class Program:
    """A function that computes the results of a graph for other values of its inputs.

    Parameters
    ----------
    graph
        The graph.
    outputs
        Its results: nodes, or plain values.
    is_fused
        Whether loops are compiled, if numba is installed.

    Notes
    -----
    Intermediate arrays are written into buffers that a program keeps. A call borrows a set of buffers, so that calls in
    several threads, and nested calls, each have their own.
    """

    def __init__(self, graph: Graph, outputs: Sequence[Any], is_fused: bool = True) -> None:
        self.graph, self._outputs = graph, outputs
        self._space: dict[str, Any] = {"np": np, "isfinite": np.isfinite}
        self._names: dict[int, str] = {node.index: f"x{place}" for place, node in enumerate(graph.inputs)}
        self._lines: list[str] = []
        self._guards: dict[int, list[Guard]] = {}
        for guard in graph.guards.values():
            self._guards.setdefault(guard.node.index, []).append(guard)
        results = [each for each in outputs if type(each) is Node]
        nodes = live(graph, results)
        kept = frozenset({each.index for each in results} | self._guards.keys())
        self._jobs = ordered(nodes, kept, is_fused and can_compile())
        self._pinned = kept
        self._is_silent = True
        self._buffers: list[tuple[tuple[int, ...], Any]] = []
        self._free: dict[tuple[Any, Any], list[str]] = {}
        self._read = {each.index for job in self._jobs for each in job.operands}  # by other jobs than their own
        self._last = self._last_uses(nodes)
        self._places = self._places_in_parts(nodes)
        self._emit()
        names = ", ".join(f"b{place}" for place in range(len(self._buffers)))
        inputs = ", ".join(f"x{place}" for place in range(len(graph.inputs)))
        if not self._is_silent:
            self._lines = ["with np.errstate(all='ignore'):", *(f"    {line}" for line in self._lines)]
        lines = [f"{names}, = buffers"] * bool(names) + self._lines
        body = "".join(f"    {line}\n" for line in lines)
        self.text = f"def program({inputs}{', buffers' * bool(names)}):\n{body}"
        exec(compile(self.text, "<prepared derivative>", "exec"), self._space)  # our own text
        self.call = self._pooled(self._space["program"]) if names else self._space["program"]

    def _pooled(self, program: Callable[..., Any]) -> Callable[..., Any]:
        made = self._buffers
        pool: list[tuple[Any, ...]] = []

        def call(*inputs: Any) -> Any:
            try:
                buffers = pool.pop()
            except IndexError:
                buffers = tuple(np.empty(shape, dtype) for shape, dtype in made)
            result = program(*inputs, buffers)
            pool.append(buffers)
            return result

        return call

    # the last read of each array

    def _last_uses(self, nodes: Sequence[Node]) -> Mapping[int, int]:
        """Return the last job that reads each node, or an array that shares its memory."""
        memory: dict[int, set[int]] = {}
        for node in nodes:
            shared = set() if _is_fresh(node) else {each.index for each in node.operands}
            memory[node.index] = {node.index}.union(*(memory[each] for each in shared))
        last: dict[int, int] = {}
        for place, job in enumerate(self._jobs):
            for each in job.operands:
                for origin in memory[each.index]:
                    last[origin] = place
        for index in self._pinned:
            for origin in memory[index]:
                last[origin] = len(self._jobs)
        return last

    def _buffer(self, node: Node) -> str | None:
        """Return a buffer for a node; None if the node is a result, or shares memory with one."""
        if self._last.get(node.index) == len(self._jobs) or not node.shape:
            return None
        key = (node.shape, node.dtype)
        free = self._free.get(key)
        if free:
            return free.pop()
        self._buffers.append((node.shape, node.dtype))
        return f"b{len(self._buffers) - 1}"

    def _places_in_parts(self, nodes: Sequence[Node]) -> Mapping[int, tuple[Node, Any]]:
        """Return the matrix products that are needed only as a part of one vector: that vector and its slice."""
        users: dict[int, list[Node]] = {}
        for node in nodes:
            for each in node.operands:
                users.setdefault(each.index, []).append(node)
        found: dict[int, tuple[Node, Any]] = {}
        for node in nodes:
            if node.function is not accumulated or not _covers(node.shape, [index for index, _ in parts_of(node)]):
                continue
            for index, value in parts_of(node):
                origin = value
                while _is_only(origin, users, self._pinned) and origin.function is np.reshape and not origin.keywords:
                    origin = origin.arguments[0]
                if _is_only(origin, users, self._pinned) and origin.function is np.matmul and origin.dtype == FLOAT:
                    found[origin.index] = node, index
        return found

    # lines

    def _emit(self) -> None:
        for node in self.graph.inputs:
            self._check(node)
        owned: dict[int, tuple[Node, str]] = {}
        for place, job in enumerate(self._jobs):
            if job.shape is None:
                (node,) = job.nodes
                if node.function is None:
                    if node.value is not None:
                        self._names[node.index] = self._named(node.value, "c")
                        self._check(node)
                    continue
                buffer = self._call(node)
                if buffer:
                    owned[node.index] = node, buffer
                self._check(node)
            else:
                owned |= self._loop(job)
                for node in job.nodes:
                    if node.index in self._names:
                        self._check(node)
            for index in [index for index in owned if self._last.get(index, -1) <= place]:
                node, buffer = owned.pop(index)
                self._free.setdefault((node.shape, node.dtype), []).append(buffer)
        shown = [self._result(each) for each in self._outputs]
        self._lines.append(f"return {', '.join(shown)}{',' * (len(shown) == 1)}")

    def _named(self, value: Any, prefix: str) -> str:
        for name, known in self._space.items():
            if known is value:
                return name
        name = f"{prefix}{len(self._space)}"
        self._space[name] = value
        return name

    def _reference(self, x: Any) -> str:
        if type(x) is Node:
            return self._names[x.index]
        if type(x) is float:
            return repr(x) if np.isfinite(x) else self._named(x, "c")
        if x is None or type(x) in (int, bool, str):
            return repr(x)
        if x is Ellipsis:
            return "..."
        if type(x) is slice:
            return f"slice({', '.join(map(self._reference, (x.start, x.stop, x.step)))})"
        if type(x) is list:
            return f"[{', '.join(map(self._reference, x))}]"
        if type(x) is tuple:
            return f"({', '.join(map(self._reference, x))}{',' * (len(x) == 1)})"
        return self._named(x, "c")

    def _call(self, node: Node) -> str | None:
        """Emit a call, and return the buffer that it writes to."""
        is_begun = node.index in self._names
        name = self._names[node.index] = f"v{node.index}"
        function, given = node.function, [self._reference(each) for each in node.arguments]
        buffer = None
        if function in (accumulated, PUT.function) and not np.issubdtype(node.dtype, np.complexfloating):
            self._accumulate(node, name, is_begun)
            return None
        if node.shape == () and function in _OPERATORS and node.dtype == FLOAT:
            text = f"{given[0]} {_OPERATORS[function]} {given[1]}"
            self._is_silent = False
        elif node.shape == () and function is np.negative:
            text = f"-{given[0]}"
        elif function is operator.getitem:
            text = f"{given[0]}[{_index(given[1])}]"
        elif function is np.reshape and not node.keywords:
            text = f"{given[0]}.reshape({given[1]})"
        elif function is np.transpose and not node.keywords:
            text = f"{given[0]}.transpose({given[1]})"
        elif node.index in self._places:
            self._is_silent = False
            whole, index = self._places[node.index]
            if whole.index not in self._names:
                self._names[whole.index] = f"v{whole.index}"
                self._lines.append(f"v{whole.index} = np.empty({self._reference(whole.shape)})")
            part = f"v{whole.index}[{self._reference(index)}].reshape({self._reference(node.shape)})"
            text = f"{self._named(function, 'f')}({', '.join(given)}, out={part})"
        elif isinstance(function, np.ufunc) and not node.keywords and node.shape:
            self._is_silent = False
            buffer = self._buffer(node)
            text = f"{self._named(function, 'f')}({', '.join([*given, *([f'out={buffer}'] if buffer else [])])})"
        else:
            self._is_silent = False
            given += [f"{key}={self._reference(value)}" for key, value in node.keywords.items()]
            text = f"{self._named(function, 'f')}({', '.join(given)})"
        self._lines.append(f"{name} = {text}")
        return buffer

    def _accumulate(self, node: Node, name: str, is_begun: bool) -> None:
        """Emit zeros to which parts are added; parts that cover every entry once are assigned instead."""
        parts = parts_of(node)
        assert node.shape is not None
        covers = _covers(node.shape, [index for index, _ in parts])
        if not is_begun:
            self._lines.append(f"{name} = np.{'empty' if covers else 'zeros'}({self._reference(node.shape)})")
        written = {key_of(index) for whole, index in self._places.values() if whole is node}
        for place, (index, value) in enumerate(parts):
            if key_of(index) in written:
                continue
            sign = "=" if covers or place == 0 else "+="
            self._lines.append(f"{name}[{_index(self._reference(index))}] {sign} {self._reference(value)}")

    def _loop(self, job: Job) -> dict[int, tuple[Node, str]]:
        inner = {each.index for each in job.nodes}
        stored = frozenset(index for index in inner if index in self._read or index in self._pinned)
        loop = Loop(job, stored)
        owned: dict[int, tuple[Node, str]] = {}
        arguments = [self._names[each.index] for each in loop.read]
        numbers = []
        for node in loop.written:
            name = f"v{node.index}"
            if node in loop.summed:
                self._lines.append(f"{name} = np.zeros({self._reference(node.shape or (1,))})")
                numbers += [name] * (not node.shape)
            else:
                buffer = self._buffer(node)
                if buffer:
                    owned[node.index] = node, buffer
                    name = buffer
                else:
                    kind = "" if node.dtype == FLOAT else ", bool"
                    self._lines.append(f"{name} = np.empty({self._reference(node.shape)}{kind})")
            self._names[node.index] = name
            arguments.append(name)
        self._lines.append(f"{self._named(compiled(loop.text), 'k')}({', '.join(arguments)})")
        self._lines += [f"{name} = {name}[0]" for name in numbers]
        return owned

    def _check(self, node: Node) -> None:
        """Emit the guards of a node, as soon as it is computed."""
        for guard in self._guards.get(node.index, ()):
            name = self._names[node.index]
            if guard.kind == "truth":
                self._lines.append(f"if {'not ' * guard.expected}{name}: return None")
            elif guard.kind == "same":
                expected = self._named(guard.expected, "c")
                self._lines.append(f"if not np.array_equal({name}, {expected}): return None")
            elif guard.kind == "shape":
                shape, dtype = guard.expected
                kind = self._named(dtype, "c")
                self._lines.append(f"if np.shape({name}) != {shape} or np.asarray({name}).dtype != {kind}: return None")
            elif node.shape and len(node.shape) == 1 and node.dtype == FLOAT:
                self._lines.append(f"if not isfinite({name}.dot({name})) and not isfinite({name}).all(): return False")
            else:
                self._lines.append(f"if not np.isfinite({name}).all(): return False")

    def _result(self, output: Any) -> str:
        """Return the text of a result that shares no memory with anything else."""
        if type(output) is not Node:
            if not isinstance(output, np.ndarray | np.generic | float) or np.asarray(output).dtype.kind not in "biuf":
                raise NotRecordableError("a result is not an array of real numbers")
            return f"{self._named(output, 'c')}.copy()" if isinstance(output, np.ndarray) else self._reference(output)
        is_once = sum(each is output for each in self._outputs) == 1
        name = self._names[output.index]
        return name if _is_fresh(output) and output.function is not None and is_once else f"np.array({name})"


def _is_only(x: Any, users: Mapping[int, list[Node]], pinned: frozenset[int]) -> bool:
    """Return whether a node is needed in one place only."""
    return type(x) is Node and len(users.get(x.index, ())) == 1 and x.index not in pinned


def _is_fresh(node: Node) -> bool:
    """Return whether a call returns new memory."""
    function = node.function
    return function is None or isinstance(function, np.ufunc) or function in REDUCTIONS or function in _FRESH


def _index(text: str) -> str:
    """Return an index as it is usually written."""
    return text[1:-1] if text.startswith("(") and text.endswith(")") and len(text) > 2 else text


def _covers(shape: tuple[int, ...], indices: Sequence[Any]) -> bool:
    """Return whether slices of a vector take each entry exactly once."""
    if len(shape) != 1 or any(type(each) is not slice for each in indices):
        return False
    end = 0
    for begin, stop, step in sorted(each.indices(shape[0]) for each in indices):
        if begin != end or step != 1 or stop < begin:
            return False
        end = stop
    return end == shape[0]
