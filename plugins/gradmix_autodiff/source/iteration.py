"""From the syntax tree to the intermediate form: the iterables of loops."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix_autodiff.source.captured import ndim_of
from gradmix_autodiff.source.forms import NOTHING, Parts, Stack, Thing, Value, leaves
from gradmix_autodiff.source.indexing import Index
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.scope import Scope

_MOST_UNROLLED = 256


@dataclass(frozen=True)
class Head:
    """The head of a loop.

    Parameters
    ----------
    text
        The line that begins it, as far as it is known before its body.
    targets
        Names that it assigns.
    enter
        Defines the user's names in an iteration.
    stack
        The stack that it goes through backwards, and the values that it pops.
    """

    text: str = ""
    targets: tuple[str, ...] = ()
    enter: Callable[[], None] = lambda: None
    stack: tuple[str, tuple[Value, ...]] | None = None


class Iteration(Reader):
    """Reads the iterables of loops."""

    def unrolled(self, node: ast.For, scope: Scope) -> list[Thing] | None:
        """Return the items of a loop over a tuple or list of known length; None for any other loop."""
        parts = self._parts_of(node.iter, scope)
        if parts is None:
            return None
        if len(parts) > _MOST_UNROLLED or id(node) in scope.stops:
            raise scope.refusal(
                node,
                "a loop over a list of values that is very long or has `break` or `return`",
                "make it an array: np.array([…])",
            )
        return parts

    def _parts_of(self, node: ast.expr, scope: Scope) -> list[Thing] | None:
        if isinstance(node, ast.Tuple | ast.List) and node.elts:
            return self.lowering.expressions.elements(node.elts, scope)
        if isinstance(node, ast.Name):
            thing = scope.env.get(node.id)
            return list(thing.parts) if isinstance(thing, Parts) else None
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.args
            and node.func.id in ("enumerate", "zip")
        ):
            inner = [self._parts_of(each, scope) for each in node.args]
            if all(each is not None for each in inner):
                if node.func.id == "enumerate" and len(node.args) == 1:
                    return [
                        Parts((Value(ast.Constant(i), ndim=0, known=i), part)) for i, part in enumerate(inner[0] or ())
                    ]
                if node.func.id == "zip":
                    return [Parts(tuple(each)) for each in zip(*filter(None, inner), strict=False)]
        if isinstance(node, ast.Subscript):
            base = scope.env.get(node.value.id) if isinstance(node.value, ast.Name) else None
            if isinstance(base, Parts):
                found = self.lowering.expressions.expression(node, scope)
                return list(found.parts) if isinstance(found, Parts) else None
        return None

    def for_head(self, node: ast.For, scope: Scope) -> Head:
        """Return the head of a `for`."""
        if (stack := self._reversed_stack(node.iter, scope)) is not None:
            return self._stack_head(stack, node, scope)
        if self._runs_over_plain(node.iter, scope):
            return self._plain_head(node, scope)
        at = self.building.names.fresh("k")
        bound: dict[int, Value] = {}
        count = self._count(node.iter, bound, scope)
        place = Value(ast.Name(at, ast.Load()), ndim=0)
        return Head(
            f"for {at} in range({count})",
            (at,),
            lambda: self.lowering.statements.assign(node.target, self._element(node.iter, bound, place, scope), scope),
        )

    def _reversed_stack(self, node: ast.expr, scope: Scope) -> Stack | None:
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "reversed" and isinstance(node.args[0], ast.Name):
            thing = scope.env.get(node.args[0].id)
            return thing if isinstance(thing, Stack) else None
        return None

    def _stack_head(self, stack: Stack, node: ast.For, scope: Scope) -> Head:
        kinds = self.building.knowledge.stacked.get(stack.key, ())
        targets = tuple(self.building.made(self.building.names.fresh("w"), active, ndim) for active, ndim in kinds)
        thing: Thing = (
            Parts(targets)
            if isinstance(node.target, ast.Tuple)
            else targets[0]
            if targets
            else Value(ast.Constant(None))
        )

        def enter() -> None:
            if targets:
                self.lowering.statements.assign(node.target, thing, scope)

        return Head("", tuple(each.text for each in targets), enter, (stack.name, targets))

    def _runs_over_plain(self, node: ast.expr, scope: Scope) -> bool:
        names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "range":
            return True
        return not any(each.active for name in names for each in leaves(scope.env.get(name.id)))

    def _plain_head(self, node: ast.For, scope: Scope) -> Head:
        is_range = isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func) == "range"
        value = self.lowering.expressions.expression(node.iter, scope)
        if isinstance(value, Stack):
            raise scope.refusal(node, "a loop over a list that grows", "write into an array by index")
        value = self.lowering.expressions.value(value, node.iter, scope)
        is_counted = isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func) == "enumerate"
        known = value.known if isinstance(value.known, list | tuple | np.ndarray) and len(value.known) else None
        targets: list[str] = []
        pairs: list[tuple[ast.expr, Value]] = []

        def named(target: ast.expr, example: Any, is_number: bool) -> str:
            if isinstance(target, ast.Tuple | ast.List):
                return (
                    "("
                    + "".join(f"{named(each, NOTHING, is_counted and not i)}, " for i, each in enumerate(target.elts))
                    + ")"
                )
            name = self.building.names.fresh(target.id if isinstance(target, ast.Name) else "w")
            ndim = 0 if is_number else None if example is NOTHING else ndim_of(example)
            targets.append(name)
            pairs.append((target, Value(ast.Name(name, ast.Load()), False, ndim)))
            return name

        shown = named(node.target, known[0] if known is not None and _is_uniform(known) else NOTHING, is_range)

        def enter() -> None:
            for target, each in pairs:
                self.lowering.statements.assign(target, each, scope)

        return Head(f"for {shown} in {value.text}", tuple(targets), enter)

    def _count(self, node: ast.expr, bound: dict[int, Value], scope: Scope) -> str:
        """Return the number of iterations of a loop over arrays, which are bound to names."""
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("enumerate", "zip", "reversed")
        ):
            counts = [self._count(each, bound, scope) for each in node.args[: 1 if node.func.id != "zip" else None]]
            return counts[0] if len(counts) == 1 else f"min({', '.join(counts)})"
        self.building.by_entry.add(node)
        value = self.building.atom(
            self.lowering.expressions.value(self.lowering.expressions.expression(node, scope), node, scope), scope
        )
        bound[id(node)] = value
        return f"len({value.text})"

    def _element(self, node: ast.expr, bound: dict[int, Value], at: Value, scope: Scope) -> Thing:
        if id(node) in bound:
            index = Index(at.text, 1, 0, True, True, None)
            return self.lowering.indexing.item(bound[id(node)], index, node, scope)
        assert isinstance(node, ast.Call)
        assert isinstance(node.func, ast.Name)
        if node.func.id == "zip":
            return Parts(tuple(self._element(each, bound, at, scope) for each in node.args))
        if node.func.id == "reversed":
            last = bound[id(node.args[0])]
            index = Index(f"len({last.text}) - 1 - {at.text}", 1, 0, True, True, None)
            return self.lowering.indexing.item(last, index, node, scope)
        start = [*node.args[1:], *(each.value for each in node.keywords)]
        number = (
            at
            if not start
            else Value(ast.BinOp(at.node, ast.Add(), self.lowering.conditions.plain_node(start[0], scope)), ndim=0)
        )
        return Parts((number, self._element(node.args[0], bound, at, scope)))


def _is_uniform(known: Any) -> bool:
    return len({ndim_of(each) for each in known}) == 1
