"""Lines of emitted code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[A-Za-z_]\w*")
INDENT = "    "


@dataclass(frozen=True)
class Line:
    """A line of code.

    Parameters
    ----------
    text
        The code.
    origin
        The user's line that it comes from, and its number; 0 for none.
    shape_only
        Names of which it needs only the shapes.
    """

    text: str
    origin: tuple[str, int] = ("", 0)
    shape_only: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Nest:
    """A line that begins a block, and the lines of the block."""

    head: Line
    lines: tuple[Line | Nest, ...]


Lines = list[Line | Nest]


def words(text: str) -> frozenset[str]:
    """Return the names in a text."""
    return frozenset(_WORD.findall(text))


def names_of(text: str) -> frozenset[str]:
    """Return the variables in code, without the names in comments."""
    return frozenset(node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name))


def all_words(lines: Sequence[Line | Nest], with_shapes: bool = True) -> frozenset[str]:
    """Return the names in lines; those of which only the shape is needed may be left out."""
    found: set[str] = set()
    for each in flat(lines):
        found |= words(each.text) - (frozenset() if with_shapes else each.shape_only)
    return frozenset(found)


def flat(lines: Sequence[Line | Nest]) -> Iterator[Line]:
    """Return all lines, including those of blocks."""
    for each in lines:
        if isinstance(each, Nest):
            yield each.head
            yield from flat(each.lines)
        else:
            yield each


def moved(moves: Sequence[tuple[str, str]], line: tuple[str, int]) -> Lines:
    """Return simultaneous assignments."""
    changed = [(name, end) for name, end in moves if name != end]
    if not changed:
        return []
    return [Line(f"{', '.join(name for name, _ in changed)} = {', '.join(end for _, end in changed)}", line)]


def printed(lines: Sequence[Line | Nest]) -> Iterator[str]:
    """Return the text of the lines of a function; a comment names the user's line where it changes."""
    before = 0
    for line, depth in _indented(lines, 1):
        text, number = line.origin
        if number and number != before:
            yield f"{INDENT * depth}# {number}: {text}"
        before = number or before
        for part in line.text.split("\n"):
            yield INDENT * depth + part


def _indented(lines: Sequence[Line | Nest], depth: int) -> Iterator[tuple[Line, int]]:
    for each in lines:
        if isinstance(each, Nest):
            yield each.head, depth
            yield from _indented(each.lines or (Line("pass"),), depth + 1)
        else:
            yield each, depth


def index_object(index: str, is_compiled: bool = False) -> str:
    """Return an index as an expression that can be passed on; a compiler knows `slice`, but not `np.s_`."""
    if ":" not in index and "..." not in index:
        return f"({index})" if "," in index else index
    if not is_compiled:
        return f"np.s_[{index}]"
    shown = [index_text(each) for each in index_parts(index)]
    return f"({', '.join(shown)})" if len(shown) > 1 else shown[0]


def index_parts(index: str) -> list[ast.expr]:
    """Return the parts of an index, dimension by dimension."""
    node = ast.parse(f"_[{index}]", mode="eval").body
    assert isinstance(node, ast.Subscript)
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


def index_text(part: ast.expr) -> str:
    """Return a part of an index as an expression."""
    if not isinstance(part, ast.Slice):
        return ast.unparse(part)
    bounds = [part.lower, part.upper, *([] if part.step is None else [part.step])]
    return f"slice({', '.join('None' if each is None else ast.unparse(each) for each in bounds)})"
