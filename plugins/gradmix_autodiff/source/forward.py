"""Forward mode: each statement is accompanied by one for tangents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradmix_autodiff.source import forms
from gradmix_autodiff.source.blocks import writes_in
from gradmix_autodiff.source.forms import Function, Value, leaves, written
from gradmix_autodiff.source.lines import Line, Lines, Nest, moved, printed


def dot(value: Value | str) -> str:
    """Return the name of a tangent."""
    return f"{value if isinstance(value, str) else value.text}_dot"


def forward(function: Function, name: str) -> str:
    """Return the function that pushes tangents: ``f_dot(x, x_dot)`` returns f(x) and its tangent.

    Parameters
    ----------
    function
        The function in the intermediate form.
    name
        Name of the new function.
    """
    tangents = [
        dot(each) for each in function.parameters if any(leaf.active for leaf in leaves(function.variables[each]))
    ]
    lines: Lines = [Line(f"{each} = np.copy({each})") for each in function.copied]
    lines += [
        Line(f"{dot(each)} = np.copy({dot(each)})") for each in function.copied if function.variables[each].active
    ]
    lines += _loaded(function)
    lines += _pushed(function.block, bool(writes_in(function.block)))
    value, change = (written(function.result, text) for text in (lambda each: each.text, tangent))
    lines.append(Line(f"return {value}, {change}"))
    return "\n".join([f"def {name}({', '.join([*function.parameters, *tangents])}):", *printed(lines)]) + "\n"


def _loaded(function: Function) -> Lines:
    """Load the tangents of the leaves of structured arguments."""
    lines: Lines = []
    sources = {each.targets: each.text for each in function.block if isinstance(each, forms.Plain)}
    for parameter, thing in function.variables.items():
        for leaf in leaves(thing):
            if leaf.active and leaf.text != parameter and leaf.text in sources:
                lines.append(Line(f"{dot(leaf)} = {dot(parameter)}{sources[leaf.text].removeprefix(parameter)}"))
    return lines


def tangent(value: Value) -> str:
    """Return the tangent of a value, zeros if it has none."""
    if value.active:
        return dot(value)
    return "0.0" if value.ndim == 0 else f"np.zeros(np.shape({value.text}))"


def _pushed(block: Sequence[Any], has_writes: bool) -> Lines:
    """Return statements with those for tangents; each array that is written into has a separate tangent."""
    lines: Lines = []
    for each in block:
        match each:
            case forms.Op(result, operation, arguments, line):
                lines.append(Line(f"{result.text} = {operation.text}", line))
                changes = [dot(argument) if argument.active else None for argument in arguments]
                text = operation.push(changes)
                is_shared = has_writes and result.writable and text.isidentifier()
                lines.append(Line(f"{dot(result)} = {f'np.copy({text})' if is_shared else text}", line))
            case forms.Plain(targets, text, line):
                lines.append(Line(f"{targets} = {text}", line))
            case forms.Copy(result, source, line):
                lines.append(Line(f"{result.text} = {None if source is None else source.text}", line))
                if result.active:
                    lines.append(Line(f"{dot(result)} = {None if source is None else tangent(source)}", line))
            case forms.Unpack(results, source, line):
                lines.append(Line(f"{', '.join(each.text for each in results)}, = {source.text}", line))
                if source.active:
                    lines.append(Line(f"{', '.join(map(dot, results))}, = {dot(source)}", line))
            case forms.Write(array, index, _, value, line):
                lines.append(Line(f"{array.text}[{index}] = {value.text}", line))
                if array.active:
                    lines.append(Line(f"{dot(array)}[{index}] = {tangent(value) if value.active else 0.0}", line))
            case forms.AddAt(array, index, value, line):
                lines.append(Line(f"np.add.at({array.text}, np.s_[{index}], {value.text})", line))
                if value.active:
                    lines.append(Line(f"np.add.at({dot(array)}, np.s_[{index}], {dot(value)})", line))
            case forms.Push(stack, values, _, line):
                texts = [each.text for each in values] + [tangent(each) for each in each.tangents]
                lines.append(Line(f"{stack}.append(({', '.join(texts)},))", line))
            case forms.Pop(stack, targets, line):
                texts = [each.text for each in targets] + [dot(each) for each in targets if each.active]
                lines.append(Line(f"{', '.join(texts)}, = {stack}.pop()", line))
            case forms.Effect(text, line):
                lines.append(Line(text, line))
            case forms.Choice(test, then, otherwise, line):
                lines.append(Nest(Line(f"if {test}:", line), tuple(_pushed(then, has_writes))))
                if other := _pushed(otherwise, has_writes):
                    lines.append(Nest(Line("else:", line), tuple(other)))
            case forms.Loop():
                lines.append(_loop(each, has_writes))
    return lines


def _loop(loop: forms.Loop, has_writes: bool) -> Nest:
    inside: Lines = []
    if loop.test is not None:
        inside += [*_pushed(loop.before, has_writes), Nest(Line(f"if not ({loop.test}):", loop.line), (Line("break"),))]
    inside += _pushed(loop.body, has_writes)
    moves = [(each.name.text, each.end.text) for each in loop.carried]
    moves += [(dot(each.name), tangent(each.end)) for each in loop.carried if each.name.active]
    inside += moved(moves, loop.line)
    if loop.stop is not None:
        inside.append(Nest(Line(f"if {loop.stop}:", loop.line), (Line("break"),)))
    head = loop.head
    if loop.stack is not None:
        texts = [each.text for each in loop.stack[1]] + [dot(each) for each in loop.stack[1] if each.active]
        head = f"for {', '.join(texts)}, in reversed({loop.stack[0]})" if texts else f"for _ in {loop.stack[0]}"
    return Nest(Line(f"{head}:", loop.line), tuple(inside))
