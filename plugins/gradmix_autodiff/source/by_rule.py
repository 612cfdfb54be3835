"""From the syntax tree to the intermediate form: calls of functions whose rule is in the table, but has no text.

The tape and dual numbers read the same table. So emitted code lets them differentiate this one call, by
``pullback_of`` and ``pushforward_of`` of `prelude`, which a further derivative differentiates in the same way.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix.arrays import FunctionWithRule, rule_of
from gradmix_autodiff.source import prelude
from gradmix_autodiff.source.call import Call
from gradmix_autodiff.source.captured import is_hashable, is_in
from gradmix_autodiff.source.forms import Operation, Parts, Plain, Thing, Value, leaves
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.results import Results, gives_complex, may_be_view, ndim_of_result, results_of
from gradmix_autodiff.source.scope import LocalFunction
from gradmix_autodiff.table import COMPOSITIONS, ELEMENTWISE, PRIMITIVES, WRITING

_OF_THE_PRELUDE = (prelude.pullback_of, prelude.pushforward_of)
_METHODS = frozenset(
    (
        *("choose", "compress", "cumprod", "cumsum", "diagonal", "dot", "flatten", "item", "max", "mean", "min"),
        *("prod", "ptp", "ravel", "repeat", "reshape", "round", "std", "sum", "take", "trace", "transpose", "var"),
    )
)
"""Methods of arrays that have a rule."""


@dataclass(frozen=True)
class _Text:
    """A call as text, and the names in it that are differentiated."""

    text: str
    actives: tuple[Value, ...]

    def operation(self) -> Operation:
        """Return the operation of the call, with its derivatives by the table."""
        names = ", ".join(each.text for each in self.actives)
        function = f"lambda {names}: {self.text}"

        def push(tangents: Sequence[str | None]) -> str:
            changes = ", ".join(str(each) for each in tangents)
            return f"pushforward_of({function}, ({changes},), {names})"

        def pull(place: int, d: str) -> str:
            return f"pullback_of({function}, {place}, {d}, {names})"

        pulls = tuple((lambda d, place=place: pull(place, d)) for place in range(len(self.actives)))
        return Operation(self.text, push, pulls)


class ByRule(Reader):
    """Reads calls of functions whose derivative is computed by the rule table when the code runs."""

    def has_rule(self, function: Any) -> bool:
        """Return whether the table, or a plugin, has a rule for a function."""
        if isinstance(function, FunctionWithRule) or is_in(function, _OF_THE_PRELUDE):
            return True
        if not callable(function) or not is_hashable(function):
            return False
        key = (function.__self__, function.__name__) if is_method_of_ufunc(function) else function
        return any(key in table for table in (ELEMENTWISE, PRIMITIVES, COMPOSITIONS)) or rule_of(function) is not None

    def has_method(self, name: str) -> bool:
        """Return whether traced arrays have a method."""
        return name in _METHODS

    def method(self, value: Value, name: str, call: Call) -> Thing:
        """Return the value of a call of an array's method."""
        callee = ast.Attribute(value.node, name, ast.Load())
        return self._made(callee, [value], Results(), 0 if name == "item" else None, True, call)

    def call(self, call: Call) -> Thing:
        """Return the value of a call of a function that has a rule."""
        function = call.function
        if gives_complex(function):
            raise call.refusal(f"{call.shown}, which returns complex numbers,")
        self._check_options(call)
        results = results_of(function, call.arguments, call.keywords)
        if results is None:
            what = f"{call.shown}, whose number of results is not known in advance,"
            raise call.refusal(what, "return one result, or use differentiator=tape")
        call.fix()
        is_view = may_be_view(function) and not is_in(function, _OF_THE_PRELUDE)
        ndim = ndim_of_result(function, call.arguments, call.keywords)
        if function is prelude.pullback_of and isinstance(call.arguments[1], Value):
            of = call.arguments[3 + call.arguments[1].known]
            ndim = self.lowering.expressions.value(of, call.node, call.scope).ndim
        return self._made(call.callee.node, [], results, ndim, is_view, call)

    def _check_options(self, call: Call) -> None:
        if is_in(call.function, WRITING):
            raise call.refusal(f"{call.shown}, which changes an array,", "write a[…] = … as a statement")
        out = call.keywords.get("out")
        is_shared = isinstance(out, Value) and out.is_atom
        is_unset = isinstance(call.function, np.ufunc) and "where" in call.keywords and out is None
        if is_shared or is_unset:
            what = f"{call.shown} with {', '.join(call.keywords)}"
            raise call.refusal(what, "leave these out and assign the result; select with np.where")

    def _made(
        self, callee: ast.expr, actives: Sequence[Value], results: Results, ndim: int | None, is_view: bool, call: Call
    ) -> Thing:
        found = {each.text: each for each in actives}
        nodes = [self._written(each, found, call) for each in call.arguments]
        named = [ast.keyword(name, self._written(each, found, call)) for name, each in call.keywords.items()]
        text = ast.unparse(ast.Call(callee, nodes, named))
        self.building.read_whole.update(found)
        if not found:
            return Value(ast.copy_location(ast.parse(text, mode="eval").body, call.node), ndim=ndim)
        if self.building.is_compiled and (results.count is not None or ndim is None):
            what = f"{call.shown}, whose derivative has a number of dimensions that is not known in advance,"
            raise call.refusal(what, "set differentiator.compiled=false")
        roots = frozenset(root for each in found.values() for root in each.roots)
        shared = Value(ast.Name("_", ast.Load()), roots=roots) if is_view else None
        if results.count is None:
            made = _Text(text, tuple(found.values()))
            result = self.building.names.fresh(call.hint or "w")
            return self.building.op(made.operation(), result, made.actives, ndim, call.scope, shared)
        whole = self.building.names.fresh(call.hint or "w")
        self.building.block.append(Plain(whole, text, call.scope.line))
        parts = []
        for place in range(results.count):
            made = _Text(f"{text}[{place}]", tuple(found.values()))
            operation = made.operation()
            operation = Operation(f"{whole}[{place}]", operation.push, operation.pulls)
            result = self.building.names.fresh("w")
            own = results.ndims[place] if results.ndims else None
            parts.append(self.building.op(operation, result, made.actives, own, call.scope, shared))
        return Parts(tuple(parts), fields=results.fields)

    def _written(self, thing: Thing, actives: dict[str, Value], call: Call) -> ast.expr:
        """Return an argument as code; differentiated values in it are added to `actives`."""
        if isinstance(thing, Parts):
            parts = [self._written(each, actives, call) for each in thing.parts]
            return (ast.List if thing.is_list else ast.Tuple)(parts, ast.Load())
        if isinstance(thing, LocalFunction):
            return self._written_function(thing, actives, call)
        value = self.lowering.expressions.value(thing, call.node, call.scope)
        if value.active:
            actives[value.text] = value
        if value.captured is not None and callable(value.known) and value.captured.key in self.building.captures.found:
            value.captured.is_fixed = True
        return value.node

    def _written_function(self, function: LocalFunction, actives: dict[str, Value], call: Call) -> ast.expr:
        if not isinstance(function.node, ast.Lambda):
            what = f"{call.shown} of a function that is defined in another function"
            raise call.refusal(what, "pass a lambda, or define it outside")
        own = {each.arg for each in function.node.args.args}
        free = {each.id for each in ast.walk(function.node.body) if isinstance(each, ast.Name)} - own
        for name in sorted(free & function.scope.env.keys()):
            actives.update({leaf.text: leaf for leaf in leaves(function.scope.env[name]) if leaf.active})
        return self.lowering.conditions.plain_node(function.node, function.scope)


def is_method_of_ufunc(function: Any) -> bool:
    """Return whether a function is a ufunc's method such as ``np.add.reduce``."""
    return isinstance(getattr(function, "__self__", None), np.ufunc)
