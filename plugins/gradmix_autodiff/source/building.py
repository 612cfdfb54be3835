"""One pass over a function: the statements created so far, and the facts known about them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gradmix_autodiff.source.aliases import Accesses
from gradmix_autodiff.source.captured import Captures
from gradmix_autodiff.source.forms import NOTHING, Op, Operation, Plain, Thing, Value
from gradmix_autodiff.source.scope import Names, Scope


@dataclass
class Knowledge:
    """Facts that are known only at the end of a pass over a function, and require another pass.

    Parameters
    ----------
    written
        Arrays into which differentiated values are written, by the place where they are created.
    stacked
        Stack → for each item of its entries, whether it is differentiated, and its dimensions.
    """

    written: set[str] = field(default_factory=set)
    stacked: dict[str, tuple[tuple[bool, int | None], ...]] = field(default_factory=dict)
    has_changed: bool = False

    def write(self, root: str) -> None:
        """Note that an array is written into."""
        if root not in self.written:
            self.written.add(root)
            self.has_changed = True

    def stack(self, name: str, kinds: tuple[tuple[bool, int | None], ...]) -> None:
        """Note the values that are pushed to a stack."""
        before = self.stacked.get(name, kinds)
        if len(before) != len(kinds):
            kinds = kinds[: len(before)]
        joined = tuple((a or b, m if m == n else None) for (a, m), (b, n) in zip(before, kinds, strict=True))
        if self.stacked.get(name) != joined:
            self.stacked[name] = joined
            self.has_changed = True


class Building:
    """The statements that one pass over a function has created so far.

    Parameters
    ----------
    knowledge
        Facts that earlier passes have found.
    is_compiled
        Whether the code will be compiled.
    """

    def __init__(self, knowledge: Knowledge, is_compiled: bool) -> None:
        self.knowledge, self.is_compiled = knowledge, is_compiled
        self.unset = Value(ast.Constant(0.0), ndim=0) if is_compiled else None
        """The value of a variable on a path that does not assign it."""
        self.captures, self.names, self.accesses = Captures(), Names(), Accesses()
        self.block: list[Any] = []
        self.loops: list[int] = []
        self.read_whole: set[str] = set()
        """Names of arrays that are read as a whole, not only entry by entry."""
        self.by_entry: set[ast.AST] = set()
        """Expressions of which only entries are read."""
        self.copied: list[str] = []
        """Arguments that are written into."""
        self.has_powers = False

    def bind(self, value: Value, name: str, scope: Scope) -> Value:
        """Give a name to a value that is not differentiated."""
        given = self.names.fresh(name)
        root = value.roots
        active = False
        if value.writable:
            key = scope.key(value.node) + name
            active = key in self.knowledge.written
            root = frozenset([key])
            self.accesses.make(key, self.loops)
        elif root:
            self.accesses.alias(given, root, self.loops)
        if active:
            made = Value(ast.Name(given, ast.Load()), True, value.ndim, root, True)
            text = value.text if _is_of_floats(value.node) else f"as_floats({value.text})"
            self.block.append(Op(made, Operation(text, lambda tangents: f"np.zeros_like({given})", ()), (), scope.line))
            return made
        self.block.append(Plain(given, value.text, scope.line))
        return Value(ast.Name(given, ast.Load()), False, value.ndim, root, value.writable, value.known)

    def atom(self, value: Value, scope: Scope) -> Value:
        """Return a value that costs nothing to repeat: a name or a constant."""
        return value if value.is_atom else self.bind(value, "c", scope)

    def pinned(self, thing: Thing, scope: Scope) -> Thing:
        """Return a thing whose later readings give the same value."""
        if isinstance(thing, Value) and not thing.is_atom and thing.known is NOTHING:
            return self.bind(thing, "c", scope)
        return thing

    def op(
        self,
        operation: Operation,
        result: str,
        arguments: Sequence[Value],
        ndim: int | None,
        scope: Scope,
        shares: Value | None = None,
    ) -> Value:
        """Append an operation."""
        roots = frozenset() if shares is None or ndim == 0 else shares.roots
        writable = shares is None and ndim != 0
        if roots:
            self.accesses.alias(result, roots, self.loops)
        if writable:
            roots = frozenset([result])
            self.accesses.make(result, self.loops)
        made = Value(ast.Name(result, ast.Load()), True, ndim, roots, writable)
        self.block.append(Op(made, operation, tuple(arguments), scope.line))
        return made

    def made(self, name: str, active: bool, ndim: int | None, roots: frozenset[str] = frozenset()) -> Value:
        """Return a variable that does not own an array."""
        roots = frozenset() if ndim == 0 else roots
        if roots:
            self.accesses.alias(name, roots, self.loops)
        return Value(ast.Name(name, ast.Load()), active, ndim, roots)

    def named(self, thing: Thing, name: str, scope: Scope) -> Thing:
        """Return the assigned value under a name, unless it has one already."""
        if not isinstance(thing, Value) or thing.is_atom or (thing.known is not NOTHING and thing.ndim is None):
            return thing
        return self.bind(thing, name, scope)

    @property
    def parameters(self) -> frozenset[str]:
        """Return the names of the function's arguments."""
        return frozenset(self.names.parameters)


def _is_of_floats(node: ast.expr) -> bool:
    """Return whether an array surely holds floats, which is NumPy's default type."""
    if not isinstance(node, ast.Call) or any(each.arg == "dtype" for each in node.keywords):
        return False
    return (
        ast.unparse(node.func) in ("np.zeros", "np.ones", "np.empty", "np.linspace", "np.eye") and len(node.args) <= 1
    )
