"""Where an adjoint is present: an entry that a choice left out contributes nothing, whatever its derivative.

``np.where(x > 0, np.sqrt(x), 0.0)`` does not depend on the root at 0. The adjoint of the root is 0 there, and 0 · ∞
would be NaN. So the reverse sweep keeps, as text, the condition under which an adjoint is present, and selects by
it after multiplying. An adjoint that is zero by its value stays: its product with an infinite derivative is NaN.
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
    """The condition under which an adjoint is present.

    Parameters
    ----------
    condition
        The condition as text, true where the adjoint is present.
    is_chosen
        Whether the condition comes from a choice by values, rather than from an index.
    ndim
        Dimensions of the condition, None where they are not known.
    """

    condition: str
    is_chosen: bool
    ndim: int | None

    def joined(self, other: There, sign: str) -> There | None:
        """Return both conditions (&) or either one (|); None if the text is too long to be worth it."""
        condition = f"{_enclosed(self.condition)} {sign} {_enclosed(other.condition)}"
        ndim = None if None in (self.ndim, other.ndim) else max(self.ndim or 0, other.ndim or 0)
        made = There(condition, self.is_chosen or other.is_chosen, ndim)
        return made if len(condition) <= _LONGEST else None


NOWHERE = There("False", False, 0)
"""The adjoint that has begun as zeros."""


class Presences:
    """The conditions under which the adjoints of a reverse sweep are present, by the names of their values.

    Parameters
    ----------
    is_compiled
        Whether the code will be compiled; then conditions must have the shape of the array.
    """

    def __init__(self, is_compiled: bool) -> None:
        self.is_compiled = is_compiled
        self.known: dict[str, There] = {}
        self.vague: set[str] = set()
        """Values of which nothing is known, because branches or iterations add to their adjoints."""

    def begin(self, name: str) -> None:
        """Note that an adjoint begins as zeros."""
        self.known[name] = NOWHERE

    def blur(self, *names: str) -> None:
        """Forget the conditions of adjoints permanently."""
        self.vague.update(names)

    def forget_choices(self) -> None:
        """Forget all conditions on values, since arrays get their earlier contents back."""
        self.known = {name: there for name, there in self.known.items() if not there.is_chosen}

    def of(self, name: str) -> There | None:
        """Return where an adjoint may be present; None means everywhere."""
        return None if name in self.vague else self.known.get(name)

    def add(self, name: str, there: There | None, is_first: bool) -> None:
        """Note where a term added to an adjoint is present; None means everywhere."""
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
        """Return where the contribution of an operation to an argument is present."""
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
    """Return a change, selected after multiplying where that may matter."""
    if there is None or not operation.is_entrywise or _is_scaled(text):
        return text
    if not (there.is_chosen or _SINGULAR.search(text)):
        return text
    if ndim == 0 and there.ndim == 0:
        return f"({text} if {there.condition} else 0.0)"
    return f"taken({text}, {there.condition})"


def _is_scaled(text: str) -> bool:
    """Return whether a change is the result's adjoint times a constant, or times the share of a choice."""
    return all(each.endswith("_bar") for each in words(re.sub(r"chosen\([^()]*\)", "", text)))


def _enclosed(text: str) -> str:
    return text if re.fullmatch(r"[\w.]+(\([^()]*\))?", text) else f"({text})"
