"""The table of derivative rules, which every mode reads, and the kinds of rules.

A rule describes how a small change of an argument changes the result. There are three kinds:

- an `Elementwise` rule is text, such as ``"d * cos(a)"``: d is the change, a and b are the arguments, y is the result.
  The same text pushes a tangent forward and pulls a cotangent back, since a diagonal matrix is its own transpose;
- a `Primitive` rule is a pair of linear maps, forward and back;
- a `Composition` computes NumPy's function from other functions that have rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from gradmix import DifferentiationError

Change = Callable[[Any], Any]
"""Maps a change of one argument to that of the result, or back."""


class Spread(IntEnum):
    """Which entries of the result depend on which entries of an argument."""

    DENSE = 0
    """Any entry of the result may depend on any entry of the argument."""
    MOVES = 1
    """Each entry of the result is an entry of the argument, or a sum of some."""


class LinearMap(NamedTuple):
    """The derivative of an operation by one argument.

    Parameters
    ----------
    push
        Maps tangents of the argument, stacked along a first axis, to tangents of the result.
    pull
        Maps one cotangent of the result to one of the argument: the transpose.
    """

    push: Change
    pull: Change


@dataclass(frozen=True)
class Elementwise:
    """The rule of a function that works entry by entry, with broadcasting.

    Parameters
    ----------
    function
        The function, a ufunc.
    texts
        For each argument, the change of the result as Python text in ``d``, ``a``, ``b``, ``c`` and ``y``; None where
        the argument takes integers only; `UNKNOWN` where there is no closed form.
    hint
        The alternative to suggest where the derivative is infinite.
    is_choice
        Whether each entry of the result equals the entry of one argument and does not depend on the others.
    """

    function: Callable[..., Any]
    texts: tuple[str | None, ...]
    hint: str = ""
    is_choice: bool = False

    @cached_property
    def changes(self) -> tuple[Callable[..., Change] | None, ...]:
        """Return for each argument a function (result, arguments) → the linear map of a change."""
        arguments = ", ".join(ARGUMENTS[: len(self.texts)])
        return tuple(
            None
            if text is None
            else eval(f"lambda y, {arguments}: lambda d: {text}", NAMES)  # our own table
            if text
            else _unknown(self.function.__name__, argument)
            for argument, text in enumerate(self.texts, start=1)
        )

    @cached_property
    def fixed(self) -> tuple[Change | None, ...]:
        """Return for each argument the linear map of a change if it does not depend on the values, else None."""
        none = (None,) * (len(self.texts) + 1)
        made = [make(*none) if text and make else None for make, text in zip(self.changes, self.texts, strict=True)]
        return tuple(None if change is None or change.__closure__ else change for change in made)


UNKNOWN = ""
"""Text of a derivative that has no closed form."""


def _unknown(name: str, argument: int) -> Callable[..., Change]:
    def refuse(*arguments: Any) -> Change:
        raise DifferentiationError(
            f"{name} has no derivative rule for its argument {argument}, only for the others. "
            "Use differentiator=finite_difference."
        )

    return refuse


@dataclass(frozen=True)
class Primitive:
    """The rule of any other function.

    Parameters
    ----------
    function
        The function; it takes the arguments that may be traced by position.
    rule
        (position, result, arguments, keywords) → the `LinearMap` by that argument.
    spread
        Which entries of the result depend on which entries of the arguments.
    is_view
        Whether the result may share memory with the first argument in NumPy.
    is_linear
        Whether the function is linear in its arguments, apart from those whose entries it moves.
    reads_result
        Whether the rule reads more of the result than its shape.
    """

    function: Callable[..., Any]
    rule: Callable[[int, Any, tuple[Any, ...], Mapping[str, Any]], LinearMap]
    spread: Spread = Spread.DENSE
    is_view: bool = False
    is_linear: bool = False
    reads_result: bool = True


Rule = Elementwise | Primitive


def specialised(function: Callable[..., Any], *given: Any, name: str) -> Callable[..., Any]:
    """Return a function with its first arguments fixed, under a name; unlike a lambda, it can be saved to a file."""
    made: Any = partial(function, *given)
    made.__name__ = name
    return made  # type: ignore[no-any-return]


ARGUMENTS = ("a", "b", "c", "e", "f")
"""Names of the arguments in the texts of elementwise rules."""

NAMES: dict[str, Any] = {"np": np, "pi": math.pi}
"""Names that the texts of elementwise rules may use."""

ELEMENTWISE: dict[Any, Elementwise] = {}
"""Function → its rule."""

PRIMITIVES: dict[Any, Primitive] = {}
"""Rules of ufuncs that are not elementwise, such as `matmul`."""

COMPOSITIONS: dict[Any, Callable[..., Any]] = {}
"""Function → the same, in terms of functions that have rules."""

CONSTANT: set[Any] = set()
"""Functions whose result does not change with small changes of the arguments."""

WRITING = frozenset({np.put, np.copyto, np.place, np.putmask, np.put_along_axis, np.fill_diagonal})
"""Functions that write into their first argument."""
