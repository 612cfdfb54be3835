"""From the syntax tree to the intermediate form: writes into arrays, and stacks."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import numpy as np

from gradmix_autodiff.source.forms import NOTHING, AddAt, Parts, Pop, Push, Stack, Thing, Value, Write
from gradmix_autodiff.source.indexing import Index
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.scope import Scope

if TYPE_CHECKING:
    from gradmix_autodiff.source.lowering import Lowering


class Writes(Reader):
    """Reads writes into arrays, and stacks."""

    def __init__(self, lowering: Lowering) -> None:
        super().__init__(lowering)
        self.put_back: set[str] = set()
        """Names of indices that are popped from a stack, to which writes have pushed them."""

    def assign_entry(self, target: ast.Subscript, thing: Thing, scope: Scope) -> None:
        """Read ``target = thing``, where the target is an entry or a part of an array."""
        array = self.lowering.expressions.expression(target.value, scope)
        self.write(array, self.lowering.indexing.index(target.slice, scope), thing, target, scope)

    def write(self, array: Thing, index: Index, thing: Thing, node: ast.AST, scope: Scope) -> None:
        """Read ``array[index] = thing``."""
        shown = ast.unparse(node)
        if not isinstance(array, Value):
            raise scope.refusal(node, f"`{shown} = …` in a list or dict", "make it an array: np.array([…])")
        if not array.writable:
            what = (
                "an array from outside the function"
                if array.known is not NOTHING
                else "a view, or an array that another name may share"
            )
            raise scope.refusal(node, f"`{shown} = …`, an assignment to {what},", "write into a copy: a = np.copy(…)")
        value = self._apart(
            self.building.atom(self.lowering.expressions.value(thing, node, scope), scope), array, node, scope
        )
        (root,) = array.roots
        if value.active and not array.active:
            self.building.knowledge.write(root)
        self.building.accesses.read(value.text, self.building.loops, scope.place(node))
        self.building.accesses.write(root, self.building.loops, scope.place(node), shown)
        if array.text in self.building.parameters and array.text not in self.building.copied:
            self.building.copied.append(array.text)
        self.building.read_whole.add(array.text)
        if not (index.is_basic or index.text in self.put_back):  # an entry may be named twice
            index = index.replaced({place: self._mask(index.parts[place], scope) for place in index.arrays})
        self.building.block.append(
            Write(array, index.text, index.is_entry and array.ndim == index.count, value, scope.line)
        )

    def _apart(self, value: Value, array: Value, node: ast.AST, scope: Scope) -> Value:
        """Return a copy of a value that is the written array itself: both would have the same adjoint."""
        if value.text != array.text:
            return value
        return self.building.atom(self.lowering.arrays.structural(np.copy, {"a": value}, node, scope, ""), scope)

    def _mask(self, text: str, scope: Scope) -> str:
        """Return the name of a mask for a part of an index, checked when the derivative is computed."""
        return self.building.bind(Value(ast.parse(f"as_mask({text})", mode="eval").body, ndim=1), "mask", scope).text

    def add_at(self, node: ast.Call, scope: Scope) -> None:
        """Read ``np.add.at(array, index, value)``."""
        array = self.lowering.expressions.expression(node.args[0], scope)
        index, given = node.args[1], self.lowering.expressions.expression(node.args[2], scope)
        value = self.building.atom(self.lowering.expressions.value(given, node, scope), scope)
        is_sliced = isinstance(index, ast.Subscript) and ast.unparse(index.value) == "np.s_"
        place = self.lowering.indexing.index(
            index.slice if isinstance(index, ast.Subscript) and is_sliced else index, scope
        )
        if not (isinstance(array, Value) and array.writable):
            raise scope.refusal(node, f"`{ast.unparse(node)}`", "write into an array that the function creates")
        value = self._apart(value, array, node, scope)
        (root,) = array.roots
        if value.active and not array.active:
            self.building.knowledge.write(root)
        self.building.accesses.read(value.text, self.building.loops, scope.place(node))
        self.building.accesses.write(root, self.building.loops, scope.place(node), ast.unparse(node))
        self.building.read_whole.add(array.text)
        self.building.block.append(AddAt(array, place.text, value, scope.line))

    def push(self, stack: Stack, node: ast.Call, scope: Scope) -> None:
        """Read ``stack.append(…)``."""
        entry = self.lowering.expressions.expression(node.args[0], scope)
        values = entry.parts if isinstance(entry, Parts) else (entry,)
        values = tuple(self.building.atom(self.lowering.expressions.value(each, node, scope), scope) for each in values)
        self.building.knowledge.stack(stack.key, tuple((each.active, each.ndim) for each in values))
        kinds = self.building.knowledge.stacked[stack.key]
        tangents = tuple(each for each, (is_active, _) in zip(values, kinds, strict=True) if is_active)
        self.building.block.append(Push(stack.name, values, tangents, scope.line))

    def popped(self, stack: Stack, scope: Scope) -> Parts:
        """Return the values popped from a stack."""
        kinds = self.building.knowledge.stacked.get(stack.key, ())
        targets = tuple(self.building.made(self.building.names.fresh("w"), active, ndim) for active, ndim in kinds)
        self.building.block.append(Pop(stack.name, targets, scope.line))
        self.put_back.update(each.text for each in targets)
        return Parts(targets)
