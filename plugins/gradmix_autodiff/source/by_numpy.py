"""Compiled code: statements that numba cannot compile are handed back to NumPy, each as a Python function.

numba's object mode calls the function from machine code, which costs about 15 µs. It must know the result's dimensions.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Mapping
from types import FunctionType

import numpy as np

from gradmix_autodiff.source import prelude
from gradmix_autodiff.source.forms import literal

Ndims = Mapping[str, int | None]
"""Variable → its dimensions."""

_ASSIGNED = re.compile(r"(\s*)(\w+) ([+-]?)= (.+)")
_ADDED_AT = re.compile(r"(\s*)(add_at\((\w+), .+\))")
_HELPERS = {name for name, each in vars(prelude).items() if isinstance(each, FunctionType)}
_REDUCTIONS = ("max", "mean", "min", "prod", "std", "sum", "var", "cumsum")
_OF_VECTORS = ("concatenate", "flip", "roll")
"""Functions that numba compiles for vectors."""
_OF_MATRICES = ("linalg.det", "linalg.inv", "linalg.norm", "linalg.solve")
_OF_NUMBA = frozenset(name for name in vars(np) if isinstance(getattr(np, name), np.ufunc)) | frozenset(
    (
        *("arange", "argmax", "argmin", "argsort", "copy", "diag", "dot", "empty", "empty_like", "eye", "full"),
        *("full_like", "linspace", "ndim", "ones", "ones_like", "outer", "ravel", "searchsorted", "shape", "sinc"),
        *("size", "trace", "transpose", "where", "zeros", "zeros_like"),
    )
)
"""Functions that numba compiles without options, or refuses to compile."""


def handed_back(text: str, ndims: Ndims) -> str:
    """Return an emitted function with each statement compiled, or handed back to a function that follows it.

    Parameters
    ----------
    text
        The definition of the emitted function.
    ndims
        Dimensions of the variables that are numbers or arrays of floats.
    """
    lines: list[str] = []
    functions: list[str] = []
    for line in text.splitlines():
        indent, target, sign, expression = _statement(line, ndims)
        tree = ast.parse(expression or "0", mode="eval").body
        if all(_is_compiled(node, ndims) for node in ast.walk(tree)):
            lines.append(line)
            continue
        name, variables = f"by_numpy_{len(functions) + 1}", ", ".join(sorted(_variables(tree)))
        lines.append(f"{indent}{target} {sign}= {name}({variables})" if target else f"{indent}{name}({variables})")
        functions.append(_function(name, variables, expression, ndims[target] if target else None))
    return "\n".join([*lines, "", *functions])


def _function(name: str, variables: str, expression: str, ndim: int | None) -> str:
    """Return two functions for an expression: a compiled one, and the Python function that it calls."""
    plain = f"plain_{name}"
    kind = "float64" if ndim == 0 else f"float64[{', '.join([*[':'] * ((ndim or 1) - 1), '::1'])}]"
    value = f"float({expression})" if ndim == 0 else f"np.array({expression}, dtype=float, order='C')"
    return "\n".join(
        [
            f"\ndef {plain}({variables}):",
            f"    {expression}" if ndim is None else f"    return {value}",
            f"\n\n@njit(cache=True)\ndef {name}({variables}):",
            "    with objmode():" if ndim is None else f"    with objmode(found='{kind}'):",
            f"        {'' if ndim is None else 'found = '}{plain}({variables})",
            "" if ndim is None else "    return found\n",
        ]
    )


def _statement(line: str, ndims: Ndims) -> tuple[str, str, str, str]:
    """Return indent, target, sign and expression of a statement that may be handed back; else no expression."""
    if found := _ADDED_AT.fullmatch(line):
        return found[1], "", "", found[2] if ndims.get(found[3]) != 1 else ""
    found = _ASSIGNED.fullmatch(line)
    return (found[1], found[2], found[3], found[4]) if found and ndims.get(found[2]) is not None else ("", "", "", "")


def _variables(tree: ast.AST) -> set[str]:
    """Return the variables of the function that an expression reads."""
    if isinstance(tree, ast.Lambda):
        return _variables(tree.body) - {each.arg for each in tree.args.args}
    if isinstance(tree, ast.Name):
        return {tree.id} - _HELPERS - {"np", "math", "gradmix"} - vars(builtins).keys()
    return {name for each in ast.iter_child_nodes(tree) for name in _variables(each)}


def _is_compiled(node: ast.AST, ndims: Ndims) -> bool:
    """Return whether numba compiles an operation, as far as its operands are known."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return all((_ndim(each, ndims) or 0) <= 2 for each in (node.left, node.right))
    if not isinstance(node, ast.Call):
        return True
    called = ast.unparse(node.func)
    if called.startswith("np."):
        return _is_of_numba(called.removeprefix("np."), node, ndims)
    return called not in _HELPERS or _has_form(called, node, ndims)


def _is_of_numba(name: str, call: ast.Call, ndims: Ndims) -> bool:
    """Return whether numba compiles a call of a NumPy function."""
    options = {each.arg: literal(each.value) for each in call.keywords}
    if name in _REDUCTIONS:
        has_one_axis = name == "sum" and options.keys() == {"axis"} and isinstance(options["axis"], int)
        return len(call.args) == 1 and (not options or has_one_axis)
    if name in _OF_VECTORS:
        parts = call.args[0].elts if isinstance(call.args[0], ast.Tuple | ast.List) else [call.args[0]]
        return not options and all(_ndim(each, ndims) == 1 for each in parts)
    if name in _OF_MATRICES:
        return not options and (_ndim(call.args[0], ndims) or 0) <= 2
    if name == "array" and isinstance(call.args[0], ast.List):
        return all(_ndim(each, ndims) == 0 for each in call.args[0].elts)
    return name in _OF_NUMBA and (name != "transpose" or len(call.args) == 1)


def _has_form(helper: str, call: ast.Call, ndims: Ndims) -> bool:
    """Return whether `machine` has a form of a helper for a call."""
    first, second = [*(_ndim(each, ndims) for each in call.args), None, None][:2]
    options = [literal(each) for each in call.args]
    match helper:
        case "pullback_of" | "pushforward_of" | "product_by_left" | "product_by_right" | "add_at":
            return False
        case "share_of_max" | "share_of_min":
            return options[1] is None or (first == 2 and isinstance(options[1], int))
        case "part_of":
            return first == 1
        case "unbroadcast":
            return max(first or 0, second or 0) <= 2
        case "unsummed":
            is_whole = first == 0 or first == second
            return is_whole or (second == 2 and isinstance(options[2], int) and options[3] is False)
    return True


def _ndim(node: ast.expr, ndims: Ndims) -> int | None:
    """Return the dimensions of an expression, if they are obvious."""
    match node:
        case ast.Constant(int() | float()):
            return 0
        case ast.Name(name):
            return ndims.get(name)
        case ast.Attribute(value, "T") | ast.UnaryOp(_, value):
            return _ndim(value, ndims)
        case ast.BinOp(left, op, right) if not isinstance(op, ast.MatMult):
            both = _ndim(left, ndims), _ndim(right, ndims)
            return None if None in both else max(both)  # type: ignore[type-var]
    return None
