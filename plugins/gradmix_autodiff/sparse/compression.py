"""Compressed derivatives: each direction carries several columns or rows, and each entry is read off afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.sparse

from gradmix import Colouring
from gradmix_autodiff.pullback import Recorded
from gradmix_autodiff.pushing import push_many
from gradmix_autodiff.sparse.bands import Bands
from gradmix_autodiff.sparse.colouring import colour_columns, colour_symmetric
from gradmix_autodiff.sparse.pattern import DensePatternError, pattern_of
from gradmix_autodiff.tape import Tape

Push = Callable[[Any, Any, Any], tuple[Any, Any]]
"""(f, x, tangents) → f(x), and the tangents pushed through it."""

_CHUNK = 64
_DENSE = 4
"""If there are more directions than variables / 4, every column or row is computed separately."""
_PULL = 2
"""Cost of a pullback, in units of a tangent."""
_TOLERANCE = 1e-9
"""Most that a matrix may differ along a direction, relative to what |J| makes of it, if its pattern was traced here."""
_CLOSE = 2.0**-44
"""The same if the pattern is from another point: a larger difference may be a small entry that is new here."""


@dataclass(frozen=True, eq=False)
class Compression(Colouring):
    """A colouring with its directions, and the place of each entry in the results.

    Parameters
    ----------
    seeds
        Tangents, the last of which is random and verifies the result, shape (p, n).
    weights
        Cotangents, shape (q, m).
    is_pulled
        Which entries are read off cotangents rather than tangents.
    from_pushed, from_pulled
        Flat places of all entries in tangents and in cotangents.
    """

    seeds: Any
    weights: Any
    is_pulled: Any
    from_pushed: Any
    from_pulled: Any

    def matrix(self, f: Callable[[Any], Any], x: Any, push: Push, tolerance: float) -> Any:
        """Return the CSC matrix at a point; None if the pattern does not hold there."""
        tangents = _pushed(push, f, x, self.seeds)
        if tangents.shape[1] != self.shape[0]:
            return None
        values = tangents.ravel().take(self.from_pushed)
        if len(self.weights):
            with np.errstate(all="ignore"):
                pull = Recorded(f, x).pull
                cotangents = np.stack([pull(w) for w in self.weights])
            values = np.where(self.is_pulled, cotangents.ravel().take(self.from_pulled), values)
        found = scipy.sparse.csc_matrix((values, self.rows.copy(), self.starts.copy()), shape=self.shape)
        return found if self._fits(found, tangents[-1], tolerance) else None

    def _fits(self, found: Any, change: Any, tolerance: float) -> bool:
        """Return whether matrix and function agree along the random direction, apart from rows that are not finite."""
        direction = self.seeds[-1]
        with np.errstate(all="ignore"):
            difference = found @ direction
            difference -= change
            np.abs(difference, out=difference)
            if np.all(difference <= tolerance * np.abs(change)):
                return True
            size = abs(found) @ np.abs(direction)
            is_known = np.isfinite(size)
            return bool(
                np.all(difference[is_known] <= tolerance * size[is_known])
                and not np.any(np.isfinite(change[~is_known]))
            )


def sparse_jacobian(
    f: Callable[[Any], Any], x: Any, known: Colouring | None, push: Push = push_many
) -> tuple[Any, Compression | None]:
    """Return the Jacobian and its compression, which other points can use; None if compressing was not worthwhile."""
    return _sparse(f, x, known, _of_jacobian, push)


def sparse_hessian(f: Callable[[Any], Any], x: Any, known: Colouring | None) -> tuple[Any, Compression | None]:
    """Return the Hessian by tangents of the gradient, which the tape pulls back."""

    def gradient(y: Any) -> Any:
        return Tape().first(f, y)[1]

    return _sparse(gradient, x, known, _of_hessian, push_many)


def _sparse(
    f: Callable[[Any], Any], x: Any, known: Colouring | None, make: Callable[[Any], Colouring | None], push: Push
) -> tuple[Any, Compression | None]:
    made = _compressed(known)
    if made is not None and (found := made.matrix(f, x, push, _CLOSE)) is not None:
        return found, made
    try:
        made = _compressed(make(pattern_of(f, x)))
    except DensePatternError:
        made = None
    if made is not None and (found := made.matrix(f, x, push, _TOLERANCE)) is not None:
        return found, made
    return _by_columns(f, x), None


def _by_columns(f: Callable[[Any], Any], x: Any) -> Any:
    """Return the matrix computed column by column, in chunks; zeros are left out."""
    n, parts = len(x), []
    for start in range(0, n, _CHUNK):
        basis = np.zeros((min(_CHUNK, n - start), n))
        basis.reshape(-1)[start :: n + 1] = 1.0
        parts.append(scipy.sparse.csc_matrix(push_many(f, x, basis)[1].T))
    return scipy.sparse.hstack(parts, format="csc")


def _pushed(push: Push, f: Callable[[Any], Any], x: Any, seeds: Any) -> Any:
    if len(seeds) <= _CHUNK:
        return push(f, x, seeds)[1]
    return np.concatenate([push(f, x, seeds[start : start + _CHUNK])[1] for start in range(0, len(seeds), _CHUNK)])


def _of_jacobian(pattern: Any) -> Colouring | None:
    """Compress by columns, by rows, or by the densest rows separately and the rest by columns: the cheapest way."""
    if isinstance(pattern, Bands):
        if pattern.width is not None and pattern.width <= _FEW and pattern.shape[1] > _FEW * _DENSE:
            return _of_bands(pattern, max(pattern.width, 1))
        pattern = pattern.csr
    by_row, by_column = pattern, pattern.tocsc()
    by_row.sort_indices()
    m, n = pattern.shape
    columns = colour_columns(by_column, by_row)
    best = (int(columns.max(initial=-1)) + 1, columns, np.full(m, -1))
    if best[0] > _FEW:
        best = min([best, *_with_rows(by_column, by_row, best[0])], key=lambda each: each[0])
    cost, columns, row_colours = best
    if cost * _DENSE > n:
        return None
    return Colouring((m, n), by_column.indptr, by_column.indices, columns, row_colours, is_second=False)


def _of_bands(pattern: Bands, width: int) -> Colouring:
    """Compress a band: columns as far from each other as the band is wide share no row."""
    m, n = pattern.shape
    starts, rows = pattern.transposed.entries()
    colours = np.tile(np.arange(width), n // width + 1)[:n]
    return Colouring((m, n), starts, rows, colours, np.full(m, -1), is_second=False)


_FEW = 8
"""With at most so many colours, no other way is tried."""


def _with_rows(by_column: Any, by_row: Any, limit: int) -> list[tuple[int, Any, Any]]:
    """Yield cost and colours of columns and of pulled-back rows, for more and more of the densest rows."""
    m, n = by_row.shape
    lengths = np.diff(by_row.indptr)
    densest_first = np.argsort(-lengths, kind="stable")
    found, count = [], 1
    while count < m:
        is_pulled = np.zeros(m, dtype=bool)
        is_pulled[densest_first[:count]] = True
        rest_bound = int(lengths[densest_first[count]])
        if rest_bound < limit:
            row_colours = np.full(m, -1)
            own = by_row[is_pulled]
            row_colours[is_pulled] = colour_columns(own.T.tocsc(), own.T.tocsr())
            pulls = int(row_colours.max()) + 1
            if _PULL * pulls + rest_bound < limit:
                rest = by_row[~is_pulled]
                columns = colour_columns(rest.tocsc(), rest)
                found.append((int(columns.max(initial=-1)) + 1 + _PULL * pulls, columns, row_colours))
        count *= 2
    row_colours = colour_columns(by_row.T.tocsc(), by_column.T.tocsr())
    found.append((_PULL * (int(row_colours.max(initial=-1)) + 1), np.full(n, -1), row_colours))
    return found


def _of_hessian(pattern: Any) -> Colouring | None:
    """Compress by a star colouring: of two equal entries, at least one is alone with its colour in its row."""
    n = pattern.shape[0]
    pattern = pattern.csr if isinstance(pattern, Bands) else pattern
    whole = (pattern + pattern.T + scipy.sparse.identity(n, dtype=bool, format="csr")).tocsc()
    whole.sort_indices()
    colours = colour_symmetric(whole)
    if (int(colours.max(initial=-1)) + 1) * _DENSE > n:
        return None
    return Colouring((n, n), whole.indptr, whole.indices, colours, np.full(n, -1), is_second=True)


def _compressed(found: Colouring | None) -> Compression | None:
    """Return a colouring with its directions and the places of its entries."""
    if found is None or isinstance(found, Compression):
        return found
    (m, n), columns, row_colours = found.shape, found.column_colours, found.row_colours
    lengths, row_of = np.diff(found.starts), found.rows
    is_pulled = from_pulled = None
    if found.is_second:
        column_of = np.repeat(np.arange(n), lengths)
        count = int(columns.max(initial=-1)) + 1
        low, high = np.minimum(row_of, column_of), np.maximum(row_of, column_of)
        met = np.bincount(row_of * count + columns[column_of], minlength=n * count)
        is_alone = met[low * count + columns[high]] == 1
        from_pushed = np.where(is_alone, columns[high] * n + low, columns[low] * n + high)
    else:
        from_pushed = np.repeat(np.maximum(columns, 0) * m, lengths)
        from_pushed += row_of
        if row_colours.max(initial=-1) >= 0:
            is_pulled = row_colours[row_of] >= 0
            from_pulled = np.maximum(row_colours[row_of], 0) * n + np.repeat(np.arange(n), lengths)
    seeds, weights = _directions(columns, n, 1), _directions(row_colours, m, 0)
    seeds[-1] = _verifying(n)
    return Compression(
        (m, n),
        found.starts,
        found.rows,
        columns,
        row_colours,
        found.is_second,
        seeds,
        weights,
        is_pulled,
        from_pushed,
        from_pulled,
    )


def _directions(colours: Any, size: int, more: int) -> Any:
    """Return a row for each colour, with ones at the places of that colour, and further rows of zeros."""
    count = int(colours.max(initial=-1)) + 1
    rows = np.zeros((count + more, size))
    rows[:count] = colours == np.arange(count)[:, None]
    return rows


@lru_cache(maxsize=4)
def _verifying(n: int) -> Any:
    """Return the direction that verifies a matrix of n columns."""
    return 0.5 + np.random.default_rng(0).random(n)
