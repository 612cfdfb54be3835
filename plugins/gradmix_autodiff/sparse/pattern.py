"""Which variables each entry of a result may depend on, traced by NumPy's protocols.

A result of `np.where`, `np.maximum` or `np.max` counts as depending on all alternatives, so that the pattern does not
change with the point. Python branches, and orders such as that of `np.sort`, are followed as at the present point.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse

from gradmix_autodiff.evaluation import evaluate
from gradmix_autodiff.recording import outlived
from gradmix_autodiff.rules import structure
from gradmix_autodiff.rules.solving import SOLVE
from gradmix_autodiff.rules.structure import (
    BROADCAST,
    CUMSUM,
    EINSUM,
    FLIP,
    GATHER,
    GETITEM,
    IMAG,
    JOIN,
    MATMUL,
    MAX,
    MIN,
    NORM,
    PUT,
    REAL,
    RESHAPE,
    SCATTER,
    SELECT,
    SETITEM,
    SUM,
    TRANSPOSE,
)
from gradmix_autodiff.sparse.bands import MOST_DIAGONALS, Bands, stacked, union
from gradmix_autodiff.table import Elementwise, Primitive, Rule
from gradmix_autodiff.traced import Traced, TracedArray, next_level, operate_on, plain_value, relate, view_step

Pattern = Any
"""Boolean CSR matrix, one row for each entry of an array and one column for each variable, or the same as `Bands`; None
if all are empty."""

_MOST = 2**24
"""Number of entries of a pattern, or of a step to it, from which it counts as dense."""


class DensePatternError(Exception):
    """A pattern has too many entries to save any work."""


def pattern_of(f: Callable[[Any], Any], x: Any) -> Pattern:
    """Return the pattern of the Jacobian of a flat function at a point, shape (m, n).

    Raises
    ------
    DensePatternError
        If it, or the pattern of an intermediate value, has too many entries.
    """
    evaluation = _Tracing(len(x))
    try:
        with np.errstate(all="ignore"):
            y = evaluate(f, _PatternArray(x, Bands.identity(len(x)), evaluation))
    finally:
        evaluation.is_open = False
    rows = y.rows if isinstance(y, _Patterned) and y.evaluation is evaluation else None
    return _empty(len(y), len(x)) if rows is None else rows


@dataclass
class _Tracing:
    n: int
    level: int = field(default_factory=next_level)
    is_open: bool = True


class _Patterned(Traced):
    """The common base of numbers and arrays with a pattern."""

    __slots__ = ()

    value: Any
    rows: Pattern
    evaluation: _Tracing

    @property
    def level(self) -> int:  # type: ignore[override]
        """Which evaluation it belongs to."""
        return self.evaluation.level

    def follow(self, rule: Rule, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """Return the result of an operation, with the pattern of its entries."""
        evaluation = self.evaluation
        if not evaluation.is_open:
            raise outlived()
        own = [each if isinstance(each, _Patterned) and each.evaluation is evaluation else None for each in arguments]
        values = [each if its is None else its.value for each, its in zip(arguments, own, strict=True)]
        y = operate_on(rule, values, keywords)
        patterns = [None if its is None else its.rows for its in own]
        if isinstance(rule, Elementwise):
            taken = [None if text is None else each for each, text in zip(patterns, rule.texts, strict=True)]
            rows = _union(
                [_spread(each, np.shape(value), np.shape(y)) for each, value in zip(taken, values, strict=True)]
            )
        elif all(each is None for each in patterns):
            rows = None
        else:
            rows = _moved_bands(rule, values, patterns, evaluation.n)
            if rows is None:
                rows = _of_primitive(rule, y, values, list(map(_by_entries, patterns)), keywords, evaluation.n)
        if rows is not None and rows.nnz > _MOST:
            raise DensePatternError
        step = view_step(rule, y, values, keywords)
        if step is None:
            return (_PatternArray if np.ndim(y) else _PatternNumber)(y, rows, evaluation)
        view = _PatternArray(y, rows, evaluation)
        relate(next(each for each in own if each is not None), view, step)
        return view

    def constant(self, value: Any) -> Any:
        """Return a plain array as a constant, which depends on nothing."""
        return (_PatternArray if np.ndim(value) else _PatternNumber)(value, None, self.evaluation)


class _PatternNumber(_Patterned):
    __slots__ = ("evaluation", "rows", "value")

    def __init__(self, value: Any, rows: Pattern, evaluation: _Tracing) -> None:
        self.value, self.rows, self.evaluation = value, rows, evaluation


class _PatternArray(_Patterned, TracedArray):
    __slots__ = ("evaluation", "rows", "value")

    def __init__(self, value: Any, rows: Pattern, evaluation: _Tracing) -> None:
        self.value, self.rows, self.evaluation = value, rows, evaluation
        self.relatives = self.source = self.exported = None

    def become(self, other: Any) -> None:
        """Take over value and pattern."""
        self.value, self.rows = other.value, other.rows


def _empty(m: int, n: int) -> Pattern:
    nothing: Any = (m, n)
    return scipy.sparse.csr_matrix(nothing, dtype=bool)


def _by_entries(rows: Pattern) -> Pattern:
    return rows.csr if isinstance(rows, Bands) else rows


def _union(patterns: Sequence[Pattern]) -> Pattern:
    there = [each for each in patterns if each is not None]
    if len(there) <= 1:
        return there[0] if there else None
    if all(isinstance(each, Bands) for each in there):
        bands = union(there)
        return bands if len(bands.diagonals) <= MOST_DIAGONALS else bands.csr
    found = None
    for each in map(_by_entries, there):
        if found is None:
            found = each
        elif each is not None and each is not found:
            found = found + each
    return found


def _spread(rows: Pattern, shape: tuple[int, ...], result: tuple[int, ...]) -> Pattern:
    """Return the pattern of a broadcast array."""
    if rows is None or shape == result:
        return rows
    return _taken(_by_entries(rows), np.broadcast_to(np.arange(math.prod(shape)).reshape(shape), result))


def _taken(rows: Pattern, places: Any) -> Pattern:
    """Return the rows at some places; all rows in order take a shortcut."""
    flat = np.ravel(places)
    count = len(flat)
    if count and flat[-1] - flat[0] == count - 1 and (count == 1 or np.all(flat[1:] - flat[:-1] == 1)):
        return rows if count == rows.shape[0] else rows[flat[0] : flat[-1] + 1]
    lengths = np.diff(rows.indptr)
    if count and int(lengths[flat].sum()) > _MOST:
        raise DensePatternError
    return rows[flat]


def _of_primitive(
    rule: Primitive, y: Any, values: Sequence[Any], patterns: Sequence[Pattern], keywords: Mapping[str, Any], n: int
) -> Pattern:
    if rule in (REAL, IMAG):
        return patterns[0]
    if rule is RESHAPE:
        return patterns[0]
    if rule in _MOVERS:
        return _moved(rule, values, patterns, keywords, n)
    if rule is SELECT:
        return _union([_spread(p, np.shape(v), np.shape(y)) for p, v in zip(patterns[1:], values[1:], strict=True)])
    if rule is SCATTER:
        return _scattered(y, values, patterns[0])
    if rule is PUT:
        places = np.arange(math.prod(np.shape(y))).reshape(np.shape(y))[values[1]]
        return _through(places, np.arange(np.size(places)), math.prod(np.shape(y)), patterns[0])
    if rule in (SUM, MAX, MIN, NORM):
        return _summed(np.shape(values[0]), keywords.get("axis"), patterns[0])
    if rule is CUMSUM:
        kept = structure.kept_shape(np.shape(values[0]), values[1])
        return _spread(_summed(np.shape(values[0]), values[1], patterns[0]), kept, np.shape(y))
    if rule is MATMUL:
        return _multiplied(y, values, patterns)
    if rule is EINSUM:
        return _contracted(values, patterns, keywords["subscripts"])
    if rule is SOLVE and patterns[0] is None and np.ndim(values[0]) == np.ndim(values[1]) == 2:
        columns = np.broadcast_to(np.arange(np.shape(y)[1]), np.shape(y))  # each column by itself
        return _taken(_summed(np.shape(values[1]), 0, patterns[1]), columns)
    return _everything(math.prod(np.shape(y)), patterns)


def _moved_bands(rule: Primitive, values: Sequence[Any], patterns: Sequence[Pattern], n: int) -> Pattern:
    """Return the diagonals after slices, reshapings and joins of vectors; None if the result is not a few diagonals."""
    if not all(each is None or isinstance(each, Bands) for each in patterns):
        return None
    if rule is RESHAPE:
        return patterns[0]
    if rule is JOIN and all(np.ndim(each) == 1 for each in values):
        bands = stacked(patterns, [len(each) for each in values], n)
        return bands if len(bands.diagonals) <= MOST_DIAGONALS else None
    if rule is not GETITEM or np.ndim(values[0]) != 1:
        return None
    size, index = len(values[0]), values[1]
    if isinstance(index, tuple) and len(index) == 1:
        index = index[0]
    if isinstance(index, slice) and index.step in (None, 1):
        return patterns[0].part(*index.indices(size)[:2])
    if isinstance(index, int | np.integer) and not isinstance(index, bool):
        return patterns[0].part(index % size, index % size + 1)
    return None


_MOVERS = {GATHER: 1, GETITEM: 1, TRANSPOSE: 1, BROADCAST: 1, FLIP: 1, SETITEM: 2, JOIN: None}
"""Functions that only move entries → how many of their arguments they move, None for all."""


def _moved(
    rule: Primitive, values: Sequence[Any], patterns: Sequence[Pattern], keywords: Mapping[str, Any], n: int
) -> Pattern:
    """Return the pattern after the function has moved the places of entries; constant entries have empty rows."""
    count = len(values) if _MOVERS[rule] is None else _MOVERS[rule]
    places, begin, parts = [], 0, []
    for value, rows in zip(values[:count], patterns[:count], strict=True):
        shape = np.shape(value)
        size = math.prod(shape)
        places.append(np.arange(begin, begin + size).reshape(shape))
        parts.append(_empty(size, n) if rows is None else rows)
        begin += size
    moved = rule.function(*places, *map(plain_value, values[count:]), **keywords)
    return _taken(parts[0] if len(parts) == 1 else scipy.sparse.vstack(parts, format="csr"), moved)


def _through(out: Any, into: Any, size: int, rows: Pattern) -> Pattern:
    """Return the pattern of a result whose entry out[i] depends on the argument's entry into[i]."""
    out, into = np.ravel(out), np.ravel(into)
    if len(out) > _MOST:
        raise DensePatternError
    step = scipy.sparse.csr_matrix((np.ones(len(out), dtype=bool), (out, into)), shape=(size, rows.shape[0]))
    return step @ rows


def _scattered(y: Any, values: Sequence[Any], rows: Pattern) -> Pattern:
    w, positions, shape = values
    lead = math.prod(np.shape(w)[: np.ndim(w) - np.ndim(positions)])
    out = np.ravel(positions) + math.prod(shape) * np.arange(lead)[:, None]
    return _through(out, np.arange(np.size(out)), math.prod(np.shape(y)), rows)


def _summed(shape: tuple[int, ...], axis: Any, rows: Pattern) -> Pattern:
    if axis is None or len(structure.axes_of(axis, len(shape))) == len(shape):
        return _everything(1, [rows])
    kept = structure.kept_shape(shape, axis)
    size = math.prod(kept)
    out = np.broadcast_to(np.arange(size).reshape(kept), shape)
    return _through(out, np.arange(math.prod(shape)), size, rows)


def _everything(size: int, patterns: Sequence[Pattern]) -> Pattern:
    """Return the pattern in which each entry depends on all variables that the arguments depend on."""
    active = [each for each in patterns if each is not None]
    columns = np.unique(np.concatenate([each.indices for each in active]))
    if size * len(columns) > _MOST:
        raise DensePatternError
    indptr = np.arange(size + 1) * len(columns)
    data = np.ones(size * len(columns), dtype=bool)
    return scipy.sparse.csr_matrix((data, np.tile(columns, size), indptr), shape=(size, active[0].shape[1]))


def _multiplied(y: Any, values: Sequence[Any], patterns: Sequence[Pattern]) -> Pattern:
    """Return the pattern of a matrix product; zeros of a plain matrix contribute nothing."""
    a, b = values
    if patterns[0] is None and np.ndim(b) == 1 and np.ndim(a) == 2 and not isinstance(a, Traced):
        return scipy.sparse.csr_matrix(np.asarray(a) != 0) @ patterns[1]
    if patterns[1] is None and np.ndim(a) == 1 and np.ndim(b) == 2 and not isinstance(b, Traced):
        return scipy.sparse.csr_matrix(np.asarray(b).T != 0) @ patterns[0]
    left, right = (np.arange(math.prod(np.shape(each))).reshape(np.shape(each)) for each in values)
    left, right = (left[None] if left.ndim == 1 else left), (right[:, None] if right.ndim == 1 else right)
    rows, inner, columns = left.shape[-2], left.shape[-1], right.shape[-1]
    lead = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    whole = (*lead, rows, inner, columns)
    if math.prod(whole) > _MOST:
        raise DensePatternError
    size = math.prod(np.shape(y))
    out = np.broadcast_to(np.arange(size).reshape(*lead, rows, 1, columns), whole)
    counts = [np.broadcast_to(left[..., None], whole), np.broadcast_to(right[..., None, :, :], whole)]
    return _union(
        [None if p is None else _through(out, into, size, p) for p, into in zip(patterns, counts, strict=True)]
    )


def _contracted(values: Sequence[Any], patterns: Sequence[Pattern], subscripts: str) -> Pattern:
    inputs, output = subscripts.split("->")
    letters = inputs.split(",")
    sizes = {
        letter: size
        for each, value in zip(letters, values, strict=True)
        for letter, size in zip(each, np.shape(value), strict=True)
    }
    every = "".join(sizes)
    whole = tuple(sizes.values())
    if math.prod(whole) > _MOST:
        raise DensePatternError

    def places(own: str) -> Any:
        shape = [sizes[letter] for letter in own]
        found = np.arange(math.prod(shape)).reshape(shape)
        order = sorted(range(len(own)), key=lambda axis: every.index(own[axis]))
        return np.broadcast_to(
            np.transpose(found, order).reshape([sizes[each] if each in own else 1 for each in every]), whole
        )

    size = math.prod(sizes[letter] for letter in output)
    return _union(
        [
            None if rows is None else _through(places(output), places(own), size, rows)
            for own, rows in zip(letters, patterns, strict=True)
        ]
    )
