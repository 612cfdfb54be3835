"""The intermediate form: named values, and a few kinds of statements that create them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

NOTHING: Any = object()
"""Marks a value of which nothing is known."""


@dataclass(frozen=True, eq=False)
class Value:
    """The value of an expression without side effects: a number, an array, or anything else.

    Parameters
    ----------
    node
        The expression: a variable or a constant; any expression if it is not differentiated.
    active
        Whether it depends on the variables.
    ndim
        0 for a number, the number of dimensions of an array, None if that is unknown.
    roots
        Arrays whose memory it may share.
    writable
        Whether it is an array that the function itself has created, under its only name.
    known
        The object itself, if it is captured; `NOTHING` if not.
    captured
        The record of how it is captured.
    """

    node: ast.expr
    active: bool = False
    ndim: int | None = None
    roots: frozenset[str] = frozenset()
    writable: bool = False
    known: Any = NOTHING
    captured: Any = None

    @cached_property
    def text(self) -> str:
        """Return the expression as text."""
        return ast.unparse(self.node)

    @property
    def is_atom(self) -> bool:
        """Return whether repeating the expression costs nothing."""
        return is_atom(self.node)


def is_atom(node: ast.expr) -> bool:
    """Return whether an expression is a name or consists of constants."""
    if isinstance(node, ast.BinOp):
        return _is_constant(node.left) and _is_constant(node.right)
    return isinstance(node, ast.Name) or _is_constant(node)


def _is_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant))


def literal(node: ast.expr) -> Any:
    """Return the value of an expression of constants; `NOTHING` for any other."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return NOTHING


@dataclass(frozen=True, eq=False)
class Parts:
    """A tuple or list whose entries are known one by one."""

    parts: tuple[Any, ...]
    is_list: bool = False
    fields: tuple[str, ...] = ()
    """Names of the entries, if it is a named tuple."""


@dataclass(frozen=True, eq=False)
class Entries:
    """A dict whose keys are known."""

    entries: Mapping[Any, Any]


@dataclass(frozen=True, eq=False)
class Stack:
    """A list used as a stack: the name of its variable, and where it is created."""

    name: str
    key: str


Thing = Any
"""A `Value`, `Parts`, `Entries`, `Stack`, or a function."""


@dataclass(frozen=True, eq=False)
class Operation:
    """What an operation computes and how it is differentiated, as texts in the names of its arguments.

    Parameters
    ----------
    text
        The result.
    push
        Tangents of the arguments, None where they have none → that of the result.
    pulls
        For each argument, the cotangent of the result → what to add to that of the argument.
    scatter
        For an entry or a part of an array: its index, so that a cotangent is added in place.
    is_repeated
        Whether the index may name an entry twice.
    keeps
        For each argument, the condition under which the result depends on it; None: always.
    is_entrywise
        Whether each entry of the result depends on one entry of each argument. Its pulls also take a function of the
        change, applied before the sum over the axes along which the argument was broadcast.
    moves
        Whether each entry of the result is an entry of the arguments, or a sum of some.
    """

    text: str
    push: Callable[[Sequence[str | None]], str]
    pulls: tuple[Callable[..., str] | None, ...]
    scatter: str | None = None
    is_repeated: bool = False
    keeps: tuple[str | None, ...] = ()
    is_entrywise: bool = False
    moves: bool = False


@dataclass(eq=False)
class Op:
    """result = operation(arguments)."""

    result: Value
    operation: Operation
    arguments: tuple[Value, ...]
    line: tuple[str, int]


@dataclass(eq=False)
class Plain:
    """names = expression, where the names are not differentiated."""

    targets: str
    text: str
    line: tuple[str, int]


@dataclass(eq=False)
class Copy:
    """One name for the values of several branches or iterations; the source is None where a path has no value."""

    result: Value
    source: Value | None
    line: tuple[str, int]


@dataclass(eq=False)
class Unpack:
    """a, b, c = vector."""

    results: tuple[Value, ...]
    source: Value
    line: tuple[str, int]


@dataclass(eq=False)
class Write:
    """array[index] = value, where the array is known by its only name."""

    array: Value
    index: str
    is_entry: bool
    """Whether the index names one entry, so that the old content is a number rather than a view."""
    value: Value
    line: tuple[str, int]


@dataclass(eq=False)
class AddAt:
    """np.add.at(array, index, value), which adds to an entry as often as it is named."""

    array: Value
    index: str
    value: Value
    line: tuple[str, int]


@dataclass(eq=False)
class Push:
    """stack.append((values)); `tangents` are those whose tangents are pushed, too."""

    stack: str
    values: tuple[Value, ...]
    tangents: tuple[Value, ...]
    line: tuple[str, int]


@dataclass(eq=False)
class Pop:
    """(targets) = stack.pop()."""

    stack: str
    targets: tuple[Value, ...]
    line: tuple[str, int]


@dataclass(eq=False)
class Effect:
    """A statement that is executed once and computes nothing, such as a call for its effect or an error."""

    text: str
    line: tuple[str, int]


@dataclass(eq=False)
class Choice:
    """if test: then else: otherwise."""

    test: str
    then: list[Any]
    otherwise: list[Any]
    line: tuple[str, int]


@dataclass(eq=False)
class Carried:
    """A variable that iterations pass on: its name within an iteration, and its value at the end of one."""

    name: Value
    end: Value


@dataclass(eq=False)
class Loop:
    """A loop.

    Parameters
    ----------
    number
        Number of the loop.
    head
        The line that begins it, ``for i in range(n)`` or ``while x > 1``.
    targets
        Names that the head assigns.
    before
        Statements before the test of a `while`; empty where the test is an expression.
    test
        The test that follows these statements.
    body
        Statements of one iteration.
    carried
        Variables that iterations pass on.
    stop
        Name of the flag that ends it early.
    """

    number: int
    head: str
    targets: tuple[str, ...]
    before: list[Any]
    test: str | None
    body: list[Any]
    carried: list[Carried]
    stop: str | None
    line: tuple[str, int]
    stack: tuple[str, tuple[Value, ...]] | None = None
    """The stack that it goes through backwards, and the values that it pops."""
    saved: list[str] | None = field(default=None)
    """Values kept of each iteration for the reverse sweep; None if the loop is not reversed."""


@dataclass(eq=False)
class Function:
    """A function in the intermediate form.

    Parameters
    ----------
    name
        Its name.
    file
        Name of the file that defines it.
    parameters
        Its arguments, in order.
    variables
        For each argument, the structure of its active leaves, or None if it is constant.
    block
        Its statements.
    result
        Its return value.
    copied
        Arguments that it writes into.
    """

    name: str
    file: str
    parameters: tuple[str, ...]
    variables: Mapping[str, Thing]
    block: list[Any]
    result: Thing
    copied: tuple[str, ...] = ()
    vectors: frozenset[str] = frozenset()
    """Arguments that are read only entry by entry, and so may be lists."""
    is_compiled: bool = False
    """Whether the code is meant for a compiler: without lists of mixed entries, or names without a value."""
    has_powers: bool = False
    """Whether a number is raised to a power that may be a fraction, where Python's floats give complex numbers."""


def leaves(thing: Thing) -> list[Value]:
    """Return the values in a structure, in order."""
    if isinstance(thing, Parts):
        return [leaf for part in thing.parts for leaf in leaves(part)]
    if isinstance(thing, Entries):
        return [leaf for part in thing.entries.values() for leaf in leaves(part)]
    return [thing] if isinstance(thing, Value) else []


def written(thing: Thing, text: Callable[[Value], str]) -> str:
    """Return a structure as an expression, with each value converted to text."""
    if isinstance(thing, Parts):
        inner = ", ".join(written(part, text) for part in thing.parts)
        return f"[{inner}]" if thing.is_list else f"({inner}{',' * (len(thing.parts) == 1)})"
    if isinstance(thing, Entries):
        return "{" + ", ".join(f"{key!r}: {written(part, text)}" for key, part in thing.entries.items()) + "}"
    return text(thing)
