"""From the syntax tree to the intermediate form: statements in their order, and assignments."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from gradmix_autodiff.source.captured import is_data, ndim_of
from gradmix_autodiff.source.forms import NOTHING, Effect, Parts, Stack, Thing, Unpack, Value, leaves
from gradmix_autodiff.source.liveness import exposed_by
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.refusal import CONSTRUCTS
from gradmix_autodiff.source.scope import NEVER, LocalFunction, Scope


class Statements(Reader):
    """Reads statements: returns None if the next statement is reached, else the function's return value or `NEVER`."""

    def statements(self, body: Sequence[ast.stmt], scope: Scope, live: frozenset[str]) -> Any:
        """Read statements in their order."""
        after = [live | scope.always_live]
        for each in reversed(body):
            read, surely = exposed_by([each])
            after.append(read | (after[-1] - surely) | scope.always_live)
        for each, then_live in zip(body, reversed(after[:-1]), strict=True):
            outcome = self.statement(each, scope, then_live)
            if outcome is not None:
                return outcome
        return None

    def statement(self, node: ast.stmt, scope: Scope, live: frozenset[str]) -> Any:
        """Read one statement."""
        scope.node = node
        match node:
            case ast.Pass():
                return None
            case ast.Return(value):
                return (
                    Value(ast.Constant(None)) if value is None else self.lowering.expressions.expression(value, scope)
                )
            case ast.Assign(targets, value):
                self._assign_all(targets, value, scope)
            case ast.AnnAssign(target, _, value):
                if value is not None:
                    self._assign_all([target], value, scope)
            case ast.AugAssign():
                self._augment(node, scope)
            case ast.If():
                return self.lowering.branches.choice(node, scope, live)
            case ast.For() | ast.While():
                self.lowering.loops.loop(node, scope, live)
            case ast.Expr(value):
                self._effect(value, scope)
            case ast.FunctionDef():
                if node.decorator_list:
                    raise scope.refusal(node, "a decorated function defined in a function", "leave out the decorator")
                scope.env[node.name] = LocalFunction(node, scope)
            case ast.Raise(error, _):
                text = "" if error is None else f" {ast.unparse(self.lowering.conditions.plain_node(error, scope))}"
                self.building.block.append(Effect(f"raise{text}", scope.line))
                return NEVER
            case ast.Assert(test, message):
                text = ast.unparse(self.lowering.conditions.plain_node(test, scope))
                reason = (
                    "" if message is None else f", {ast.unparse(self.lowering.conditions.plain_node(message, scope))}"
                )
                self.building.block.append(Effect(f"assert {text}{reason}", scope.line))
            case ast.With():
                self._with(node, scope)
            case _:
                raise scope.refusal(node, *CONSTRUCTS.get(type(node), (f"`{type(node).__name__}`",)))
        return None

    def _assign_all(self, targets: Sequence[ast.expr], value: ast.expr, scope: Scope) -> None:
        hint = targets[0].id if isinstance(targets[0], ast.Name) else ""
        if all(isinstance(each, ast.Tuple | ast.List) for each in targets):
            self.building.by_entry.add(value)
        thing = self.lowering.expressions.expression(value, scope, hint)
        for target in targets:
            self.assign(target, thing, scope)

    def assign(self, target: ast.expr, thing: Thing, scope: Scope) -> None:
        """Assign a thing to a target."""
        if isinstance(target, ast.Name):
            scope.env[target.id] = self.building.named(thing, target.id, scope)
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target, thing, scope)
        elif isinstance(target, ast.Subscript):
            self.lowering.writes.assign_entry(target, thing, scope)
        else:
            raise scope.refusal(
                target, f"`{ast.unparse(target)} = …`, which changes an object,", "return the value instead"
            )

    def _unpack(self, target: ast.Tuple | ast.List, thing: Thing, scope: Scope) -> None:
        targets = target.elts
        starred = [place for place, each in enumerate(targets) if isinstance(each, ast.Starred)]
        if isinstance(thing, Parts):
            parts: list[Thing] = list(thing.parts)
            if starred:
                (place,), behind = starred, len(targets) - starred[0] - 1
                middle = parts[place : len(parts) - behind]
                parts[place : len(parts) - behind] = [Parts(tuple(middle), True)]
                targets = [each.value if isinstance(each, ast.Starred) else each for each in targets]
            if len(parts) != len(targets):
                raise scope.refusal(
                    target, f"unpacking {len(parts)} values into {len(targets)} names", "use one name for each value"
                )
            parts = [self.building.pinned(part, scope) for part in parts]
            for each, part in zip(targets, parts, strict=True):
                self.assign(each, part, scope)
            return
        value = self.lowering.expressions.value(thing, target, scope)
        if starred:
            raise scope.refusal(target, "a starred name for a part of an array", "slice the array")
        if self.building.is_compiled and value.ndim is not None:
            self._unpack_entries(targets, value, target, scope)
            return
        known = value.known if isinstance(value.known, list | tuple) and len(value.known) == len(targets) else None
        results = []
        for place, each in enumerate(targets):
            ndim = None if value.ndim is None else value.ndim - 1
            if known is not None:
                ndim = ndim_of(known[place])
            name = self.building.names.fresh(each.id if isinstance(each, ast.Name) else "w")
            roots = frozenset() if ndim == 0 else value.roots
            results.append(self.building.made(name, value.active, ndim, roots))
        self.building.block.append(Unpack(tuple(results), self.building.atom(value, scope), scope.line))
        for each, result in zip(targets, results, strict=True):
            self.assign(each, result, scope)

    def _unpack_entries(self, targets: Sequence[ast.expr], value: Value, node: ast.AST, scope: Scope) -> None:
        """Unpack an array entry by entry, as a compiler requires."""
        array = self.building.atom(value, scope)
        error = f"raise ValueError('cannot unpack an array of another length than {len(targets)}')"
        self.building.block.append(Effect(f"if len({array.text}) != {len(targets)}:\n    {error}", scope.line))
        for place, each in enumerate(targets):
            subscript = ast.copy_location(ast.Constant(place), node)
            name = each.id if isinstance(each, ast.Name) else ""
            self.assign(
                each,
                self.lowering.indexing.item(array, self.lowering.indexing.index(subscript, scope), node, scope, name),
                scope,
            )

    def _augment(self, node: ast.AugAssign, scope: Scope) -> None:
        target = node.target
        if isinstance(target, ast.Attribute):
            raise scope.refusal(
                target, f"`{ast.unparse(target)}`, which changes an object,", "return the value instead"
            )
        if isinstance(target, ast.Name):
            before = self.lowering.expressions.expression(
                ast.copy_location(ast.Name(target.id, ast.Load()), target), scope
            )
            if isinstance(before, Value) and before.ndim != 0:
                self._check_alone(target.id, before, scope)
            amount = self.lowering.expressions.expression(node.value, scope)
            scope.env[target.id] = self.building.named(
                self.lowering.arithmetic.binary(node.op, before, amount, node, scope, target.id), target.id, scope
            )
            return
        assert isinstance(target, ast.Subscript)
        index = self.lowering.indexing.index(target.slice, scope, pinned=True)
        array = self.lowering.expressions.expression(target.value, scope)
        before = self.lowering.indexing.item(array, index, target, scope)
        amount = self.lowering.expressions.expression(node.value, scope)
        self.lowering.writes.write(
            array, index, self.lowering.arithmetic.binary(node.op, before, amount, node, scope, ""), target, scope
        )

    def _check_alone(self, name: str, value: Value, scope: Scope) -> None:
        """Raise an error for an update in place of an array that another name shares."""
        for other, thing in scope.env.items():
            for each in leaves(thing) if other != name else ():
                if each is value or each.text == value.text or (each.ndim != 0 and each.roots & value.roots):
                    way_out = f"write {name} = {name} + … if {other} must not change, or use only one of the names"
                    raise scope.refusal(
                        scope.node, f"an in-place update of {name}, which shares memory with {other},", way_out
                    )
        if value.known is not NOTHING:
            what = f"an in-place update of {name}, an array from outside the function,"
            raise scope.refusal(scope.node, what, "copy it first")

    def _effect(self, node: ast.expr, scope: Scope) -> None:
        if isinstance(node, ast.Constant):
            return
        if isinstance(node, ast.Yield | ast.YieldFrom | ast.Await):
            raise scope.refusal(node, *CONSTRUCTS[type(node)])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
            stack = self.lowering.expressions.expression(node.func.value, scope)
            if isinstance(stack, Stack):
                self.lowering.writes.push(stack, node, scope)
                return
            raise scope.refusal(node, "a list that grows", "write into an array by index: a = np.zeros(n); a[i] = …")
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.add.at" and len(node.args) == 3:
            self.lowering.writes.add_at(node, scope)
            return
        self._check_harmless(node, scope)
        self.building.block.append(Effect(ast.unparse(self.lowering.conditions.plain_node(node, scope)), scope.line))

    def _check_harmless(self, node: ast.expr, scope: Scope) -> None:
        """Raise an error for a statement whose effect may change an array, or an object from outside."""
        shown = ast.unparse(node)
        if not isinstance(node, ast.Call) or ast.unparse(node.func) == "print":
            return
        if isinstance(node.func, ast.Attribute):
            base = self.lowering.expressions.expression(node.func.value, scope)
            if not (isinstance(base, Value) and base.captured is not None) or is_data(base.known):
                raise scope.refusal(node, f"`{shown}`, which changes an object,", "return the value instead")
        for each in (*node.args, *(keyword.value for keyword in node.keywords)):
            thing = scope.env.get(each.id) if isinstance(each, ast.Name) else None
            if any(leaf.ndim != 0 and (leaf.active or leaf.roots) for leaf in leaves(thing)):
                raise scope.refusal(node, f"`{shown}`, which may change an array,", "assign its return value")

    def _with(self, node: ast.With, scope: Scope) -> None:
        """Read a `with`; around statements that only have effects it is kept unchanged."""
        if any(each.optional_vars for each in node.items) or not all(isinstance(each, ast.Expr) for each in node.body):
            raise scope.refusal(node, *CONSTRUCTS[ast.With])
        items = ", ".join(
            ast.unparse(self.lowering.conditions.plain_node(each.context_expr, scope)) for each in node.items
        )
        body = [
            ast.unparse(self.lowering.conditions.plain_node(each.value, scope))
            for each in node.body
            if isinstance(each, ast.Expr)
        ]
        self.building.block.append(Effect("\n    ".join([f"with {items}:", *body]), scope.line))
