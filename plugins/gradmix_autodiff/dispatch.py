"""Dispatch: an operation goes to the highest level among its arguments, and its rule gives the derivative.

Each differentiation has a level of its own; a derivative taken within another has a higher one. An operation belongs
to the highest level among its arguments, and takes those of lower levels as constants: so perturbations are never
confused.
"""

from __future__ import annotations

import itertools
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gradmix import DifferentiationError
from gradmix_autodiff.guidance import full_name


class Local(ABC):
    """A local derivative: the linear map from a change of one argument to that of the result, in either direction."""

    @abstractmethod
    def push(self, tangents: Any) -> Any:
        """Map tangents of the argument, stacked along a first axis, to tangents of the result."""

    @abstractmethod
    def pull(self, cotangent: Any) -> Any:
        """Map one cotangent of the result to one of the argument: the transpose."""


Rule = Callable[[Any, tuple[Any, ...], Mapping[str, Any], int], Local]
"""(result, arguments, keywords, which argument) → the local derivative by that argument."""


@dataclass(frozen=True)
class Operation:
    """What is known of an operation.

    Parameters
    ----------
    rule
        Gives its local derivatives.
    is_view
        Whether its result may share memory with its first argument in NumPy.
    has_index
        Whether an argument is an index, where a list is no array of values.
    """

    rule: Rule
    is_view: bool = False
    has_index: bool = False


OPERATIONS: dict[Callable[..., Any], Operation] = {}
"""Every operation that has a rule; the tables of `elementwise` and `structure` fill it when they are imported."""

_levels = itertools.count(1)


def next_level() -> int:
    """A level above all that are in use."""
    return next(_levels)


class Handle(ABC):
    """Stands for a value of one differentiation.

    An update in place makes the same handle stand for a new value, so that aliases see it, as they do in NumPy. Views
    would have to see it, too, and cannot; so it is refused while there are any.
    """

    __slots__ = ("__weakref__", "family", "level", "value")

    level: int
    value: Any
    family: list[weakref.ref[Handle]] | None
    """Handles on the same memory, if it was NumPy's: views of one another."""

    is_deferred: ClassVar[bool] = False
    """Whether rules are used after the function has returned, when plain arrays may have changed."""

    @abstractmethod
    def alias(self) -> Handle:
        """Another handle on the same value, which updates in place of this one do not touch."""

    @abstractmethod
    def become(self, other: Any) -> None:
        """Stand for what `other`, of the same level, stands for."""

    @abstractmethod
    def follow(self, y: Any, locals_: list[tuple[Any, Local]]) -> Handle:
        """The result `y` of an operation of this level, given its arguments and their local derivatives."""

    @property
    def has_views(self) -> bool:
        """Whether an update in place would have to be seen elsewhere."""
        relatives = (handle() for handle in self.family or ())
        return any(relative is not None and relative is not self for relative in relatives)


def apply(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Do an operation on its highest level: the value by the levels below, the derivative by its rule."""
    operation = OPERATIONS[function]
    if not operation.has_index:
        arguments = tuple(stacked_operand(each) for each in arguments)
    level = max((each.level for each in arguments if isinstance(each, Handle)), default=0)
    if level == 0:
        return function(*arguments, **keywords)
    positions = [i for i, each in enumerate(arguments) if isinstance(each, Handle) and each.level == level]
    first = arguments[positions[0]]
    values = tuple(each.value if i in positions else each for i, each in enumerate(arguments))
    y = apply(function, *values, **keywords)
    if np.iscomplexobj(plain_value(y)):
        raise DifferentiationError(f"{full_name(function)} gave complex numbers; only real ones can be followed.")
    if first.is_deferred:
        values = tuple(_snapshot(each) for each in values)
    with np.errstate(all="ignore"):
        locals_ = [(arguments[i], operation.rule(y, values, keywords, i)) for i in positions]
        result = first.follow(y, locals_)
    if operation.is_view and np.ndim(result.value):
        _relate(first, result)
    return result


def _snapshot(value: Any) -> Any:
    """A value that stays what it is when the function goes on to change its arrays in place."""
    if isinstance(value, Handle):
        return value.alias()
    if isinstance(value, np.ndarray):
        return value.copy() if value.flags.writeable else value
    if isinstance(value, list | tuple):
        return type(value)(_snapshot(each) for each in value)
    return value


def _relate(one: Handle, other: Handle) -> None:
    if one.family is None:
        one.family = [weakref.ref(one)]
    one.family.append(weakref.ref(other))
    other.family = one.family


def plain_value(x: Any) -> Any:
    """The number or array underneath all levels; lists are searched."""
    while isinstance(x, Handle):
        x = x.value
    if isinstance(x, list | tuple) and any(isinstance(each, Handle | list | tuple) for each in x):
        return type(x)(plain_value(each) for each in x)
    return x


def plain_index(index: Any) -> Any:
    """An index with nothing traced in it."""
    return tuple(map(plain_value, index)) if isinstance(index, tuple) else plain_value(index)


def stacked_operand(operand: Any) -> Any:
    """Traced scalars in a list, or in an object array that ``np.array([x, y])`` made of them, as one traced array."""
    is_objects = isinstance(operand, np.ndarray) and operand.dtype == object
    return as_array(operand) if is_objects or _holds_traced(operand) else operand


def _holds_traced(operand: Any) -> bool:
    if isinstance(operand, list | tuple):
        return any(isinstance(each, Handle) or _holds_traced(each) for each in operand)
    return False


def as_array(entries: Any) -> Any:
    """Stack nested lists or an object array of scalars, some of them traced, into one traced array."""
    if isinstance(entries, np.ndarray) and entries.dtype != object:
        return entries
    if isinstance(entries, list | tuple | np.ndarray) and np.ndim(entries) != 0:
        return np.stack([as_array(entry) for entry in entries])
    return entries[()] if isinstance(entries, np.ndarray) else entries
