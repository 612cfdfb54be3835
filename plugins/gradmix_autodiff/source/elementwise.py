"""Elementwise operations: the texts of the rule table, with the names of the arguments in them."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from gradmix_autodiff.source import prelude
from gradmix_autodiff.source.forms import Operation, Value
from gradmix_autodiff.table import ARGUMENTS, ELEMENTWISE, UNKNOWN

OPERATORS: dict[type[ast.operator] | type[ast.unaryop], np.ufunc] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
    ast.Mod: np.remainder,
    ast.FloorDiv: np.floor_divide,
    ast.USub: np.negative,
    ast.UAdd: np.positive,
}
"""Python's operator → the ufunc whose rule it has."""

_OF_MATH = {
    "acos": "arccos",
    "asin": "arcsin",
    "atan": "arctan",
    "atan2": "arctan2",
    "acosh": "arccosh",
    "asinh": "arcsinh",
    "atanh": "arctanh",
    "pow": "power",
    "fabs": "absolute",
}
_SAME_IN_MATH = (
    *("cbrt", "copysign", "cos", "cosh", "degrees", "exp", "exp2", "expm1", "fmod", "hypot", "ldexp", "log10"),
    *("log1p", "log2", "radians", "sin", "sinh", "sqrt", "tan", "tanh"),
)

UFUNC_OF: dict[Callable[..., Any], np.ufunc] = {
    **{getattr(math, name): getattr(np, name) for name in _SAME_IN_MATH},
    **{getattr(math, name): getattr(np, other) for name, other in _OF_MATH.items()},
    math.log: np.log,
    abs: np.absolute,
    pow: np.power,
    max: np.maximum,
    min: np.minimum,
}
"""Functions of numbers, Python's and those of `math` → the ufunc whose rule they have."""


def operation(
    ufunc: Callable[..., Any], text: str, result: str, arguments: Sequence[Value], ndim: int | None
) -> Operation:
    """Return an elementwise operation of a ufunc that has a rule.

    Parameters
    ----------
    ufunc
        The ufunc whose rule applies.
    text
        The code of the result.
    result
        Name of the result.
    arguments
        The arguments of the ufunc.
    ndim
        Dimensions of the result.
    """
    style = "math" if text.startswith("math.") else "np"
    texts = _texts(ufunc, arguments)
    names: dict[str, ast.expr] = {letter: each.node for letter, each in zip(ARGUMENTS, arguments, strict=False)}
    names["y"] = ast.Name(result, ast.Load())

    def change(place: int, d: str) -> str:
        return substituted(texts[place], {**names, "d": ast.Name(d, ast.Load())}, style)

    def push(tangents: Sequence[str | None]) -> str:
        changes = [change(place, d) for place, d in enumerate(tangents) if d is not None]
        if len(changes) > 1:
            return changes[0] + "".join(
                f" - {each[1:]}" if each.startswith("-") else f" + {each}" for each in changes[1:]
            )
        (place,) = (place for place, d in enumerate(tangents) if d is not None)
        others = [
            letter for at, letter in enumerate(ARGUMENTS[: len(arguments)]) if at != place and arguments[at].ndim != 0
        ]
        is_whole = ndim == 0 or all(letter in _letters(texts[place]) for letter in others)
        return changes[0] if is_whole else f"spread({changes[0]}, {result})"

    def pulled(place: int) -> Callable[..., str] | None:
        if not arguments[place].active or not texts[place]:
            return None
        return lambda d, select=str: _fitted(select(change(place, d)), place, arguments, ndim)

    keeps: tuple[str | None, ...] = ()
    if ELEMENTWISE[ufunc].is_choice:
        equal = "{} == {}" if ndim == 0 else "np.equal({}, {})"
        keeps = tuple(equal.format(each.text, result) for each in arguments)
    pulls = tuple(pulled(place) for place in range(len(arguments)))
    return Operation(text, push, pulls, keeps=keeps, is_entrywise=True)


def _fitted(text: str, place: int, arguments: Sequence[Value], ndim: int | None) -> str:
    """Return a change, summed over the axes along which the argument was broadcast."""
    own = arguments[place]
    if ndim == 0 or all(each.ndim == 0 or each.text == own.text for at, each in enumerate(arguments) if at != place):
        return text
    return f"np.sum({text})" if own.ndim == 0 and ndim is not None else f"unbroadcast({text}, {own.text})"


def _texts(ufunc: Callable[..., Any], arguments: Sequence[Value]) -> tuple[str, ...]:
    texts = [text or "" for text in ELEMENTWISE[ufunc].texts]
    if ufunc in (np.power, np.float_power) and isinstance(exponent := _number(arguments[1].node), int | float):
        texts[0] = _of_power(exponent)
    return tuple(texts)


def _of_power(exponent: float) -> str:
    if exponent == 0:
        return "d * 0.0"
    if exponent == 1:
        return "d"
    return "d * (2.0 * a)" if exponent == 2 else f"d * ({exponent!r} * a ** {exponent - 1!r})"


def _number(node: ast.expr) -> Any:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        return -node.operand.value  # type: ignore[operator]
    return node.value if isinstance(node, ast.Constant) else None


def unknown_argument(ufunc: Callable[..., Any], arguments: Sequence[Value]) -> int | None:
    """Return the place of an argument that is differentiated but has no rule; None if all have one."""
    texts = ELEMENTWISE[ufunc].texts
    for place, (each, text) in enumerate(zip(arguments, texts, strict=False)):
        if each.active and text == UNKNOWN:
            return place
    return None


def is_written(ufunc: Callable[..., Any]) -> bool:
    """Return whether the texts of a rule use only functions that emitted code knows."""
    known = {*ARGUMENTS, "y", "d", "pi"}
    names = {name for text in ELEMENTWISE[ufunc].texts for name in (_letters(text) if text else ())}
    return all(name in known or hasattr(prelude, name) or hasattr(np, name) for name in names)


def ndim_of(arguments: Sequence[Value]) -> int | None:
    """Return the dimensions of values that are broadcast together."""
    found = [each.ndim for each in arguments]
    return None if None in found else max(found, default=0)  # type: ignore[type-var]


def substituted(text: str, names: Mapping[str, ast.expr], style: str = "np") -> str:
    """Return a rule's text in the names of variables, with function names as in printed code."""
    return ast.unparse(_Substitution(names, style).visit(_parsed(text)))


@lru_cache(maxsize=1024)
def _letters(text: str) -> frozenset[str]:
    return frozenset(node.id for node in ast.walk(_parsed(text)) if isinstance(node, ast.Name))


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


class _Substitution(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, ast.expr], style: str) -> None:
        self.names, self.style = names, style

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.names:
            return self.names[node.id]
        if hasattr(prelude, node.id) and node.id != "np":
            return node
        module = "math" if node.id == "pi" or (self.style == "math" and hasattr(math, node.id)) else "np"
        return ast.Attribute(ast.Name(module, ast.Load()), node.id, ast.Load())
