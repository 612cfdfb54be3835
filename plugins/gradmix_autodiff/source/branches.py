"""From the syntax tree to the intermediate form: branches, whose values get a common name."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from gradmix_autodiff.source.forms import Choice, Copy, Entries, Operation, Parts, Stack, Thing, Value, leaves
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.scope import MISSING, NEVER, Scope


class Branches(Reader):
    """Reads the two branches of a test."""

    def choice(self, node: ast.If, scope: Scope, live: frozenset[str]) -> Any:
        """Read an `if` statement."""
        test = self.lowering.conditions.test(node.test, scope)
        if isinstance(test, bool):
            return self.lowering.statements.statements(node.body if test else node.orelse, scope, live)
        return self.branch(
            test,
            lambda: self.lowering.statements.statements(node.body, scope, live),
            lambda: self.lowering.statements.statements(node.orelse, scope, live),
            scope,
            live,
        )

    def branch(self, test: str, then: Any, otherwise: Any, scope: Scope, live: frozenset[str]) -> Any:
        """Read both branches of a test; the values of both get one name."""
        line, outer, env = scope.line, self.building.block, scope.env
        outcomes, envs, blocks = [], [], []
        for way in (then, otherwise):
            self.building.block, scope.env = [], dict(env)
            outcomes.append(way())
            envs.append(scope.env)
            blocks.append(self.building.block)
        self.building.block, scope.env = outer, env
        choice = Choice(test, blocks[0], blocks[1], line)
        ends = [outcome is NEVER for outcome in outcomes]
        if any(ends):
            outer.append(choice)
            if all(ends):
                return NEVER
            scope.env = envs[0] if ends[1] else envs[1]
            return outcomes[0] if ends[1] else outcomes[1]
        outer.append(choice)
        if outcomes[0] is not None and outcomes[1] is not None:
            return self.merge(outcomes[0], outcomes[1], blocks, "result", scope)
        for name in sorted(set(envs[0]) | set(envs[1])):
            one, other = (each.get(name, MISSING) for each in envs)
            if one is other:
                scope.env[name] = one
            elif name in live:
                scope.env[name] = self.merge(one, other, blocks, name, scope)
                self.owned(name, scope)
            else:
                scope.env.pop(name, None)
        return None

    def merge(self, one: Thing, other: Thing, blocks: Sequence[list[Any]], name: str, scope: Scope) -> Thing:
        """Return one name for the values of two branches."""
        if one is other or _is_same_atom(one, other) or (isinstance(one, Stack) and other is MISSING):
            return one
        if one is MISSING and isinstance(other, Stack):
            return other
        if isinstance(one, Parts) and isinstance(other, Parts) and len(one.parts) == len(other.parts):
            pairs = zip(one.parts, other.parts, strict=True)
            return Parts(tuple(self.merge(a, b, blocks, name, scope) for a, b in pairs), one.is_list)
        if isinstance(one, Entries) and isinstance(other, Entries) and one.entries.keys() == other.entries.keys():
            return Entries(
                {key: self.merge(each, other.entries[key], blocks, name, scope) for key, each in one.entries.items()}
            )
        made = self.joined(one, other, self.building.names.fresh(name), scope, name)
        for thing, block in zip((one, other), blocks, strict=True):
            block.append(Copy(made, thing if isinstance(thing, Value) else self.building.unset, scope.line))
        return made

    def joined(self, one: Thing, other: Thing, name: str, scope: Scope, shown: str) -> Value:
        """Return the common properties of a variable with alternative values."""
        if one is MISSING or other is MISSING:
            one = other = other if one is MISSING else one
        if not (isinstance(one, Value) and isinstance(other, Value)):
            what = f"{shown.split()[0]}, which does not have the same structure on every path,"
            raise scope.refusal(scope.node, what, "give it the same kind of value everywhere")
        ndim = one.ndim if one.ndim == other.ndim else None
        return self.building.made(name, one.active or other.active, ndim, one.roots | other.roots)

    def owned(self, name: str, scope: Scope) -> None:
        """Give separate memory to an array that several paths have created and that is written into."""
        value = scope.env.get(name)
        if name not in scope.written or not isinstance(value, Value) or value.ndim == 0 or value.writable:
            return
        others = (leaf for other, thing in scope.env.items() if other != name for leaf in leaves(thing))
        if any(each.ndim != 0 and (each.text == value.text or each.roots & value.roots) for each in others):
            return  # otherwise other names would miss the change
        copied = f"np.copy({value.text})"
        if value.active:
            operation = Operation(copied, lambda tangents: f"np.copy({tangents[0]})", (lambda d: d,))
            scope.env[name] = self.building.op(operation, self.building.names.fresh(name), (value,), value.ndim, scope)
        else:
            node = ast.copy_location(
                ast.parse(copied, mode="eval").body, scope.node or ast.Pass(lineno=0, col_offset=0)
            )
            scope.env[name] = self.building.bind(Value(node, False, value.ndim, writable=True), name, scope)


def _is_same_atom(one: Thing, other: Thing) -> bool:
    both = isinstance(one, Value) and isinstance(other, Value)
    return both and one.is_atom and one.text == other.text and one.active == other.active
