"""From the syntax tree to the intermediate form: loops, read until the kinds of carried variables settle."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gradmix_autodiff.source.forms import Carried, Copy, Loop, Parts, Stack, Thing, Value, leaves
from gradmix_autodiff.source.iteration import Head
from gradmix_autodiff.source.liveness import assigned, exposed_by, used
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.scope import MISSING, Scope

if TYPE_CHECKING:
    from gradmix_autodiff.source.lowering import Lowering


class Loops(Reader):
    """Reads loops."""

    def __init__(self, lowering: Lowering) -> None:
        super().__init__(lowering)
        self.n_loops = 0

    def loop(self, node: ast.For | ast.While, scope: Scope, live: frozenset[str]) -> None:
        """Read a `for` or a `while`."""
        if isinstance(node, ast.For) and (parts := self.lowering.iteration.unrolled(node, scope)) is not None:
            within = live | used([node])
            for part in parts:
                self.lowering.statements.assign(node.target, self.building.pinned(part, scope), scope)
                self.lowering.statements.statements(node.body, scope, within)
            return
        exposed = exposed_by([node])[0]
        within = live | exposed | {scope.stops.get(id(node), "")}
        names = sorted(assigned([node]) & (live | exposed))
        scope.node = node
        unset = {name: Value(ast.Name("_", ast.Load()), ndim=0) for name in exposed}  # read first in a later iteration
        things = {name: self._entry(scope.env.get(name, unset.get(name, MISSING)), name) for name in names}
        while True:
            kept = (
                self.building.block,
                dict(scope.env),
                self.building.names.copy(),
                self.building.accesses.copy(),
                self.n_loops,
            )
            self.building.block = []
            found = self._iteration(node, scope, things, within).end
            trial = {name: self._wider(things[name], found.get(name, MISSING), name, scope) for name in names}
            self.building.block, scope.env, self.building.names, self.building.accesses, self.n_loops = kept
            if all(_is_same(things[name], trial[name]) for name in names):
                break
            things = trial
        self._build(node, scope, things, within)

    def _entry(self, thing: Thing, name: str) -> Thing:
        """Return a variable at the beginning of an iteration, generalised from its value before the loop."""
        if isinstance(thing, Parts):
            return Parts(tuple(self._entry(part, name) for part in thing.parts), thing.is_list)
        if isinstance(thing, Value):
            return Value(
                ast.Name("_", ast.Load()), thing.active, thing.ndim, frozenset() if thing.ndim == 0 else thing.roots
            )
        return thing

    def _wider(self, before: Thing, end: Thing, name: str, scope: Scope) -> Thing:
        """Return a variable that covers its kinds before an iteration and at its end."""
        if end is before or end is MISSING or _is_same_stack(before, end):
            return before
        if before is MISSING:
            return self._entry(end, name)
        if isinstance(before, Parts) and isinstance(end, Parts) and len(before.parts) == len(end.parts):
            pairs = zip(before.parts, end.parts, strict=True)
            return Parts(tuple(self._wider(a, b, name, scope) for a, b in pairs), before.is_list)
        if not (isinstance(before, Value) and isinstance(end, Value)):
            what = f"{name.split()[0]}, whose structure changes in the loop,"
            raise scope.refusal(scope.node, what, "give it the same kind of value in every iteration")
        ndim = before.ndim if before.ndim == end.ndim else None
        roots = frozenset() if ndim == 0 else before.roots | end.roots
        return Value(ast.Name("_", ast.Load()), before.active or end.active, ndim, roots)

    def _iteration(
        self, node: ast.For | ast.While, scope: Scope, things: Mapping[str, Thing], live: frozenset[str]
    ) -> _Iteration:
        """Read one iteration, with carried variables of the given kinds."""
        outer, scope.node = self.building.block, node
        number = self.n_loops = self.n_loops + 1
        head = self.lowering.iteration.for_head(node, scope) if isinstance(node, ast.For) else Head()
        names = {name: self._renamed(thing, name) for name, thing in things.items()}
        for name, thing in names.items():
            scope.env[name] = thing
            if thing is MISSING:
                del scope.env[name]
            for each in leaves(thing):
                if each.roots:
                    self.building.accesses.alias(each.text, each.roots, self.building.loops)
        self.building.loops.append(number)
        self.building.block, before, test = [], [], None
        if isinstance(node, ast.While):
            found = self.lowering.conditions.test(node.test, scope, is_head=True)
            before, self.building.block = self.building.block, []
            head = Head(f"while {found}" if not before else "while True")
            test = str(found) if before else None
        else:
            head.enter()
        for name in names:
            self.lowering.branches.owned(name, scope)
        self.lowering.statements.statements(node.body, scope, live)
        self.building.loops.pop()
        body, self.building.block = self.building.block, outer
        return _Iteration(number, head, before, test, body, names, scope.env)

    def _renamed(self, thing: Thing, name: str) -> Thing:
        if isinstance(thing, Parts):
            return Parts(tuple(self._renamed(part, name) for part in thing.parts), thing.is_list)
        if isinstance(thing, Value):
            return Value(ast.Name(self.building.names.fresh(name), ast.Load()), thing.active, thing.ndim, thing.roots)
        return thing

    def _build(
        self, node: ast.For | ast.While, scope: Scope, things: Mapping[str, Thing], live: frozenset[str]
    ) -> None:
        scope.node = node
        line, entry = scope.line, dict(scope.env)
        done = self._iteration(node, scope, things, live)
        scope.node = node
        carried: list[Carried] = []
        after = {name: thing for name, thing in entry.items() if name not in assigned([node])}
        for name, thing in done.names.items():
            if thing is not MISSING:
                self._carry(carried, thing, entry.get(name, MISSING), done.end.get(name, MISSING), scope)
                after[name] = thing
        flag = scope.stops.get(id(node))
        stop = None if flag is None else done.end[flag].text
        self.building.block.append(
            Loop(
                done.number,
                done.head.text,
                done.head.targets,
                done.before,
                done.test,
                done.body,
                carried,
                stop,
                line,
                done.head.stack,
            )
        )
        scope.env = after
        for name in done.names:
            self.lowering.branches.owned(name, scope)

    def _carry(self, carried: list[Carried], thing: Thing, start: Thing, end: Thing, scope: Scope) -> None:
        """Pass a variable on from iteration to iteration."""
        if isinstance(thing, Parts):
            for place, part in enumerate(thing.parts):
                starts = start.parts[place] if isinstance(start, Parts) else MISSING
                self._carry(carried, part, starts, end.parts[place] if isinstance(end, Parts) else MISSING, scope)
        elif isinstance(thing, Value):
            self.building.block.append(
                Copy(thing, start if isinstance(start, Value) else self.building.unset, scope.line)
            )
            carried.append(Carried(thing, end if isinstance(end, Value) else thing))


@dataclass
class _Iteration:
    """One iteration of a loop, in the intermediate form."""

    number: int
    head: Head
    before: list[Any]
    test: str | None
    body: list[Any]
    names: Mapping[str, Thing]
    """Carried variables at its beginning."""
    end: Mapping[str, Thing]
    """All variables at its end."""


def _is_same(one: Thing, other: Thing) -> bool:
    if isinstance(one, Parts) and isinstance(other, Parts):
        return len(one.parts) == len(other.parts) and all(map(_is_same, one.parts, other.parts))
    if isinstance(one, Value) and isinstance(other, Value):
        return (one.active, one.ndim, one.roots) == (other.active, other.ndim, other.roots)
    return one is other or _is_same_stack(one, other)


def _is_same_stack(one: Thing, other: Thing) -> bool:
    both = isinstance(one, Stack) and isinstance(other, Stack)
    return both and (one.name, one.key) == (other.name, other.key)
