"""The emitted function: its text, as it is printed and as it runs."""

from __future__ import annotations

import ast
import inspect
import linecache
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from gradmix_autodiff.source import prelude
from gradmix_autodiff.source.blocks import values_of
from gradmix_autodiff.source.captured import Captured, Captures
from gradmix_autodiff.source.compiling import compiled
from gradmix_autodiff.source.forms import Function, Thing, Value, leaves
from gradmix_autodiff.source.forward import forward
from gradmix_autodiff.source.lines import names_of
from gradmix_autodiff.source.lowering import lowered
from gradmix_autodiff.source.reverse import reverse
from gradmix_autodiff.source.scope import SUFFIXES

_NUMBERS = count(1)
TRANSFORMS = {"forward": (forward, "dot"), "reverse": (reverse, "bar")}
"""Mode → the transformation, and the suffix of the new function's name."""


@dataclass(frozen=True, eq=False)
class Program:
    """A derivative as an emitted function.

    Parameters
    ----------
    text
        The definition of the function.
    function
        The function.
    captures
        Objects that it takes from outside.
    result
        The return value of the transformed function.
    takes_floats
        Whether Python floats may be passed for numbers, and lists of them for vectors.
    """

    text: str
    function: Callable[..., Any]
    captures: Captures
    result: Thing
    takes_floats: bool

    def is_current(self) -> bool:
        """Return whether the objects from outside are still those that the code was created for."""
        return self.captures.is_current(getattr(self.function, "__globals__", {}))

    def printed(self) -> str:
        """Return a complete module, which runs if all objects from outside can be written as code."""
        used = names_of(self.text)
        helpers = _closed_helpers(used)
        parts = [_without_types(inspect.getsource(getattr(prelude, name))) for name in helpers]
        everything = "\n".join([*parts, self.text])
        imports = ["import math"] if "math." in everything else []
        values, others = _outside([each for each in self.captures.found.values() if each.name in used])
        body = "\n".join(values)
        if "np." in everything or "np." in body or "array(" in body:
            imports.append("import numpy as np")
        if "gradmix." in everything:
            others.append("import gradmix")
        head = "\n".join([*imports, *others])
        blocks = [head, body, *(part.rstrip() for part in parts), self.text.rstrip()]
        return "\n\n\n".join(block for block in blocks if block) + "\n"


def program(
    function: Any, arguments: Mapping[int, Thing], mode: str, place: str = "the function", is_compiled: bool = False
) -> Program:
    """Transform a function.

    Parameters
    ----------
    function
        The function.
    arguments
        Place of an argument → the argument; the variables of the derivative are active.
    mode
        ``forward`` or ``reverse``.
    place
        The place that errors without a line name.
    is_compiled
        Whether it is compiled by numba.
    """
    made, captures = lowered(function, arguments, place, is_compiled)
    transform, ending = TRANSFORMS[mode]
    name = "f" if made.name == "<lambda>" else made.name
    text = transform(made, f"{name}_{ending}")
    if is_compiled:
        used = names_of(text)
        outside = [each for each in captures.found.values() if each.name in used]
        machine = compiled(text, f"{name}_{ending}", _ndims(made), outside, f"{place} in {made.file}")
        return Program(text, machine, captures, made.result, False)
    namespace: dict[str, Any] = {"np": np, "math": math, **_HELPERS}
    namespace |= {each.name: each.value for each in captures.found.values()}
    file = f"<derivative {next(_NUMBERS)} of {name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), namespace)  # our own text
    return Program(text, namespace[f"{name}_{ending}"], captures, made.result, _takes_floats(made))


def _ndims(made: Function) -> dict[str, int | None]:
    """Return the dimensions of the differentiated variables, and of their tangents and adjoints."""
    values = [*values_of(made.block), *(leaf for each in made.variables.values() for leaf in leaves(each))]
    return {each.text + ending: each.ndim for each in values if each.active for ending in SUFFIXES}


def _takes_floats(made: Function) -> bool:
    """Return whether each argument is a number, or a vector of which only entries are read."""
    variables = [each for each in made.variables.values() if any(leaf.active for leaf in leaves(each))]
    are_numbers = all(isinstance(each, Value) and (each.ndim == 0 or each.text in made.vectors) for each in variables)
    return are_numbers and not made.has_powers


_HELPERS = {name: each for name, each in vars(prelude).items() if isinstance(each, FunctionType)}
"""Functions that emitted code may call."""


def _closed_helpers(used: frozenset[str]) -> list[str]:
    """Return the helpers in use, and those that they use, in the order of their definition."""
    found: set[str] = set()
    queue = sorted(used & _HELPERS.keys())
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue += _names_of(_HELPERS[name].__code__) & _HELPERS.keys()
    return [name for name in _HELPERS if name in found]


def _without_types(source: str) -> str:
    """Return the source of a function without type annotations."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
    return ast.unparse(tree)


def _names_of(code: CodeType) -> set[str]:
    return set(code.co_names)


def _outside(captured: list[Captured]) -> tuple[list[str], list[str]]:
    """Return assignments of objects from outside, and imports of those that cannot be written as code."""
    values, others = [], []
    for each in captured:
        text = _literal(each.value)
        if text is not None:
            values.append(f"{each.name} = {text}" + (f"  # {each.origin}" if each.origin != each.name else ""))
            continue
        module, name = getattr(each.value, "__module__", None), getattr(each.value, "__qualname__", "")
        if isinstance(each.value, ModuleType):
            others.append(f"import {each.value.__name__} as {each.name}")
        elif isinstance(module, str) and name.isidentifier():
            others.append(f"from {module} import {name}" + (f" as {each.name}" if name != each.name else ""))
        elif isinstance(each.value, np.ufunc):
            others.append(f"from scipy.special import {each.value.__name__} as {each.name}")
        else:
            values.append(f"# {each.name} = {each.origin}, of {type(each.value).__name__}, must be passed")
    return values, others


def _literal(value: Any) -> str | None:
    """Return a value as Python code that gives the same value, or None."""
    if isinstance(value, np.ndarray) and value.size <= 10_000 and value.dtype.kind in "biuf":
        text = repr(value.tolist()).replace("inf", "np.inf").replace("nan", "np.nan")
        return f"np.reshape(np.array({text}, dtype=np.{value.dtype}), {value.shape})"
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if value is None or value is Ellipsis:
        return repr(value)
    if isinstance(value, slice):
        parts = [_literal(each) for each in (value.start, value.stop, value.step)]
        return None if None in parts else f"slice({', '.join(map(str, parts))})"
    if type(value) in (tuple, list):
        parts = [_literal(each) for each in value]
        inner = ", ".join(part or "" for part in parts) + "," * (len(parts) == 1)
        return None if None in parts else f"[{inner}]" if type(value) is list else f"({inner})"
    if isinstance(value, bool | int | float | str | dict):
        try:
            return repr(value) if ast.literal_eval(repr(value)) == value else None
        except (ValueError, SyntaxError):
            return None
    return None
