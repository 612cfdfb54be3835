"""Reading a function: from the object to the syntax tree of its definition, with the lines of its file."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from gradmix_autodiff.source.refusal import refusal

_FILE_WAY = "write it with `def` in a file"


@dataclass(frozen=True)
class Definition:
    """The definition of a function.

    Parameters
    ----------
    name
        Its name.
    node
        Its syntax tree, with the line numbers of the file.
    file
        The file that contains it.
    lines
        The lines of the file, from the first one of the definition.
    first
        Number of the first of these.
    """

    name: str
    node: ast.FunctionDef | ast.Lambda
    file: str
    lines: tuple[str, ...]
    first: int

    @property
    def body(self) -> list[ast.stmt]:
        """Return its statements; a lambda returns its expression."""
        if isinstance(self.node, ast.Lambda):
            return [ast.copy_location(ast.Return(self.node.body), self.node.body)]
        return self.node.body

    def place(self, node: ast.AST | int) -> str:
        """Return file and line of a node."""
        number = node if isinstance(node, int) else getattr(node, "lineno", self.first)
        return f"{self.file}, line {number}"

    def line(self, number: int) -> str:
        """Return the text of a line of the file."""
        place = number - self.first
        return self.lines[place].strip() if 0 <= place < len(self.lines) else ""


def definition_of(function: FunctionType) -> Definition:
    """Read the definition of a function.

    Raises
    ------
    RefusalError
        If its source is not available, or is not that of a plain function.
    """
    return _read(function.__code__)


@lru_cache(maxsize=512)
def _read(code: CodeType) -> Definition:
    name, file = code.co_name, Path(code.co_filename).name
    place = f"{file}, line {code.co_firstlineno}"
    try:
        lines, _ = inspect.getsourcelines(code)
    except (OSError, TypeError):
        raise refusal(
            place, f"{name}, whose source code is missing (as from a prompt, exec or compiled code),", _FILE_WAY
        ) from None
    first = code.co_firstlineno
    tree = _tree(lines, place, name)
    found = [node for node in ast.walk(tree) if _is_definition_of(node, code, first)]
    if len(found) != 1:
        what = (
            f"{name}, one of {len(found)} functions that begin on this line,"
            if found
            else f"{name}, whose source code does not match it,"
        )
        raise refusal(place, what, "write each function on its own line, or with `def`")
    (node,) = found
    assert isinstance(node, ast.FunctionDef | ast.Lambda)
    ast.increment_lineno(node, first - 1)
    if isinstance(node, ast.FunctionDef):
        for each in ast.walk(node):
            if isinstance(each, ast.Yield | ast.YieldFrom):
                raise refusal(
                    f"{file}, line {each.lineno}", f"{name}, a generator,", "write a loop, or an array of values"
                )
    return Definition(name, node, file, tuple(line.rstrip("\n") for line in lines), first)


def _tree(lines: list[str], place: str, name: str) -> ast.AST:
    """Return the tree of some lines, which may be a part of a statement, such as a lambda among arguments."""
    text = textwrap.dedent("".join(lines))
    attempts = (text, f"({text.strip()})", f"({text.strip().rstrip(',')},)", f"({text.strip()}", f"_({text.strip()}")
    for attempt in attempts:
        try:
            return ast.parse(attempt)
        except SyntaxError:
            continue
    tree = _lambda_within(text)
    if tree is None:
        raise refusal(place, f"{name}, a part of a statement that spans several lines,", _FILE_WAY)
    return tree


def _lambda_within(text: str) -> ast.AST | None:
    """Return the longest part that starts at the only ``lambda`` and is an expression."""
    if text.count("lambda") != 1:
        return None
    start = text.index("lambda")
    for end in range(len(text), start, -1):
        try:
            return ast.parse(f"({text[start:end]})")
        except SyntaxError:
            continue
    return None


def _is_definition_of(node: ast.AST, code: CodeType, first: int) -> bool:
    if isinstance(node, ast.Lambda):
        return code.co_name == "<lambda>" and len(node.args.args) == code.co_argcount and _is_alike(node, code)
    if not isinstance(node, ast.FunctionDef) or node.name != code.co_name:
        return False
    begin = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    return begin == 1


def _is_alike(node: ast.Lambda, code: CodeType) -> bool:
    """Return whether a lambda has the names of a code object; lambdas on one line are distinguished by their names."""
    names = tuple(each.arg for each in node.args.args)
    return names == code.co_varnames[: code.co_argcount]


def plain_function(function: Callable[..., Any], place: str) -> tuple[FunctionType, tuple[Any, ...]]:
    """Return the Python function behind a callable, and the arguments that are bound to it.

    Raises
    ------
    RefusalError
        If it is a builtin, or another object without source.
    """
    bound: list[Any] = []
    while True:
        if isinstance(function, FunctionType):
            return function, tuple(bound)
        if inspect.ismethod(function):
            bound.insert(0, function.__self__)
            function = function.__func__
        elif type(function).__name__ == "_lru_cache_wrapper":  # returns what the inner function returns
            function = function.__wrapped__  # type: ignore[attr-defined]
        elif hasattr(function, "py_func"):  # compiled by numba
            function = function.py_func
        elif inspect.isclass(function) or not callable_in_python(function):
            name = getattr(function, "__name__", type(function).__name__)
            what = (
                f"{name}, a class,"
                if inspect.isclass(function)
                else f"{name}, a builtin or compiled function without a derivative rule,"
            )
            raise refusal(place, what, "call one of NumPy's functions that has a rule, or a function written in Python")
        else:
            bound.insert(0, function)
            function = type(function).__call__


def callable_in_python(function: Any) -> bool:
    """Return whether the class of an object defines `__call__` in Python."""
    return any(isinstance(vars(each).get("__call__"), FunctionType) for each in type(function).__mro__)


def inspectable(function: Any) -> bool:
    """Return whether a function is written in Python, so that its source can be read."""
    if isinstance(function, type):
        return False
    own = getattr(function, "__func__", function)
    if isinstance(own, FunctionType) or type(own).__name__ == "_lru_cache_wrapper" or hasattr(own, "py_func"):
        return not (getattr(own, "__module__", None) or "").startswith("numpy")
    return callable_in_python(function)
