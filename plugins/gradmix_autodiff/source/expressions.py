"""From the syntax tree to the intermediate form: expressions."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix_autodiff.source import elementwise
from gradmix_autodiff.source.calls import Calls
from gradmix_autodiff.source.captured import is_random, lookup, ndim_of
from gradmix_autodiff.source.elementwise import OPERATORS
from gradmix_autodiff.source.forms import (
    NOTHING,
    Entries,
    Op,
    Operation,
    Parts,
    Plain,
    Stack,
    Thing,
    Value,
    is_atom,
    leaves,
)
from gradmix_autodiff.source.refusal import CONSTRUCTS
from gradmix_autodiff.source.scope import LocalFunction, Scope

_MOST_UNROLLED = 256


@dataclass(frozen=True)
class Index:
    """An index.

    Parameters
    ----------
    text
        The index.
    count
        How many of its places are numbers.
    added
        How many are None, which add a dimension.
    is_entry
        Whether all are numbers.
    is_basic
        Whether all are numbers, slices, None and ``...``, so that NumPy gives a view.
    ndim
        Dimensions of the only array of indices, if there is one.
    constant
        The index itself, if it is a constant.
    """

    text: str
    count: int
    added: int
    is_entry: bool
    is_basic: bool
    ndim: int | None
    constant: Any = NOTHING


class Expressions(Calls):
    """What expressions are in the intermediate form."""

    def expression(self, node: ast.expr, scope: Scope, hint: str = "") -> Thing:
        """The value of an expression; `hint` is the name of the variable that it will be assigned to."""
        match node:
            case ast.Constant():
                return Value(
                    node,
                    ndim=0 if isinstance(node.value, bool | int | float) else None,
                    known=_known_constant(node.value),
                )
            case ast.Name():
                return self.lookup(node, scope)
            case ast.Tuple(elts) | ast.List(elts):
                if isinstance(node, ast.List) and not elts:
                    return self._stack(node, scope, hint)
                return Parts(tuple(self._elements(elts, scope)), isinstance(node, ast.List))
            case ast.Dict(keys, values) if all(isinstance(key, ast.Constant) for key in keys):
                pairs = zip(keys, values, strict=True)
                return Entries({key.value: self.pinned(self.expression(each, scope), scope) for key, each in pairs})  # type: ignore[union-attr]
            case ast.BinOp(left, op, right):
                return self.binary(op, self.expression(left, scope), self.expression(right, scope), node, scope, hint)
            case ast.UnaryOp(op, operand):
                return self._unary(op, operand, node, scope, hint)
            case ast.Compare():
                return self._plain_value(node, scope)
            case ast.BoolOp():
                return self._boolean(node, scope)
            case ast.IfExp(test, body, orelse):
                return self._conditional(test, body, orelse, scope, hint)
            case ast.Subscript(value, index):
                self.by_entry.add(value)
                return self.item(self.expression(value, scope), self.index(index, scope), node, scope, hint)
            case ast.Attribute():
                return self._attribute(node, scope, hint)
            case ast.Call():
                return self.call(node, scope, hint)
            case ast.Lambda():
                return LocalFunction(node, scope)
            case ast.NamedExpr(target, value):
                self.assign(target, self.expression(value, scope, target.id), scope)
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

    def _elements(self, nodes: Sequence[ast.expr], scope: Scope) -> list[Thing]:
        found: list[Thing] = []
        for each in nodes:
            if isinstance(each, ast.Starred):
                inner = self.expression(each.value, scope)
                if not isinstance(inner, Parts):
                    raise scope.refusal(each, f"`{ast.unparse(each)}`", "write the entries out")
                found += inner.parts
            else:
                found.append(self.pinned(self.expression(each, scope), scope))
        return found

    def _stack(self, node: ast.List, scope: Scope, hint: str) -> Stack:
        name = self.names.fresh(hint or "stack")
        self.block.append(Plain(name, "[]", scope.line))
        return Stack(name, scope.key(node))

    def _as_it_is(self, node: ast.expr, scope: Scope) -> Value:
        """A construct of values that are not differentiated, as it is."""
        inner = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        for name in inner & scope.env.keys():
            if any(each.active for each in leaves(scope.env[name])) and not isinstance(node, ast.JoinedStr):
                raise scope.refusal(node, *CONSTRUCTS.get(type(node), (f"`{ast.unparse(node)}`",)))
        return self._plain_value(node, scope, None)

    def _plain_value(self, node: ast.expr, scope: Scope, ndim: int | None = 0) -> Value:
        """A value that is not differentiated: a comparison, a shape."""
        if ndim == 0 and isinstance(node, ast.Compare):
            operands = [self._peek(each, scope) for each in (node.left, *node.comparators)]
            ndim = None if None in operands else max(operands)  # type: ignore[type-var]
        return Value(self.plain_node(node, scope), False, ndim)

    def _peek(self, node: ast.expr, scope: Scope) -> int | None:
        """Dimensions of an operand, where that is seen at once."""
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
                    node, f"`{ast.unparse(node)}`, which gives one of its operands,", "write `a if test else b`"
                )
        return self._plain_value(node, scope, 0)

    def _conditional(self, test: ast.expr, body: ast.expr, orelse: ast.expr, scope: Scope, hint: str) -> Thing:
        found = self.test(test, scope)
        if isinstance(found, bool):
            return self.expression(body if found else orelse, scope, hint)
        things: list[Thing] = []

        def way(node: ast.expr) -> Callable[[], Any]:
            def evaluate() -> None:
                things.append(self.expression(node, scope))

            return evaluate

        before = len(self.block)
        live = frozenset(scope.env)
        self.branch(found, way(body), way(orelse), scope, live)
        choice = self.block[before] if len(self.block) > before else None
        if choice is None:
            raise scope.refusal(test, "this conditional expression", "write `if` and `else`")
        return self.merge(things[0], things[1], (choice.then, choice.otherwise), hint or "w", scope)

    # Names and values.

    def lookup(self, node: ast.Name, scope: Scope) -> Thing:
        """What a name is."""
        name, each = node.id, scope
        while True:
            if name in each.env:
                thing = each.env[name]
                if isinstance(thing, Value) and thing.roots:
                    self.accesses.read(thing.text, self.loops, scope.place(node))
                if isinstance(thing, Value) and node not in self.by_entry:
                    self.read_whole.add(thing.text)
                return thing
            if name in each.locals and " " in name:  # the result of a loop whose `return` is never reached
                return Value(ast.Constant(0.0 if self.is_compiled else None))
            if name in each.locals:
                raise scope.refusal(
                    node, f"{name.split()[0]}, which is not assigned on every path before,", "assign it before"
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
            raise scope.refusal(node, f"{name}, which has no value yet,", "define it before") from None
        return self.captured_object(("name", id(each.function), name), value, name, get)

    def value(self, thing: Thing, node: ast.AST, scope: Scope) -> Value:
        """A thing as one value: an array of its parts, if it has several."""
        if isinstance(thing, Value):
            return thing
        if isinstance(thing, Parts):
            if not any(each.active for each in leaves(thing)):
                elements = [self.value(part, node, scope).node for part in thing.parts]
                return Value((ast.List if thing.is_list else ast.Tuple)(elements, ast.Load()), ndim=None)
            return self.stacked(thing, node, scope, "")
        if isinstance(thing, Stack):
            raise scope.refusal(node, "a list that grows", "write into an array by index: a = np.zeros(n); a[i] = …")
        what = "a function" if isinstance(thing, LocalFunction) else "a dict"
        raise scope.refusal(node, f"{what} as a value in `{ast.unparse(node)}`", "use numbers and arrays")

    def atom(self, value: Value, scope: Scope) -> Value:
        """A value that costs nothing to repeat: under a name, unless it is one."""
        return value if value.is_atom else self.bind(value, "c", scope)

    def pinned(self, thing: Thing, scope: Scope) -> Thing:
        """A thing that does not change if it is read later."""
        if isinstance(thing, Value) and not thing.is_atom and thing.known is NOTHING:
            return self.bind(thing, "c", scope)
        return thing

    def bind(self, value: Value, name: str, scope: Scope) -> Value:
        """Give a value that is not differentiated a name."""
        given = self.names.fresh(name)
        root = value.roots
        active = False
        if value.writable:
            key = scope.key(value.node) + name
            active = key in self.knowledge.written
            root = frozenset([key])
            self.accesses.make(key, self.loops)
        elif root:
            self.accesses.alias(given, root, self.loops)
        if active:
            made = Value(ast.Name(given, ast.Load()), True, value.ndim, root, True)
            text = value.text if _is_of_floats(value.node) else f"as_floats({value.text})"
            self.block.append(Op(made, Operation(text, lambda tangents: f"np.zeros_like({given})", ()), (), scope.line))
            return made
        self.block.append(Plain(given, value.text, scope.line))
        return Value(ast.Name(given, ast.Load()), False, value.ndim, root, value.writable, value.known)

    def op(
        self,
        operation: Operation,
        result: str,
        arguments: Sequence[Value],
        ndim: int | None,
        scope: Scope,
        shares: Value | None = None,
    ) -> Value:
        """Append an operation."""
        roots = frozenset() if shares is None or ndim == 0 else shares.roots
        writable = shares is None and ndim != 0
        if roots:
            self.accesses.alias(result, roots, self.loops)
        if writable:
            roots = frozenset([result])
            self.accesses.make(result, self.loops)
        made = Value(ast.Name(result, ast.Load()), True, ndim, roots, writable)
        self.block.append(Op(made, operation, tuple(arguments), scope.line))
        return made

    # Arithmetic.

    def binary(self, op: ast.operator, left: Thing, right: Thing, node: ast.AST, scope: Scope, hint: str) -> Thing:
        """left op right."""
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
        one, other = self.value(left, node, scope), self.value(right, node, scope)
        if isinstance(op, ast.MatMult):
            return self.structural(np.matmul, {"a": one, "b": other}, node, scope, hint)
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
                node, f"`{ast.unparse(node)}`, an operation on bits,", "use integers that are not differentiated"
            )
        one, other = self.atom(one, scope), self.atom(other, scope)
        self.has_powers |= isinstance(op, ast.Pow) and not isinstance(_literal(other.node), int)
        text = ast.unparse(ast.BinOp(one.node, op, other.node))
        return self.elementwise(OPERATORS[type(op)], text, (one, other), node, scope, hint)

    def _repeated(self, left: Parts, right: Thing, node: ast.AST, scope: Scope) -> Thing:
        times = self.value(right, node, scope)
        is_active = any(each.active for each in leaves(left))
        if isinstance(times.node, ast.Constant) and isinstance(times.known, int) and (is_active or not left.is_list):
            return Parts(left.parts * times.known, left.is_list)
        if is_active:
            raise scope.refusal(node, f"`{ast.unparse(node)}`", "use np.full, or np.ones times the value")
        parts = self.value(left, node, scope)
        return Value(ast.copy_location(ast.BinOp(parts.node, ast.Mult(), times.node), node), False, 1, writable=True)

    def _unary(self, op: ast.unaryop, operand: ast.expr, node: ast.expr, scope: Scope, hint: str) -> Thing:
        if isinstance(op, ast.Not):
            found = self.test(node, scope)
            return Value(ast.Constant(found) if isinstance(found, bool) else ast.parse(found, mode="eval").body, ndim=0)
        value = self.value(self.expression(operand, scope), operand, scope)
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
        """An elementwise operation."""
        unknown = elementwise.unknown_argument(ufunc, arguments)
        if unknown is not None:
            raise scope.refusal(
                node,
                f"{ufunc.__name__}, which has no rule by its argument {unknown + 1},",
                "use differentiator=finite_difference",
            )
        ndim = elementwise.ndim_of(arguments)
        result = self.names.fresh(hint or "w")
        return self.op(elementwise.operation(ufunc, text, result, arguments, ndim), result, arguments, ndim, scope)

    # Tests, and what is not differentiated.

    def test(self, node: ast.expr, scope: Scope) -> str | bool:
        """A condition: a text that means the same later, or its value if that is known."""
        plain = self.plain_node(node, scope)
        if all(isinstance(each, _CONSTANT_NODES) for each in ast.walk(plain)):
            return bool(_constant_value(plain))
        if (
            isinstance(plain, ast.Compare)
            and isinstance(node, ast.Compare)
            and (known := self._known_test(node, scope)) is not None
        ):
            return known
        if all(isinstance(each, _STEADY_NODES) for each in ast.walk(plain)):
            return ast.unparse(plain)
        return ast.unparse(plain) if self.is_head else self.bind(Value(plain, ndim=0), "test", scope).text

    def _known_test(self, node: ast.Compare, scope: Scope) -> bool | None:
        """`x is None` of a value that is a number or an array."""
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
        """An expression for its value only, in the names of emitted code."""
        made: ast.expr = _Plain(self, scope).visit(node)
        return made

    def index(self, node: ast.expr, scope: Scope, pinned: bool = False) -> Index:
        """An index, in a form that means the same later."""
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        texts, count, added, ndims, constants = [], 0, 0, [], []
        is_basic = True
        for each in parts:
            if isinstance(each, ast.Slice):
                bounds = [
                    None if bound is None else self._steady(bound, scope).node
                    for bound in (each.lower, each.upper, each.step)
                ]
                texts.append(ast.unparse(ast.Slice(*bounds)))
                values = [None if bound is None else _literal(bound) for bound in bounds]
                constants.append(NOTHING if NOTHING in values else slice(*values))
                continue
            value = self._steady(each, scope)
            texts.append(value.text)
            constants.append(_literal(value.node))
            if (
                isinstance(value.node, ast.Constant)
                and value.node.value in (None, ...)
                and not isinstance(value.node.value, int | float | str)
            ):
                added += value.node.value is None
            elif value.ndim == 0 or isinstance(value.node, ast.Constant):
                count += 1
            else:
                is_basic = False
                ndims.append(value.ndim)
        is_entry = count == len(parts)
        text = (", ".join(texts) or "()") + ("," if isinstance(node, ast.Tuple) and len(texts) == 1 else "")
        constant = (
            NOTHING if NOTHING in constants else tuple(constants) if isinstance(node, ast.Tuple) else constants[0]
        )
        return Index(text, count, added, is_entry, is_basic, ndims[0] if len(ndims) == 1 else None, constant)

    def _steady(self, node: ast.expr, scope: Scope) -> Value:
        """A part of an index: bound to a name if reading it again might give something else."""
        thing = self.expression(node, scope)
        if isinstance(thing, Parts):
            thing = self.value(thing, node, scope)
            return self.bind(Value(thing.node, ndim=1), "index", scope)
        value = self.value(thing, node, scope)
        if value.active:
            raise scope.refusal(node, f"`{ast.unparse(node)}`, an index that is differentiated,", "use an integer")
        steady = all(isinstance(each, _STEADY_NODES) for each in ast.walk(value.node))
        return value if steady else self.bind(value, "index", scope)

    def item(self, base: Thing, index: Index, node: ast.AST, scope: Scope, hint: str = "") -> Thing:
        """base[index]."""
        shown = ast.unparse(node)
        if isinstance(base, Parts) and index.constant is not NOTHING and isinstance(index.constant, int | slice):
            try:
                found = base.parts[index.constant]
            except IndexError:
                raise scope.refusal(
                    node, f"`{shown}` of {len(base.parts)} entries", "use an index that is there"
                ) from None
            return Parts(found, base.is_list) if isinstance(index.constant, slice) else found
        if isinstance(base, Entries):
            if index.constant not in base.entries:
                raise scope.refusal(node, f"`{shown}`, a key that is not known,", "use a constant key that is there")
            return base.entries[index.constant]
        if isinstance(base, Stack):
            raise scope.refusal(node, "a list that grows", "write into an array by index: a = np.zeros(n); a[i] = …")
        value = self.value(base, node, scope)
        if not index.is_entry or value.ndim != 1:
            self.read_whole.add(value.text)
        ndim = _ndim_of_item(value.ndim, index)
        if not value.active:
            return self._plain_item(value, index, ndim, node)
        value = self.atom(value, scope)
        result = self.names.fresh(hint or "w")
        text = f"{value.text}[{index.text}]"
        operation = Operation(
            text, lambda tangents: f"{tangents[0]}[{index.text}]", (lambda d: d,), index.text, not index.is_basic
        )
        if not index.is_basic:
            return self.op(operation, result, (value,), ndim, scope)
        return self.op(operation, result, (value,), ndim, scope, value)

    def _plain_item(self, value: Value, index: Index, ndim: int | None, node: ast.AST) -> Value:
        made = ast.Subscript(value.node, ast.parse(f"_[{index.text}]", mode="eval").body.slice, ast.Load())  # type: ignore[attr-defined]
        known = NOTHING
        if value.known is not NOTHING and index.constant is not NOTHING:
            try:
                known = value.known[index.constant]
            except (TypeError, LookupError):
                known = NOTHING
        if known is not NOTHING:
            ndim = ndim_of(known)
        return Value(ast.copy_location(made, node), False, ndim, frozenset() if ndim == 0 else value.roots, known=known)

    def _attribute(self, node: ast.Attribute, scope: Scope, hint: str) -> Thing:
        base = self.expression(node.value, scope)
        if isinstance(base, Value) and base.captured is not None and _is_namespace(base.known):
            return self.captured_attribute(base, node, scope)
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
            return self.structural(np.transpose, {"a": value}, node, scope, hint)
        if node.attr == "real":
            return value
        raise scope.refusal(node, f"`{ast.unparse(node)}`", "use one of NumPy's functions that has a rule")

    def captured_attribute(self, base: Value, node: ast.Attribute, scope: Scope) -> Thing:
        """An attribute of an object from outside."""
        parent = base.captured

        def get() -> Any:
            return getattr(parent.get(), node.attr)

        try:
            value = get()
        except AttributeError:
            raise scope.refusal(node, f"`{ast.unparse(node)}`, an attribute that is not there,", "define it") from None
        return self.captured_object(
            (*parent.key, node.attr), value, node.attr, get, ast.unparse(node), base.known in (np, math, np.linalg)
        )

    # What loops run over.

    def unrolled(self, node: ast.For, scope: Scope) -> list[Thing] | None:
        """What a loop over a tuple or list of known length runs over; None for any other."""
        parts = self._parts_of(node.iter, scope)
        if parts is None:
            return None
        if len(parts) > _MOST_UNROLLED or id(node) in scope.stops:
            raise scope.refusal(
                node,
                "a loop over a list of values, with `break` or `return` or very long,",
                "make it an array: np.array([…])",
            )
        return parts

    def _parts_of(self, node: ast.expr, scope: Scope) -> list[Thing] | None:
        if isinstance(node, ast.Tuple | ast.List) and node.elts:
            return self._elements(node.elts, scope)
        if isinstance(node, ast.Name):
            thing = scope.env.get(node.id)
            return list(thing.parts) if isinstance(thing, Parts) else None
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.args
            and node.func.id in ("enumerate", "zip")
        ):
            inner = [self._parts_of(each, scope) for each in node.args]
            if all(each is not None for each in inner):
                if node.func.id == "enumerate" and len(node.args) == 1:
                    return [
                        Parts((Value(ast.Constant(i), ndim=0, known=i), part)) for i, part in enumerate(inner[0] or ())
                    ]
                if node.func.id == "zip":
                    return [Parts(tuple(each)) for each in zip(*filter(None, inner), strict=False)]
        if isinstance(node, ast.Subscript):
            base = scope.env.get(node.value.id) if isinstance(node.value, ast.Name) else None
            if isinstance(base, Parts):
                found = self.expression(node, scope)
                return list(found.parts) if isinstance(found, Parts) else None
        return None

    def for_head(self, node: ast.For, scope: Scope) -> tuple[str, tuple[str, ...], Callable[[], None]]:
        """The head of a `for`, the names that it assigns, and what gives an iteration the user's names."""
        if (stack := self._reversed_stack(node.iter, scope)) is not None:
            return self._stack_head(stack, node, scope)
        if self._runs_over_plain(node.iter, scope):
            return self._plain_head(node, scope)
        at = self.names.fresh("k")
        bound: dict[int, Value] = {}
        count = self._count(node.iter, bound, scope)
        place = Value(ast.Name(at, ast.Load()), ndim=0)
        return (
            f"for {at} in range({count})",
            (at,),
            lambda: self.assign(node.target, self._element(node.iter, bound, place, scope), scope),
        )

    def _reversed_stack(self, node: ast.expr, scope: Scope) -> Stack | None:
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "reversed" and isinstance(node.args[0], ast.Name):
            thing = scope.env.get(node.args[0].id)
            return thing if isinstance(thing, Stack) else None
        return None

    def _stack_head(self, stack: Stack, node: ast.For, scope: Scope) -> tuple[str, tuple[str, ...], Callable[[], None]]:
        kinds = self.knowledge.stacked.get(stack.key, ())
        targets = tuple(self.made(self.names.fresh("w"), active, ndim) for active, ndim in kinds)
        self.stack_of_loop = stack.name, targets
        thing: Thing = (
            Parts(targets)
            if isinstance(node.target, ast.Tuple)
            else targets[0]
            if targets
            else Value(ast.Constant(None))
        )

        def enter() -> None:
            if targets:
                self.assign(node.target, thing, scope)

        return "", tuple(each.text for each in targets), enter

    def _runs_over_plain(self, node: ast.expr, scope: Scope) -> bool:
        names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "range":
            return True
        return not any(each.active for name in names for each in leaves(scope.env.get(name.id)))

    def _plain_head(self, node: ast.For, scope: Scope) -> tuple[str, tuple[str, ...], Callable[[], None]]:
        is_range = isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func) == "range"
        value = self.expression(node.iter, scope)
        if isinstance(value, Stack):
            raise scope.refusal(node, "a loop over a list that grows", "write into an array by index")
        value = self.value(value, node.iter, scope)
        is_counted = isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func) == "enumerate"
        known = value.known if isinstance(value.known, list | tuple | np.ndarray) and len(value.known) else None
        targets: list[str] = []
        pairs: list[tuple[ast.expr, Value]] = []

        def named(target: ast.expr, example: Any, is_number: bool) -> str:
            if isinstance(target, ast.Tuple | ast.List):
                return (
                    "("
                    + "".join(f"{named(each, NOTHING, is_counted and not i)}, " for i, each in enumerate(target.elts))
                    + ")"
                )
            name = self.names.fresh(target.id if isinstance(target, ast.Name) else "w")
            ndim = 0 if is_number else None if example is NOTHING else ndim_of(example)
            targets.append(name)
            pairs.append((target, Value(ast.Name(name, ast.Load()), False, ndim)))
            return name

        shown = named(node.target, known[0] if known is not None and _is_uniform(known) else NOTHING, is_range)

        def enter() -> None:
            for target, each in pairs:
                self.assign(target, each, scope)

        return f"for {shown} in {value.text}", tuple(targets), enter

    def _count(self, node: ast.expr, bound: dict[int, Value], scope: Scope) -> str:
        """How many iterations a loop over arrays has; what it runs over is bound to names."""
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("enumerate", "zip", "reversed")
        ):
            counts = [self._count(each, bound, scope) for each in node.args[: 1 if node.func.id != "zip" else None]]
            return counts[0] if len(counts) == 1 else f"min({', '.join(counts)})"
        self.by_entry.add(node)
        value = self.atom(self.value(self.expression(node, scope), node, scope), scope)
        bound[id(node)] = value
        return f"len({value.text})"

    def _element(self, node: ast.expr, bound: dict[int, Value], at: Value, scope: Scope) -> Thing:
        if id(node) in bound:
            index = Index(at.text, 1, 0, True, True, None)
            return self.item(bound[id(node)], index, node, scope)
        assert isinstance(node, ast.Call)
        assert isinstance(node.func, ast.Name)
        if node.func.id == "zip":
            return Parts(tuple(self._element(each, bound, at, scope) for each in node.args))
        if node.func.id == "reversed":
            last = bound[id(node.args[0])]
            index = Index(f"len({last.text}) - 1 - {at.text}", 1, 0, True, True, None)
            return self.item(last, index, node, scope)
        start = [*node.args[1:], *(each.value for each in node.keywords)]
        number = at if not start else Value(ast.BinOp(at.node, ast.Add(), self.plain_node(start[0], scope)), ndim=0)
        return Parts((number, self._element(node.args[0], bound, at, scope)))


class _Plain(ast.NodeTransformer):
    """An expression in the names of emitted code, where values are read only."""

    def __init__(self, lowering: Expressions, scope: Scope) -> None:
        self.lowering, self.scope, self.depth = lowering, scope, 0
        self.bound: set[str] = set()

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.bound or not isinstance(node.ctx, ast.Load):
            return node
        thing = self.lowering.lookup(node, self.scope)
        return self._node_of(thing, node)

    def _node_of(self, thing: Thing, node: ast.expr) -> ast.expr:
        if isinstance(thing, Value):
            if thing.captured is not None and is_random(thing.known):
                raise self.scope.refusal(
                    node, f"`{ast.unparse(node)}`, random numbers,", "draw them before, and pass them in"
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
            self.lowering.by_entry.add(node.value)
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if _is_chain(node) and _root(node).id not in self.bound:
            thing = self.lowering.expression(node, self.scope) if self._is_outside(node) else None
            if thing is not None:
                return self._node_of(thing, node)
        return ast.Attribute(self.visit(node.value), node.attr, node.ctx)

    def _is_outside(self, node: ast.Attribute) -> bool:
        thing = self.lowering.lookup(_root(node), self.scope)
        return isinstance(thing, Value) and thing.captured is not None

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id not in self.bound:
            thing = self.lowering.lookup(node.func, self.scope)
            if isinstance(thing, LocalFunction):
                if self.depth or self.bound:
                    raise self.scope.refusal(
                        node, f"`{ast.unparse(node)}` within a condition", "assign it to a variable before"
                    )
                return self._node_of(self.lowering.pinned(self.lowering.expression(node, self.scope), self.scope), node)
            if node.func.id == "len":
                self.lowering.by_entry.update(node.args)
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.expr:
        if self.depth or self.bound:
            raise self.scope.refusal(
                node, f"`{ast.unparse(node)}` within a condition", "assign it to a variable before"
            )
        return self._node_of(self.lowering.expression(node, self.scope), node)

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
    """A copy of a node whose lists may be changed."""
    fields = {name: list(value) if isinstance(value, list) else value for name, value in ast.iter_fields(node)}
    return ast.copy_location(type(node)(**fields), node) if "lineno" in node._attributes else type(node)(**fields)


_CONSTANT_NODES = (ast.Constant, ast.Compare, ast.cmpop, ast.BoolOp, ast.boolop, ast.UnaryOp, ast.unaryop)
_STEADY_NODES = (*_CONSTANT_NODES, ast.Name, ast.BinOp, ast.operator, ast.Load, ast.Slice)


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
    """The value of a condition of constants."""
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


def _is_namespace(value: Any) -> bool:
    """Whether attributes of an object are things of the program, rather than of a number or an array."""
    plain = (np.ndarray, bool, int, float, complex, str, list, tuple, dict, np.generic)
    return value is not NOTHING and not isinstance(value, plain)


def _known_constant(value: Any) -> Any:
    return value if isinstance(value, int | float) else NOTHING


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return NOTHING


def _folded(op: ast.operator, one: Value, other: Value) -> Any:
    """The number that an operation of small integers gives, as in an index."""
    if isinstance(one.known, int) and isinstance(other.known, int) and is_atom(one.node) and is_atom(other.node):
        table: dict[type[ast.operator], Any] = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
        if type(op) in table and isinstance(one.node, ast.Constant) and isinstance(other.node, ast.Constant):
            return table[type(op)](one.known, other.known)
    return NOTHING


def _ndim_of_item(ndim: int | None, index: Index) -> int | None:
    if ndim is None or "..." in index.text or index.text == "Ellipsis":
        return None
    if index.is_basic:
        return ndim - index.count + index.added
    return index.ndim if ndim == 1 and index.count == 0 and index.added == 0 and "," not in index.text else None


def _is_of_floats(node: ast.expr) -> bool:
    """Whether an array is surely of floats, as NumPy makes them where no other type is asked for."""
    if not isinstance(node, ast.Call) or any(each.arg == "dtype" for each in node.keywords):
        return False
    return (
        ast.unparse(node.func) in ("np.zeros", "np.ones", "np.empty", "np.linspace", "np.eye") and len(node.args) <= 1
    )


def _is_uniform(known: Any) -> bool:
    return len({ndim_of(each) for each in known}) == 1
