"""Replay of a function's statements, as far as their values are needed: all, or within a reverse sweep."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from gradmix_autodiff.source import forms
from gradmix_autodiff.source.blocks import made_in, writes_in
from gradmix_autodiff.source.lines import (
    Line,
    Lines,
    Nest,
    all_words,
    index_object,
    index_parts,
    index_text,
    moved,
    words,
)
from gradmix_autodiff.source.refusal import refusal


class Replay:
    """Repeats the statements of a function.

    Parameters
    ----------
    restored
        Arrays whose earlier contents the reverse sweep reads, so that writes must keep the old contents.
    is_compiled
        Whether the text will be compiled.
    in_parts
        Arrays that are written by entries, slices and masks: a compiler requires one type for their old contents.
    file
        Name of the file that defines the function.
    """

    def __init__(self, restored: frozenset[str], is_compiled: bool, in_parts: frozenset[str], file: str) -> None:
        self.restored, self.is_compiled, self.in_parts, self.file = restored, is_compiled, in_parts, file

    def again(self, block: Sequence[Any], need: set[str] | None, is_first: bool) -> Lines:
        """Return the statements that compute the names in `need` (None: all). Effects occur only the first time."""
        lines: Lines = []
        for each in block:
            lines += self._statement(each, need, is_first)
        return lines

    def _statement(self, each: Any, need: set[str] | None, is_first: bool) -> Lines:
        match each:
            case forms.Op(result, operation, _, line):
                return self._made(result.text, operation.text, line) if _needed(result.text, need) else []
            case forms.Plain(targets, text, line):
                return self._made(targets, text, line) if _needed(targets, need) else []
            case forms.Copy(result, source, line):
                text = f"{result.text} = {None if source is None else source.text}"
                return [Line(text, line)] if _needed(result.text, need) else []
            case forms.Unpack(results, source, line):
                if not any(_needed(result.text, need) for result in results):
                    return []
                return [Line(f"{', '.join(result.text for result in results)}, = {source.text}", line)]
            case forms.Write():
                return self._write(each, need)
            case forms.Effect(text, line):
                return [Line(text, line)] if is_first else []
            case forms.Choice(test, then, otherwise, line):
                one, other = self.again(then, need, is_first), self.again(otherwise, need, is_first)
                lines: Lines = [Nest(Line(f"if {test}:", line), tuple(one))] if one or other else []
                return [*lines, Nest(Line("else:", line), tuple(other))] if other else lines
            case forms.Loop():
                return self._loop_again(each, need, is_first)
            case forms.AddAt(_, _, _, line):
                raise refusal(
                    f"{self.file}, line {line[1]}", "np.add.at, in reverse mode,", "write a loop, or use mode=forward"
                )
            case forms.Push(_, _, _, line) | forms.Pop(_, _, line):
                raise refusal(
                    f"{self.file}, line {line[1]}",
                    "a list that grows, in reverse mode,",
                    "write into an array by index, or use mode=forward",
                )
        raise TypeError(type(each).__name__)

    def _made(self, name: str, text: str, line: tuple[str, int]) -> Lines:
        lines: Lines = [Line(f"{name} = {text}", line)]
        return [*lines, Line(f"undo_{name} = []", line)] if name in self.restored else lines

    def _write(self, write: forms.Write, need: set[str] | None) -> Lines:
        name, line = write.array.text, write.line
        if need is not None and name not in self.restored:
            return []
        lines: Lines = []
        if name in self.restored:
            place = index_object(write.index, self.is_compiled)
            old = f"{name}[{write.index}]" if write.is_entry else f"np.copy({name}[{write.index}])"
            if name in self.in_parts:
                place = _spans(write)
                old = f"np.copy({name}[{place}])"
            lines.append(Line(f"undo_{name}.append(({place}, {old}))", line))
        return [*lines, Line(f"{name}[{write.index}] = {write.value.text}", line)]

    def _loop_again(self, loop: forms.Loop, need: set[str] | None, is_first: bool) -> Lines:
        names = {each.name.text for each in loop.carried} | set(loop.targets)
        inner_need = need
        if need is not None:
            has_writes = any(each.array.text in self.restored for each in writes_in(loop.body))
            if not (names & need or made_in(loop.body) & need or f"stack_{loop.number}" in need or has_writes):
                return []
        inside: Lines = []
        if loop.test is not None:
            inside += self.again(loop.before, inner_need, is_first)
            inside.append(Nest(Line(f"if not ({loop.test}):", loop.line), (Line("break"),)))
        lines: Lines = []
        if loop.saved is not None and _needed(f"stack_{loop.number}", need):
            lines.append(Line(f"stack_{loop.number} = []", loop.line))
            saved = "0" if not loop.saved else f"({', '.join(loop.saved)})" if len(loop.saved) > 1 else loop.saved[0]
            inside.append(Line(f"stack_{loop.number}.append({saved})", loop.line))
        inside += self.again(loop.body, inner_need, is_first)
        moves = [(each.name.text, each.end.text) for each in loop.carried if _needed(each.name.text, need)]
        inside += moved(moves, loop.line)
        if loop.stop is not None:
            inside.append(Nest(Line(f"if {loop.stop}:", loop.line), (Line("break"),)))
        return [*lines, Nest(Line(f"{loop.head}:", loop.line), tuple(inside))]

    def needed_for(self, loop: forms.Loop, back: Lines) -> set[str]:
        """Return the names that the reverse lines of an iteration need, directly or indirectly."""
        need = set(all_words(back))
        size = -1
        while size != len(need):
            size = len(need)
            self._close([*loop.before, *loop.body], need)
        return need

    def _close(self, block: Sequence[Any], need: set[str]) -> None:
        for each in reversed(block):
            match each:
                case forms.Op(result, operation, _, _):
                    if result.text in need:
                        need |= words(operation.text)
                case forms.Plain(targets, text, _):
                    if targets in need:
                        need |= words(text)
                case forms.Copy(result, source, _):
                    if result.text in need and source is not None:
                        need |= words(source.text)
                case forms.Unpack(results, source, _):
                    if any(result.text in need for result in results):
                        need.add(source.text)
                case forms.Write(array, index, _, value, _):
                    if array.text in self.restored:
                        need |= words(index) | words(value.text) | {array.text}
                case forms.Choice(test, then, otherwise, _):
                    self._close(otherwise, need)
                    self._close(then, need)
                    if (made_in([each]) & need) or any(w.array.text in self.restored for w in writes_in([each])):
                        need |= words(test)
                case forms.Loop():
                    self._close_loop(each, need)

    def _close_loop(self, loop: forms.Loop, need: set[str]) -> None:
        names = {each.name.text for each in loop.carried} | set(loop.targets)
        has_writes = any(each.array.text in self.restored for each in writes_in(loop.body))
        if not (names & need or made_in(loop.body) & need or f"stack_{loop.number}" in need or has_writes):
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


def kind_of_write(write: forms.Write) -> tuple[str, ...]:
    """Return the kinds of an index's parts: slices, with or without a step, and others, such as numbers."""
    parts = [
        f"slice {each.step is not None}" if isinstance(each, ast.Slice) else "other"
        for each in index_parts(write.index)
    ]
    return ("entry" if write.is_entry else "part", *parts)


def _spans(write: forms.Write) -> str:
    """Return a slice for each dimension that contains the written entries."""
    name, ndim, parts = write.array.text, write.array.ndim or 1, index_parts(write.index)
    texts = [index_text(each) for each in parts]
    if len(parts) > ndim or {"...", "Ellipsis", "None"} & set(texts):
        texts = []
    texts += ["slice(None, None)"] * (ndim - len(texts))
    spans = [f"span(np.shape({name})[{axis}], {text})" for axis, text in enumerate(texts)]
    return f"({', '.join(spans)})" if ndim > 1 else spans[0]


def _needed(name: str, need: set[str] | None) -> bool:
    return need is None or bool(words(name) & need)
