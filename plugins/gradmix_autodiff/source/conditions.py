"""From the syntax tree to the intermediate form: tests, and expressions that need only a value."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gradmix_autodiff.source.captured import is_random
from gradmix_autodiff.source.forms import Parts, Stack, Thing, Value
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.scope import LocalFunction, Scope

if TYPE_CHECKING:
    from gradmix_autodiff.source.lowering import Lowering


class Conditions(Reader):
    """Reads conditions and other expressions that are not differentiated."""

    def test(self, node: ast.expr, scope: Scope, is_head: bool = False) -> str | bool:
        """Return a condition: code that gives the same value later, or the value if that is known."""
        plain = self.plain_node(node, scope)
        if all(isinstance(each, _CONSTANT_NODES) for each in ast.walk(plain)):
            return bool(_constant_value(plain))
        if (
            isinstance(plain, ast.Compare)
            and isinstance(node, ast.Compare)
            and (known := self._known_test(node, scope)) is not None
        ):
            return known
        if all(isinstance(each, STEADY_NODES) for each in ast.walk(plain)):
            return ast.unparse(plain)
        return ast.unparse(plain) if is_head else self.building.bind(Value(plain, ndim=0), "test", scope).text

    def _known_test(self, node: ast.Compare, scope: Scope) -> bool | None:
        """Return the value of `x is None` for a number or an array."""
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Is | ast.IsNot) or not isinstance(node.left, ast.Name):
            return None
        thing, other = scope.env.get(node.left.id), node.comparators[0]
        if (
            not (isinstance(other, ast.Constant) and other.value is None)
            or not isinstance(thing, Value)
            or not thing.active
        ):
            return None
        return isinstance(node.ops[0], ast.IsNot)

    def plain_node(self, node: ast.expr, scope: Scope) -> ast.expr:
        """Return an expression for its value only, in the names of emitted code."""
        made: ast.expr = _Plain(self.lowering, scope).visit(node)
        return made


class _Plain(ast.NodeTransformer):
    """Translates an expression into the names of emitted code; it needs only values."""

    def __init__(self, lowering: Lowering, scope: Scope) -> None:
        self.lowering, self.scope, self.depth = lowering, scope, 0
        self.bound: set[str] = set()

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.bound or not isinstance(node.ctx, ast.Load):
            return node
        thing = self.lowering.outside.lookup(node, self.scope)
        return self._node_of(thing, node)

    def _node_of(self, thing: Thing, node: ast.expr) -> ast.expr:
        if isinstance(thing, Value):
            if thing.captured is not None and is_random(thing.known):
                raise self.scope.refusal(
                    node, f"`{ast.unparse(node)}`, random numbers,", "draw them outside and pass them as an argument"
                )
            return thing.node
        if isinstance(thing, Parts):
            parts = [self._node_of(each, node) for each in thing.parts]
            return (ast.List if thing.is_list else ast.Tuple)(parts, ast.Load())
        if isinstance(thing, Stack):
            return ast.Name(thing.name, ast.Load())
        raise self.scope.refusal(node, f"`{ast.unparse(node)}` as a value", "call it, or pass numbers and arrays")

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if isinstance(node.slice, ast.Constant | ast.Name):
            self.lowering.building.by_entry.add(node.value)
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if _is_chain(node) and _root(node).id not in self.bound:
            thing = self.lowering.expressions.expression(node, self.scope) if self._is_outside(node) else None
            if thing is not None:
                return self._node_of(thing, node)
        return ast.Attribute(self.visit(node.value), node.attr, node.ctx)

    def _is_outside(self, node: ast.Attribute) -> bool:
        thing = self.lowering.outside.lookup(_root(node), self.scope)
        return isinstance(thing, Value) and thing.captured is not None

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id not in self.bound:
            thing = self.lowering.outside.lookup(node.func, self.scope)
            if isinstance(thing, LocalFunction):
                if self.depth or self.bound:
                    raise self.scope.refusal(
                        node, f"`{ast.unparse(node)}` within a condition", "assign it to a variable first"
                    )
                return self._node_of(
                    self.lowering.building.pinned(self.lowering.expressions.expression(node, self.scope), self.scope),
                    node,
                )
            if node.func.id == "len":
                self.lowering.building.by_entry.update(node.args)
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.expr:
        if self.depth or self.bound:
            raise self.scope.refusal(node, f"`{ast.unparse(node)}` within a condition", "assign it to a variable first")
        return self._node_of(self.lowering.expressions.expression(node, self.scope), node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        return self._deeper(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        return self._deeper(node)

    def _deeper(self, node: ast.expr) -> ast.expr:
        self.depth += 1
        made = ast.copy_location(self.generic_visit(_shallow(node)), node)
        self.depth -= 1
        return made  # type: ignore[return-value]

    def generic_visit(self, node: ast.AST) -> ast.AST:
        bound = set()
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            inner = [each for part in node.generators for each in ast.walk(part.target)]
            bound = {each.id for each in inner if isinstance(each, ast.Name)}
        if isinstance(node, ast.Lambda):
            bound = {each.arg for each in node.args.args}
        before, self.bound = self.bound, self.bound | bound
        made = super().generic_visit(_shallow(node))
        self.bound = before
        return made


def _shallow(node: ast.AST) -> ast.AST:
    """Return a copy of a node whose lists may be changed."""
    fields = {name: list(value) if isinstance(value, list) else value for name, value in ast.iter_fields(node)}
    return ast.copy_location(type(node)(**fields), node) if "lineno" in node._attributes else type(node)(**fields)


_CONSTANT_NODES = (ast.Constant, ast.Compare, ast.cmpop, ast.BoolOp, ast.boolop, ast.UnaryOp, ast.unaryop)
STEADY_NODES = (*_CONSTANT_NODES, ast.Name, ast.BinOp, ast.operator, ast.Load, ast.Slice)


_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}


def _constant_value(node: ast.expr) -> Any:
    """Return the value of a condition on constants."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.UnaryOp):
        value = _constant_value(node.operand)
        return not value if isinstance(node.op, ast.Not) else -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BoolOp):
        values = [_constant_value(each) for each in node.values]
        return all(values) if isinstance(node.op, ast.And) else any(values)
    assert isinstance(node, ast.Compare)
    operands = [_constant_value(each) for each in (node.left, *node.comparators)]
    pairs = zip(node.ops, operands, operands[1:], strict=False)
    return all(_COMPARED[type(op)](one, other) for op, one, other in pairs)


def _root(node: ast.expr) -> ast.Name:
    while isinstance(node, ast.Attribute):
        node = node.value
    assert isinstance(node, ast.Name)
    return node


def _is_chain(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)
