"""Traces of small functions: each intermediate value with its tangent, its adjoint and their formulas."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import gradmix

FunctionName = Literal["lecture", "distance", "decay"]
"""The functions of two numbers that can be traced."""


@dataclass(frozen=True)
class Traceable:
    """A function of two numbers, and its formula."""

    written: str
    f: Callable[..., Any]


FUNCTIONS: Mapping[str, Traceable] = {
    "lecture": Traceable(r"x_1 x_2 + \sin x_1", lambda x1, x2: x1 * x2 + np.sin(x1)),
    "distance": Traceable(r"\sqrt{x_1^2 + x_2^2}", lambda x1, x2: np.sqrt(x1**2 + x2**2)),
    "decay": Traceable(r"x_1 e^{-x_2}", lambda x1, x2: x1 * np.exp(-x2)),
}


def graph_of(name: str, point: Sequence[float], seed: Sequence[float]) -> Any:
    """Return the computational graph of a function, recorded by the tape."""
    made: Any = gradmix.differentiator("tape")
    return made.graph(FUNCTIONS[name].f, *point, direction=list(seed))


def rows_of(graph: Any) -> Iterator[dict[str, float]]:
    """Yield each node's number, value, tangent and adjoint, and its parents with the partial derivatives."""
    for number, node in enumerate(graph.nodes, start=1):
        row = {"node": float(number), "value": float(node.value)}
        row |= {"tangent": float(node.tangent), "adjoint": float(node.adjoint)}
        for place, (parent, push, _) in enumerate(node.parents, start=1):
            row |= {f"parent.{place}": float(parent + 1), f"partial.{place}": float(push(np.float64(1.0)))}
        yield row


def parents_of(row: Mapping[str, float]) -> list[tuple[int, float]]:
    """Return a node's parents: their indices, from 0, and the partial derivatives by them."""
    places = [name.removeprefix("parent.") for name in row if name.startswith("parent.")]
    return [(int(row[f"parent.{place}"]) - 1, row[f"partial.{place}"]) for place in places]


_DUAL: Mapping[str, Callable[[str, str], str]] = {
    "+": lambda a, b: rf"\dot {a} + \dot {b}",
    "*": lambda a, b: rf"\dot {a} {b} + {a} \dot {b}",
    "**": lambda a, b: rf"{b} {a} \dot {a}",  # of squares
    "-": lambda a, _: rf"-\dot {a}",
    "sin": lambda a, _: rf"\cos({a})\, \dot {a}",
    "exp": lambda a, _: rf"e^{{{a}}} \dot {a}",
    "sqrt": lambda a, _: rf"\dot {a}\, /\, (2 \sqrt{{{a}}})",
}
"""Operation → formula of its result's tangent."""

_BINARY = re.compile(r"(\w+) (\S+) (\w+)")
_UNARY = re.compile(r"(\w+)\((\w+)\)|(-)(\w+)")


def variable(number: int) -> str:
    """Return the symbol of an intermediate value, counted from 1."""
    return f"w_{{{number}}}"


def original(operation: str, number: int) -> str:
    """Return the right side of a line of the original program: ``w_1 w_2`` for ``x1 * x2``."""
    sign, a, b = _parts(operation, number)
    forms = {
        "": f"x_{number}",
        "*": f"{a} {b}",
        "**": f"{a}^{b}",
        "-": f"-{a}",
        "exp": f"e^{{{a}}}",
        "sqrt": rf"\sqrt{{{a}}}",
    }
    return forms.get(sign) or (rf"\{sign}({a})" if sign.isalpha() else f"{a} {sign} {b}")


def dual(operation: str, number: int) -> str:
    """Return the right side of a line of the dual program."""
    sign, a, b = _parts(operation, number)
    return _DUAL[sign](a, b) if sign else rf"\dot x_{number}"


def _parts(operation: str, number: int) -> tuple[str, str, str]:
    """Return operation and operands, named w as in the lecture; arguments have no operation."""
    if not operation:
        return "", "", ""
    if found := _BINARY.fullmatch(operation):
        return found[2], _operand(found[1]), _operand(found[3])
    found = _UNARY.fullmatch(operation)
    if found is None:
        raise gradmix.PluginError(f"the lecture cannot show the operation {operation} of w{number}.")
    return found[1] or found[3], _operand(found[2] or found[4]), ""


def _operand(name: str) -> str:
    return variable(int(name[1:])) if name[0] in "xw" else name


def shown(number: float, digits: int = 4) -> str:
    """Format a number with few digits and a true minus sign."""
    return f"{number + 0.0:.{digits}g}".replace("-", "\N{MINUS SIGN}")
