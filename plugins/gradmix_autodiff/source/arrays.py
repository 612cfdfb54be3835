"""From the syntax tree to the intermediate form: operations on whole arrays."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradmix_autodiff.source.call import Call
from gradmix_autodiff.source.forms import Operation, Parts, Thing, Value, leaves, literal, written
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.scope import Scope
from gradmix_autodiff.source.structural import STRUCTURAL


class Arrays(Reader):
    """Reads operations on whole arrays."""

    def fits(self, function: Any, bound: Mapping[str, Thing]) -> bool:
        """Return whether the written form of a function applies to a call."""
        how = STRUCTURAL[function]
        if not set(bound) <= set(how.parameters) or how.parameters[0] not in bound:
            return False
        options = [leaf for name in set(bound) - set(how.parameters[: how.variables]) for leaf in leaves(bound[name])]
        if any(each.active for each in options):
            return False
        return how.fits is None or how.fits({name: _as_value(thing) for name, thing in bound.items()})

    def structural(self, function: Any, bound: dict[str, Thing], node: ast.AST, scope: Scope, hint: str) -> Value:
        """Return the value of an operation on arrays that is not elementwise."""
        how = STRUCTURAL[function]
        values = {}
        for name, thing in bound.items():
            value = self.lowering.expressions.value(thing, node, scope)
            is_shown = isinstance(value.node, ast.Constant | ast.Tuple)
            values[name] = value if is_shown else self.building.atom(value, scope)
            self.building.read_whole.add(value.text)
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

    def rewritten(self, text: str, call: Call) -> Thing:
        """Return the value of a function in terms of others."""
        values, node, scope = self.lowering.arithmetic.atoms(call), call.node, call.scope
        env = {f"argument {place}": each for place, each in enumerate(values)}
        tree = ast.parse(text.format(*(f"argument_{place}" for place in range(len(values)))), mode="eval").body
        for each in ast.walk(tree):
            if isinstance(each, ast.Name) and each.id.startswith("argument_"):
                each.id = each.id.replace("_", " ")
            ast.copy_location(each, node)
        env["np"] = self.lowering.outside.captured_object(("np",), np, "np")
        inner = Scope(scope.definition, scope.function, env, None, (*scope.path, scope.key(node)), node)
        return self.lowering.expressions.expression(tree, inner, call.hint)

    def stacked(self, parts: Parts, node: ast.AST, scope: Scope, hint: str) -> Value:
        """Return an array of values."""
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
        operation = Operation(text([each.text for each in values]), push, pulls, moves=True)
        return self.building.op(operation, result, values, None if inner is None else inner + 1, scope)

    def stacking(self, call: Call) -> Thing | None:
        """Return the value of a call that joins a list of arrays into one; None if it has no written form."""
        arguments, named = call.arguments, dict(call.keywords)
        if len(arguments) > 1:
            named["axis"] = arguments[1]
        axis = literal(named.pop("axis").node) if isinstance(named.get("axis"), Value) else 0
        dtype = named.pop("dtype", None)
        is_of_floats = dtype is None or getattr(dtype, "known", None) in (float, np.float64)
        if named or len(arguments) > 2 or not is_of_floats or not isinstance(axis, int):
            return None
        if call.function is np.concatenate:
            return self._concatenated(arguments[0], axis, call)
        return self.stacked(arguments[0], call.node, call.scope, call.hint) if axis == 0 else None

    def _concatenated(self, parts: Parts, axis: int, call: Call) -> Value:
        values = self.lowering.arithmetic.atoms(call.of(*parts.parts))
        for each in values:
            self.building.read_whole.add(each.text)
        texts = [each.text for each in values]
        sizes = f"({', '.join(f'np.shape({each})[{axis}]' for each in texts)},)"
        option = f", axis={axis}" if axis else ""

        def push(tangents: Sequence[str | None]) -> str:
            filled = [tangent or f"np.zeros_like({each})" for tangent, each in zip(tangents, texts, strict=True)]
            return f"np.concatenate(({', '.join(filled)},){option})"

        pulls = tuple(
            (lambda d, place=place: f"part_of({d}, {sizes}, {place}, {axis})") for place in range(len(values))
        )
        ndims = {each.ndim for each in values} - {None}
        operation = Operation(f"np.concatenate(({', '.join(texts)},){option})", push, pulls, moves=True)
        ndim = ndims.pop() if len(ndims) == 1 else None
        return self.building.op(operation, self.building.names.fresh(call.hint or "w"), values, ndim, call.scope)


def _as_value(thing: Thing) -> Value:
    """Return an argument as one value, for its known properties; a structure has no dimensions."""
    if isinstance(thing, Value):
        return thing
    text = written(thing, lambda each: getattr(each, "text", "None"))
    return Value(ast.parse(text, mode="eval").body)
