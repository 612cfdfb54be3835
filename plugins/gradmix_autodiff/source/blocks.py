"""The values that statements create and write, and the adjoints that their reverse adds to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from gradmix_autodiff.source import forms
from gradmix_autodiff.source.forms import Value


def values_of(block: Iterable[Any]) -> list[Value]:
    """Return all values that statements create."""
    found: list[Value] = []
    for each in block:
        match each:
            case forms.Op(result, _, _, _) | forms.Copy(result, _, _):
                found.append(result)
            case forms.Unpack(results, _, _):
                found += results
            case forms.Choice(_, then, otherwise, _):
                found += values_of(then) + values_of(otherwise)
            case forms.Loop():
                found += [carried.name for carried in each.carried] + values_of(each.before) + values_of(each.body)
            case forms.Write(array, _, _, _, _):
                found.append(array)
    return found


def made_in(block: Iterable[Any]) -> set[str]:
    """Return the names that statements assign."""
    found: set[str] = set()
    for each in block:
        match each:
            case forms.Op(result, _, _, _) | forms.Copy(result, _, _):
                found.add(result.text)
            case forms.Plain(targets, _, _):
                found.add(targets)
            case forms.Unpack(results, _, _):
                found |= {result.text for result in results}
            case forms.Choice(_, then, otherwise, _):
                found |= made_in(then) | made_in(otherwise)
            case forms.Loop():
                found |= {carried.name.text for carried in each.carried} | set(each.targets)
                found |= made_in(each.before) | made_in(each.body)
    return found


def contributed(block: Iterable[Any]) -> set[str]:
    """Return the names whose adjoints the reverse of statements adds to."""
    found: set[str] = set()
    for each in block:
        match each:
            case forms.Op(_, operation, arguments, _):
                pulled = zip(arguments, operation.pulls, strict=False)
                found |= {argument.text for argument, pull in pulled if argument.active and pull is not None}
            case forms.Copy(_, source, _):
                found |= {source.text} if source is not None and source.active else set()
            case forms.Unpack(_, source, _):
                found |= {source.text} if source.active else set()
            case forms.Write(array, _, _, value, _):
                found |= {name.text for name in (array, value) if name.active}
            case forms.Choice(_, then, otherwise, _):
                found |= contributed(then) | contributed(otherwise)
            case forms.Loop():
                found |= contributed(each.body) | {carried.name.text for carried in each.carried if carried.name.active}
                found |= {carried.end.text for carried in each.carried if carried.end.active}
    return found


def outside_loops(block: Iterable[Any]) -> Iterator[Any]:
    """Return the statements outside loops."""
    for each in block:
        yield each
        if isinstance(each, forms.Choice):
            yield from outside_loops([*each.then, *each.otherwise])


def writes_in(block: Iterable[Any]) -> list[forms.Write | forms.AddAt]:
    """Return all writes into arrays."""
    found: list[forms.Write | forms.AddAt] = []
    for each in block:
        match each:
            case forms.Write() | forms.AddAt():
                found.append(each)
            case forms.Choice(_, then, otherwise, _):
                found += writes_in(then) + writes_in(otherwise)
            case forms.Loop():
                found += writes_in(each.body)
    return found


def summed_in_place(block: Iterable[Any], inside: bool = False) -> list[Value]:
    """Return the values whose adjoints are summed in place: arrays that are read or written by index."""
    found: list[Value] = []
    for each in block:
        match each:
            case forms.Op(_, operation, arguments, _):
                if operation.scatter is not None:
                    found.append(arguments[0])
            case forms.Unpack(_, source, _):
                found.append(source)
            case forms.Write(array, _, _, _, _):
                found.append(array)
            case forms.Choice(_, then, otherwise, _):
                found += summed_in_place(then) + summed_in_place(otherwise)
            case forms.Loop():
                found += summed_in_place(each.before) + summed_in_place(each.body)
    return found
