"""Errors for code that cannot be transformed: file, line, the construct, and an alternative."""

from __future__ import annotations

import ast

from gradmix import DifferentiationError


class RefusalError(DifferentiationError):
    """A construct that source transformation does not follow."""


_ELSEWHERE = "use differentiator=tape, which follows the values instead of the source code"


def refusal(place: str, what: str, way_out: str = _ELSEWHERE) -> RefusalError:
    """Return an error that states the place, the construct, and an alternative.

    >>> print(refusal("model.py, line 3", "a generator", "write a loop"))
    model.py, line 3: a generator cannot be transformed; write a loop.
    """
    return RefusalError(f"{place}: {what} cannot be transformed; {way_out}.")


CONSTRUCTS: dict[type[ast.AST], tuple[str, str]] = {
    ast.Try: ("`try`, exceptions as control flow,", "test the condition with `if` before"),
    ast.With: ("this `with`", "move the computations out of it; only np.errstate is supported"),
    ast.Global: ("`global`, which changes global state,", "pass the value as an argument and return it"),
    ast.Nonlocal: ("`nonlocal`, which changes an outer variable,", "pass the value as an argument and return it"),
    ast.Delete: ("`del`", "leave it out"),
    ast.Match: ("`match`", "write `if` and `elif`"),
    ast.ClassDef: ("a class defined in a function", "define it outside the function"),
    ast.Import: ("an import in a function", "import at the top of the module"),
    ast.ImportFrom: ("an import in a function", "import at the top of the module"),
    ast.AsyncFor: ("`async`", "write a plain loop"),
    ast.AsyncWith: ("`async`", "write plain code"),
    ast.AsyncFunctionDef: ("`async`", "write a plain function"),
    ast.Yield: ("a generator", "write a loop, or an array of values"),
    ast.YieldFrom: ("a generator", "write a loop, or an array of values"),
    ast.Await: ("`await`", "write plain code"),
    ast.ListComp: ("a list comprehension over differentiated values", "write an array expression, or a loop"),
    ast.SetComp: ("a set comprehension over differentiated values", "write a loop"),
    ast.DictComp: ("a dict comprehension over differentiated values", "write the entries out"),
    ast.GeneratorExp: ("a generator expression over differentiated values", "use np.sum of an array, or a loop"),
    ast.Set: ("a set of differentiated values", "use a tuple"),
}
"""Construct → its name, and what to write instead."""
