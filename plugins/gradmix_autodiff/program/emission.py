"""Emission of a graph as the text of one Python function."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradmix.arrays import can_compile
from gradmix_autodiff.program.loops import Loop, compiled
from gradmix_autodiff.program.memory import Memory, covers, is_fresh
from gradmix_autodiff.program.node import Graph, Guard, Node, NotRecordableError, key_of
from gradmix_autodiff.program.schedule import Job, live, ordered, parts_of
from gradmix_autodiff.program.simplify import FLOAT, accumulated
from gradmix_autodiff.rules.structure import PUT

_OPERATORS = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/"}


class Emission:
    """The text of a function that computes the results of a graph.

    Parameters
    ----------
    graph, outputs, is_fused
        As for `Program`.

    Attributes
    ----------
    space
        Name → object, for the objects that the text uses.
    text
        The definition of the function ``program``; it takes the graph's inputs and, if there are any, the buffers.
    buffers
        Shape and dtype of each buffer.
    """

    def __init__(self, graph: Graph, outputs: Sequence[Any], is_fused: bool) -> None:
        self._graph, self._outputs = graph, outputs
        self.space: dict[str, Any] = {"np": np, "isfinite": np.isfinite}
        self._names: dict[int, str] = {node.index: f"x{place}" for place, node in enumerate(graph.inputs)}
        self._lines: list[str] = []
        self._guards: dict[int, list[Guard]] = {}
        for guard in graph.guards.values():
            self._guards.setdefault(guard.node.index, []).append(guard)
        results = [each for each in outputs if type(each) is Node]
        nodes = live(graph, results)
        self._pinned = frozenset({each.index for each in results} | self._guards.keys())
        self._jobs = ordered(nodes, self._pinned, is_fused and can_compile())
        self._is_silent = True
        self._read = {each.index for job in self._jobs for each in job.operands}  # by other jobs than their own
        self._memory = Memory(nodes, self._jobs, self._pinned)
        self._emit()
        self.buffers = self._memory.sizes
        self.text = self._whole()

    def _whole(self) -> str:
        names = ", ".join(f"b{place}" for place in range(len(self.buffers)))
        inputs = ", ".join(f"x{place}" for place in range(len(self._graph.inputs)))
        lines = self._lines
        if not self._is_silent:
            lines = ["with np.errstate(all='ignore'):", *(f"    {line}" for line in lines)]
        body = "".join(f"    {line}\n" for line in [f"{names}, = buffers"] * bool(names) + lines)
        return f"def program({inputs}{', buffers' * bool(names)}):\n{body}"

    def _emit(self) -> None:
        for node in self._graph.inputs:
            self._check(node)
        for place, job in enumerate(self._jobs):
            if job.shape is None:
                (node,) = job.nodes
                if node.function is None:
                    if node.value is not None:
                        self._names[node.index] = self._named(node.value, "c")
                        self._check(node)
                    continue
                self._call(node)
                self._check(node)
            else:
                self._loop(job)
                for node in job.nodes:
                    if node.index in self._names:
                        self._check(node)
            self._memory.release(place)
        shown = [self._result(each) for each in self._outputs]
        self._lines.append(f"return {', '.join(shown)}{',' * (len(shown) == 1)}")

    def _named(self, value: Any, prefix: str) -> str:
        for name, known in self.space.items():
            if known is value:
                return name
        name = f"{prefix}{len(self.space)}"
        self.space[name] = value
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

    def _call(self, node: Node) -> None:
        """Emit a call."""
        is_begun = node.index in self._names
        name = self._names[node.index] = f"v{node.index}"
        function, given = node.function, [self._reference(each) for each in node.arguments]
        if function in (accumulated, PUT.function) and not np.issubdtype(node.dtype, np.complexfloating):
            self._accumulate(node, name, is_begun)
            return
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
        elif node.index in self._memory.places:
            self._is_silent = False
            whole, index = self._memory.places[node.index]
            if whole.index not in self._names:
                self._names[whole.index] = f"v{whole.index}"
                self._lines.append(f"v{whole.index} = np.empty({self._reference(whole.shape)})")
            part = f"v{whole.index}[{self._reference(index)}].reshape({self._reference(node.shape)})"
            text = f"{self._named(function, 'f')}({', '.join(given)}, out={part})"
        elif isinstance(function, np.ufunc) and not node.keywords and node.shape:
            self._is_silent = False
            buffer = self._memory.buffer(node)
            text = f"{self._named(function, 'f')}({', '.join([*given, *([f'out={buffer}'] if buffer else [])])})"
        else:
            self._is_silent = False
            given += [f"{key}={self._reference(value)}" for key, value in node.keywords.items()]
            text = f"{self._named(function, 'f')}({', '.join(given)})"
        self._lines.append(f"{name} = {text}")

    def _accumulate(self, node: Node, name: str, is_begun: bool) -> None:
        """Emit zeros to which parts are added; parts that cover every entry once are assigned instead."""
        parts = parts_of(node)
        assert node.shape is not None
        is_covered = covers(node.shape, [index for index, _ in parts])
        if not is_begun:
            self._lines.append(f"{name} = np.{'empty' if is_covered else 'zeros'}({self._reference(node.shape)})")
        written = {key_of(index) for whole, index in self._memory.places.values() if whole is node}
        for place, (index, value) in enumerate(parts):
            if key_of(index) in written:
                continue
            sign = "=" if is_covered or place == 0 else "+="
            self._lines.append(f"{name}[{_index(self._reference(index))}] {sign} {self._reference(value)}")

    def _loop(self, job: Job) -> None:
        inner = {each.index for each in job.nodes}
        stored = frozenset(index for index in inner if index in self._read or index in self._pinned)
        loop = Loop(job, stored)
        arguments = [self._names[each.index] for each in loop.read]
        numbers = []
        for node in loop.written:
            name = f"v{node.index}"
            if node in loop.summed:
                self._lines.append(f"{name} = np.zeros({self._reference(node.shape or (1,))})")
                numbers += [name] * (not node.shape)
            else:
                buffer = self._memory.buffer(node)
                if buffer:
                    name = buffer
                else:
                    kind = "" if node.dtype == FLOAT else ", bool"
                    self._lines.append(f"{name} = np.empty({self._reference(node.shape)}{kind})")
            self._names[node.index] = name
            arguments.append(name)
        self._lines.append(f"{self._named(compiled(loop.text), 'k')}({', '.join(arguments)})")
        self._lines += [f"{name} = {name}[0]" for name in numbers]

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
        return name if is_fresh(output) and output.function is not None and is_once else f"np.array({name})"


def _index(text: str) -> str:
    """Return an index as it is usually written."""
    return text[1:-1] if text.startswith("(") and text.endswith(")") and len(text) > 2 else text
