"""From the syntax tree to the intermediate form: the statements of a function in place of its call."""

from __future__ import annotations

import ast
from dataclasses import replace
from types import FunctionType
from typing import TYPE_CHECKING, Any

from gradmix_autodiff.source.call import Call
from gradmix_autodiff.source.forms import NOTHING, Parts, Thing, Value
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.reading import Definition, definition_of, plain_function
from gradmix_autodiff.source.scope import NEVER, LocalFunction, Scope

if TYPE_CHECKING:
    from gradmix_autodiff.source.lowering import Lowering


_DEEPEST = 30


class Inlining(Reader):
    """Inlines functions: their statements replace their calls."""

    def __init__(self, lowering: Lowering) -> None:
        super().__init__(lowering)
        self.calls: list[Any] = []
        """Definitions whose statements are being read, the outermost first."""

    def inlined(self, call: Call) -> Thing:
        """Inline a call of a function from outside that is written in Python."""
        callee = call.callee
        plain, bound = plain_function(call.function, call.scope.place(call.node))
        if callee.captured is not None:
            call.fix()
            self.building.captures.found.setdefault(callee.captured.key, callee.captured)
        things = [
            self.lowering.outside.captured_object((*callee.captured.key, "self", i), each, "self")
            for i, each in enumerate(bound)
        ]
        definition = definition_of(plain)
        return self._inline(
            definition.node, None, (definition, plain), replace(call, arguments=[*things, *call.arguments])
        )

    def local(self, function: LocalFunction, call: Call) -> Thing:
        """Inline a call of a function that is defined within another, or of a lambda."""
        return self._inline(function.node, function.scope, None, call)

    def _inline(
        self,
        definition: ast.FunctionDef | ast.Lambda,
        parent: Scope | None,
        outside: tuple[Definition, FunctionType] | None,
        call: Call,
    ) -> Thing:
        """Read the statements of a function in place of its call."""
        name = getattr(definition, "name", "a lambda")
        if definition in self.calls:
            raise call.refusal(f"{name}, which calls itself,", "write a loop")
        if len(self.calls) >= _DEEPEST:
            raise call.refusal(f"a call nested {_DEEPEST} levels deep", "nest fewer calls")
        if outside is not None:
            read, function = outside
        else:
            assert parent is not None
            own = parent.definition
            read, function = Definition(name, definition, own.file, own.lines, own.first), None
        inner = Scope(read, function, {}, parent, (*call.scope.path, call.scope.key(call.node)))
        self._bind_arguments(inner, definition.args, call)
        self.calls.append(definition)
        try:
            result = self.lowering.body(inner, read)
        finally:
            self.calls.pop()
        return Value(ast.Constant(None)) if result is NEVER else result

    def _bind_arguments(self, inner: Scope, own: ast.arguments, call: Call) -> None:
        arguments, scope = call.arguments, call.scope
        names = [each.arg for each in [*own.posonlyargs, *own.args]]
        if len(arguments) > len(names) and own.vararg is None:
            what = f"{call.shown} with {len(arguments)} positional arguments, where the function takes {len(names)},"
            raise call.refusal(what, "pass as many as the function takes")
        for name, each in zip(names, arguments, strict=False):
            inner.env[name] = self._passed(each, name, scope)
        if own.vararg is not None:
            inner.env[own.vararg.arg] = Parts(
                tuple(self._passed(each, own.vararg.arg, scope) for each in arguments[len(names) :])
            )
        if own.kwarg is not None:
            raise call.refusal(f"{call.shown} of a function with **{own.kwarg.arg}", "name each argument")
        for name, each in call.keywords.items():
            if name in inner.env or name not in names + [each.arg for each in own.kwonlyargs]:
                what = f"{call.shown} with the argument {name}, which the function does not take or already has,"
                raise call.refusal(what, "pass each argument of the function once")
            inner.env[name] = self._passed(each, name, scope)
        for name in [*names, *(each.arg for each in own.kwonlyargs)]:
            if name not in inner.env:
                inner.env[name] = self._default_of(inner, own, name, call)

    def _passed(self, thing: Thing, name: str, scope: Scope) -> Thing:
        if isinstance(thing, Value) and not thing.is_atom and thing.known is NOTHING:
            return self.building.bind(thing, name, scope)
        return thing

    def _default_of(self, inner: Scope, own: ast.arguments, name: str, call: Call) -> Thing:
        if inner.function is not None:
            return self.lowering.outside.default(inner, name)
        names = [each.arg for each in [*own.posonlyargs, *own.args]]
        values = dict(zip(names[len(names) - len(own.defaults) :], own.defaults, strict=True))
        values |= {
            each.arg: value for each, value in zip(own.kwonlyargs, own.kw_defaults, strict=True) if value is not None
        }
        if name not in values:
            raise call.refusal(f"{call.shown} without the argument {name}", "pass it")
        if not isinstance(values[name], ast.Constant):
            what = f"the default of {name}, which is evaluated when the function is defined,"
            raise call.refusal(what, "pass it")
        return self.lowering.expressions.expression(values[name], call.scope)
