"""Jumps: early returns, breaks and continues are replaced by branches and flags, so that control flow is structured.

Then `return` is the last statement of a path outside loops. In a loop, a jump sets flags, and the loop ends if its own
flag is set at the end of an iteration.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

Statements = list[ast.stmt]
_MOST = 20_000
"""Largest number of statements after unfolding the branches of one function."""


@dataclass
class Flags:
    """The flags that the jumps of one loop set: names that no user's variable can have."""

    stop: str
    returned: str
    result: str
    used: set[str] = field(default_factory=set)


class Structured:
    """The body of a function without jumps.

    Parameters
    ----------
    body
        Its statements.
    """

    def __init__(self, body: Sequence[ast.stmt]) -> None:
        self.numbers, self.size = count(1), 0
        self.stops: dict[int, str] = {}
        """Loop, by its id, → the flag that ends it."""
        self.statements = self._tidy([*body, ast.copy_location(ast.Return(None), body[-1])], None)

    def _tidy(self, body: Statements, loop: Flags | None) -> Statements:
        done: Statements = []
        for place, each in enumerate(body):
            rest = body[place + 1 :]
            self.size += 1
            if self.size > _MOST:
                raise RecursionError("its jumps have too many paths")
            if isinstance(each, ast.Return | ast.Break | ast.Continue | ast.Raise):
                return done + self._jump(each, loop)
            if isinstance(each, ast.If) and has_jumps(each):
                branches = self._tidy([*each.body, *rest], loop), self._tidy([*each.orelse, *rest], loop)
                return [*done, ast.copy_location(ast.If(each.test, branches[0] or [_pass(each)], branches[1]), each)]
            if isinstance(each, ast.With) and _is_errstate(each):
                return done + self._tidy([*each.body, *rest], loop)
            if isinstance(each, ast.For | ast.While) and (has_jumps(each, within=True) or each.orelse):
                return done + self._loop(each, rest, loop)
            if isinstance(each, ast.If):
                each = ast.copy_location(
                    ast.If(each.test, self._tidy(each.body, loop) or [_pass(each)], self._tidy(each.orelse, loop)), each
                )
            elif isinstance(each, ast.For | ast.While):
                each = _with_body(each, self._tidy(each.body, None))
            done.append(each)
        return done

    def _jump(self, jump: ast.stmt, loop: Flags | None) -> Statements:
        if loop is None or isinstance(jump, ast.Raise):
            return [jump]
        if isinstance(jump, ast.Continue):
            return []
        loop.used.add(loop.stop)
        stop = _assign(loop.stop, ast.Constant(True), jump)
        if isinstance(jump, ast.Break):
            return [stop]
        assert isinstance(jump, ast.Return)
        loop.used.add(loop.returned)
        value = jump.value or ast.copy_location(ast.Constant(None), jump)
        return [_assign(loop.result, value, jump), _assign(loop.returned, ast.Constant(True), jump), stop]

    def _loop(self, loop: ast.For | ast.While, rest: Statements, outer: Flags | None) -> Statements:
        number = next(self.numbers)
        flags = Flags(f"stop {number}", f"returned {number}", f"result {number}")
        body = self._tidy(loop.body, flags)
        made, before, after = _with_body(loop, body), [], list(rest)
        if flags.stop in flags.used:
            made.body.insert(0, _assign(flags.stop, ast.Constant(False), loop))
            self.stops[id(made)] = flags.stop
        if loop.orelse:
            if flags.stop in flags.used:
                before.append(_assign(flags.stop, ast.Constant(False), loop))
                ended = ast.UnaryOp(ast.Not(), ast.Name(flags.stop, ast.Load()))
                after.insert(0, _located(ast.If(ended, loop.orelse, []), loop))
            else:
                after = [*loop.orelse, *after]
        if flags.returned in flags.used:
            leave = ast.copy_location(ast.Return(ast.Name(flags.result, ast.Load())), loop)
            ast.fix_missing_locations(leave)
            if _is_endless(loop):
                after = [leave]
            else:
                before.append(_assign(flags.returned, ast.Constant(False), loop))
                after.insert(0, _located(ast.If(ast.Name(flags.returned, ast.Load()), [leave], []), loop))
        return [*before, made, *self._tidy(after, outer)]


def has_jumps(node: ast.stmt, within: bool = False) -> bool:
    """Return whether a statement may leave the enclosing block; with `within`, also whether a loop may leave itself."""
    return any(isinstance(each, ast.Return) or is_loose for each, is_loose in _jumps(node, within))


def _jumps(node: ast.AST, within: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Yield the jumps in a statement, and whether each leaves it."""
    if isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue):
        yield node, True
    elif isinstance(node, ast.For | ast.While):
        for each in node.body:
            yield from ((jump, within or isinstance(jump, ast.Return)) for jump, _ in _jumps(each, True))
        for each in node.orelse:
            yield from _jumps(each, within)
    elif not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                yield from _jumps(child, within)


def _is_endless(loop: ast.For | ast.While) -> bool:
    """Return whether a loop ends by `return` only."""
    if not (isinstance(loop, ast.While) and isinstance(loop.test, ast.Constant) and loop.test.value):
        return False
    return not any(isinstance(jump, ast.Break) for each in loop.body for jump, loose in _own_jumps(each))


def _own_jumps(node: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """Return the jumps in a statement, except those of inner loops."""
    if isinstance(node, ast.For | ast.While | ast.FunctionDef | ast.Lambda):
        return
    if isinstance(node, ast.Break):
        yield node, True
    for child in ast.iter_child_nodes(node):
        yield from _own_jumps(child)


def _is_errstate(node: ast.With) -> bool:
    """Return whether a `with` only sets which NumPy warnings are shown, which changes no value."""
    calls = [each.context_expr for each in node.items if isinstance(each.context_expr, ast.Call)]
    names = [ast.unparse(call.func) for call in calls]
    return len(calls) == len(node.items) and all(
        name.split(".")[-1] in ("errstate", "catch_warnings") for name in names
    )


def _with_body(loop: ast.For | ast.While, body: Statements) -> ast.For | ast.While:
    body = body or [_pass(loop)]
    made = ast.While(loop.test, body, []) if isinstance(loop, ast.While) else ast.For(loop.target, loop.iter, body, [])
    return ast.copy_location(made, loop)


def _assign(name: str, value: ast.expr, at: ast.AST) -> ast.stmt:
    return _located(ast.Assign([ast.Name(name, ast.Store())], value), at)


def _located(node: ast.stmt, at: ast.AST) -> ast.stmt:
    ast.copy_location(node, at)
    for each in ast.walk(node):
        if "lineno" in getattr(each, "_attributes", ()) and not hasattr(each, "lineno"):
            ast.copy_location(each, at)
    return node


def _pass(at: ast.AST) -> ast.stmt:
    return ast.copy_location(ast.Pass(), at)
