"""Reverse mode: the function, and then its statements backwards for adjoints.

Straight-line code needs no record, since each value has a name of its own. A loop keeps its variables as they are at
the beginning of each iteration; the reverse sweep does an iteration again, as far as it needs its values, and then goes
back through it (Griewank & Walther, *Evaluating Derivatives*, 2nd ed., chapter 12). What an array held before a write
is kept where that is needed, and put back on the way.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count
from typing import Any

from gradmix_autodiff.source.forms import (
    AddAt,
    Choice,
    Copy,
    Effect,
    Function,
    Loop,
    Op,
    Plain,
    Pop,
    Push,
    Unpack,
    Value,
    Write,
    leaves,
    written,
)
from gradmix_autodiff.source.forward import moved
from gradmix_autodiff.source.lines import Line, Lines, Nest, all_words, printed, words
from gradmix_autodiff.source.refusal import refusal

Seen = set[str]
"""Names whose adjoint has begun to be summed."""


def bar(value: Value | str) -> str:
    """The name of an adjoint."""
    return f"{value if isinstance(value, str) else value.text}_bar"


def reverse(function: Function, name: str) -> str:
    """The function that pulls a cotangent back: ``f_bar(x, y_bar)`` gives f(x) and what comes to x.

    Parameters
    ----------
    function
        The function in the intermediate form.
    name
        What to call the new one.
    """
    restored: frozenset[str] = frozenset()
    while True:
        made = _Reverse(function, restored)
        text = made.text(name)
        if made.restored_now <= restored:
            return text
        restored |= made.restored_now


class _Reverse:
    def __init__(self, function: Function, restored: frozenset[str]) -> None:
        self.function, self.restored = function, restored
        self.restored_now: frozenset[str] = frozenset()
        self.in_place = {each.text for each in _in_place(function.block)}
        self.roots = {each.text: each.roots for each in _values(function.block)}
        self.roots |= {leaf.text: leaf.roots for thing in function.variables.values() for leaf in leaves(thing)}
        self.values = {each.text: each for each in _values(function.block)}
        self.values |= {leaf.text: leaf for thing in function.variables.values() for leaf in leaves(thing)}
        self.vectors = function.vectors
        self.writes = {each.array.text for each in _writes(function.block)}

    def text(self, name: str) -> str:
        function = self.function
        results = leaves(function.result)
        taken = {*function.parameters, *self.values, *(bar(each) for each in self.values)}
        seed = _free("y_bar", taken)
        seen: Seen = set()
        back: Lines = []
        seeds = _places(function.result, seed)
        for leaf, text in zip(results, seeds, strict=True):
            if leaf.active:
                self._add(back, seen, leaf, text, ("", 0))
        back += self._back(function.block, seen)
        variables = [leaf for each in function.variables.values() for leaf in leaves(each) if leaf.active]
        for leaf in variables:
            if leaf.text not in seen:
                back.append(self._zero(leaf, ("", 0)))
        self.restored_now = self._to_restore(back)
        lines: Lines = [Line(f"{each} = np.copy({each})") for each in function.copied]
        lines += [Line(f"undo_{each} = []") for each in function.copied if each in self.restored]
        lines += self._again(function.block, None, is_first=True) + back
        bars = [
            written(thing, lambda leaf: bar(leaf) if leaf.active else "None") for thing in function.variables.values()
        ]
        value = written(function.result, lambda leaf: leaf.text)
        if self._is_lost(results):
            kept = _free("value", taken)
            shared = {leaf.text for leaf in results if self.roots.get(leaf.text)}
            held = written(function.result, lambda leaf: f"np.copy({leaf.text})" if leaf.text in shared else leaf.text)
            lines.insert(len(lines) - len(back), Line(f"{kept} = {held}"))
            value = kept
        active = [
            each
            for each, thing in zip(bars, function.variables.values(), strict=True)
            if any(leaf.active for leaf in leaves(thing))
        ]
        lines.append(Line(f"return {value}, {active[0] if len(active) == 1 else '(' + ', '.join(active) + ')'}"))
        is_number = isinstance(function.result, Value) and function.result.ndim in (0, None)
        default = "=1.0" if is_number else ""
        parameters = ", ".join([*function.parameters, f"{seed}{default}"])
        return "\n".join([f"def {name}({parameters}):", *printed(lines)]) + "\n"

    def _is_lost(self, results: Sequence[Value]) -> bool:
        """Whether the reverse sweep assigns a name of the result, or puts back what its memory held."""
        loops = [each for each in _flat(self.function.block) if isinstance(each, Loop)]
        again = {name for loop in loops for name in _made_in([loop])}
        restored = {root for name in self.restored for root in self.roots[name]}
        return any(words(leaf.text) & again or self.roots.get(leaf.text, frozenset()) & restored for leaf in results)

    def _to_restore(self, back: Lines) -> frozenset[str]:
        """Arrays whose earlier contents the reverse sweep reads."""
        read = all_words(back, with_shapes=False)
        roots = {root for name in read for root in self.roots.get(name, ())} | read
        return frozenset(name for name in self.writes if name in read or self.roots[name] & roots)

    # The function itself, whole or as far as it is needed again.

    def _again(self, block: Sequence[Any], need: set[str] | None, is_first: bool) -> Lines:
        lines: Lines = []
        for each in block:
            lines += self._statement(each, need, is_first)
        return lines

    def _statement(self, each: Any, need: set[str] | None, is_first: bool) -> Lines:
        match each:
            case Op(result, operation, _, line):
                return self._made(result.text, operation.text, line) if _needed(result.text, need) else []
            case Plain(targets, text, line):
                return self._made(targets, text, line) if _needed(targets, need) else []
            case Copy(result, source, line):
                text = f"{result.text} = {None if source is None else source.text}"
                return [Line(text, line)] if _needed(result.text, need) else []
            case Unpack(results, source, line):
                if not any(_needed(result.text, need) for result in results):
                    return []
                return [Line(f"{', '.join(result.text for result in results)}, = {source.text}", line)]
            case Write():
                return self._write(each, need)
            case Effect(text, line):
                return [Line(text, line)] if is_first else []
            case Choice(test, then, otherwise, line):
                one, other = self._again(then, need, is_first), self._again(otherwise, need, is_first)
                lines: Lines = [Nest(Line(f"if {test}:", line), tuple(one))] if one or other else []
                return [*lines, Nest(Line("else:", line), tuple(other))] if other else lines
            case Loop():
                return self._loop_again(each, need, is_first)
            case AddAt(_, _, _, line):
                raise refusal(f"line {line[1]}", "np.add.at, in reverse mode,", "write a loop, or use mode=forward")
            case Push(_, _, _, line) | Pop(_, _, line):
                raise refusal(
                    f"line {line[1]}",
                    "a list that grows, in reverse mode,",
                    "write into an array by index, or use mode=forward",
                )
        raise TypeError(type(each).__name__)

    def _made(self, name: str, text: str, line: tuple[str, int]) -> Lines:
        lines: Lines = [Line(f"{name} = {text}", line)]
        return [*lines, Line(f"undo_{name} = []", line)] if name in self.restored else lines

    def _write(self, write: Write, need: set[str] | None) -> Lines:
        name, line = write.array.text, write.line
        if need is not None and name not in self.restored:
            return []
        lines: Lines = []
        if name in self.restored:
            old = f"{name}[{write.index}]" if write.is_entry else f"np.copy({name}[{write.index}])"
            lines.append(Line(f"undo_{name}.append(({_index_object(write.index)}, {old}))", line))
        return [*lines, Line(f"{name}[{write.index}] = {write.value.text}", line)]

    def _loop_again(self, loop: Loop, need: set[str] | None, is_first: bool) -> Lines:
        names = {each.name.text for each in loop.carried} | set(loop.targets)
        inner_need = need
        if need is not None:
            has_writes = any(each.array.text in self.restored for each in _writes(loop.body))
            if not (names & need or _made_in(loop.body) & need or f"stack_{loop.number}" in need or has_writes):
                return []
        inside: Lines = []
        if loop.test is not None:
            inside += self._again(loop.before, inner_need, is_first)
            inside.append(Nest(Line(f"if not ({loop.test}):", loop.line), (Line("break"),)))
        lines: Lines = []
        if loop.saved is not None and _needed(f"stack_{loop.number}", need):
            lines.append(Line(f"stack_{loop.number} = []", loop.line))
            saved = "0" if not loop.saved else f"({', '.join(loop.saved)})" if len(loop.saved) > 1 else loop.saved[0]
            inside.append(Line(f"stack_{loop.number}.append({saved})", loop.line))
        inside += self._again(loop.body, inner_need, is_first)
        moves = [(each.name.text, each.end.text) for each in loop.carried if _needed(each.name.text, need)]
        inside += moved(moves, loop.line)
        if loop.stop is not None:
            inside.append(Nest(Line(f"if {loop.stop}:", loop.line), (Line("break"),)))
        return [*lines, Nest(Line(f"{loop.head}:", loop.line), tuple(inside))]

    # Backwards.

    def _back(self, block: Sequence[Any], seen: Seen) -> Lines:
        lines: Lines = []
        for each in reversed(block):
            match each:
                case Op():
                    self._op(lines, seen, each)
                case Copy(result, source, line):
                    if result.active and result.text in seen and source is not None and source.active:
                        self._add(lines, seen, source, bar(result), line)
                case Unpack(results, source, line):
                    for place, result in enumerate(results):
                        if result.text in seen and source.active:
                            self._begin(lines, seen, source, line)
                            lines.append(Line(f"{bar(source)}[{place}] += {bar(result)}", line))
                case Write():
                    self._unwrite(lines, seen, each)
                case Choice():
                    self._choice(lines, seen, each)
                case Loop():
                    self._loop(lines, seen, each)
        return lines

    def _op(self, lines: Lines, seen: Seen, op: Op) -> None:
        if op.result.text not in seen:
            return
        for argument, pull in zip(op.arguments, op.operation.pulls, strict=False):
            if not argument.active or pull is None:
                continue
            text = pull(bar(op.result))
            index = op.operation.scatter
            if index is None:
                self._add(lines, seen, argument, text, op.line)
                continue
            self._begin(lines, seen, argument, op.line)
            target = bar(argument)
            scattered = (
                f"np.add.at({target}, np.s_[{index}], {text})"
                if op.operation.is_repeated
                else f"{target}[{index}] += {text}"
            )
            lines.append(Line(scattered, op.line))

    def _add(self, lines: Lines, seen: Seen, value: Value, text: str, line: tuple[str, int]) -> None:
        """Add to an adjoint."""
        name = bar(value)
        if value.text in self.in_place:
            self._begin(lines, seen, value, line)
        elif value.text not in seen:
            seen.add(value.text)
            lines.append(Line(f"{name} = {text}", line))
            return
        is_negative = text.startswith("-") and _is_product(text)
        sign, amount = ("-", text[1:]) if is_negative else ("+", text)
        if value.ndim == 0 or value.text in self.in_place:
            lines.append(Line(f"{name} {sign}= {amount}", line))
        else:
            lines.append(Line(f"{name} = {name} {sign} {amount if _is_product(amount) else f'({amount})'}", line))

    def _begin(self, lines: Lines, seen: Seen, value: Value, line: tuple[str, int]) -> None:
        if value.text not in seen:
            seen.add(value.text)
            lines.append(self._zero(value, line))

    def _zero(self, value: Value, line: tuple[str, int]) -> Line:
        if value.text in self.vectors and value.ndim == 1:
            return Line(f"{bar(value)} = [0.0] * len({value.text})", line, frozenset([value.text]))
        if value.ndim == 0:
            return Line(f"{bar(value)} = 0.0", line)
        return Line(f"{bar(value)} = np.zeros(np.shape({value.text}))", line, frozenset([value.text]))

    def _unwrite(self, lines: Lines, seen: Seen, write: Write) -> None:
        array, value, line = write.array, write.value, write.line
        part = f"{bar(array)}[{write.index}]"
        if array.active and array.text in seen:
            if value.active:
                is_number = value.ndim == 0
                whole = (
                    part
                    if write.is_entry
                    else f"np.sum({part})"
                    if is_number
                    else f"unbroadcast(np.copy({part}), {value.text})"
                )
                self._add(lines, seen, value, whole, line)
            lines.append(Line(f"{part} = 0.0", line))
        if array.text in self.restored:
            lines += self._restored(array.text, line)

    def _restored(self, name: str, line: tuple[str, int]) -> Lines:
        undone = frozenset([name])
        return [Line(f"place, before = undo_{name}.pop()", line), Line(f"{name}[place] = before", line, undone)]

    def _choice(self, lines: Lines, seen: Seen, choice: Choice) -> None:
        outside = (_contributed(choice.then) | _contributed(choice.otherwise)) - _made_in([choice])
        for name in sorted(outside - seen):
            self._begin(lines, seen, self.values[name], choice.line)
        ways = [self._back(way, set(seen)) for way in (choice.then, choice.otherwise)]
        if any(ways):
            lines.append(Nest(Line(f"if {choice.test}:", choice.line), tuple(ways[0])))
        if ways[1]:
            lines.append(Nest(Line("else:", choice.line), tuple(ways[1])))

    def _loop(self, lines: Lines, seen: Seen, loop: Loop) -> None:
        own = {each.name.text for each in loop.carried}
        outside = _contributed(loop.body) - _made_in(loop.body) - own
        outside |= (
            {each.end.text for each in loop.carried if each.name.active and each.end.active} - _made_in(loop.body) - own
        )
        changed = sorted({each.array.text for each in _writes(loop.body)} & self.restored)
        handed = [each for each in loop.carried if each.name.active]
        if not (handed or outside or changed):
            return
        for name in sorted((outside | {each.name.text for each in handed}) - seen):
            self._begin(lines, seen, self.values[name], loop.line)
        inner = set(seen) - own
        back: Lines = []
        self._hand_back(back, inner, handed, loop)
        back += self._back(loop.body, inner)
        for each in handed:
            if each.name.text not in inner:
                back.append(self._zero(each.name, loop.line))
        need = self._needed_again(loop, back)
        loop.saved = sorted((own | set(loop.targets)) & need)
        kept = [name for name in changed if name not in _made_in(loop.body)]
        again: Lines = []
        if kept:
            loop.saved += [f"len(undo_{name})" for name in kept]
            for name in kept:
                undo = Nest(
                    Line(f"while len(undo_{name}) > mark_{name}:", loop.line), tuple(self._restored(name, loop.line))
                )
                again.append(undo)
        if loop.test is not None:
            again += self._again(loop.before, need, is_first=False)
        again += self._again(loop.body, need, is_first=False)
        shown = [f"mark_{each[9:-1]}" if each.startswith("len(undo_") else each for each in loop.saved]
        target = "_" if not shown else ", ".join(shown)
        stack, at = f"stack_{loop.number}", f"at_{loop.number}"
        head = f"for {target} in reversed({stack}):"
        if self.function.is_compiled:
            head = f"for {at} in range(len({stack}) - 1, -1, -1):"
            again.insert(0, Line(f"{target} = {stack}[{at}]", loop.line))
        lines.append(Nest(Line(head, loop.line), (*again, *back)))

    def _hand_back(self, lines: Lines, seen: Seen, handed: Sequence[Any], loop: Loop) -> None:
        """At the end of an iteration, what came to a variable comes to what the iteration made of it."""
        pairs = [(each.name, each.end) for each in handed if each.end.active]
        ends = [end.text for _, end in pairs]
        names = {each.name.text for each in handed}
        is_plain = len(set(ends)) == len(ends) and not set(ends) & (seen | names | self.in_place)
        if is_plain:
            lines += moved([(bar(end), bar(name)) for name, end in pairs], loop.line)
            seen.update(ends)
            return
        kept = [(f"{bar(name)}_end", name, end) for name, end in pairs]
        lines += moved([(held, bar(name)) for held, name, _ in kept], loop.line)
        for held, _, end in kept:
            self._add(lines, seen, end, held, loop.line)

    def _needed_again(self, loop: Loop, back: Lines) -> set[str]:
        """Names that the reverse lines of an iteration need, and those that these need."""
        need = set(all_words(back))
        size = -1
        while size != len(need):
            size = len(need)
            self._close([*loop.before, *loop.body], need)
        return need

    def _close(self, block: Sequence[Any], need: set[str]) -> None:
        for each in reversed(block):
            match each:
                case Op(result, operation, _, _):
                    if result.text in need:
                        need |= words(operation.text)
                case Plain(targets, text, _):
                    if targets in need:
                        need |= words(text)
                case Copy(result, source, _):
                    if result.text in need and source is not None:
                        need |= words(source.text)
                case Unpack(results, source, _):
                    if any(result.text in need for result in results):
                        need.add(source.text)
                case Write(array, index, _, value, _):
                    if array.text in self.restored:
                        need |= words(index) | words(value.text) | {array.text}
                case Choice(test, then, otherwise, _):
                    self._close(otherwise, need)
                    self._close(then, need)
                    if (_made_in([each]) & need) or any(w.array.text in self.restored for w in _writes([each])):
                        need |= words(test)
                case Loop():
                    self._close_loop(each, need)

    def _close_loop(self, loop: Loop, need: set[str]) -> None:
        names = {each.name.text for each in loop.carried} | set(loop.targets)
        has_writes = any(each.array.text in self.restored for each in _writes(loop.body))
        if not (names & need or _made_in(loop.body) & need or f"stack_{loop.number}" in need or has_writes):
            return
        need |= words(loop.head) | words(loop.test or "") | words(loop.stop or "")
        if f"stack_{loop.number}" in need:
            need |= {word for each in loop.saved or () for word in words(each)}
        size = -1
        while size != len(need):
            size = len(need)
            for each in loop.carried:
                if each.name.text in need:
                    need |= words(each.end.text)
            self._close([*loop.before, *loop.body], need)


def _needed(name: str, need: set[str] | None) -> bool:
    return need is None or bool(words(name) & need)


def _values(block: Iterable[Any]) -> list[Value]:
    """All values that statements make."""
    found: list[Value] = []
    for each in block:
        match each:
            case Op(result, _, _, _) | Copy(result, _, _):
                found.append(result)
            case Unpack(results, _, _):
                found += results
            case Choice(_, then, otherwise, _):
                found += _values(then) + _values(otherwise)
            case Loop():
                found += [carried.name for carried in each.carried] + _values(each.before) + _values(each.body)
            case Write(array, _, _, _, _):
                found.append(array)
    return found


def _made_in(block: Iterable[Any]) -> set[str]:
    """Names that statements assign."""
    found: set[str] = set()
    for each in block:
        match each:
            case Op(result, _, _, _) | Copy(result, _, _):
                found.add(result.text)
            case Plain(targets, _, _):
                found.add(targets)
            case Unpack(results, _, _):
                found |= {result.text for result in results}
            case Choice(_, then, otherwise, _):
                found |= _made_in(then) | _made_in(otherwise)
            case Loop():
                found |= {carried.name.text for carried in each.carried} | set(each.targets)
                found |= _made_in(each.before) | _made_in(each.body)
    return found


def _contributed(block: Iterable[Any]) -> set[str]:
    """Names whose adjoints the reverse of statements adds to."""
    found: set[str] = set()
    for each in block:
        match each:
            case Op(_, operation, arguments, _):
                pulled = zip(arguments, operation.pulls, strict=False)
                found |= {argument.text for argument, pull in pulled if argument.active and pull is not None}
            case Copy(_, source, _):
                found |= {source.text} if source is not None and source.active else set()
            case Unpack(_, source, _):
                found |= {source.text} if source.active else set()
            case Write(array, _, _, value, _):
                found |= {name.text for name in (array, value) if name.active}
            case Choice(_, then, otherwise, _):
                found |= _contributed(then) | _contributed(otherwise)
            case Loop():
                found |= _contributed(each.body) | {
                    carried.name.text for carried in each.carried if carried.name.active
                }
                found |= {carried.end.text for carried in each.carried if carried.end.active}
    return found


def _free(name: str, taken: set[str]) -> str:
    """A name like the one given that is not taken."""
    return next(each for each in chain([name], (f"{name}_{i}" for i in count(2))) if each not in taken)


def _flat(block: Iterable[Any]) -> Iterator[Any]:
    """Statements, but those within loops."""
    for each in block:
        yield each
        if isinstance(each, Choice):
            yield from _flat([*each.then, *each.otherwise])


def _writes(block: Iterable[Any]) -> list[Write]:
    found: list[Write] = []
    for each in block:
        match each:
            case Write():
                found.append(each)
            case Choice(_, then, otherwise, _):
                found += _writes(then) + _writes(otherwise)
            case Loop():
                found += _writes(each.body)
    return found


def _in_place(block: Iterable[Any], inside: bool = False) -> list[Value]:
    """Values whose adjoints are summed in place: arrays that are read or written by index."""
    found: list[Value] = []
    for each in block:
        match each:
            case Op(_, operation, arguments, _):
                if operation.scatter is not None:
                    found.append(arguments[0])
            case Unpack(_, source, _):
                found.append(source)
            case Write(array, _, _, _, _):
                found.append(array)
            case Choice(_, then, otherwise, _):
                found += _in_place(then) + _in_place(otherwise)
            case Loop():
                found += _in_place(each.before) + _in_place(each.body)
    return found


def _index_object(index: str) -> str:
    return f"np.s_[{index}]" if ":" in index or "..." in index else f"({index})" if "," in index else index


def _places(thing: Any, seed: str) -> list[str]:
    """Where the cotangent of each value of a result is found in that of the result."""
    if isinstance(thing, Value):
        return [seed]
    entries = thing.entries.items() if hasattr(thing, "entries") else enumerate(getattr(thing, "parts", ()))
    return [text for key, part in entries for text in _places(part, f"{seed}[{key!r}]")]


def _is_product(text: str) -> bool:
    """Whether a text is a product, a quotient, a call or a name, so that a sign before it is that of the whole."""
    node = ast.parse(text, mode="eval").body
    return not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)) and not isinstance(
        node, ast.IfExp
    )
