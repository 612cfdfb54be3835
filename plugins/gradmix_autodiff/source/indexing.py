"""From the syntax tree to the intermediate form: indices, and the entries that they read."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gradmix_autodiff.source.captured import ndim_of
from gradmix_autodiff.source.conditions import STEADY_NODES
from gradmix_autodiff.source.forms import NOTHING, Entries, Operation, Parts, Stack, Thing, Value, literal
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.scope import Scope


@dataclass(frozen=True)
class Index:
    """An index.

    Parameters
    ----------
    text
        The index.
    count
        Number of its parts that are numbers.
    added
        Number of parts that are None, each of which adds a dimension.
    is_entry
        Whether all are numbers.
    is_basic
        Whether all are numbers, slices, None and ``...``, so that NumPy gives a view.
    ndim
        Dimensions of the only array of indices, if there is one.
    constant
        The index itself, if it is a constant.
    parts
        The texts of its parts.
    arrays
        Places of the parts that are arrays of indices, or masks.
    """

    text: str
    count: int
    added: int
    is_entry: bool
    is_basic: bool
    ndim: int | None
    constant: Any = NOTHING
    parts: tuple[str, ...] = ()
    arrays: tuple[int, ...] = ()

    def replaced(self, texts: Mapping[int, str]) -> Index:
        """Return the same index with other texts for some of its parts."""
        parts = tuple(texts.get(place, each) for place, each in enumerate(self.parts))
        return replace(self, text=_joined(parts, self.text.endswith(",")), parts=parts)


def _joined(parts: Sequence[str], is_tuple: bool) -> str:
    return (", ".join(parts) or "()") + ("," if is_tuple and len(parts) == 1 else "")


class Indexing(Reader):
    """Reads indices, and the entries that they name."""

    def index(self, node: ast.expr, scope: Scope, pinned: bool = False) -> Index:
        """Return an index, in a form that means the same later."""
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        texts, count, added, constants = [], 0, 0, []
        arrays: dict[int, int | None] = {}
        for each in parts:
            if isinstance(each, ast.Slice):
                bounds = [
                    None if bound is None else self._steady(bound, scope).node
                    for bound in (each.lower, each.upper, each.step)
                ]
                texts.append(ast.unparse(ast.Slice(*bounds)))
                values = [None if bound is None else literal(bound) for bound in bounds]
                constants.append(NOTHING if NOTHING in values else slice(*values))
                continue
            value = self._steady(each, scope)
            texts.append(value.text)
            constants.append(literal(value.node))
            if (
                isinstance(value.node, ast.Constant)
                and value.node.value in (None, ...)
                and not isinstance(value.node.value, int | float | str)
            ):
                added += value.node.value is None
            elif value.ndim == 0 or isinstance(value.node, ast.Constant):
                count += 1
            else:
                arrays[len(texts) - 1] = value.ndim
        is_entry = count == len(parts)
        constant = (
            NOTHING if NOTHING in constants else tuple(constants) if isinstance(node, ast.Tuple) else constants[0]
        )
        text = _joined(texts, isinstance(node, ast.Tuple))
        ndim = next(iter(arrays.values())) if len(arrays) == 1 else None
        return Index(text, count, added, is_entry, not arrays, ndim, constant, tuple(texts), tuple(arrays))

    def _steady(self, node: ast.expr, scope: Scope) -> Value:
        """Return a part of an index, bound to a name if reading it again might give another value."""
        thing = self.lowering.expressions.expression(node, scope)
        if isinstance(thing, Parts):
            thing = self.lowering.expressions.value(thing, node, scope)
            return self.building.bind(Value(thing.node, ndim=1), "index", scope)
        value = self.lowering.expressions.value(thing, node, scope)
        if value.active:
            raise scope.refusal(node, f"`{ast.unparse(node)}`, a differentiated index,", "use an integer")
        steady = all(isinstance(each, STEADY_NODES) for each in ast.walk(value.node))
        return value if steady else self.building.bind(value, "index", scope)

    def item(self, base: Thing, index: Index, node: ast.AST, scope: Scope, hint: str = "") -> Thing:
        """Return the value of ``base[index]``."""
        shown = ast.unparse(node)
        if isinstance(base, Parts) and index.constant is not NOTHING and isinstance(index.constant, int | slice):
            try:
                found = base.parts[index.constant]
            except IndexError:
                raise scope.refusal(
                    node, f"`{shown}` of {len(base.parts)} entries", "use an index within the range"
                ) from None
            return Parts(found, base.is_list) if isinstance(index.constant, slice) else found
        if isinstance(base, Entries):
            if index.constant not in base.entries:
                raise scope.refusal(node, f"`{shown}`, an unknown key,", "use a constant key that exists")
            return base.entries[index.constant]
        if isinstance(base, Stack):
            raise scope.refusal(node, "a list that grows", "write into an array by index: a = np.zeros(n); a[i] = …")
        value = self.lowering.expressions.value(base, node, scope)
        if not index.is_entry or value.ndim != 1:
            self.building.read_whole.add(value.text)
        ndim = _ndim_of_item(value.ndim, index)
        if not value.active:
            return self._plain_item(value, index, ndim, node)
        value = self.building.atom(value, scope)
        result = self.building.names.fresh(hint or "w")
        text = f"{value.text}[{index.text}]"
        operation = Operation(
            text, lambda tangents: f"{tangents[0]}[{index.text}]", (lambda d: d,), index.text, not index.is_basic
        )
        if not index.is_basic:
            return self.building.op(operation, result, (value,), ndim, scope)
        return self.building.op(operation, result, (value,), ndim, scope, value)

    def _plain_item(self, value: Value, index: Index, ndim: int | None, node: ast.AST) -> Value:
        made = ast.Subscript(value.node, ast.parse(f"_[{index.text}]", mode="eval").body.slice, ast.Load())  # type: ignore[attr-defined]
        known = NOTHING
        if value.known is not NOTHING and index.constant is not NOTHING:
            try:
                known = value.known[index.constant]
            except (TypeError, LookupError):
                known = NOTHING
        if known is not NOTHING:
            ndim = ndim_of(known)
        return Value(ast.copy_location(made, node), False, ndim, frozenset() if ndim == 0 else value.roots, known=known)


def _ndim_of_item(ndim: int | None, index: Index) -> int | None:
    if ndim is None or "..." in index.text or index.text == "Ellipsis":
        return None
    if index.is_basic:
        return ndim - index.count + index.added
    return index.ndim if ndim == 1 and index.count == 0 and index.added == 0 and "," not in index.text else None
