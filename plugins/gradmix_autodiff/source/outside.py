"""From the syntax tree to the intermediate form: names, and objects from outside."""

from __future__ import annotations

import ast
import builtins
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from gradmix_autodiff.source import prelude
from gradmix_autodiff.source.captured import Captured, is_complex, lookup, ndim_of
from gradmix_autodiff.source.forms import Thing, Value
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.scope import Scope


class Outside(Reader):
    """Reads names."""

    def captured_object(
        self,
        key: tuple[Any, ...],
        value: Any,
        hint: str,
        get: Callable[[], Any] | None = None,
        origin: str = "",
        is_own: bool = False,
    ) -> Value:
        """Return an object from outside; with `is_own` it belongs to NumPy or Python."""
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
                captured = self.building.captures.add(
                    key, lambda: self.building.names.fresh(hint, fixed=True), get, True, origin or hint
                )
            return Value(shown, ndim=ndim_of(value), known=value, captured=captured)
        found = self.building.captures.add(
            key, lambda: self.building.names.fresh(hint, fixed=True), get or (lambda: value), False, origin or hint
        )
        return Value(ast.Name(found.name, ast.Load()), False, ndim_of(value), known=value, captured=found)

    def captured_attribute(self, base: Value, node: ast.Attribute, scope: Scope) -> Thing:
        """Return an attribute of an object from outside."""
        parent = base.captured

        def get() -> Any:
            return getattr(parent.get(), node.attr)

        try:
            value = get()
        except AttributeError:
            raise scope.refusal(node, f"`{ast.unparse(node)}`, a missing attribute,", "define it") from None
        if is_complex(value):
            raise scope.refusal(node, f"`{ast.unparse(node)}`, a complex value,")
        return self.captured_object(
            (*parent.key, node.attr), value, node.attr, get, ast.unparse(node), base.known in (np, math, np.linalg)
        )

    def default(self, scope: Scope, name: str) -> Value:
        """Return the default of an argument."""
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
                scope.definition.node, f"{name}, an argument without a value,", "pass it, or give it a default"
            )
        return self.captured_object(
            ("default", id(function), name), values[place], name, lambda: (function.__defaults__ or ())[place]
        )

    def lookup(self, node: ast.Name, scope: Scope) -> Thing:
        """Return the meaning of a name."""
        name, each = node.id, scope
        while True:
            if name in each.env:
                thing = each.env[name]
                if isinstance(thing, Value) and thing.roots:
                    self.building.accesses.read(thing.text, self.building.loops, scope.place(node))
                if isinstance(thing, Value) and node not in self.building.by_entry:
                    self.building.read_whole.add(thing.text)
                return thing
            if name in each.locals and " " in name:  # the result of a loop whose `return` is never reached
                return Value(ast.Constant(0.0 if self.building.is_compiled else None))
            if name in each.locals:
                raise scope.refusal(
                    node, f"{name.split()[0]}, which is not assigned on every path,", "assign it on every path"
                )
            if each.parent is None:
                break
            each = each.parent
        assert each.function is not None
        get = lookup(each.function, name)
        if get is None:
            raise scope.refusal(node, f"{name}, a name that is not defined,", "define it")
        try:
            value = get()
        except ValueError:
            raise scope.refusal(node, f"{name}, which has no value yet,", "assign it first") from None
        if is_complex(value):
            raise scope.refusal(node, f"{name}, a complex value from outside the function,")
        return self.captured_object(("name", id(each.function), name), value, name, get)

    def evaluated(self, callee: Value, node: ast.Call, scope: Scope) -> Value:
        """Return the function that an expression of objects from outside refers to, such as ``table[name]``."""
        found = {each.name: each for each in self.building.captures.found.values()}
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


def _shown(value: Any) -> ast.expr | None:
    """Return the name of a builtin function or type."""
    name = getattr(value, "__name__", None)
    if isinstance(name, str) and getattr(builtins, name, None) is value:
        return ast.Name(name, ast.Load())
    if isinstance(name, str) and isinstance(ufunc := getattr(value, "__self__", None), np.ufunc):
        method = ast.Attribute(ast.Attribute(ast.Name("np", ast.Load()), ufunc.__name__, ast.Load()), name, ast.Load())
        return method if getattr(np, ufunc.__name__, None) is ufunc else None
    for module, short in ((np, "np"), (math, "math"), (np.linalg, "np.linalg")):
        if isinstance(name, str) and getattr(module, name, None) is value and not isinstance(value, ModuleType):
            return ast.parse(f"{short}.{name}", mode="eval").body
    if getattr(prelude, name, None) is value if isinstance(name, str) else False:
        return ast.Name(str(name), ast.Load())
    if value is np.linalg:
        return ast.parse("np.linalg", mode="eval").body
    return ast.Constant(value) if value is None or value is True or value is False or value is Ellipsis else None
