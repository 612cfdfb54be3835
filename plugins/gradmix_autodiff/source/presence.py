"""Where an adjoint is there at all: an entry that a choice left out contributes nothing, whatever its derivative.

``np.where(x > 0, np.sqrt(x), 0.0)`` does not depend on the root at 0. The adjoint of the root is 0 there, and 0 · ∞
would be NaN. So the reverse sweep keeps, as text, the condition under which an adjoint is there, and selects by it
after it has multiplied. A zero that is one by its value stays: its product with an infinite derivative is NaN.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from gradmix_autodiff.source.forms import Op, Operation
from gradmix_autodiff.source.lines import index_object, words

_LONGEST = 200
_SINGULAR = re.compile(r"/|\*\*|log|tan|power|ratio")


@dataclass(frozen=True)
class There:
    """Where an adjoint is there.

    Parameters
    ----------
    condition
        As text, true where it is.
    is_chosen
        Whether a choice by values says so, rather than an index.
    ndim
        Dimensions of the condition, None where they are not known.
    """

    condition: str
    is_chosen: bool
    ndim: int | None

    def joined(self, other: There, sign: str) -> There | None:
        """Both (&), or one of the two (|); None if that is too long to be worth it."""
        condition = f"{_enclosed(self.condition)} {sign} {_enclosed(other.condition)}"
        ndim = None if None in (self.ndim, other.ndim) else max(self.ndim or 0, other.ndim or 0)
        made = There(condition, self.is_chosen or other.is_chosen, ndim)
        return made if len(condition) <= _LONGEST else None


NOWHERE = There("False", False, 0)
"""The adjoint that has begun as zeros."""


class Presences:
    """Where the adjoints of a reverse sweep are there, by the names of their values.

    Parameters
    ----------
    is_compiled
        Whether the text will be compiled, which takes conditions of the shape of the array only.
    """

    def __init__(self, is_compiled: bool) -> None:
        self.is_compiled = is_compiled
        self.known: dict[str, There] = {}
        self.vague: set[str] = set()
        """Values of which nothing is known, as they are contributed to by branches or iterations."""

    def begin(self, name: str) -> None:
        """Note that an adjoint begins as zeros."""
        self.known[name] = NOWHERE

    def blur(self, *names: str) -> None:
        """Forget what is known of adjoints, for good."""
        self.vague.update(names)

    def forget_choices(self) -> None:
        """Forget all conditions on values, since arrays get back what they held before."""
        self.known = {name: there for name, there in self.known.items() if not there.is_chosen}

    def of(self, name: str) -> There | None:
        """Where an adjoint is there at most; None: everywhere."""
        return None if name in self.vague else self.known.get(name)

    def add(self, name: str, there: There | None, is_first: bool) -> None:
        """Note what is added to an adjoint; None: something that may be everywhere."""
        before = NOWHERE if is_first and name not in self.vague else self.of(name)
        after = None if before is None or there is None else there if before is NOWHERE else before.joined(there, "|")
        if after is None:
            self.known.pop(name, None)
        else:
            self.known[name] = after

    def put(self, name: str, bar: str, index: str) -> None:
        """Note that a part of an adjoint is set to zero."""
        outside = There(f"np.logical_not(inside({bar}, {index_object(index)}))", False, None)
        before = self.known.get(name)
        after = outside if before is None else before if before is NOWHERE else before.joined(outside, "&")
        if after is not None and not self.is_compiled:
            self.known[name] = after

    def through(self, op: Op, place: int, pull: Callable[[str], str], bar: str) -> There | None:
        """Where what an operation brings to an argument is there."""
        operation, there = op.operation, self.of(op.result.text)
        if operation.scatter is not None:
            return None if self.is_compiled else self._scattered(operation.scatter, op.result.text, there, bar)
        kept = operation.keeps[place] if operation.keeps else None
        if kept is not None:
            own = There(kept, True, op.result.ndim)
            found = own if there is None or not operation.is_entrywise else own.joined(there, "&")
        elif operation.is_entrywise or there is None:
            found = there
        elif operation.moves:
            pulled = pull(f"fitted({there.condition}, {op.result.text})")
            found = There(f"{_enclosed(pulled)} != 0", there.is_chosen, op.arguments[place].ndim)
        else:
            found = None
        is_shaped = found is not None and ("inside(" in found.condition or "fitted(" in found.condition)
        return None if self.is_compiled and is_shaped else found

    def _scattered(self, index: str, result: str, there: There | None, bar: str) -> There:
        if there is None:
            return There(f"inside({bar}, {index_object(index)})", False, None)
        condition = f"fitted({there.condition}, {result})"
        return There(f"inside({bar}, {index_object(index)}, {condition})", there.is_chosen, None)


def taken(text: str, operation: Operation, there: There | None, ndim: int | None) -> str:
    """A change, selected after it was multiplied where that may matter."""
    if there is None or not operation.is_entrywise or _is_scaled(text):
        return text
    if not (there.is_chosen or _SINGULAR.search(text)):
        return text
    if ndim == 0 and there.ndim == 0:
        return f"({text} if {there.condition} else 0.0)"
    return f"taken({text}, {there.condition})"


def _is_scaled(text: str) -> bool:
    """Whether a change is the adjoint of the result times a constant, or times the share of a choice."""
    return all(each.endswith("_bar") for each in words(re.sub(r"chosen\([^()]*\)", "", text)))


def _enclosed(text: str) -> str:
    return text if re.fullmatch(r"[\w.]+(\([^()]*\))?", text) else f"({text})"
