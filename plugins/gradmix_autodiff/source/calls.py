"""From the syntax tree to the intermediate form: calls, by the rule of a function, or by what the function does."""

from __future__ import annotations

import ast
import builtins
import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

import gradmix
from gradmix_autodiff.source import elementwise, prelude
from gradmix_autodiff.source.captured import Captured, Captures, is_data, is_random, ndim_of
from gradmix_autodiff.source.elementwise import UFUNC_OF
from gradmix_autodiff.source.forms import NOTHING, Operation, Parts, Stack, Thing, Value, leaves
from gradmix_autodiff.source.reading import Definition, callable_in_python, definition_of, plain_function
from gradmix_autodiff.source.scope import NEVER, LocalFunction, Names, Scope
from gradmix_autodiff.source.structural import ALIASES, METHODS, ONE_DIMENSION, REWRITTEN, SHAPES_ONLY, STRUCTURAL
from gradmix_autodiff.table import CONSTANT, ELEMENTWISE

_DEEPEST = 30
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
_STACKING = {np.array: 0, np.asarray: 0, np.stack: 0, np.vstack: None, np.hstack: None, np.concatenate: None}
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


@dataclass(frozen=True)
class ShapeOf:
    """What is known of the shape of an array: its length."""

    ndim: int


class Calls:
    """What calls are in the intermediate form."""

    block: list[Any]
    captures: Captures
    names: Names
    calls: list[Any]
    loops: list[int]
    read_whole: set[str]
    by_entry: set[ast.AST]
    is_head = False
    knowledge: Any
    accesses: Any
    parameters: Any
    expression: Callable[..., Thing]
    value: Callable[..., Value]
    atom: Callable[..., Value]
    bind: Callable[..., Value]
    pinned: Callable[..., Thing]
    binary: Callable[..., Thing]
    elementwise: Callable[..., Value]
    plain_node: Callable[..., ast.expr]
    op: Callable[..., Value]
    popped: Callable[..., Thing]
    captured_attribute: Callable[..., Thing]
    body: Callable[..., Any]
    assign: Callable[..., None]
    branch: Callable[..., Any]
    merge: Callable[..., Thing]
    made: Callable[..., Value]
    has_powers: bool
    is_compiled: bool
    stack_of_loop: tuple[str, tuple[Value, ...]] | None

    def captured_object(
        self,
        key: tuple[Any, ...],
        value: Any,
        hint: str,
        get: Callable[[], Any] | None = None,
        origin: str = "",
        is_own: bool = False,
    ) -> Value:
        """An object from outside; one that `is_own` is NumPy's or Python's."""
        if isinstance(value, ModuleType) and value in (np, math):
            short = "np" if value is np else "math"
            return Value(
                ast.Name(short, ast.Load()),
                known=value,
                captured=Captured(key, short, lambda: value, value, True, hint),
            )
        shown = _shown(value)
        if shown is not None:
            captured = Captured(key, hint, get or (lambda: value), value, True, hint)
            if get is not None and not is_own and not hasattr(builtins, hint):
                captured = self.captures.add(key, lambda: self.names.fresh(hint, fixed=True), get, True, origin or hint)
            return Value(shown, ndim=ndim_of(value), known=value, captured=captured)
        found = self.captures.add(
            key, lambda: self.names.fresh(hint, fixed=True), get or (lambda: value), False, origin or hint
        )
        return Value(ast.Name(found.name, ast.Load()), False, ndim_of(value), known=value, captured=found)

    def default(self, scope: Scope, name: str) -> Value:
        """The default of an argument."""
        function = scope.function
        assert function is not None
        code = function.__code__
        positional = code.co_varnames[: code.co_argcount]
        values = function.__defaults__ or ()
        named = function.__kwdefaults__ or {}
        if name in named:
            return self.captured_object(
                ("default", id(function), name),
                named[name],
                name,
                lambda: named[name],
            )
        place = positional.index(name) - len(positional) + len(values) if name in positional else -1
        if place < 0:
            raise scope.refusal(
                scope.definition.node, f"{name}, an argument that is not given,", "pass it, or give it a default"
            )
        return self.captured_object(
            ("default", id(function), name), values[place], name, lambda: (function.__defaults__ or ())[place]
        )

    def call(self, node: ast.Call, scope: Scope, hint: str) -> Thing:
        """A call."""
        if isinstance(node.func, ast.Attribute):
            base = self.expression(node.func.value, scope)
            if isinstance(base, Stack):
                if node.func.attr == "pop" and not node.args:
                    return self.popped(base, scope)
                raise scope.refusal(node, f"`{ast.unparse(node)}`", "use append and pop only")
            callee = self._attribute_called(base, node.func, node, scope)
            if callee is None:
                return self._method(base, node, scope, hint)
        else:
            callee = self.expression(node.func, scope)
        arguments, keywords = self._arguments(node, scope)
        if isinstance(callee, LocalFunction):
            return self.inline(callee.node, callee.scope, None, arguments, keywords, node, scope, hint)
        if isinstance(callee, Value) and callee.captured is None and callee.known is NOTHING:
            callee = self._evaluated(callee, node, scope)
        if not isinstance(callee, Value) or callee.known is NOTHING:
            raise scope.refusal(
                node,
                f"`{ast.unparse(node)}`, a call of something that is not known before,",
                "call a function by its name",
            )
        return self.apply(callee, arguments, keywords, node, scope, hint)

    def _attribute_called(self, base: Thing, func: ast.Attribute, node: ast.Call, scope: Scope) -> Thing | None:
        """The attribute of an object from outside; None if it is a method of a number or an array."""
        if not isinstance(base, Value) or base.active:
            return None
        if base.captured is not None:
            return None if is_data(base.known) else self.captured_attribute(base, func, scope)
        if not isinstance(base.node, ast.Subscript):
            return None
        found = self._evaluated(Value(ast.Attribute(base.node, func.attr, ast.Load())), node, scope)
        return None if found.known is NOTHING or is_data(getattr(found.known, "__self__", None)) else found

    def _evaluated(self, callee: Value, node: ast.Call, scope: Scope) -> Value:
        """A function that an expression of objects from outside gives, such as ``table[name]``."""
        found = {each.name: each for each in self.captures.found.values()}
        names = {each.id for each in ast.walk(callee.node) if isinstance(each, ast.Name)}
        if not names <= found.keys() | {"np", "math"}:
            return callee
        code = compile(
            ast.Expression(ast.fix_missing_locations(ast.parse(callee.text, mode="eval").body)), "callee", "eval"
        )

        def get() -> Any:
            return eval(
                code, {"np": np, "math": math, **{name: found[name].get() for name in names & found.keys()}}
            )  # the user's own expression

        return self.captured_object(("callee", callee.text), get(), "called", get, ast.unparse(node.func))

    def _arguments(self, node: ast.Call, scope: Scope) -> tuple[list[Thing], dict[str, Thing]]:
        arguments: list[Thing] = []
        self.by_entry.update([*node.args, *(each.value for each in node.keywords)])
        for each in node.args:
            if isinstance(each, ast.Starred):
                inner = self.expression(each.value, scope)
                if not isinstance(inner, Parts):
                    raise scope.refusal(each, f"`{ast.unparse(each)}`", "write the arguments out")
                arguments += inner.parts
            else:
                arguments.append(self.expression(each, scope))
        if any(each.arg is None for each in node.keywords):
            raise scope.refusal(node, f"`**` in `{ast.unparse(node)}`", "write the arguments out")
        return arguments, {str(each.arg): self.expression(each.value, scope) for each in node.keywords}

    def apply(
        self, callee: Value, arguments: list[Thing], keywords: dict[str, Thing], node: ast.Call, scope: Scope, hint: str
    ) -> Thing:
        """A call of a function from outside."""
        function = callee.known
        if isinstance(function, functools.partial):
            bound = [
                self.captured_object((*callee.captured.key, "partial", i), each, "bound")
                for i, each in enumerate(function.args)
            ]
            named = {
                k: self.captured_object((*callee.captured.key, "partial", k), each, k)
                for k, each in function.keywords.items()
            }
            inner = self.captured_object((*callee.captured.key, "partial"), function.func, "partial")
            callee.captured.is_fixed = True
            return self.apply(inner, [*bound, *arguments], {**named, **keywords}, node, scope, hint)
        if is_random(function):
            raise scope.refusal(node, f"`{ast.unparse(node)}`, random numbers,", "draw them before, and pass them in")
        everything = [leaf for each in (*arguments, *keywords.values()) for leaf in leaves(each)]
        has_function = any(isinstance(each, LocalFunction) for each in (*arguments, *keywords.values()))
        is_active = any(each.active for each in everything)
        if function is gradmix.stop_gradient and len(arguments) == 1:
            value = self.value(arguments[0], node, scope)
            return Value(value.node, False, value.ndim, value.roots)
        if not (is_active or has_function):
            return self._plain_call(callee, arguments, keywords, node, scope)
        if not inspectable(function) and function is not len:
            self.read_whole.update(each.text for each in everything)
        if (
            _is_in(function, SHAPES_ONLY)
            or _is_in(function, _NUMBERS)
            or _is_in(function, CONSTANT)
            or _is_in(function, prelude.CONSTANT)
        ):
            return self._plain_call(callee, arguments, keywords, node, scope, 0 if _is_in(function, _NUMBERS) else None)
        ufunc = UFUNC_OF.get(function, function) if _is_hashable(function) else function
        if _is_in(ufunc, ELEMENTWISE) and not (function in (max, min) and len(arguments) != 2):
            return self._elementwise_call(ufunc, callee, arguments, keywords, node, scope, hint)
        found = self._special(function, arguments, keywords, node, scope, hint)
        if found is not None:
            return found
        if _is_in(function, prelude.LINEAR):
            return self._linear(function, arguments, node, scope, hint)
        if inspectable(function):
            return self._inlined(callee, function, arguments, keywords, node, scope, hint)
        name = getattr(function, "__name__", type(function).__name__)
        raise scope.refusal(
            node, f"{name}, a function without a rule,", "use NumPy's functions that have one, or differentiator=tape"
        )

    def _inlined(
        self,
        callee: Value,
        function: Any,
        arguments: list[Thing],
        keywords: dict[str, Thing],
        node: ast.Call,
        scope: Scope,
        hint: str,
    ) -> Thing:
        plain, bound = plain_function(function, scope.place(node))
        if callee.captured is not None:
            callee.captured.is_fixed = True
            self.captures.found.setdefault(callee.captured.key, callee.captured)
        things = [self.captured_object((*callee.captured.key, "self", i), each, "self") for i, each in enumerate(bound)]
        definition = definition_of(plain)
        return self.inline(
            definition.node, None, (definition, plain), [*things, *arguments], keywords, node, scope, hint
        )

    def inline(
        self,
        definition: ast.FunctionDef | ast.Lambda,
        parent: Scope | None,
        outside: tuple[Definition, FunctionType] | None,
        arguments: Sequence[Thing],
        keywords: Mapping[str, Thing],
        node: ast.Call,
        scope: Scope,
        hint: str,
    ) -> Thing:
        """The statements of a function in place of its call."""
        name = getattr(definition, "name", "a lambda")
        if definition in self.calls:
            raise scope.refusal(node, f"{name}, which calls itself,", "write a loop")
        if len(self.calls) >= _DEEPEST:
            raise scope.refusal(node, f"calls within calls, {_DEEPEST} deep,", "write fewer")
        if outside is not None:
            read, function = outside
        else:
            assert parent is not None
            own = parent.definition
            read, function = Definition(name, definition, own.file, own.lines, own.first), None
        inner = Scope(read, function, {}, parent, (*scope.path, scope.key(node)))
        self._bind_arguments(inner, definition.args, arguments, keywords, node, scope)
        self.calls.append(definition)
        try:
            result = self.body(inner, read)
        finally:
            self.calls.pop()
        return Value(ast.Constant(None)) if result is NEVER else result

    def _bind_arguments(
        self,
        inner: Scope,
        own: ast.arguments,
        arguments: Sequence[Thing],
        keywords: Mapping[str, Thing],
        node: ast.Call,
        scope: Scope,
    ) -> None:
        names = [each.arg for each in [*own.posonlyargs, *own.args]]
        shown = ast.unparse(node)
        if len(arguments) > len(names) and own.vararg is None:
            raise scope.refusal(
                node, f"`{shown}`, with {len(arguments)} arguments for {len(names)},", "pass as many as it takes"
            )
        for name, each in zip(names, arguments, strict=False):
            inner.env[name] = self._passed(each, name, scope)
        if own.vararg is not None:
            inner.env[own.vararg.arg] = Parts(
                tuple(self._passed(each, own.vararg.arg, scope) for each in arguments[len(names) :])
            )
        if own.kwarg is not None:
            raise scope.refusal(node, f"`{shown}` of a function with **{own.kwarg.arg}", "name the arguments")
        for name, each in keywords.items():
            if name in inner.env or name not in names + [each.arg for each in own.kwonlyargs]:
                raise scope.refusal(
                    node, f"`{shown}`, with an argument {name} that does not fit,", "pass what it takes"
                )
            inner.env[name] = self._passed(each, name, scope)
        for name in [*names, *(each.arg for each in own.kwonlyargs)]:
            if name not in inner.env:
                inner.env[name] = self._default_of(inner, own, name, node, scope)

    def _passed(self, thing: Thing, name: str, scope: Scope) -> Thing:
        if isinstance(thing, Value) and not thing.is_atom and thing.known is NOTHING:
            return self.bind(thing, name, scope)
        return thing

    def _default_of(self, inner: Scope, own: ast.arguments, name: str, node: ast.Call, scope: Scope) -> Thing:
        if inner.function is not None:
            return self.default(inner, name)
        names = [each.arg for each in [*own.posonlyargs, *own.args]]
        values = dict(zip(names[len(names) - len(own.defaults) :], own.defaults, strict=True))
        values |= {
            each.arg: value for each, value in zip(own.kwonlyargs, own.kw_defaults, strict=True) if value is not None
        }
        if name not in values:
            raise scope.refusal(node, f"`{ast.unparse(node)}`, without the argument {name},", "pass it")
        if not isinstance(values[name], ast.Constant):
            raise scope.refusal(
                node, f"the default of {name}, which is evaluated when the function is defined,", "pass it"
            )
        return self.expression(values[name], scope)

    def _plain_call(
        self,
        callee: Value,
        arguments: list[Thing],
        keywords: dict[str, Thing],
        node: ast.Call,
        scope: Scope,
        ndim: int | None = None,
    ) -> Value:
        """A call whose result is not differentiated."""
        function = callee.known
        if function in (iter, next, input, exec, eval, globals, setattr, vars) if _is_hashable(function) else False:
            raise scope.refusal(node, f"`{ast.unparse(node)}`", "compute from the arguments only")
        counted = [Value(ast.Name(each.name, ast.Load())) if isinstance(each, Stack) else each for each in arguments]
        nodes = [self.value(each, node, scope).node for each in (counted if function is len else arguments)]
        named = [ast.keyword(name, self.value(each, node, scope).node) for name, each in keywords.items()]
        for each in (*arguments, *keywords.values()):
            if function is not len:
                self.read_whole.update(leaf.text for leaf in leaves(each))
        made = ast.copy_location(ast.Call(callee.node, nodes, named), node)
        values = [each for each in arguments if isinstance(each, Value)]
        if ndim is None:
            ndim = _ndim_of_plain(function, values, arguments, keywords)
        is_new = _is_in(function, _MADE) and ndim != 0
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

    def _elementwise_call(
        self,
        ufunc: Any,
        callee: Value,
        arguments: list[Thing],
        keywords: dict[str, Thing],
        node: ast.Call,
        scope: Scope,
        hint: str,
    ) -> Thing:
        if keywords:
            raise scope.refusal(
                node, f"`{ast.unparse(node)}` with {', '.join(keywords)}", "leave these out, and assign the result"
            )
        values = [self.atom(self.value(each, node, scope), scope) for each in arguments]
        if callee.known is math.log and len(values) == 2:
            one, other = (self.apply(callee, [each], {}, node, scope, "") for each in values)
            return self.binary(ast.Div(), one, other, node, scope, hint)
        if len(values) != ufunc.nin:
            raise scope.refusal(node, f"`{ast.unparse(node)}` with {len(values)} arguments", f"pass {ufunc.nin}")
        text = ast.unparse(ast.Call(callee.node, [each.node for each in values], []))
        self._note_import(callee)
        return self.elementwise(ufunc, text, values, node, scope, hint)

    def _note_import(self, callee: Value) -> None:
        if callee.captured is not None and callee.captured.key in self.captures.found:
            callee.captured.is_fixed = True

    def _special(
        self, function: Any, arguments: list[Thing], keywords: dict[str, Thing], node: ast.Call, scope: Scope, hint: str
    ) -> Thing | None:
        if (
            function in (float, np.float64, np.asarray, np.array, np.asanyarray)
            and len(arguments) == 1
            and isinstance(arguments[0], Value)
        ):
            if keywords and set(keywords) - {"dtype"}:
                raise scope.refusal(node, f"`{ast.unparse(node)}`", "leave the options out")
            if "dtype" in keywords and ast.unparse(node.keywords[0].value) not in ("float", "np.float64"):
                raise scope.refusal(node, f"`{ast.unparse(node)}`, a conversion,", "compute with float64")
            if function in (float, np.float64) or arguments[0].ndim == 0:
                return arguments[0]
            return self.structural(np.copy, {"a": arguments[0]}, node, scope, hint)
        if _is_in(function, _STACKING) and isinstance(arguments[0], Parts):
            return self._stacking(function, arguments, keywords, node, scope, hint)
        if keywords and function in (max, min, sum, list, tuple, float):
            raise scope.refusal(node, f"`{ast.unparse(node)}` with {', '.join(keywords)}", "leave these out")
        if function in (max, min) and len(arguments) > 2:
            first = self.apply(self._named(function), arguments[:2], {}, node, scope, "")
            return self.apply(self._named(function), [first, *arguments[2:]], {}, node, scope, hint)
        if function in (max, min, sum) and len(arguments) == 1 and isinstance(arguments[0], Parts):
            return self._folded_parts(function, arguments[0], node, scope, hint)
        if (
            function in (sum, max, min)
            and len(arguments) == 1
            and isinstance(arguments[0], Value)
            and arguments[0].ndim == 1
        ):
            return self.structural(
                {sum: np.sum, max: np.max, min: np.min}[function], {"a": arguments[0]}, node, scope, hint
            )
        if function in (list, tuple) and len(arguments) == 1 and isinstance(arguments[0], Parts):
            return Parts(arguments[0].parts, function is list)
        if _is_in(function, (np.dot,)) and any((self.value(each, node, scope).ndim or 9) > 2 for each in arguments):
            if all(self.value(each, node, scope).ndim == 0 for each in arguments):
                return self.binary(ast.Mult(), arguments[0], arguments[1], node, scope, hint)
            raise scope.refusal(
                node, f"`{ast.unparse(node)}` of arrays of unknown or more than two dimensions", "write it with @"
            )
        if _is_in(function, REWRITTEN):
            values = [self.atom(self.value(each, node, scope), scope) for each in arguments]
            takes = len(set(re.findall(r"\{\d\}", REWRITTEN[function])))
            if (
                keywords
                or len(values) != takes
                or (function in ONE_DIMENSION and any(each.ndim != 1 for each in values))
            ):
                raise scope.refusal(node, f"`{ast.unparse(node)}`", "write it with sums and products")
            return self._rewritten(REWRITTEN[function], values, node, scope, hint)
        function = ALIASES.get(function, function) if _is_hashable(function) else function
        if _is_in(function, STRUCTURAL):
            own = STRUCTURAL[function].parameters
            if len(arguments) > min(len(own), STRUCTURAL[function].positional):
                raise scope.refusal(
                    node, f"`{ast.unparse(node)}` with {len(arguments)} arguments", "name them, or leave some out"
                )
            renamed = {"axis1": "one", "axis2": "other", "newshape": "shape", "x": "a", "y": "b", "m": "a", "v": "a"}
            named = {renamed.get(name, name) if name not in own else name: each for name, each in keywords.items()}
            return self.structural(function, {**dict(zip(own, arguments, strict=False)), **named}, node, scope, hint)
        return None

    def _named(self, function: Any) -> Value:
        return Value(
            ast.Name(function.__name__, ast.Load()),
            known=function,
            captured=Captured((function,), function.__name__, lambda: function, function, True, ""),
        )

    def _folded_parts(self, function: Any, parts: Parts, node: ast.Call, scope: Scope, hint: str) -> Thing:
        if not parts.parts:
            return Value(ast.Constant(0), ndim=0)
        total = parts.parts[0]
        for each in parts.parts[1:]:
            total = (
                self.binary(ast.Add(), total, each, node, scope, hint)
                if function is sum
                else self.apply(self._named(function), [total, each], {}, node, scope, hint)
            )
        return total

    def _rewritten(self, text: str, values: Sequence[Value], node: ast.Call, scope: Scope, hint: str) -> Thing:
        env = {f"argument {place}": each for place, each in enumerate(values)}
        tree = ast.parse(text.format(*(f"argument_{place}" for place in range(len(values)))), mode="eval").body
        for each in ast.walk(tree):
            if isinstance(each, ast.Name) and each.id.startswith("argument_"):
                each.id = each.id.replace("_", " ")
            ast.copy_location(each, node)
        env["np"] = self.captured_object(("np",), np, "np")
        inner = Scope(scope.definition, scope.function, env, None, (*scope.path, scope.key(node)), node)
        return self.expression(tree, inner, hint)

    def structural(self, function: Any, bound: dict[str, Thing], node: ast.AST, scope: Scope, hint: str) -> Value:
        """An operation on arrays that is not elementwise."""
        how = STRUCTURAL[function]
        if not set(bound) <= set(how.parameters):
            extra = ", ".join(sorted(set(bound) - set(how.parameters)))
            raise scope.refusal(node, f"`{ast.unparse(node)}` with {extra}", "use the plain form")
        values = {}
        for name, thing in bound.items():
            value = self.value(thing, node, scope)
            if name not in how.parameters[: how.variables] and value.active:
                raise scope.refusal(node, f"`{ast.unparse(node)}`, differentiated by {name},", "use a constant")
            values[name] = value if isinstance(value.node, ast.Constant | ast.Tuple) else self.atom(value, scope)
            self.read_whole.add(value.text)
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
        result = self.names.fresh(hint or "w")
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
        return self.op(
            how.make(result, values), result, arguments, how.ndim(values), scope, arguments[0] if how.is_view else None
        )

    def stacked(self, parts: Parts, node: ast.AST, scope: Scope, hint: str) -> Value:
        """An array of values."""
        values = [self.atom(self.value(part, node, scope), scope) for part in parts.parts]
        for each in values:
            self.read_whole.add(each.text)
        ndims = {each.ndim for each in values}
        (inner,) = ndims if len(ndims) == 1 else (None,)
        result = self.names.fresh(hint or "w")

        def text(texts: Sequence[str]) -> str:
            return f"np.array([{', '.join(texts)}])"

        def push(tangents: Sequence[str | None]) -> str:
            zeros = [f"np.zeros_like({each.text})" if each.ndim != 0 else "0.0" for each in values]
            return text([tangent or zero for tangent, zero in zip(tangents, zeros, strict=True)])

        pulls = tuple((lambda d, place=place: f"{d}[{place}]") for place in range(len(values)))
        operation = Operation(text([each.text for each in values]), push, pulls)
        return self.op(operation, result, values, None if inner is None else inner + 1, scope)

    def _stacking(
        self, function: Any, arguments: list[Thing], keywords: dict[str, Thing], node: ast.Call, scope: Scope, hint: str
    ) -> Thing:
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
        values = [self.atom(self.value(part, node, scope), scope) for part in parts.parts]
        for each in values:
            self.read_whole.add(each.text)
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
        return (
            self.op(operation, self.names.fresh(hint or "w"), values, ndims.pop() if len(ndims) == 1 else None, scope)
            if not hint
            else self.op(operation, self._renamed_for(hint), values, ndims.pop() if len(ndims) == 1 else None, scope)
        )

    def _renamed_for(self, hint: str) -> str:
        return self.names.fresh(hint)

    def _linear(self, function: Any, arguments: list[Thing], node: ast.Call, scope: Scope, hint: str) -> Value:
        first, *others = (self.atom(self.value(each, node, scope), scope) for each in arguments)
        name = function.__name__
        rest = "".join(f", {each.text}" for each in others)
        back = prelude.LINEAR[function]
        operation = Operation(
            f"{name}({first.text}{rest})",
            lambda t: f"{name}({t[0]}{rest})",
            (lambda d: back.format(d=d, t=first.text),),
        )
        ndim = others[0].ndim
        if not first.active:
            return Value(ast.parse(operation.text, mode="eval").body, False, ndim)
        return self.op(operation, self.names.fresh(hint or "w"), (first,), ndim, scope)

    def _method(self, base: Thing, node: ast.Call, scope: Scope, hint: str) -> Thing:
        """A method of a value."""
        assert isinstance(node.func, ast.Attribute)
        name = node.func.attr
        arguments, keywords = self._arguments(node, scope)
        value = self.value(base, node, scope)
        everything = [value, *(leaf for each in (*arguments, *keywords.values()) for leaf in leaves(each))]
        if not any(each.active for each in everything):
            nodes = [self.value(each, node, scope).node for each in arguments]
            named = [ast.keyword(key, self.value(each, node, scope).node) for key, each in keywords.items()]
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
        if name == "astype" and len(arguments) == 1 and getattr(arguments[0], "known", None) in (float, np.float64):
            return self.structural(np.copy, {"a": value}, node, scope, hint)
        if name == "reshape" and len(arguments) > 1:
            arguments = [Parts(tuple(arguments))]
        if name == "transpose" and len(arguments) > 1:
            arguments = [Parts(tuple(arguments))]
        if name not in METHODS:
            raise scope.refusal(node, f"`{ast.unparse(node)}`", "use one of NumPy's functions that has a rule")
        function = METHODS[name]
        callee = Value(
            ast.Attribute(ast.Name("np", ast.Load()), function.__name__, ast.Load()),
            known=function,
            captured=Captured((function,), name, lambda: function, function, True, ""),
        )
        return self.apply(callee, [value, *arguments], keywords, node, scope, hint)


def inspectable(function: Any) -> bool:
    """Whether a function is written in Python, so that it can be taken apart."""
    if isinstance(function, type):
        return False
    own = getattr(function, "__func__", function)
    if isinstance(own, FunctionType) or type(own).__name__ == "_lru_cache_wrapper" or hasattr(own, "py_func"):
        return not (getattr(own, "__module__", None) or "").startswith("numpy")
    return callable_in_python(function)


def _ndim_of_plain(
    function: Any, values: Sequence[Value], arguments: Sequence[Thing], keywords: Mapping[str, Thing]
) -> int | None:
    if function in (float, int, bool, abs, math.sqrt) or getattr(function, "__module__", "") == "math":
        return 0
    if isinstance(function, np.ufunc) or function in (np.zeros_like, np.ones_like, np.empty_like, np.copy):
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
    if _is_in(function, STRUCTURAL) and len(values) == len(arguments):
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


def _shown(value: Any) -> ast.expr | None:
    """A builtin function or type by its own name."""
    name = getattr(value, "__name__", None)
    if isinstance(name, str) and getattr(builtins, name, None) is value:
        return ast.Name(name, ast.Load())
    for module, short in ((np, "np"), (math, "math"), (np.linalg, "np.linalg")):
        if isinstance(name, str) and getattr(module, name, None) is value and not isinstance(value, ModuleType):
            return ast.parse(f"{short}.{name}", mode="eval").body
    if getattr(prelude, name, None) is value if isinstance(name, str) else False:
        return ast.Name(str(name), ast.Load())
    if value is np.linalg:
        return ast.parse("np.linalg", mode="eval").body
    return ast.Constant(value) if value is None or value is True or value is False or value is Ellipsis else None


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _is_in(value: Any, table: Any) -> bool:
    return _is_hashable(value) and value in table
