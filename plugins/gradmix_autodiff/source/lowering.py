"""From the syntax tree to the intermediate form: statements."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any

from gradmix_autodiff.source.aliases import Accesses
from gradmix_autodiff.source.captured import Captures, is_data, ndim_of
from gradmix_autodiff.source.expressions import Expressions
from gradmix_autodiff.source.forms import (
    NOTHING,
    AddAt,
    Carried,
    Choice,
    Copy,
    Effect,
    Entries,
    Function,
    Loop,
    Operation,
    Parts,
    Plain,
    Pop,
    Push,
    Stack,
    Thing,
    Unpack,
    Value,
    Write,
    leaves,
)
from gradmix_autodiff.source.jumps import Structured
from gradmix_autodiff.source.reading import Definition, definition_of, plain_function
from gradmix_autodiff.source.refusal import CONSTRUCTS
from gradmix_autodiff.source.scope import MISSING, NEVER, LocalFunction, Names, Scope

_MOST_ROUNDS = 50


@dataclass
class Knowledge:
    """What is only known at the end of a pass over a function, and makes another one necessary.

    Parameters
    ----------
    written
        Arrays, by where they are made, that differentiated values are written into.
    stacked
        Stack → for each place of its entries whether it is differentiated, and its dimensions.
    """

    written: set[str] = field(default_factory=set)
    stacked: dict[str, tuple[tuple[bool, int | None], ...]] = field(default_factory=dict)
    has_changed: bool = False

    def write(self, root: str) -> None:
        """Note that an array is written into."""
        if root not in self.written:
            self.written.add(root)
            self.has_changed = True

    def stack(self, name: str, kinds: tuple[tuple[bool, int | None], ...]) -> None:
        """Note what is pushed."""
        before = self.stacked.get(name, kinds)
        if len(before) != len(kinds):
            kinds = kinds[: len(before)]
        joined = tuple((a or b, m if m == n else None) for (a, m), (b, n) in zip(before, kinds, strict=True))
        if self.stacked.get(name) != joined:
            self.stacked[name] = joined
            self.has_changed = True


def lowered(
    function: Any, arguments: Mapping[int, Thing], place: str, is_compiled: bool = False
) -> tuple[Function, Captures]:
    """Take a function apart.

    Parameters
    ----------
    function
        The function.
    arguments
        Place of an argument → what is known of it, for those that are given.
    place
        What errors that concern the function as a whole are about.
    is_compiled
        Whether the text will be compiled.

    Returns
    -------
    tuple
        The function in the intermediate form, and what it takes from outside.
    """
    plain, bound = plain_function(function, place)
    knowledge = Knowledge()
    for _ in range(_MOST_ROUNDS):
        knowledge.has_changed = False
        lowering = Lowering(plain, bound, knowledge, is_compiled)
        made = lowering.function(arguments)
        if not knowledge.has_changed:
            lowering.accesses.check()
            return made, lowering.captures
    raise RecursionError(f"{place}: what depends on what is not settled after {_MOST_ROUNDS} passes")


class Lowering(Expressions):
    """One pass over a function.

    Parameters
    ----------
    plain
        The function.
    bound
        Its first arguments, if it is a method.
    knowledge
        What earlier passes have found.
    is_compiled
        Whether the text will be compiled.
    """

    def __init__(self, plain: FunctionType, bound: Sequence[Any], knowledge: Knowledge, is_compiled: bool) -> None:
        self.plain, self.bound, self.knowledge, self.is_compiled = plain, bound, knowledge, is_compiled
        self.unset = Value(ast.Constant(0.0), ndim=0) if is_compiled else None
        self.captures, self.names, self.accesses = Captures(), Names(), Accesses()
        self.block: list[Any] = []
        self.calls: list[Any] = []
        self.loops: list[int] = []
        self.n_loops = 0
        self.read_whole: set[str] = set()
        self.by_entry: set[ast.AST] = set()
        self.structures: dict[int, Structured] = {}
        self.copied: list[str] = []
        self.put_back: set[str] = set()
        self.has_powers = False

    def function(self, arguments: Mapping[int, Thing]) -> Function:
        """The whole function."""
        definition = definition_of(self.plain)
        scope = Scope(definition, self.plain, {})
        names, variables = [], {}
        own = definition.node.args
        if own.vararg or own.kwarg:
            raise scope.refusal(definition.node, "*args and **kwargs of the function itself", "name its arguments")
        taken = [each.arg for each in [*own.posonlyargs, *own.args]]
        for place, name in enumerate(taken):
            if place < len(self.bound):
                scope.env[name] = self.captured_object(("bound", name), self.bound[place], name)
                continue
            position = place - len(self.bound)
            if position not in arguments:
                scope.env[name] = self.default(scope, name)
                continue
            given = self.names.fresh(name)
            names.append(given)
            self.names.parameters.append(given)
            thing = _placed(arguments[position], ast.Name(given, ast.Load()))
            variables[given] = thing = self._loaded(thing, given, definition)
            scope.env[name] = thing
        for each in own.kwonlyargs:
            scope.env[each.arg] = self.default(scope, each.arg)
        result = self.body(scope, definition)
        if result is NEVER:
            result = Value(ast.Constant(None))
        vectors = frozenset(
            name
            for name, thing in variables.items()
            if _is_vector(thing) and name not in self.read_whole and not self.is_compiled
        )
        return Function(
            definition.name,
            tuple(names),
            variables,
            self.block,
            result,
            tuple(self.copied),
            vectors,
            self.is_compiled,
            self.has_powers,
        )

    def _loaded(self, thing: Thing, name: str, definition: Definition) -> Thing:
        """A structured argument with a name for each of its leaves."""
        if isinstance(thing, Value):
            if thing.ndim != 0:
                thing = Value(thing.node, thing.active, thing.ndim, frozenset([name]), True)
                self.accesses.make(name, self.loops)
            return thing
        if isinstance(thing, Parts):
            return Parts(
                tuple(self._loaded_leaf(part, f"{name}_{i}", definition) for i, part in enumerate(thing.parts)),
                thing.is_list,
            )
        return Entries(
            {key: self._loaded_leaf(part, f"{name}_{key}", definition) for key, part in thing.entries.items()}
        )

    def _loaded_leaf(self, thing: Thing, name: str, definition: Definition) -> Thing:
        if not isinstance(thing, Value):
            return self._loaded(thing, name, definition)
        given = self.names.fresh(name)
        self.block.append(Plain(given, thing.text, (definition.file, 0)))
        self.read_whole.add(given)
        return self._loaded(Value(ast.Name(given, ast.Load()), thing.active, thing.ndim), given, definition)

    def body(self, scope: Scope, definition: Definition) -> Any:
        """The statements of a function: what it returns, or `NEVER`."""
        code = id(definition.node)
        if code not in self.structures:
            self.structures[code] = Structured(definition.body)
        structured = self.structures[code]
        scope.stops = structured.stops
        scope.always_live = _free_in_functions(structured.statements)
        scope.locals = _assigned(structured.statements) | set(scope.env)
        scope.written = _written(structured.statements)
        return self.statements(structured.statements, scope, frozenset())

    # Statements. Each gives None if what follows is reached, else what the function returns, or NEVER.

    def statements(self, body: Sequence[ast.stmt], scope: Scope, live: frozenset[str]) -> Any:
        """Statements in their order."""
        after = [live | scope.always_live]
        for each in reversed(body):
            read, surely = _exposed([each])
            after.append(read | (after[-1] - surely) | scope.always_live)
        for each, then_live in zip(body, reversed(after[:-1]), strict=True):
            outcome = self.statement(each, scope, then_live)
            if outcome is not None:
                return outcome
        return None

    def statement(self, node: ast.stmt, scope: Scope, live: frozenset[str]) -> Any:
        """One statement."""
        scope.node = node
        match node:
            case ast.Pass():
                return None
            case ast.Return(value):
                return Value(ast.Constant(None)) if value is None else self.expression(value, scope)
            case ast.Assign(targets, value):
                self._assign_all(targets, value, scope)
            case ast.AnnAssign(target, _, value):
                if value is not None:
                    self._assign_all([target], value, scope)
            case ast.AugAssign():
                self._augment(node, scope)
            case ast.If():
                return self._if(node, scope, live)
            case ast.For() | ast.While():
                self._loop(node, scope, live)
            case ast.Expr(value):
                self._effect(value, scope)
            case ast.FunctionDef():
                if node.decorator_list:
                    raise scope.refusal(node, "a decorated function in a function", "leave out the decorator")
                scope.env[node.name] = LocalFunction(node, scope)
            case ast.Raise(error, _):
                text = "" if error is None else f" {ast.unparse(self.plain_node(error, scope))}"
                self.block.append(Effect(f"raise{text}", scope.line))
                return NEVER
            case ast.Assert(test, message):
                text = ast.unparse(self.plain_node(test, scope))
                said = "" if message is None else f", {ast.unparse(self.plain_node(message, scope))}"
                self.block.append(Effect(f"assert {text}{said}", scope.line))
            case ast.With():
                self._with(node, scope)
            case _:
                raise scope.refusal(node, *CONSTRUCTS.get(type(node), (f"`{type(node).__name__}`",)))
        return None

    def _assign_all(self, targets: Sequence[ast.expr], value: ast.expr, scope: Scope) -> None:
        hint = targets[0].id if isinstance(targets[0], ast.Name) else ""
        if all(isinstance(each, ast.Tuple | ast.List) for each in targets):
            self.by_entry.add(value)
        thing = self.expression(value, scope, hint)
        for target in targets:
            self.assign(target, thing, scope)

    def assign(self, target: ast.expr, thing: Thing, scope: Scope) -> None:
        """target = thing."""
        if isinstance(target, ast.Name):
            scope.env[target.id] = self.named(thing, target.id, scope)
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target, thing, scope)
        elif isinstance(target, ast.Subscript):
            self._write(target, thing, scope)
        else:
            raise scope.refusal(
                target, f"`{ast.unparse(target)} = …`, a change of an object's state,", "return the value instead"
            )

    def named(self, thing: Thing, name: str, scope: Scope) -> Thing:
        """What is assigned, under a name, unless it has one already."""
        if not isinstance(thing, Value) or thing.is_atom or (thing.known is not NOTHING and thing.ndim is None):
            return thing
        return self.bind(thing, name, scope)

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
                    target, f"unpacking {len(parts)} values into {len(targets)} names", "make them as many"
                )
            parts = [self.pinned(part, scope) for part in parts]
            for each, part in zip(targets, parts, strict=True):
                self.assign(each, part, scope)
            return
        value = self.value(thing, target, scope)
        if starred:
            raise scope.refusal(target, "a starred name for a part of an array", "slice the array")
        if self.is_compiled and value.ndim is not None:
            self._unpack_entries(targets, value, target, scope)
            return
        known = value.known if isinstance(value.known, list | tuple) and len(value.known) == len(targets) else None
        results = []
        for place, each in enumerate(targets):
            ndim = None if value.ndim is None else value.ndim - 1
            if known is not None:
                ndim = ndim_of(known[place])
            name = self.names.fresh(each.id if isinstance(each, ast.Name) else "w")
            roots = frozenset() if ndim == 0 else value.roots
            results.append(self.made(name, value.active, ndim, roots))
        self.block.append(Unpack(tuple(results), self.atom(value, scope), scope.line))
        for each, result in zip(targets, results, strict=True):
            self.assign(each, result, scope)

    def _unpack_entries(self, targets: Sequence[ast.expr], value: Value, node: ast.AST, scope: Scope) -> None:
        """Unpack an array entry by entry, as a compiler must have it."""
        array = self.atom(value, scope)
        error = f"raise ValueError('an array of another length than {len(targets)} is unpacked')"
        self.block.append(Effect(f"if len({array.text}) != {len(targets)}:\n    {error}", scope.line))
        for place, each in enumerate(targets):
            subscript = ast.copy_location(ast.Constant(place), node)
            name = each.id if isinstance(each, ast.Name) else ""
            self.assign(each, self.item(array, self.index(subscript, scope), node, scope, name), scope)

    def _augment(self, node: ast.AugAssign, scope: Scope) -> None:
        target = node.target
        if isinstance(target, ast.Attribute):
            raise scope.refusal(
                target, f"`{ast.unparse(target)}`, a change of an object's state,", "return the value instead"
            )
        if isinstance(target, ast.Name):
            before = self.expression(ast.copy_location(ast.Name(target.id, ast.Load()), target), scope)
            if isinstance(before, Value) and before.ndim != 0:
                self._check_alone(target.id, before, scope)
            amount = self.expression(node.value, scope)
            scope.env[target.id] = self.named(
                self.binary(node.op, before, amount, node, scope, target.id), target.id, scope
            )
            return
        assert isinstance(target, ast.Subscript)
        index = self.index(target.slice, scope, pinned=True)
        array = self.expression(target.value, scope)
        before = self.item(array, index, target, scope)
        amount = self.expression(node.value, scope)
        self.write(array, index, self.binary(node.op, before, amount, node, scope, ""), target, scope)

    def _check_alone(self, name: str, value: Value, scope: Scope) -> None:
        """Refuse an update in place of what another name shares, which would see it change."""
        for other, thing in scope.env.items():
            for each in leaves(thing) if other != name else ():
                if each is value or each.text == value.text or (each.ndim != 0 and each.roots & value.roots):
                    way_out = f"write {name} = {name} + … if {other} must not change, or use one name"
                    raise scope.refusal(scope.node, f"an update in place of {name}, which {other} shares,", way_out)
        if value.known is not NOTHING:
            raise scope.refusal(scope.node, f"an update in place of {name}, an array from outside,", "copy it before")

    def _write(self, target: ast.Subscript, thing: Thing, scope: Scope) -> None:
        array = self.expression(target.value, scope)
        self.write(array, self.index(target.slice, scope), thing, target, scope)

    def write(self, array: Thing, index: Any, thing: Thing, node: ast.AST, scope: Scope) -> None:
        """array[index] = thing."""
        shown = ast.unparse(node)
        if not isinstance(array, Value):
            raise scope.refusal(node, f"`{shown} = …` in a list or dict", "make it an array: np.array([…])")
        if not array.writable:
            what = (
                "an array from outside"
                if array.known is not NOTHING
                else "a view, or an array that another name may share"
            )
            raise scope.refusal(node, f"`{shown} = …`, where the array is {what},", "write into a copy: a = np.copy(…)")
        value = self.atom(self.value(thing, node, scope), scope)
        (root,) = array.roots
        if value.active and not array.active:
            self.knowledge.write(root)
        self.accesses.write(root, self.loops, scope.place(node), shown)
        if array.text in self.parameters and array.text not in self.copied:
            self.copied.append(array.text)
        self.read_whole.add(array.text)
        if not (index.is_basic or index.text in self.put_back):  # an entry may be named twice
            mask = self.bind(Value(ast.parse(f"as_mask({index.text})", mode="eval").body, ndim=1), "mask", scope)
            index = replace(index, text=mask.text)
        self.block.append(Write(array, index.text, index.is_entry and array.ndim == index.count, value, scope.line))

    def _effect(self, node: ast.expr, scope: Scope) -> None:
        if isinstance(node, ast.Constant):
            return
        if isinstance(node, ast.Yield | ast.YieldFrom | ast.Await):
            raise scope.refusal(node, *CONSTRUCTS[type(node)])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
            stack = self.expression(node.func.value, scope)
            if isinstance(stack, Stack):
                self._push(stack, node, scope)
                return
            raise scope.refusal(node, "a list that grows", "write into an array by index: a = np.zeros(n); a[i] = …")
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.add.at" and len(node.args) == 3:
            self._add_at(node, scope)
            return
        self._check_harmless(node, scope)
        self.block.append(Effect(ast.unparse(self.plain_node(node, scope)), scope.line))

    def _check_harmless(self, node: ast.expr, scope: Scope) -> None:
        """Refuse a statement for its effect that may change an array, or an object from outside."""
        shown = ast.unparse(node)
        if not isinstance(node, ast.Call) or ast.unparse(node.func) == "print":
            return
        if isinstance(node.func, ast.Attribute):
            base = self.expression(node.func.value, scope)
            if not (isinstance(base, Value) and base.captured is not None) or is_data(base.known):
                raise scope.refusal(node, f"`{shown}`, a change of an object's state,", "return the value instead")
        for each in (*node.args, *(keyword.value for keyword in node.keywords)):
            thing = scope.env.get(each.id) if isinstance(each, ast.Name) else None
            if any(leaf.ndim != 0 and (leaf.active or leaf.roots) for leaf in leaves(thing)):
                raise scope.refusal(node, f"`{shown}`, which may change an array,", "assign what it returns")

    def _add_at(self, node: ast.Call, scope: Scope) -> None:
        """np.add.at(array, index, value)."""
        array = self.expression(node.args[0], scope)
        index, value = node.args[1], self.atom(self.value(self.expression(node.args[2], scope), node, scope), scope)
        is_sliced = isinstance(index, ast.Subscript) and ast.unparse(index.value) == "np.s_"
        place = self.index(index.slice if isinstance(index, ast.Subscript) and is_sliced else index, scope)
        if not (isinstance(array, Value) and array.writable):
            raise scope.refusal(node, f"`{ast.unparse(node)}`", "write into an array that the function makes")
        (root,) = array.roots
        if value.active and not array.active:
            self.knowledge.write(root)
        self.accesses.write(root, self.loops, scope.place(node), ast.unparse(node))
        self.read_whole.add(array.text)
        self.block.append(AddAt(array, place.text, value, scope.line))

    def _push(self, stack: Stack, node: ast.Call, scope: Scope) -> None:
        entry = self.expression(node.args[0], scope)
        values = entry.parts if isinstance(entry, Parts) else (entry,)
        values = tuple(self.atom(self.value(each, node, scope), scope) for each in values)
        self.knowledge.stack(stack.key, tuple((each.active, each.ndim) for each in values))
        kinds = self.knowledge.stacked[stack.key]
        tangents = tuple(each for each, (is_active, _) in zip(values, kinds, strict=True) if is_active)
        self.block.append(Push(stack.name, values, tangents, scope.line))

    def popped(self, stack: Stack, scope: Scope) -> Parts:
        """What is popped from a stack."""
        kinds = self.knowledge.stacked.get(stack.key, ())
        targets = tuple(self.made(self.names.fresh("w"), active, ndim) for active, ndim in kinds)
        self.block.append(Pop(stack.name, targets, scope.line))
        self.put_back.update(each.text for each in targets)
        return Parts(targets)

    def _with(self, node: ast.With, scope: Scope) -> None:
        """A `with` around statements for their effect only is done as it is."""
        if any(each.optional_vars for each in node.items) or not all(isinstance(each, ast.Expr) for each in node.body):
            raise scope.refusal(node, *CONSTRUCTS[ast.With])
        items = ", ".join(ast.unparse(self.plain_node(each.context_expr, scope)) for each in node.items)
        body = [ast.unparse(self.plain_node(each.value, scope)) for each in node.body if isinstance(each, ast.Expr)]
        self.block.append(Effect("\n    ".join([f"with {items}:", *body]), scope.line))

    # Branches.

    def _if(self, node: ast.If, scope: Scope, live: frozenset[str]) -> Any:
        test = self.test(node.test, scope)
        if isinstance(test, bool):
            return self.statements(node.body if test else node.orelse, scope, live)
        return self.branch(
            test,
            lambda: self.statements(node.body, scope, live),
            lambda: self.statements(node.orelse, scope, live),
            scope,
            live,
        )

    def branch(self, test: str, then: Any, otherwise: Any, scope: Scope, live: frozenset[str]) -> Any:
        """Both ways of a test; values of both get one name."""
        line, outer, env = scope.line, self.block, scope.env
        outcomes, envs, blocks = [], [], []
        for way in (then, otherwise):
            self.block, scope.env = [], dict(env)
            outcomes.append(way())
            envs.append(scope.env)
            blocks.append(self.block)
        self.block, scope.env = outer, env
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
                self._own(name, scope)
            else:
                scope.env.pop(name, None)
        return None

    def merge(self, one: Thing, other: Thing, blocks: Sequence[list[Any]], name: str, scope: Scope) -> Thing:
        """One name for what two branches give."""
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
        made = self.joined(one, other, self.names.fresh(name), scope, name)
        for thing, block in zip((one, other), blocks, strict=True):
            block.append(Copy(made, thing if isinstance(thing, Value) else self.unset, scope.line))
        return made

    def joined(self, one: Thing, other: Thing, name: str, scope: Scope, shown: str) -> Value:
        """What is known of a variable that is one thing or another."""
        if one is MISSING or other is MISSING:
            one = other = other if one is MISSING else one
        if not (isinstance(one, Value) and isinstance(other, Value)):
            what = f"{shown.split()[0]}, which is not of the same structure on every path,"
            raise scope.refusal(scope.node, what, "give it the same kind of value everywhere")
        ndim = one.ndim if one.ndim == other.ndim else None
        return self.made(name, one.active or other.active, ndim, one.roots | other.roots)

    def made(self, name: str, active: bool, ndim: int | None, roots: frozenset[str] = frozenset()) -> Value:
        """A variable that does not own an array."""
        roots = frozenset() if ndim == 0 else roots
        if roots:
            self.accesses.alias(name, roots, self.loops)
        return Value(ast.Name(name, ast.Load()), active, ndim, roots)

    # Loops.

    def _loop(self, node: ast.For | ast.While, scope: Scope, live: frozenset[str]) -> None:
        if isinstance(node, ast.For) and (parts := self.unrolled(node, scope)) is not None:
            within = live | _used([node])
            for part in parts:
                self.assign(node.target, self.pinned(part, scope), scope)
                self.statements(node.body, scope, within)
            return
        exposed = _exposed([node])[0]
        within = live | exposed | {scope.stops.get(id(node), "")}
        names = sorted(_assigned([node]) & (live | exposed))
        scope.node = node
        unset = {name: Value(ast.Name("_", ast.Load()), ndim=0) for name in exposed}  # read first in a later iteration
        things = {name: self._entry(scope.env.get(name, unset.get(name, MISSING)), name) for name in names}
        while True:
            kept = self.block, dict(scope.env), self.names.copy(), self.accesses.copy(), self.n_loops
            self.block = []
            found = self._iteration(node, scope, things, within).end
            trial = {name: self._wider(things[name], found.get(name, MISSING), name, scope) for name in names}
            self.block, scope.env, self.names, self.accesses, self.n_loops = kept
            if all(_is_same(things[name], trial[name]) for name in names):
                break
            things = trial
        self._build(node, scope, things, within)

    def _entry(self, thing: Thing, name: str) -> Thing:
        """A variable at the beginning of an iteration: what it is before, in general."""
        if isinstance(thing, Parts):
            return Parts(tuple(self._entry(part, name) for part in thing.parts), thing.is_list)
        if isinstance(thing, Value):
            return Value(
                ast.Name("_", ast.Load()), thing.active, thing.ndim, frozenset() if thing.ndim == 0 else thing.roots
            )
        return thing

    def _wider(self, before: Thing, end: Thing, name: str, scope: Scope) -> Thing:
        """What a variable is, before an iteration or at its end."""
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
        """One iteration, with carried variables of the kinds given."""
        outer, scope.node = self.block, node
        number = self.n_loops = self.n_loops + 1
        self.stack_of_loop = None
        head, targets, enter = self.for_head(node, scope) if isinstance(node, ast.For) else ("", (), None)
        stack = self.stack_of_loop
        names = {name: self._renamed(thing, name) for name, thing in things.items()}
        for name, thing in names.items():
            scope.env[name] = thing
            if thing is MISSING:
                del scope.env[name]
            for each in leaves(thing):
                if each.roots:
                    self.accesses.alias(each.text, each.roots, self.loops)
        self.loops.append(number)
        self.block, before, test = [], [], None
        if isinstance(node, ast.While):
            self.is_head = True
            found = self.test(node.test, scope)
            self.is_head = False
            before, self.block = self.block, []
            head = f"while {found}" if not before else "while True"
            test = str(found) if before else None
        elif enter is not None:
            enter()
        for name in names:
            self._own(name, scope)
        self.statements(node.body, scope, live)
        self.loops.pop()
        body, self.block = self.block, outer
        return _Iteration(number, head, targets, before, test, body, names, scope.env, stack)

    def _renamed(self, thing: Thing, name: str) -> Thing:
        if isinstance(thing, Parts):
            return Parts(tuple(self._renamed(part, name) for part in thing.parts), thing.is_list)
        if isinstance(thing, Value):
            return Value(ast.Name(self.names.fresh(name), ast.Load()), thing.active, thing.ndim, thing.roots)
        return thing

    def _build(
        self, node: ast.For | ast.While, scope: Scope, things: Mapping[str, Thing], live: frozenset[str]
    ) -> None:
        scope.node = node
        line, entry = scope.line, dict(scope.env)
        done = self._iteration(node, scope, things, live)
        scope.node = node
        carried: list[Carried] = []
        after = {name: thing for name, thing in entry.items() if name not in _assigned([node])}
        for name, thing in done.names.items():
            if thing is not MISSING:
                self._carry(carried, thing, entry.get(name, MISSING), done.end.get(name, MISSING), scope)
                after[name] = thing
        flag = scope.stops.get(id(node))
        stop = None if flag is None else done.end[flag].text
        self.block.append(
            Loop(
                done.number, done.head, done.targets, done.before, done.test, done.body, carried, stop, line, done.stack
            )
        )
        scope.env = after
        for name in done.names:
            self._own(name, scope)

    def _own(self, name: str, scope: Scope) -> None:
        """Give an array that several paths have made, and that is written into, memory of its own."""
        value = scope.env.get(name)
        if name not in scope.written or not isinstance(value, Value) or value.ndim == 0 or value.writable:
            return
        others = (leaf for other, thing in scope.env.items() if other != name for leaf in leaves(thing))
        if any(each.ndim != 0 and (each.text == value.text or each.roots & value.roots) for each in others):
            return  # which other names would not see change
        copied = f"np.copy({value.text})"
        if value.active:
            operation = Operation(copied, lambda tangents: f"np.copy({tangents[0]})", (lambda d: d,))
            scope.env[name] = self.op(operation, self.names.fresh(name), (value,), value.ndim, scope)
        else:
            node = ast.copy_location(
                ast.parse(copied, mode="eval").body, scope.node or ast.Pass(lineno=0, col_offset=0)
            )
            scope.env[name] = self.bind(Value(node, False, value.ndim, writable=True), name, scope)

    def _carry(self, carried: list[Carried], thing: Thing, start: Thing, end: Thing, scope: Scope) -> None:
        """Hand a variable on from iteration to iteration."""
        if isinstance(thing, Parts):
            for place, part in enumerate(thing.parts):
                starts = start.parts[place] if isinstance(start, Parts) else MISSING
                self._carry(carried, part, starts, end.parts[place] if isinstance(end, Parts) else MISSING, scope)
        elif isinstance(thing, Value):
            self.block.append(Copy(thing, start if isinstance(start, Value) else self.unset, scope.line))
            carried.append(Carried(thing, end if isinstance(end, Value) else thing))

    @property
    def parameters(self) -> frozenset[str]:
        """Names of the function's arguments."""
        return frozenset(self.names.parameters)


@dataclass
class _Iteration:
    """One iteration of a loop, taken apart."""

    number: int
    head: str
    targets: tuple[str, ...]
    before: list[Any]
    test: str | None
    body: list[Any]
    names: Mapping[str, Thing]
    """Carried variables at its beginning."""
    end: Mapping[str, Thing]
    """All variables at its end."""
    stack: tuple[str, tuple[Value, ...]] | None


def _is_same(one: Thing, other: Thing) -> bool:
    if isinstance(one, Parts) and isinstance(other, Parts):
        return len(one.parts) == len(other.parts) and all(map(_is_same, one.parts, other.parts))
    if isinstance(one, Value) and isinstance(other, Value):
        return (one.active, one.ndim, one.roots) == (other.active, other.ndim, other.roots)
    return one is other or _is_same_stack(one, other)


def _is_same_stack(one: Thing, other: Thing) -> bool:
    both = isinstance(one, Stack) and isinstance(other, Stack)
    return both and (one.name, one.key) == (other.name, other.key)


def _is_vector(thing: Thing) -> bool:
    return isinstance(thing, Value) and thing.active and thing.ndim == 1


def _placed(thing: Thing, node: ast.expr) -> Thing:
    """A structure of leaves as parts of what an expression gives."""
    if isinstance(thing, Parts):
        parts = (_placed(part, ast.Subscript(node, ast.Constant(i), ast.Load())) for i, part in enumerate(thing.parts))
        return Parts(tuple(parts), thing.is_list)
    if isinstance(thing, Entries):
        return Entries(
            {k: _placed(each, ast.Subscript(node, ast.Constant(k), ast.Load())) for k, each in thing.entries.items()}
        )
    return Value(node, thing.active, thing.ndim, known=thing.known)


def _assigned(body: Iterable[ast.AST]) -> set[str]:
    """Variables that statements assign, those of functions within left out."""
    found: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            found |= _assigned(ast.iter_child_nodes(node))
    return found


def _used(body: Iterable[ast.AST]) -> frozenset[str]:
    """Variables that statements read."""
    found = set()
    for each in body:
        for node in ast.walk(each):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                found.add(node.id)
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
    return frozenset(found)


def _written(body: Iterable[ast.stmt]) -> frozenset[str]:
    """Variables whose entries statements assign."""
    inner = (node for each in body for node in ast.walk(each))
    stored = (node.value for node in inner if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store))
    return frozenset(each.id for each in stored if isinstance(each, ast.Name))


def _free_in_functions(body: Iterable[ast.stmt]) -> frozenset[str]:
    """Variables that functions within may read when they are called."""
    inner = [node for each in body for node in ast.walk(each) if isinstance(node, ast.FunctionDef | ast.Lambda)]
    return _used(inner)


def _is_same_atom(one: Thing, other: Thing) -> bool:
    both = isinstance(one, Value) and isinstance(other, Value)
    return both and one.is_atom and one.text == other.text and one.active == other.active


def _exposed(body: Iterable[ast.stmt]) -> tuple[frozenset[str], frozenset[str]]:
    """Variables that statements may read before they assign them, and those that they surely assign."""
    read: set[str] = set()
    surely: set[str] = set()
    for node in body:
        if isinstance(node, ast.If):
            read |= _used([node.test]) - surely
            (one, made), (other, made_too) = _exposed(node.body), _exposed(node.orelse)
            read |= (one | other) - surely
            surely |= made & made_too
        elif isinstance(node, ast.For | ast.While):
            read |= _used([node.iter if isinstance(node, ast.For) else node.test]) - surely
            targets = _assigned([node.target]) if isinstance(node, ast.For) else set()
            read |= _exposed(node.body)[0] - targets - surely
        else:
            read |= _used([node]) - surely
            surely |= _assigned([node])
    return frozenset(read), frozenset(surely)
