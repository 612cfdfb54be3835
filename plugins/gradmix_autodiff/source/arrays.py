"""From the syntax tree to the intermediate form: operations on whole arrays."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradmix_autodiff.source.forms import Operation, Parts, Thing, Value
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.scope import Scope
from gradmix_autodiff.source.structural import STRUCTURAL

STACKING = {np.array: 0, np.asarray: 0, np.stack: 0, np.vstack: None, np.hstack: None, np.concatenate: None}


class Arrays(Reader):
    """What operations on whole arrays give."""

    def structural(self, function: Any, bound: dict[str, Thing], node: ast.AST, scope: Scope, hint: str) -> Value:
        """An operation on arrays that is not elementwise."""
        how = STRUCTURAL[function]
        if not set(bound) <= set(how.parameters):
            extra = ", ".join(sorted(set(bound) - set(how.parameters)))
            raise scope.refusal(node, f"`{ast.unparse(node)}` with {extra}", "use the plain form")
        values = {}
        for name, thing in bound.items():
            value = self.lowering.expressions.value(thing, node, scope)
            if name not in how.parameters[: how.variables] and value.active:
                raise scope.refusal(node, f"`{ast.unparse(node)}`, differentiated by {name},", "use a constant")
            values[name] = (
                value if isinstance(value.node, ast.Constant | ast.Tuple) else self.building.atom(value, scope)
            )
            self.building.read_whole.add(value.text)
        if function is np.diag and values["a"].ndim not in (1, 2):
            raise scope.refusal(
                node, f"`{ast.unparse(node)}` of unknown dimensions", "reshape it to a vector or a matrix before"
            )
        if function is np.linalg.solve and values["b"].ndim is None:
            raise scope.refusal(
                node, f"`{ast.unparse(node)}` of unknown dimensions", "reshape the right-hand side before"
            )
        if function is np.linalg.inv and values["a"].ndim != 2:
            raise scope.refusal(node, f"`{ast.unparse(node)}` of a stack of matrices", "invert one at a time")
        result = self.building.names.fresh(hint or "w")
        arguments = [values[name] for name in how.parameters[: how.variables] if name in values]
        if not any(each.active for each in arguments):
            text = how.make(result, values).text
            tree = ast.parse(text, mode="eval").body
            return Value(
                ast.copy_location(tree, node),
                False,
                how.ndim(values),
                arguments[0].roots if how.is_view else frozenset(),
            )
        return self.building.op(
            how.make(result, values), result, arguments, how.ndim(values), scope, arguments[0] if how.is_view else None
        )

    def rewritten(self, text: str, values: Sequence[Value], node: ast.Call, scope: Scope, hint: str) -> Thing:
        """A function in terms of others."""
        env = {f"argument {place}": each for place, each in enumerate(values)}
        tree = ast.parse(text.format(*(f"argument_{place}" for place in range(len(values)))), mode="eval").body
        for each in ast.walk(tree):
            if isinstance(each, ast.Name) and each.id.startswith("argument_"):
                each.id = each.id.replace("_", " ")
            ast.copy_location(each, node)
        env["np"] = self.lowering.outside.captured_object(("np",), np, "np")
        inner = Scope(scope.definition, scope.function, env, None, (*scope.path, scope.key(node)), node)
        return self.lowering.expressions.expression(tree, inner, hint)

    def stacked(self, parts: Parts, node: ast.AST, scope: Scope, hint: str) -> Value:
        """An array of values."""
        values = [self.building.atom(self.lowering.expressions.value(part, node, scope), scope) for part in parts.parts]
        for each in values:
            self.building.read_whole.add(each.text)
        ndims = {each.ndim for each in values}
        (inner,) = ndims if len(ndims) == 1 else (None,)
        result = self.building.names.fresh(hint or "w")

        def text(texts: Sequence[str]) -> str:
            return f"np.array([{', '.join(texts)}])"

        def push(tangents: Sequence[str | None]) -> str:
            zeros = [f"np.zeros_like({each.text})" if each.ndim != 0 else "0.0" for each in values]
            return text([tangent or zero for tangent, zero in zip(tangents, zeros, strict=True)])

        pulls = tuple((lambda d, place=place: f"{d}[{place}]") for place in range(len(values)))
        operation = Operation(text([each.text for each in values]), push, pulls)
        return self.building.op(operation, result, values, None if inner is None else inner + 1, scope)

    def stacking(
        self, function: Any, arguments: list[Thing], keywords: dict[str, Thing], node: ast.Call, scope: Scope, hint: str
    ) -> Thing:
        """A call that makes an array of a list of arrays."""
        named = dict(keywords)
        if len(arguments) > 2:
            raise scope.refusal(node, f"`{ast.unparse(node)}`", "leave the options out")
        if len(arguments) > 1:
            named["axis"] = arguments[1]
        axis_value = named.pop("axis", None)
        dtype = named.pop("dtype", None)
        if named or (dtype is not None and getattr(dtype, "known", None) not in (float, np.float64)):
            raise scope.refusal(node, f"`{ast.unparse(node)}`", "leave the options out")
        axis = 0 if axis_value is None else getattr(axis_value, "known", None)
        if not isinstance(axis, int):
            raise scope.refusal(
                node, f"`{ast.unparse(node)}` with an axis that is not a constant", "write the axis as a number"
            )
        parts = arguments[0]
        if function in (np.array, np.asarray) or (function is np.stack and axis == 0):
            return self.stacked(parts, node, scope, hint)
        if function in (np.vstack, np.hstack, np.stack):
            raise scope.refusal(node, f"`{ast.unparse(node)}`", "use np.concatenate, or np.stack with axis=0")
        return self._concatenated(parts, axis, node, scope, hint)

    def _concatenated(self, parts: Parts, axis: int, node: ast.Call, scope: Scope, hint: str) -> Value:
        values = [self.building.atom(self.lowering.expressions.value(part, node, scope), scope) for part in parts.parts]
        for each in values:
            self.building.read_whole.add(each.text)
        texts = [each.text for each in values]
        sizes = f"({', '.join(f'np.shape({each})[{axis}]' for each in texts)},)"
        option = f", axis={axis}" if axis else ""

        def push(tangents: Sequence[str | None]) -> str:
            filled = [tangent or f"np.zeros_like({each})" for tangent, each in zip(tangents, texts, strict=True)]
            return f"np.concatenate([{', '.join(filled)}]{option})"

        pulls = tuple(
            (lambda d, place=place: f"part_of({d}, {sizes}, {place}, {axis})") for place in range(len(values))
        )
        ndims = {each.ndim for each in values} - {None}
        operation = Operation(f"np.concatenate([{', '.join(texts)}]{option})", push, pulls)
        ndim = ndims.pop() if len(ndims) == 1 else None
        return self.building.op(operation, self.building.names.fresh(hint or "w"), values, ndim, scope)
