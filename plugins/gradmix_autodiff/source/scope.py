"""Names: those of the user's variables while a function is read, and those of emitted code."""

from __future__ import annotations

import ast
import builtins
import keyword
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from gradmix_autodiff.source import prelude
from gradmix_autodiff.source.reading import Definition
from gradmix_autodiff.source.refusal import RefusalError, refusal

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING"})()
"""The value of a variable that has not been assigned."""
NEVER: Any = type("Never", (), {"__repr__": lambda self: "NEVER"})()
"""The return value of a path that ends by an error."""

_RESERVED = frozenset([*keyword.kwlist, *dir(builtins), *dir(prelude), "np", "math", "place", "before"])
_OWN = ("stack_", "undo_", "mark_", "at_", "place_", "before_", "by_numpy_")
"""Prefixes of emitted names that no variable may have."""
SUFFIXES = ("", "_dot", "_bar")


@dataclass
class Names:
    """Unique names of emitted code; the names of the tangent and the adjoint of each are reserved, too."""

    taken: set[str] = field(default_factory=set)
    fixed: set[str] = field(default_factory=set)
    parameters: list[str] = field(default_factory=list)

    def copy(self) -> Names:
        """Return a copy of the present state; names of objects from outside stay taken."""
        return Names(set(self.taken), self.fixed, self.parameters)

    def fresh(self, base: str, fixed: bool = False) -> str:
        """Return an unused name like `base`."""
        base = "".join(each if each.isidentifier() or each.isdigit() else "_" for each in base.split()[0]) or "w"
        base = base if base.isidentifier() else f"w{base}"
        base = f"v_{base}" if base.startswith(_OWN) or base in ("place", "before") else base
        number, name = 1, f"{base}1" if base == "w" else base
        while not self._is_free(name):
            number += 1
            name = f"{base}{number}" if base == "w" else f"{base}_{number}"
        (self.fixed if fixed else self.taken).update(name + suffix for suffix in SUFFIXES)
        return name

    def _is_free(self, name: str) -> bool:
        all_free = all(name + suffix not in self.taken and name + suffix not in self.fixed for suffix in SUFFIXES)
        return all_free and name not in _RESERVED


@dataclass
class Scope:
    """The variables of one call of a function.

    Parameters
    ----------
    definition
        The definition of the function.
    function
        The Python function, through which names from outside are looked up; None for a function within another.
    env
        Variable → its present meaning.
    parent
        The scope of the function around it.
    path
        The calls that led here.
    """

    definition: Definition
    function: FunctionType | None
    env: dict[str, Any]
    parent: Scope | None = None
    path: tuple[Any, ...] = ()
    node: ast.AST | None = None
    stops: dict[int, str] = field(default_factory=dict)
    always_live: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    locals: set[str] = field(default_factory=set)

    @property
    def line(self) -> tuple[str, int]:
        """Return file and number of the line that is being read."""
        return self.definition.line(getattr(self.node, "lineno", 0)), getattr(self.node, "lineno", 0)

    def place(self, node: ast.AST | None) -> str:
        """Return file and line of a node."""
        own = getattr(self.node, "lineno", self.definition.first)
        number = int(getattr(node, "lineno", own) or own)
        return self.definition.place(number)

    def refusal(self, node: ast.AST | None, what: str, *way_out: str) -> RefusalError:
        """Return an error about a node."""
        return refusal(self.place(node), what, *way_out)

    def key(self, node: ast.AST) -> str:
        """Return a key for a place in the program, the same in each pass."""
        return f"{self.path}{getattr(node, 'lineno', 0)}:{getattr(node, 'col_offset', 0)}"


@dataclass(frozen=True, eq=False)
class LocalFunction:
    """A function that is defined within another, or a lambda."""

    node: ast.FunctionDef | ast.Lambda
    scope: Scope
