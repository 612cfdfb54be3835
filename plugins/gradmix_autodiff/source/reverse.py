"""Reverse mode: the function, and then its statements backwards for adjoints.

Straight-line code needs no record, since each value has its own name. A loop keeps its variables as they are at the
beginning of each iteration; the reverse sweep repeats an iteration, as far as it needs its values, and then goes back
through it (Griewank & Walther, *Evaluating Derivatives*, 2nd ed., chapter 12). Where needed, the contents of an array
before a write are kept, and restored during the reverse sweep.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from itertools import chain, count
from typing import Any

from gradmix_autodiff.source import forms
from gradmix_autodiff.source.blocks import contributed, made_in, outside_loops, summed_in_place, values_of, writes_in
from gradmix_autodiff.source.forms import Function, Value, leaves, written
from gradmix_autodiff.source.lines import Line, Lines, Nest, all_words, moved, printed, words
from gradmix_autodiff.source.presence import Presences, There, taken
from gradmix_autodiff.source.replay import Replay, kind_of_write

Seen = set[str]
"""Names whose adjoint has begun to be summed."""


def bar(value: Value | str) -> str:
    """Return the name of an adjoint."""
    return f"{value if isinstance(value, str) else value.text}_bar"


def reverse(function: Function, name: str) -> str:
    """Return the function that pulls a cotangent back: ``f_bar(x, y_bar)`` returns f(x) and the adjoint of x.

    Parameters
    ----------
    function
        The function in the intermediate form.
    name
        Name of the new function.
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
        in_parts = _written_in_parts(function) if function.is_compiled else frozenset()
        self.replay = Replay(restored, function.is_compiled, in_parts, function.file)
        self.restored_now: frozenset[str] = frozenset()
        self.in_place = {each.text for each in summed_in_place(function.block)}
        self.roots = {each.text: each.roots for each in values_of(function.block)}
        self.roots |= {leaf.text: leaf.roots for thing in function.variables.values() for leaf in leaves(thing)}
        self.values = {each.text: each for each in values_of(function.block)}
        self.values |= {leaf.text: leaf for thing in function.variables.values() for leaf in leaves(thing)}
        self.vectors = function.vectors
        self.presences = Presences(function.is_compiled)
        self.writes = {each.array.text for each in writes_in(function.block)}

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
        lines += self.replay.again(function.block, None, is_first=True) + back
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
        """Return whether the reverse sweep assigns a name of the result, or restores its memory."""
        loops = [each for each in outside_loops(self.function.block) if isinstance(each, forms.Loop)]
        again = {name for loop in loops for name in made_in([loop])}
        restored = {root for name in self.restored for root in self.roots[name]}
        return any(words(leaf.text) & again or self.roots.get(leaf.text, frozenset()) & restored for leaf in results)

    def _to_restore(self, back: Lines) -> frozenset[str]:
        """Return the arrays whose earlier contents the reverse sweep reads."""
        read = all_words(back, with_shapes=False)
        roots = {root for name in read for root in self.roots.get(name, ())} | read
        return frozenset(name for name in self.writes if name in read or self.roots[name] & roots)

    def _back(self, block: Sequence[Any], seen: Seen) -> Lines:
        lines: Lines = []
        for each in reversed(block):
            match each:
                case forms.Op():
                    self._op(lines, seen, each)
                case forms.Copy(result, source, line):
                    if result.active and result.text in seen and source is not None and source.active:
                        self._add(lines, seen, source, bar(result), line, self.presences.of(result.text))
                case forms.Unpack(results, source, line):
                    for place, result in enumerate(results):
                        if result.text in seen and source.active:
                            self._begin(lines, seen, source, line)
                            self.presences.add(source.text, None, is_first=False)
                            lines.append(Line(f"{bar(source)}[{place}] += {bar(result)}", line))
                case forms.Write():
                    self._unwrite(lines, seen, each)
                case forms.Choice():
                    self._choice(lines, seen, each)
                case forms.Loop():
                    self._loop(lines, seen, each)
        return lines

    def _op(self, lines: Lines, seen: Seen, op: forms.Op) -> None:
        if op.result.text not in seen:
            return
        for place, (argument, pull) in enumerate(zip(op.arguments, op.operation.pulls, strict=False)):
            if not argument.active or pull is None:
                continue
            through = self.presences.through(op, place, pull, bar(argument))
            index = op.operation.scatter
            if index is None:
                self._add(lines, seen, argument, self._pulled(op, pull), op.line, through)
                continue
            text = pull(bar(op.result))
            if argument.text not in seen:
                self.presences.begin(argument.text)
            self._begin(lines, seen, argument, op.line)
            self.presences.add(argument.text, through, is_first=False)
            target = bar(argument)
            scattered = (
                self._added_at(target, index, text) if op.operation.is_repeated else f"{target}[{index}] += {text}"
            )
            lines.append(Line(scattered, op.line))

    def _added_at(self, target: str, index: str, text: str) -> str:
        if self.function.is_compiled:
            return f"add_at({target}, {index}, {text})"
        return f"np.add.at({target}, np.s_[{index}], {text})"

    def _pulled(self, op: forms.Op, pull: Callable[..., str]) -> str:
        """Return the contribution to an argument; it is zero where the adjoint of the result is not present."""
        there = self.presences.of(op.result.text)
        if there is None or not op.operation.is_entrywise:
            return pull(bar(op.result))
        return pull(bar(op.result), lambda text: taken(text, op.operation, there, op.result.ndim))

    def _add(
        self,
        lines: Lines,
        seen: Seen,
        value: Value,
        text: str,
        line: tuple[str, int],
        there: There | None = None,
    ) -> None:
        """Add to an adjoint a term that is present where `there` says, or everywhere."""
        name = bar(value)
        self.presences.add(value.text, there, value.text not in seen)
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

    def _unwrite(self, lines: Lines, seen: Seen, write: forms.Write) -> None:
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
            self.presences.put(array.text, bar(array), write.index)
        if array.text in self.restored:
            self.presences.forget_choices()
            lines += self._restored(array.text, line)

    def _restored(self, name: str, line: tuple[str, int]) -> Lines:
        undone = frozenset([name])
        place, before = (f"place_{name}", f"before_{name}") if self.function.is_compiled else ("place", "before")
        taken_back = Line(f"{place}, {before} = undo_{name}.pop()", line)
        return [taken_back, Line(f"{name}[{place}] = {before}", line, undone)]

    def _choice(self, lines: Lines, seen: Seen, choice: forms.Choice) -> None:
        outside = (contributed(choice.then) | contributed(choice.otherwise)) - made_in([choice])
        self.presences.blur(*outside)
        for name in sorted(outside - seen):
            self._begin(lines, seen, self.values[name], choice.line)
        ways = [self._back(way, set(seen)) for way in (choice.then, choice.otherwise)]
        if any(ways):
            lines.append(Nest(Line(f"if {choice.test}:", choice.line), tuple(ways[0])))
        if ways[1]:
            lines.append(Nest(Line("else:", choice.line), tuple(ways[1])))

    def _loop(self, lines: Lines, seen: Seen, loop: forms.Loop) -> None:
        own = {each.name.text for each in loop.carried}
        outside = contributed(loop.body) - made_in(loop.body) - own
        outside |= (
            {each.end.text for each in loop.carried if each.name.active and each.end.active} - made_in(loop.body) - own
        )
        changed = sorted({each.array.text for each in writes_in(loop.body)} & self.restored)
        handed = [each for each in loop.carried if each.name.active]
        if not (handed or outside or changed):
            return
        self.presences.blur(*outside, *(text for each in handed for text in (each.name.text, each.end.text)))
        for name in sorted((outside | {each.name.text for each in handed}) - seen):
            self._begin(lines, seen, self.values[name], loop.line)
        inner = set(seen) - own
        back: Lines = []
        self._hand_back(back, inner, handed, loop)
        back += self._back(loop.body, inner)
        for each in handed:
            if each.name.text not in inner:
                back.append(self._zero(each.name, loop.line))
        need = self.replay.needed_for(loop, back)
        loop.saved = sorted((own | set(loop.targets)) & need)
        kept = [name for name in changed if name not in made_in(loop.body)]
        again: Lines = []
        if kept:
            loop.saved += [f"len(undo_{name})" for name in kept]
            for name in kept:
                undo = Nest(
                    Line(f"while len(undo_{name}) > mark_{name}:", loop.line), tuple(self._restored(name, loop.line))
                )
                again.append(undo)
        if loop.test is not None:
            again += self.replay.again(loop.before, need, is_first=False)
        again += self.replay.again(loop.body, need, is_first=False)
        shown = [f"mark_{each[9:-1]}" if each.startswith("len(undo_") else each for each in loop.saved]
        target = "_" if not shown else ", ".join(shown)
        stack, at = f"stack_{loop.number}", f"at_{loop.number}"
        head = f"for {target} in reversed({stack}):"
        if self.function.is_compiled:
            head = f"for {at} in range(len({stack}) - 1, -1, -1):"
            again.insert(0, Line(f"{target} = {stack}[{at}]", loop.line))
        lines.append(Nest(Line(head, loop.line), (*again, *back)))

    def _hand_back(self, lines: Lines, seen: Seen, handed: Sequence[Any], loop: forms.Loop) -> None:
        """Pass the adjoint of a carried variable to its value at the end of the iteration."""
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


def _written_in_parts(function: Function) -> frozenset[str]:
    """Return the arrays that are written by indices of several kinds."""
    kinds: dict[str, set[tuple[str, ...]]] = {}
    for each in writes_in(function.block):
        if isinstance(each, forms.Write):
            kinds.setdefault(each.array.text, set()).add(kind_of_write(each))
    return frozenset(name for name, found in kinds.items() if len(found) > 1)


def _free(name: str, taken: set[str]) -> str:
    """Return an unused name like the given one."""
    return next(each for each in chain([name], (f"{name}_{i}" for i in count(2))) if each not in taken)


def _places(thing: Any, seed: str) -> list[str]:
    """Return where the cotangent of each value of a result is in the cotangent of the result."""
    if isinstance(thing, Value):
        return [seed]
    entries = thing.entries.items() if hasattr(thing, "entries") else enumerate(getattr(thing, "parts", ()))
    return [text for key, part in entries for text in _places(part, f"{seed}[{key!r}]")]


def _is_product(text: str) -> bool:
    """Return whether a text is a product, a quotient, a call or a name, so that a leading sign applies to all of it."""
    node = ast.parse(text, mode="eval").body
    return not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)) and not isinstance(
        node, ast.IfExp
    )
