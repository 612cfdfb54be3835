"""From the syntax tree to the intermediate form: expressions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradmix_autodiff.source.forms import NOTHING, Entries, Parts, Plain, Stack, Thing, Value, leaves
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.refusal import CONSTRUCTS
from gradmix_autodiff.source.scope import LocalFunction, Scope


class Expressions(Reader):
    """Reads expressions."""

    def expression(self, node: ast.expr, scope: Scope, hint: str = "") -> Thing:
        """Return the value of an expression; `hint` is the name of the variable that it will be assigned to."""
        match node:
            case ast.Constant(complex()):
                raise scope.refusal(node, f"`{ast.unparse(node)}`, a complex number,")
            case ast.Constant():
                return Value(
                    node,
                    ndim=0 if isinstance(node.value, bool | int | float) else None,
                    known=_known_constant(node.value),
                )
            case ast.Name():
                return self.lowering.outside.lookup(node, scope)
            case ast.Tuple(elts) | ast.List(elts):
                if isinstance(node, ast.List) and not elts:
                    return self._stack(node, scope, hint)
                return Parts(tuple(self.elements(elts, scope)), isinstance(node, ast.List))
            case ast.Dict(keys, values) if all(isinstance(key, ast.Constant) for key in keys):
                pairs = zip(keys, values, strict=True)
                pinned = {key: self.building.pinned(self.expression(each, scope), scope) for key, each in pairs}
                return Entries({key.value: each for key, each in pinned.items() if isinstance(key, ast.Constant)})
            case ast.BinOp(left, op, right):
                return self.lowering.arithmetic.binary(
                    op, self.expression(left, scope), self.expression(right, scope), node, scope, hint
                )
            case ast.UnaryOp(op, operand):
                return self.lowering.arithmetic.unary(op, operand, node, scope, hint)
            case ast.Compare():
                return self._plain_value(node, scope)
            case ast.BoolOp():
                return self._boolean(node, scope)
            case ast.IfExp(test, body, orelse):
                return self._conditional(test, body, orelse, scope, hint)
            case ast.Subscript(value, index):
                self.building.by_entry.add(value)
                return self.lowering.indexing.item(
                    self.expression(value, scope), self.lowering.indexing.index(index, scope), node, scope, hint
                )
            case ast.Attribute():
                return self._attribute(node, scope, hint)
            case ast.Call():
                return self.lowering.calls.call(node, scope, hint)
            case ast.Lambda():
                return LocalFunction(node, scope)
            case ast.NamedExpr(target, value):
                self.lowering.statements.assign(target, self.expression(value, scope, target.id), scope)
                return scope.env[target.id]
            case ast.Starred():
                raise scope.refusal(node, "a starred expression here", "write the entries out")
            case (
                ast.JoinedStr()
                | ast.ListComp()
                | ast.GeneratorExp()
                | ast.SetComp()
                | ast.DictComp()
                | ast.Dict()
                | ast.Set()
            ):
                return self._as_it_is(node, scope)
            case _:
                raise scope.refusal(node, *CONSTRUCTS.get(type(node), (f"`{ast.unparse(node)}`",)))

    def elements(self, nodes: Sequence[ast.expr], scope: Scope) -> list[Thing]:
        """Return the entries of a tuple or a list."""
        found: list[Thing] = []
        for each in nodes:
            if isinstance(each, ast.Starred):
                inner = self.expression(each.value, scope)
                if not isinstance(inner, Parts):
                    raise scope.refusal(each, f"`{ast.unparse(each)}`", "write the entries out")
                found += inner.parts
            else:
                found.append(self.building.pinned(self.expression(each, scope), scope))
        return found

    def _stack(self, node: ast.List, scope: Scope, hint: str) -> Stack:
        name = self.building.names.fresh(hint or "stack")
        self.building.block.append(Plain(name, "[]", scope.line))
        return Stack(name, scope.key(node))

    def _as_it_is(self, node: ast.expr, scope: Scope) -> Value:
        """Return a construct of values that are not differentiated, unchanged."""
        inner = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        for name in inner & scope.env.keys():
            if any(each.active for each in leaves(scope.env[name])) and not isinstance(node, ast.JoinedStr):
                raise scope.refusal(node, *CONSTRUCTS.get(type(node), (f"`{ast.unparse(node)}`",)))
        return self._plain_value(node, scope, None)

    def _plain_value(self, node: ast.expr, scope: Scope, ndim: int | None = 0) -> Value:
        """Return a value that is not differentiated, such as a comparison or a shape."""
        if ndim == 0 and isinstance(node, ast.Compare):
            operands = [self._peek(each, scope) for each in (node.left, *node.comparators)]
            ndim = None if None in operands else max(operands)  # type: ignore[type-var]
        return Value(self.lowering.conditions.plain_node(node, scope), False, ndim)

    def _peek(self, node: ast.expr, scope: Scope) -> int | None:
        """Return the dimensions of an operand, if they are obvious."""
        if isinstance(node, ast.Constant):
            return 0
        if isinstance(node, ast.Name):
            thing = scope.env.get(node.id)
            return thing.ndim if isinstance(thing, Value) else None
        if isinstance(node, ast.BinOp):
            both = self._peek(node.left, scope), self._peek(node.right, scope)
            return None if None in both else max(both)  # type: ignore[type-var]
        return self._peek(node.operand, scope) if isinstance(node, ast.UnaryOp) else None

    def _boolean(self, node: ast.BoolOp, scope: Scope) -> Value:
        for each in node.values:
            thing = scope.env.get(each.id) if isinstance(each, ast.Name) else None
            if isinstance(thing, Value) and thing.active:
                raise scope.refusal(
                    node, f"`{ast.unparse(node)}`, which returns one of its operands,", "write `a if test else b`"
                )
        return self._plain_value(node, scope, 0)

    def _conditional(self, test: ast.expr, body: ast.expr, orelse: ast.expr, scope: Scope, hint: str) -> Thing:
        found = self.lowering.conditions.test(test, scope)
        if isinstance(found, bool):
            return self.expression(body if found else orelse, scope, hint)
        things: list[Thing] = []

        def way(node: ast.expr) -> Callable[[], Any]:
            def evaluate() -> None:
                things.append(self.expression(node, scope))

            return evaluate

        before = len(self.building.block)
        live = frozenset(scope.env)
        self.lowering.branches.branch(found, way(body), way(orelse), scope, live)
        choice = self.building.block[before] if len(self.building.block) > before else None
        if choice is None:
            raise scope.refusal(test, "this conditional expression", "write `if` and `else`")
        return self.lowering.branches.merge(things[0], things[1], (choice.then, choice.otherwise), hint or "w", scope)

    def _attribute(self, node: ast.Attribute, scope: Scope, hint: str) -> Thing:
        base = self.expression(node.value, scope)
        if isinstance(base, Parts) and node.attr in base.fields:
            return base.parts[base.fields.index(node.attr)]
        if isinstance(base, Value) and base.captured is not None and _is_namespace(base.known):
            return self.lowering.outside.captured_attribute(base, node, scope)
        value = self.value(base, node.value, scope)
        if node.attr in ("shape", "ndim", "size", "dtype"):
            ndim = 0 if node.attr in ("ndim", "size") else None
            return Value(ast.Attribute(value.node, node.attr, ast.Load()), False, ndim)
        if not value.active:
            return Value(
                ast.copy_location(ast.Attribute(value.node, node.attr, ast.Load()), node),
                False,
                value.ndim if node.attr == "T" else None,
                value.roots,
            )
        if node.attr == "T":
            return self.lowering.arrays.structural(np.transpose, {"a": value}, node, scope, hint)
        if node.attr == "real":
            return value
        raise scope.refusal(node, f"`{ast.unparse(node)}`", "use one of NumPy's functions that has a rule")

    def value(self, thing: Thing, node: ast.AST, scope: Scope) -> Value:
        """Return a thing as one value: an array of its parts, if it has several."""
        if isinstance(thing, Value):
            return thing
        if isinstance(thing, Parts):
            if not any(each.active for each in leaves(thing)):
                elements = [self.value(part, node, scope).node for part in thing.parts]
                return Value((ast.List if thing.is_list else ast.Tuple)(elements, ast.Load()), ndim=None)
            return self.lowering.arrays.stacked(thing, node, scope, "")
        if isinstance(thing, Stack):
            raise scope.refusal(node, "a list that grows", "write into an array by index: a = np.zeros(n); a[i] = …")
        what = "a function" if isinstance(thing, LocalFunction) else "a dict"
        raise scope.refusal(node, f"{what} as a value in `{ast.unparse(node)}`", "use numbers and arrays")


def _is_namespace(value: Any) -> bool:
    """Return whether attributes of an object belong to the program, rather than to a number or an array."""
    plain = (np.ndarray, bool, int, float, complex, str, list, tuple, dict, np.generic)
    return value is not NOTHING and not isinstance(value, plain)


def _known_constant(value: Any) -> Any:
    return value if isinstance(value, int | float) else NOTHING
