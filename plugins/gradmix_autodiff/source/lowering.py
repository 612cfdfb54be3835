"""From the syntax tree to the intermediate form: a whole function."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from types import FunctionType
from typing import Any

from gradmix_autodiff.source.arithmetic import Arithmetic
from gradmix_autodiff.source.arrays import Arrays
from gradmix_autodiff.source.branches import Branches
from gradmix_autodiff.source.building import Building, Knowledge
from gradmix_autodiff.source.by_rule import ByRule
from gradmix_autodiff.source.calls import Calls
from gradmix_autodiff.source.captured import Captures, is_complex
from gradmix_autodiff.source.conditions import Conditions
from gradmix_autodiff.source.expressions import Expressions
from gradmix_autodiff.source.forms import Entries, Function, Parts, Plain, Thing, Value
from gradmix_autodiff.source.indexing import Indexing
from gradmix_autodiff.source.inlining import Inlining
from gradmix_autodiff.source.iteration import Iteration
from gradmix_autodiff.source.jumps import Structured
from gradmix_autodiff.source.liveness import assigned, free_in_functions, written_in
from gradmix_autodiff.source.loops import Loops
from gradmix_autodiff.source.outside import Outside
from gradmix_autodiff.source.reading import Definition, definition_of, plain_function
from gradmix_autodiff.source.scope import NEVER, Scope
from gradmix_autodiff.source.statements import Statements
from gradmix_autodiff.source.sums import Sums
from gradmix_autodiff.source.writes import Writes
from gradmix_autodiff.source.written import WrittenForms

_MOST_ROUNDS = 50


def lowered(
    function: Any, arguments: Mapping[int, Thing], place: str, is_compiled: bool = False
) -> tuple[Function, Captures]:
    """Translate a function into the intermediate form.

    Parameters
    ----------
    function
        The function.
    arguments
        Place of an argument → its known properties, for the arguments that are given.
    place
        The place that errors about the whole function name.
    is_compiled
        Whether the text will be compiled.

    Returns
    -------
    tuple
        The function in the intermediate form, and the objects that it takes from outside.
    """
    plain, bound = plain_function(function, place)
    knowledge = Knowledge()
    for _ in range(_MOST_ROUNDS):
        knowledge.has_changed = False
        lowering = Lowering(plain, bound, knowledge, is_compiled)
        made = lowering.function(arguments)
        if not knowledge.has_changed:
            lowering.building.accesses.check()
            return made, lowering.building.captures
    raise RecursionError(f"{place}: the dependencies between variables still change after {_MOST_ROUNDS} passes")


class Lowering:
    """One pass over a function, by a reader for each kind of syntax.

    Parameters
    ----------
    plain
        The function.
    bound
        Its first arguments, if it is a method.
    knowledge
        Facts that earlier passes have found.
    is_compiled
        Whether the text will be compiled.
    """

    def __init__(self, plain: FunctionType, bound: Sequence[Any], knowledge: Knowledge, is_compiled: bool) -> None:
        self.plain, self.bound, self.building = plain, bound, Building(knowledge, is_compiled)
        self.structures: dict[int, Structured] = {}
        self.outside, self.expressions, self.conditions = Outside(self), Expressions(self), Conditions(self)
        self.arithmetic, self.indexing, self.arrays = Arithmetic(self), Indexing(self), Arrays(self)
        self.calls, self.inlining, self.sums = Calls(self), Inlining(self), Sums(self)
        self.written, self.by_rule = WrittenForms(self), ByRule(self)
        self.statements, self.writes = Statements(self), Writes(self)
        self.branches, self.loops, self.iteration = Branches(self), Loops(self), Iteration(self)

    def function(self, arguments: Mapping[int, Thing]) -> Function:
        """Read the whole function."""
        definition = definition_of(self.plain)
        scope = Scope(definition, self.plain, {})
        names, variables = [], {}
        own = definition.node.args
        if own.vararg or own.kwarg:
            raise scope.refusal(definition.node, "a function with *args or **kwargs", "name each argument")
        taken = [each.arg for each in [*own.posonlyargs, *own.args]]
        for place, name in enumerate(taken):
            if place < len(self.bound):
                scope.env[name] = self.outside.captured_object(("bound", name), self.bound[place], name)
                continue
            position = place - len(self.bound)
            if position not in arguments:
                scope.env[name] = self.outside.default(scope, name)
                continue
            if is_complex(getattr(arguments[position], "known", None)):
                raise scope.refusal(definition.node, f"{name}, a complex argument,")
            given = self.building.names.fresh(name)
            names.append(given)
            self.building.names.parameters.append(given)
            thing = _placed(arguments[position], ast.Name(given, ast.Load()))
            variables[given] = thing = self._loaded(thing, given, definition)
            scope.env[name] = thing
        for each in own.kwonlyargs:
            scope.env[each.arg] = self.outside.default(scope, each.arg)
        result = self.body(scope, definition)
        if result is NEVER:
            result = Value(ast.Constant(None))
        vectors = frozenset(
            name
            for name, thing in variables.items()
            if _is_vector(thing) and name not in self.building.read_whole and not self.building.is_compiled
        )
        return Function(
            definition.name,
            definition.file,
            tuple(names),
            variables,
            self.building.block,
            result,
            tuple(self.building.copied),
            vectors,
            self.building.is_compiled,
            self.building.has_powers,
        )

    def _loaded(self, thing: Thing, name: str, definition: Definition) -> Thing:
        """Return a structured argument with a name for each of its leaves."""
        if isinstance(thing, Value):
            if thing.ndim != 0:
                thing = Value(thing.node, thing.active, thing.ndim, frozenset([name]), True)
                self.building.accesses.make(name, self.building.loops)
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
        given = self.building.names.fresh(name)
        self.building.block.append(Plain(given, thing.text, (definition.file, 0)))
        self.building.read_whole.add(given)
        return self._loaded(Value(ast.Name(given, ast.Load()), thing.active, thing.ndim), given, definition)

    def body(self, scope: Scope, definition: Definition) -> Any:
        """Read the statements of a function; return its return value, or `NEVER`."""
        code = id(definition.node)
        if code not in self.structures:
            self.structures[code] = Structured(definition.body)
        structured = self.structures[code]
        scope.stops = structured.stops
        scope.always_live = free_in_functions(structured.statements)
        scope.locals = assigned(structured.statements) | set(scope.env)
        scope.written = written_in(structured.statements)
        return self.statements.statements(structured.statements, scope, frozenset())


def _is_vector(thing: Thing) -> bool:
    return isinstance(thing, Value) and thing.active and thing.ndim == 1


def _placed(thing: Thing, node: ast.expr) -> Thing:
    """Return a structure of leaves as parts of the value of an expression."""
    if isinstance(thing, Parts):
        parts = (_placed(part, ast.Subscript(node, ast.Constant(i), ast.Load())) for i, part in enumerate(thing.parts))
        return Parts(tuple(parts), thing.is_list)
    if isinstance(thing, Entries):
        return Entries(
            {k: _placed(each, ast.Subscript(node, ast.Constant(k), ast.Load())) for k, each in thing.entries.items()}
        )
    return Value(node, thing.active, thing.ndim, known=thing.known)
