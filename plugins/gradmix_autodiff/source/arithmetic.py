"""From the syntax tree to the intermediate form: operators, and functions that work entry by entry."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradmix_autodiff.source import elementwise, prelude
from gradmix_autodiff.source.call import Call
from gradmix_autodiff.source.elementwise import OPERATORS
from gradmix_autodiff.source.forms import NOTHING, Operation, Parts, Thing, Value, is_atom, leaves, literal
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.scope import Scope


class Arithmetic(Reader):
    """Reads operators, and functions that work entry by entry."""

    def binary(self, op: ast.operator, left: Thing, right: Thing, node: ast.AST, scope: Scope, hint: str) -> Thing:
        """Return the value of ``left op right``."""
        if (
            isinstance(left, Parts)
            and isinstance(right, Parts)
            and isinstance(op, ast.Add)
            and left.is_list == right.is_list
        ):
            return Parts(left.parts + right.parts, left.is_list)
        if isinstance(op, ast.Mult) and isinstance(left, Parts):
            return self._repeated(left, right, node, scope)
        if isinstance(left, Parts) and not (isinstance(right, Value) and right.ndim != 0):
            raise scope.refusal(
                node,
                f"`{ast.unparse(node)}` of a {'list' if left.is_list else 'tuple'}",
                "make it an array: np.array(…)",
            )
        one, other = (
            self.lowering.expressions.value(left, node, scope),
            self.lowering.expressions.value(right, node, scope),
        )
        if isinstance(op, ast.MatMult):
            return self.lowering.arrays.structural(np.matmul, {"a": one, "b": other}, node, scope, hint)
        ndim = elementwise.ndim_of((one, other))
        if not (one.active or other.active):
            known = _folded(op, one, other)
            return Value(
                ast.copy_location(ast.BinOp(one.node, op, other.node), node),
                False,
                ndim,
                writable=ndim != 0 and known is NOTHING,
                known=known,
            )
        if type(op) is ast.FloorDiv:
            return Value(ast.BinOp(one.node, op, other.node), False, ndim)
        if type(op) not in OPERATORS:
            raise scope.refusal(
                node, f"`{ast.unparse(node)}`, a bitwise operation,", "use integers that are not differentiated"
            )
        one, other = self.building.atom(one, scope), self.building.atom(other, scope)
        self.building.has_powers |= isinstance(op, ast.Pow) and not isinstance(literal(other.node), int)
        text = ast.unparse(ast.BinOp(one.node, op, other.node))
        return self.elementwise(OPERATORS[type(op)], text, (one, other), node, scope, hint)

    def _repeated(self, left: Parts, right: Thing, node: ast.AST, scope: Scope) -> Thing:
        times = self.lowering.expressions.value(right, node, scope)
        is_active = any(each.active for each in leaves(left))
        if isinstance(times.node, ast.Constant) and isinstance(times.known, int) and (is_active or not left.is_list):
            return Parts(left.parts * times.known, left.is_list)
        if is_active:
            raise scope.refusal(node, f"`{ast.unparse(node)}`", "use np.full, or multiply np.ones by the value")
        parts = self.lowering.expressions.value(left, node, scope)
        return Value(ast.copy_location(ast.BinOp(parts.node, ast.Mult(), times.node), node), False, 1, writable=True)

    def unary(self, op: ast.unaryop, operand: ast.expr, node: ast.expr, scope: Scope, hint: str) -> Thing:
        """Return the value of an operator with one operand."""
        if isinstance(op, ast.Not):
            found = self.lowering.conditions.test(node, scope)
            return Value(ast.Constant(found) if isinstance(found, bool) else ast.parse(found, mode="eval").body, ndim=0)
        value = self.lowering.expressions.value(self.lowering.expressions.expression(operand, scope), operand, scope)
        if not value.active:
            known = -value.known if isinstance(value.known, int | float) and isinstance(op, ast.USub) else NOTHING
            return Value(
                ast.copy_location(ast.UnaryOp(op, value.node), node),
                False,
                value.ndim,
                writable=value.ndim != 0,
                known=known,
            )
        if isinstance(op, ast.Invert):
            raise scope.refusal(node, "`~`", "use integers that are not differentiated")
        text = ast.unparse(ast.UnaryOp(op, value.node))
        return self.elementwise(OPERATORS[type(op)], text, (value,), node, scope, hint)

    def elementwise(
        self, ufunc: Any, text: str, arguments: Sequence[Value], node: ast.AST, scope: Scope, hint: str
    ) -> Value:
        """Return the value of an elementwise operation."""
        unknown = elementwise.unknown_argument(ufunc, arguments)
        if unknown is not None:
            raise scope.refusal(
                node,
                f"{ufunc.__name__}, which has no derivative rule for its argument {unknown + 1},",
                "use differentiator=finite_difference",
            )
        ndim = elementwise.ndim_of(arguments)
        result = self.building.names.fresh(hint or "w")
        return self.building.op(
            elementwise.operation(ufunc, text, result, arguments, ndim), result, arguments, ndim, scope
        )

    def elementwise_call(self, ufunc: Any, call: Call) -> Thing:
        """Return the value of a call of a function that works entry by entry."""
        if call.keywords:
            raise call.refusal(f"{call.shown} with {', '.join(call.keywords)}", "leave these out")
        values = self.atoms(call)
        if call.function is math.log and len(values) == 2:
            one, other = (self.lowering.calls.apply(call.of(each)) for each in values)
            return self.binary(ast.Div(), one, other, call.node, call.scope, call.hint)
        if len(values) != ufunc.nin:
            raise call.refusal(f"{call.shown} with {len(values)} arguments", f"pass {ufunc.nin}")
        text = ast.unparse(ast.Call(call.callee.node, [each.node for each in values], []))
        call.fix()
        return self.elementwise(ufunc, text, values, call.node, call.scope, call.hint)

    def atoms(self, call: Call) -> list[Value]:
        """Return the positional arguments of a call, each under a name."""
        values = (self.lowering.expressions.value(each, call.node, call.scope) for each in call.arguments)
        return [self.building.atom(each, call.scope) for each in values]

    def folded_parts(self, parts: Parts, call: Call) -> Thing:
        """Return the sum, or an extreme, of the entries of a tuple."""
        if not parts.parts:
            return Value(ast.Constant(0), ndim=0)
        total = parts.parts[0]
        for each in parts.parts[1:]:
            total = (
                self.binary(ast.Add(), total, each, call.node, call.scope, call.hint)
                if call.function is sum
                else self.lowering.calls.apply(call.of(total, each))
            )
        return total

    def linear(self, call: Call) -> Value:
        """Return the value of a function of `prelude` that is linear in its first argument."""
        function = call.function
        first, *others = self.atoms(call)
        name = function.__name__
        rest = "".join(f", {each.text}" for each in others)
        back = prelude.LINEAR[function]
        operation = Operation(
            f"{name}({first.text}{rest})",
            lambda t: f"{name}({t[0]}{rest})",
            (lambda d: back.format(d=d, t=first.text, rest=others[0].text),),
        )
        ndim = first.ndim if function is prelude.taken else others[0].ndim
        if not first.active:
            return Value(ast.parse(operation.text, mode="eval").body, False, ndim)
        return self.building.op(operation, self.building.names.fresh(call.hint or "w"), (first,), ndim, call.scope)


def _folded(op: ast.operator, one: Value, other: Value) -> Any:
    """Return the result of an operation on small integers, as in an index."""
    if isinstance(one.known, int) and isinstance(other.known, int) and is_atom(one.node) and is_atom(other.node):
        table: dict[type[ast.operator], Any] = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
        if type(op) in table and isinstance(one.node, ast.Constant) and isinstance(other.node, ast.Constant):
            return table[type(op)](one.known, other.known)
    return NOTHING
