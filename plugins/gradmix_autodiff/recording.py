"""A recording of one evaluation: a flat list of operations, walked backwards without recursion.

An operation on numbers is a tuple ``(i, ∂y/∂a, j, ∂y/∂b)`` of the places of its arguments and its partial derivatives
(j = -1 for none). An operation on arrays is a list of `Pull`. Tuples of numbers cost the garbage collector nothing,
and recordings of loops are made of these.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, NoReturn

import numpy as np

from gradmix import DifferentiationError
from gradmix_autodiff.rules.structure import Total, filled, put, unbroadcast
from gradmix_autodiff.table import Change, Elementwise, Spread
from gradmix_autodiff.traced import Traced, next_level, plain_value
from gradmix_autodiff.unbounded import watch_infinite
from gradmix_autodiff.watched import WatchedArrays

NOTHING = float("0.0")
"""The cotangent of a value that the result does not depend on. Compare it by identity: it is not the same as zero."""

FLOAT = np.dtype(np.float64)
"""NumPy has a single object for this type in the usual byte order, so that comparing by identity is fast."""

FLOATS = frozenset({float, np.float64})
"""Types of one number."""

Pull = tuple[int, Change, "tuple[int, ...] | None", "Elementwise | None", Spread]
"""How an operation on arrays pulls a cotangent back to one of its arguments.

The entries: the place of the argument; the pullback before broadcasting is undone; the shape of the argument if its
cotangent must be summed over broadcast axes; the rule of an elementwise operation, else None; how entries depend.
"""


class Part(tuple[Any, "tuple[int, ...]"]):
    """The pullback of ``x[index]`` where no entry is taken twice: the walk back adds to a part of x's cotangent.

    It is a tuple of the index and the shape of x, the fastest object to create in Python.
    """

    __slots__ = ()

    def __call__(self, w: Any) -> Any:
        """Return the cotangent of x."""
        index, shape = self
        return put(w, index, shape)

    def added_to(self, present: Any, is_own: int, w: Any) -> Any:
        """Return the cotangent of x so far plus `w`, in an array that the walk owns; None unless both are float64."""
        kind = type(w)
        if kind is not float and kind is not np.float64 and (kind is not np.ndarray or w.dtype is not FLOAT):
            return None
        index, shape = self
        if present is NOTHING:
            whole = np.zeros(shape)
            whole[index] = w
            return whole
        if type(present) in FLOATS:
            present, is_own = np.full(shape, present), True
        if type(present) is not np.ndarray or present.dtype is not FLOAT or present.shape != shape:
            return None
        whole = present if is_own else present.copy()
        part = whole[index]
        if type(part) is np.ndarray:
            part += w
        else:
            whole[index] = part + w
        return whole


class _Ended:
    """Replaces the operations of an evaluation that has ended: adding to it is an error."""

    def __len__(self) -> NoReturn:
        raise outlived()


def outlived() -> DifferentiationError:
    """Return the error for a traced value that is used after its evaluation has ended."""
    return DifferentiationError(
        "a traced value was used after its differentiation had ended: the function keeps a value between calls, in a "
        "cache, a global variable or an attribute. Keep plain numbers, or compute the value in each call."
    )


class Recording:
    """One evaluation of a function at a point."""

    __slots__ = ("array_operations", "has_complex", "infinite", "level", "operations", "watched")

    def __init__(self) -> None:
        self.level = next_level()
        self.operations: Any = []
        self.array_operations: list[int] = []
        self.watched = WatchedArrays()
        self.has_complex = False
        self.infinite: list[Elementwise] = []  # rules of operations on numbers whose derivative is infinite

    def append(self, pulls: list[Pull]) -> int:
        """Add an operation on arrays, and return its place."""
        operations = self.operations
        index = len(operations)
        operations.append(pulls)
        self.array_operations.append(index)
        return index

    def end(self) -> list[Any]:
        """End the evaluation, and return the recorded operations."""
        operations, self.operations = self.operations, _Ended()
        return operations  # type: ignore[no-any-return]


def walk_back(operations: list[Any], arrays: list[int], index: int, w: Any, frees: bool = False) -> tuple[Any, bool]:
    """Pull the cotangent `w` of operation `index` back to operation 0, the point, and return whether the result is new.

    Parameters
    ----------
    operations
        The recorded operations.
    arrays
        Places of the operations on arrays, in order.
    index
        Place of the result.
    w
        Its cotangent.
    frees
        Whether each operation, with the arrays that it keeps, is freed as soon as the walk has passed it.
    """
    cotangents: list[Any] = [NOTHING] * (index + 1)
    is_own = bytearray(index + 1)
    uniform: dict[int, tuple[int, ...]] = {}  # shapes of arrays whose cotangent is one number, the same for all entries
    cotangents[index] = w
    pop, nothing, array_type, number_type = cotangents.pop, NOTHING, np.ndarray, np.float64
    after = index + 1
    count = bisect_right(arrays, index)
    for place in reversed(arrays if count == len(arrays) else arrays[:count]):
        if after - place > 1:  # operations on numbers
            for i, by_a, j, by_b in reversed(operations[place + 1 : after]):
                change = pop()
                if change is not nothing:
                    cotangents[i] += change * by_a
                    if j >= 0:
                        cotangents[j] += change * by_b
        if place == 0:
            break
        after = place
        cotangent = pop()
        if cotangent is not nothing:
            own = uniform.pop(place, None) if uniform and type(cotangent) is float else None
            for i, pull, shape, rule, _ in operations[place]:
                present = cotangents[i]
                if own is not None and (rule is None or shape is not None or present is not nothing):
                    cotangent, own = filled(cotangent, own), None
                if rule is None:
                    if type(pull) is Part:
                        whole = pull.added_to(present, is_own[i], cotangent)
                        if whole is not None:
                            cotangents[i] = whole
                            is_own[i] = True
                            continue
                    elif type(pull) is Total and present is nothing and type(cotangent) is float:
                        cotangents[i], uniform[i] = cotangent, pull.shape
                        continue
                change = pull(cotangent)
                if shape is not None:
                    change = unbroadcast(change, shape)
                elif own is not None:
                    if type(change) in FLOATS:
                        uniform[i] = own
                    elif np.shape(change) != own:
                        change = np.broadcast_to(change, own)
                if present is nothing:
                    # the walk through earlier operations on numbers is several times faster with Python floats
                    cotangents[i] = float(change) if type(change) is number_type else change
                elif is_own[i] and type(change) is array_type and change.dtype == present.dtype:
                    present += change
                else:
                    cotangents[i] = change = present + change
                    is_own[i] = type(change) is array_type
        if frees:
            cotangent = change = present = whole = pull = None
            operations[place] = None
    return cotangents[0], bool(is_own[0])


def walk_back_carefully(operations: list[Any], index: int, w: Any) -> Any:
    """Pull back as `walk_back` does, with a mask for each cotangent of the entries that the result depends on.

    An entry that the result does not depend on, such as one in a branch that `np.where` does not take, contributes
    nothing, whatever its partial derivative. An entry whose cotangent is zero times an infinite derivative is NaN.

    Parameters
    ----------
    operations, index, w
        As for `walk_back`.
    """
    cotangents: list[Any] = [None] * (index + 1)
    cotangents[index] = (w, np.ones(np.shape(w), dtype=bool) if isinstance(w, Traced) else np.not_equal(w, 0))
    for place in range(index, 0, -1):
        if cotangents[place] is None:
            continue
        cotangent, mask = cotangents[place]
        cotangents[place] = None
        if not np.any(mask):
            continue
        for at, change, through in _careful_pulls(operations[place], cotangent, mask):
            known = cotangents[at]
            cotangents[at] = (change, through) if known is None else (known[0] + change, known[1] | through)
    return NOTHING if cotangents[0] is None else cotangents[0][0]


def _careful_pulls(operation: Any, cotangent: Any, mask: Any) -> Any:
    if type(operation) is tuple:
        i, by_a, j, by_b = operation
        yield i, cotangent * by_a, mask
        if j >= 0:
            yield j, cotangent * by_b, mask
        return
    for i, pull, own, rule, spread in operation:
        change = pull(cotangent)
        if rule is not None:
            shape = np.broadcast_shapes(np.shape(change), np.shape(mask))
            through = np.broadcast_to(mask, shape)
            if rule.is_choice:
                through = through & np.not_equal(plain_value(pull(np.ones(np.shape(mask)))), 0)
            change = np.where(through, np.broadcast_to(change, shape), 0.0)[()]
            watch_infinite(rule, change, through)
        elif spread is Spread.MOVES:
            through = np.not_equal(plain_value(pull(np.asarray(mask, dtype=float))), 0)
        else:
            through = np.ones(np.shape(change), dtype=bool)
        if own is not None:
            change, through = unbroadcast(change, own), unbroadcast(through.astype(float), own) != 0
        yield i, change, through
