"""From the syntax tree to the intermediate form: calls, by the rule of a function, or by its statements."""

from __future__ import annotations

import ast
import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import gradmix
from gradmix_autodiff.source import elementwise, prelude
from gradmix_autodiff.source.call import Call
from gradmix_autodiff.source.captured import Captured, is_data, is_hashable, is_in, is_random
from gradmix_autodiff.source.elementwise import UFUNC_OF
from gradmix_autodiff.source.forms import NOTHING, Parts, Stack, Thing, Value, leaves
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.reading import inspectable
from gradmix_autodiff.source.scope import LocalFunction, Scope
from gradmix_autodiff.source.structural import METHODS, SHAPES_ONLY, STRUCTURAL
from gradmix_autodiff.table import CONSTANT, ELEMENTWISE

_NUMBERS = {
    int,
    bool,
    round,
    len,
    math.floor,
    math.ceil,
    math.isfinite,
    math.isnan,
    math.isinf,
    np.size,
    np.ndim,
    isinstance,
}
"""Functions whose result is a number that does not change with small changes of the arguments."""
_MADE = {
    np.zeros,
    np.ones,
    np.empty,
    np.full,
    np.arange,
    np.linspace,
    np.eye,
    np.zeros_like,
    np.ones_like,
    np.empty_like,
    np.array,
}
_MADE |= {np.copy, np.full_like}
_OF_THE_SAME_SHAPE = {np.zeros_like, np.ones_like, np.empty_like, np.copy, prelude.as_floats}


@dataclass(frozen=True)
class ShapeOf:
    """The shape of an array, of which the length is known."""

    ndim: int


class Calls(Reader):
    """Reads calls."""

    def call(self, node: ast.Call, scope: Scope, hint: str) -> Thing:
        """Return the value of a call."""
        if isinstance(node.func, ast.Attribute):
            base = self.lowering.expressions.expression(node.func.value, scope)
            if isinstance(base, Stack):
                if node.func.attr == "pop" and not node.args:
                    return self.lowering.writes.popped(base, scope)
                raise scope.refusal(node, f"`{ast.unparse(node)}`", "use append and pop only")
            callee = self._attribute_called(base, node.func, node, scope)
            if callee is None:
                return self._method(base, node, scope, hint)
        else:
            callee = self.lowering.expressions.expression(node.func, scope)
        if isinstance(callee, Value) and callee.known is sum and self.lowering.sums.is_over_active(node, scope):
            return self.lowering.sums.summed(node, scope)
        arguments, keywords = self._arguments(node, scope)
        if isinstance(callee, LocalFunction):
            local = Call(Value(node.func), arguments, node, scope, keywords, hint)
            return self.lowering.inlining.local(callee, local)
        if isinstance(callee, Value) and callee.captured is None and callee.known is NOTHING:
            callee = self.lowering.outside.evaluated(callee, node, scope)
        if not isinstance(callee, Value) or callee.known is NOTHING:
            raise scope.refusal(
                node,
                f"`{ast.unparse(node)}`, a call of a function that is not known in advance,",
                "call a function by its name",
            )
        return self.apply(Call(callee, arguments, node, scope, keywords, hint))

    def _attribute_called(self, base: Thing, func: ast.Attribute, node: ast.Call, scope: Scope) -> Thing | None:
        """Return the called attribute of an object from outside; None for a method of a number or an array."""
        if not isinstance(base, Value) or base.active:
            return None
        if base.captured is not None:
            return None if is_data(base.known) else self.lowering.outside.captured_attribute(base, func, scope)
        if not isinstance(base.node, ast.Subscript):
            return None
        found = self.lowering.outside.evaluated(Value(ast.Attribute(base.node, func.attr, ast.Load())), node, scope)
        return None if found.known is NOTHING or is_data(getattr(found.known, "__self__", None)) else found

    def _arguments(self, node: ast.Call, scope: Scope) -> tuple[list[Thing], dict[str, Thing]]:
        arguments: list[Thing] = []
        self.building.by_entry.update([*node.args, *(each.value for each in node.keywords)])
        for each in node.args:
            if isinstance(each, ast.Starred):
                inner = self.lowering.expressions.expression(each.value, scope)
                if not isinstance(inner, Parts):
                    raise scope.refusal(each, f"`{ast.unparse(each)}`", "write the arguments out")
                arguments += inner.parts
            else:
                arguments.append(self.lowering.expressions.expression(each, scope))
        if any(each.arg is None for each in node.keywords):
            raise scope.refusal(node, f"`**` in `{ast.unparse(node)}`", "write the arguments out")
        return arguments, {
            str(each.arg): self.lowering.expressions.expression(each.value, scope) for each in node.keywords
        }

    def apply(self, call: Call) -> Thing:
        """Return the value of a call of a function from outside."""
        function = call.function
        if isinstance(function, functools.partial):
            return self._partial(function, call)
        if function is complex:
            raise call.refusal(f"{call.shown}, a complex number,")
        if is_random(function):
            raise call.refusal(f"{call.shown}, random numbers,", "draw them outside and pass them as an argument")
        has_function = any(isinstance(each, LocalFunction) for each in call.things)
        if function is gradmix.stop_gradient and len(call.arguments) == 1:
            value = self.lowering.expressions.value(call.arguments[0], call.node, call.scope)
            return Value(value.node, False, value.ndim, value.roots)
        if not (any(each.active for each in call.leaves) or has_function):
            return self._plain_call(call)
        if not inspectable(function) and function is not len:
            self.building.read_whole.update(each.text for each in call.leaves)
        if (
            is_in(function, SHAPES_ONLY)
            or is_in(function, _NUMBERS)
            or is_in(function, CONSTANT)
            or is_in(function, prelude.CONSTANT)
        ):
            return self._plain_call(call, 0 if is_in(function, _NUMBERS) else None)
        ufunc = UFUNC_OF.get(function, function) if is_hashable(function) else function
        if is_in(ufunc, ELEMENTWISE) and self.lowering.written.is_elementwise(ufunc, call):
            return self.lowering.arithmetic.elementwise_call(ufunc, call)
        if is_in(function, prelude.LINEAR):
            return self.lowering.arithmetic.linear(call)
        found = self.lowering.written.form(call)
        if found is not None:
            return found
        if self.lowering.by_rule.has_rule(function):
            return self.lowering.by_rule.call(call)
        if inspectable(function):
            return self.lowering.inlining.inlined(call)
        name = getattr(function, "__name__", type(function).__name__)
        raise call.refusal(
            f"{name}, a function without a derivative rule,",
            "use NumPy's functions that have one, or use differentiator=tape",
        )

    def _partial(self, function: functools.partial[Any], call: Call) -> Thing:
        """Return the value of a call of a partial function, with some arguments bound."""
        key, outside = (*call.callee.captured.key, "partial"), self.lowering.outside
        bound = [outside.captured_object((*key, i), each, "bound") for i, each in enumerate(function.args)]
        named = {k: outside.captured_object((*key, k), each, k) for k, each in function.keywords.items()}
        inner = outside.captured_object(key, function.func, "partial")
        call.fix()
        return self.apply(
            replace(call, callee=inner, arguments=[*bound, *call.arguments], keywords={**named, **call.keywords})
        )

    def _plain_call(self, call: Call, ndim: int | None = None) -> Value:
        """Return the value of a call whose result is not differentiated."""
        callee, function, arguments, keywords, node = (
            call.callee,
            call.function,
            call.arguments,
            call.keywords,
            call.node,
        )
        if function in (iter, next, input, exec, eval, globals, setattr, vars) if is_hashable(function) else False:
            raise call.refusal(call.shown, "compute from the arguments only")
        counted = [Value(ast.Name(each.name, ast.Load())) if isinstance(each, Stack) else each for each in arguments]
        nodes = [
            self.lowering.expressions.value(each, node, call.scope).node
            for each in (counted if function is len else arguments)
        ]
        named = [
            ast.keyword(name, self.lowering.expressions.value(each, node, call.scope).node)
            for name, each in keywords.items()
        ]
        if function is not len:
            self.building.read_whole.update(leaf.text for leaf in call.leaves)
        made = ast.copy_location(ast.Call(callee.node, nodes, named), node)
        values = [each for each in arguments if isinstance(each, Value)]
        if ndim is None:
            ndim = _ndim_of_plain(function, values, arguments, keywords)
        is_passed_on = is_in(function, (prelude.as_floats,)) and all(each.writable for each in values)
        is_new = (is_in(function, _MADE) or is_passed_on) and ndim != 0
        shares = (
            frozenset().union(*(leaf.roots for each in arguments for leaf in leaves(each)))
            if not isinstance(function, np.ufunc)
            else frozenset()
        )
        known = NOTHING
        if (
            function in (reversed, list, tuple, sorted)
            and len(values) == 1
            and isinstance(values[0].known, list | tuple)
        ):
            known = tuple(function(values[0].known))
        elif function is np.shape and len(values) == 1 and values[0].ndim is not None:
            known = ShapeOf(values[0].ndim)
        return Value(made, False, ndim, frozenset() if is_new or ndim == 0 else shares, is_new, known)

    def _method(self, base: Thing, node: ast.Call, scope: Scope, hint: str) -> Thing:
        """Return the value of a call of a value's method."""
        assert isinstance(node.func, ast.Attribute)
        name = node.func.attr
        arguments, keywords = self._arguments(node, scope)
        value = self.lowering.expressions.value(base, node, scope)
        everything = [value, *(leaf for each in (*arguments, *keywords.values()) for leaf in leaves(each))]
        if not any(each.active for each in everything):
            nodes = [self.lowering.expressions.value(each, node, scope).node for each in arguments]
            named = [
                ast.keyword(key, self.lowering.expressions.value(each, node, scope).node)
                for key, each in keywords.items()
            ]
            made = ast.copy_location(ast.Call(ast.Attribute(value.node, name, ast.Load()), nodes, named), node)
            return Value(
                made,
                False,
                0 if name in ("item",) else None,
                frozenset() if name == "copy" else value.roots,
                name == "copy",
            )
        if name == "item" and not arguments and value.ndim == 0:
            return value
        is_copied = name == "astype" and len(arguments) == 1 and not keywords
        if is_copied and getattr(arguments[0], "known", None) in (float, np.float64):
            return self.lowering.arrays.structural(np.copy, {"a": value}, node, scope, hint)
        if name == "reshape" and len(arguments) > 1:
            arguments = [Parts(tuple(arguments))]
        if name == "transpose" and len(arguments) > 1:
            arguments = [Parts(tuple(arguments))]
        if name not in METHODS or set(keywords) - {"axis", "keepdims"}:
            if self.lowering.by_rule.has_method(name):
                return self.lowering.by_rule.method(value, name, Call(value, arguments, node, scope, keywords, hint))
            raise scope.refusal(node, f"`{ast.unparse(node)}`", "use one of NumPy's functions that has a rule")
        function = METHODS[name]
        callee = Value(
            ast.Attribute(ast.Name("np", ast.Load()), function.__name__, ast.Load()),
            known=function,
            captured=Captured((function,), name, lambda: function, function, True, ""),
        )
        return self.apply(Call(callee, [value, *arguments], node, scope, keywords, hint))


def _ndim_of_plain(
    function: Any, values: Sequence[Value], arguments: Sequence[Thing], keywords: Mapping[str, Thing]
) -> int | None:
    if function in (float, int, bool, abs, math.sqrt) or getattr(function, "__module__", "") == "math":
        return 0
    if isinstance(function, np.ufunc) or function in _OF_THE_SAME_SHAPE:
        return elementwise.ndim_of(values) if len(values) == len(arguments) else None
    if function in (np.arange, np.linspace):
        return 1
    if function in (np.zeros, np.ones, np.empty) and arguments:
        shape = arguments[0]
        if isinstance(shape, Parts):
            return len(shape.parts)
        if isinstance(shape.known, ShapeOf):
            return shape.known.ndim
        return 1 if shape.ndim == 0 else None
    if function is np.eye:
        return 2
    if function in (np.array, np.asarray) and len(arguments) == 1:
        return _depth(arguments[0])
    if is_in(function, STRUCTURAL) and len(values) == len(arguments):
        how = STRUCTURAL[function]
        bound = dict(zip(how.parameters, values, strict=False)) | {
            k: v for k, v in keywords.items() if isinstance(v, Value)
        }
        return how.ndim(bound) if "a" in bound else None
    return None


def _depth(thing: Thing) -> int | None:
    if isinstance(thing, Parts):
        depths = {_depth(each) for each in thing.parts}
        (inner,) = depths if len(depths) == 1 else (None,)
        return None if inner is None else inner + 1
    return thing.ndim if isinstance(thing, Value) else None
