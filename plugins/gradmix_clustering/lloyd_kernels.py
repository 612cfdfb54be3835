"""Compiled kernels of Lloyd's algorithm: a float32 screen over tiles, bounds on distances, and sums in two doubles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic

from gradmix.arrays import Array
from gradmix_clustering.compiled import compiled

TILE = 64
"""Rows that are screened at once; their float32 copies stay in the first-level cache."""

_HUGE = np.float32(3e38)
_ROUNDOFF32 = 2.0**-24
_ROUNDOFF = 2.0**-53
_SMALLEST32 = 2.0**-149
_DOUBLES, _FLOATS = ir.VectorType(ir.DoubleType(), 4), ir.VectorType(ir.FloatType(), 4)
_LANES = ir.VectorType(ir.IntType(32), 4)


class Centers(NamedTuple):
    """Centers, as the kernels need them.

    Parameters
    ----------
    exact
        Shape (k, d).
    table
        −(c − shift) · scale in float32, k and d rounded up to multiples of four.
    halves
        Half the squared lengths of the table's rows in float32; a huge number for its empty rows.
    reach
        Largest length of a row of the table.
    shift, scale
        Origin, shape (d,), and power of two that bring rows and centers into the range of float32.
    drift
        How far each center has moved since the bounds were last brought up to date, times the scale, shape (k,).
    others
        How far any other center has moved, at most, times the scale, shape (k,).
    half_gaps
        Half the distance of each center to the nearest other one, times the scale, shape (k,).
    """

    exact: Array
    table: np.ndarray
    halves: np.ndarray
    reach: float
    shift: Array
    scale: float
    drift: Array
    others: Array
    half_gaps: Array


@compiled(is_part=True)
def _scratch():
    """What is found of a tile's rows: scores, best scores and their centers, margins, and bounds."""
    scores, best, index = np.empty(4 * TILE, np.float32), np.empty(2 * TILE, np.float32), np.empty(TILE, np.int32)
    return scores, best, index, np.empty(TILE, np.float32), np.empty(TILE, np.float32), np.empty(TILE, np.float32)


@intrinsic
def _put_four_by_four(typing_context, X, r0, r1, r2, r3, a, shift, scale, tile, offset, stride):
    """Write (x − shift) · scale in float32, for the features a to a + 3 of four rows, to a tile.

    They are transposed in registers: LLVM does not find these shuffles in plain loops.

    The four values of a feature are written side by side, those of the next one `stride` places further on. `X` and
    `shift` are float64 in C order, and `tile` is float32. Nothing checks that the indices are within the arrays.
    """
    if X.layout != "C" or shift.layout != "C" or tile.layout != "C":
        raise TypingError("rows, shift and tile must be in C order.")

    def generate(context, builder, signature, arguments):
        X, *rows, a, shift, scale, tile, offset, stride = arguments
        matrix = context.make_array(signature.args[0])(context, builder, X)
        origin = context.make_array(signature.args[6])(context, builder, shift)
        out = context.make_array(signature.args[8])(context, builder, tile)

        def address(data, index, vector):
            return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())

        def shuffled(x, y, *lanes):
            return builder.shuffle_vector(x, y, ir.Constant(_LANES, lanes))

        mean = builder.load(address(origin.data, a, _DOUBLES), align=8)
        first = builder.insert_element(ir.Constant(_DOUBLES, ir.Undefined), scale, ir.IntType(32)(0))
        unit, width = shuffled(first, first, 0, 0, 0, 0), builder.extract_value(matrix.shape, 1)
        near = []
        for row in rows:
            x = builder.load(address(matrix.data, builder.add(builder.mul(row, width), a), _DOUBLES), align=8)
            near.append(builder.fptrunc(builder.fmul(builder.fsub(x, mean), unit), _FLOATS))
        low = shuffled(near[0], near[1], 0, 4, 1, 5), shuffled(near[2], near[3], 0, 4, 1, 5)
        high = shuffled(near[0], near[1], 2, 6, 3, 7), shuffled(near[2], near[3], 2, 6, 3, 7)
        for pair in (low, high):
            for lanes in ((0, 1, 4, 5), (2, 3, 6, 7)):
                builder.store(shuffled(*pair, *lanes), address(out.data, offset, _FLOATS), align=4)
                offset = builder.add(offset, stride)
        return context.get_dummy_value()

    numbers = [types.int64] * 4
    return types.none(X, *numbers, types.int64, shift, types.float64, tile, types.int64, types.int64), generate


@compiled("contract", "nsz", is_part=True)
def _load(X, rows, shift, scale, tile):
    """Copy rows into a tile, feature by feature, in float32."""
    d = X.shape[1]
    for i in range(0, TILE, 4):
        r0, r1, r2, r3 = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
        for a in range(0, d - 3, 4):
            _put_four_by_four(X, r0, r1, r2, r3, a, shift, scale, tile, a * TILE + i, TILE)
        for a in range(d - d % 4, d):
            m = shift[a]
            o = a * TILE + i
            tile[o] = np.float32((X[r0, a] - m) * scale)
            tile[o + 1] = np.float32((X[r1, a] - m) * scale)
            tile[o + 2] = np.float32((X[r2, a] - m) * scale)
            tile[o + 3] = np.float32((X[r3, a] - m) * scale)


@compiled("contract", "nsz", is_part=True)
def _screen(tile, table, halves, scores, best, index):
    """Smallest and second smallest score |c|²/2 − x·c of each row of a tile, and the center of the smallest.

    Four centers and four features at a time: sixteen products for eight loads and four stores.
    """
    k, d = table.shape
    for i in range(2 * TILE):
        best[i] = _HUGE
    for i in range(TILE):
        index[i] = np.int32(0)
    for j in range(0, k, 4):
        h0, h1, h2, h3 = halves[j], halves[j + 1], halves[j + 2], halves[j + 3]
        for i in range(TILE):
            scores[i] = h0
            scores[TILE + i] = h1
            scores[2 * TILE + i] = h2
            scores[3 * TILE + i] = h3
        for a in range(0, d, 4):
            c00, c01, c02, c03 = table[j, a], table[j, a + 1], table[j, a + 2], table[j, a + 3]
            c10, c11, c12, c13 = table[j + 1, a], table[j + 1, a + 1], table[j + 1, a + 2], table[j + 1, a + 3]
            c20, c21, c22, c23 = table[j + 2, a], table[j + 2, a + 1], table[j + 2, a + 2], table[j + 2, a + 3]
            c30, c31, c32, c33 = table[j + 3, a], table[j + 3, a + 1], table[j + 3, a + 2], table[j + 3, a + 3]
            o = np.uint64(a * TILE)  # an index that may be negative could not be vectorised
            four = tile[o : o + np.uint64(4 * TILE)]
            for i in range(TILE):
                x0, x1, x2, x3 = four[i], four[TILE + i], four[2 * TILE + i], four[3 * TILE + i]
                scores[i] = scores[i] + c00 * x0 + c01 * x1 + c02 * x2 + c03 * x3
                scores[TILE + i] = scores[TILE + i] + c10 * x0 + c11 * x1 + c12 * x2 + c13 * x3
                scores[2 * TILE + i] = scores[2 * TILE + i] + c20 * x0 + c21 * x1 + c22 * x2 + c23 * x3
                scores[3 * TILE + i] = scores[3 * TILE + i] + c30 * x0 + c31 * x1 + c32 * x2 + c33 * x3
        j0, j1, j2, j3 = np.int32(j), np.int32(j + 1), np.int32(j + 2), np.int32(j + 3)
        for i in range(TILE):
            b, s, q = best[i], best[TILE + i], index[i]
            v = scores[i]
            s, q, b = min(s, max(v, b)), j0 if v < b else q, min(v, b)
            v = scores[TILE + i]
            s, q, b = min(s, max(v, b)), j1 if v < b else q, min(v, b)
            v = scores[2 * TILE + i]
            s, q, b = min(s, max(v, b)), j2 if v < b else q, min(v, b)
            v = scores[3 * TILE + i]
            s, q, b = min(s, max(v, b)), j3 if v < b else q, min(v, b)
            best[i], best[TILE + i], index[i] = b, s, q


@compiled("contract", "nsz", is_part=True)
def _certify(tile, d, best, reach, margin, upper, lower, bounds):
    """How far the second score is above the first beyond all rounding, for a tile; if asked, bounds on both distances.

    With y and z rounded to float32 and u = 2⁻²⁴, a score is off by at most (d + 4) u (|y| |z| + |z|²/2), below
    (d + 4) u (|y|²/2 + |z|²), and by what vanishes below the smallest number; eight more u are for the arithmetic here,
    and a twentieth for that of the exact comparison (`nearest.error_bound`).
    """
    for i in range(TILE):
        upper[i] = np.float32(0)
    for a in range(d):
        o = np.uint64(a * TILE)
        feature = tile[o : o + np.uint64(TILE)]
        for i in range(TILE):
            upper[i] += feature[i] * feature[i]
    floor = np.float32((4 * d + 16) * _SMALLEST32)
    slack = np.float32((d + 8) * 2 * _ROUNDOFF32)
    coarse = np.float32(1.05 * (d + 12) * _ROUNDOFF32)
    half, two, none = np.float32(0.5), np.float32(2), np.float32(0)
    farthest = np.float32(reach * reach * (1 + 4 * _ROUNDOFF32))
    for i in range(TILE):
        square = upper[i] + (upper[i] * slack + floor)
        error = coarse * (half * square + farthest) + floor * (square + farthest + two)
        margin[i] = (best[TILE + i] - error) - (best[i] + error)
    if bounds:
        for i in range(TILE):
            least, square = upper[i] - (upper[i] * slack + floor), upper[i] + (upper[i] * slack + floor)
            error = coarse * (half * square + farthest) + floor * (square + farthest + two)
            upper[i] = np.sqrt(max(two * (best[i] + error) + square, none))
            lower[i] = np.sqrt(max(two * (best[TILE + i] - error) + least, none))


@compiled(is_part=True)
def _nearest(X, row, centers, likely):
    """Nearest center of one row, by differences squared and added feature by feature, and the squared distance."""
    k, d = centers.shape
    label, least = -1, np.inf
    for step in range(k + 1):
        j = likely if step == 0 else step - 1
        if step > 0 and j == likely:
            continue
        distance = 0.0
        for a in range(d):
            difference = X[row, a] - centers[j, a]
            distance += difference * difference
            if distance > least:
                break
        if distance < least or (distance == least and j < label):
            label, least = j, distance
    return label, least


@intrinsic
def _fma(context, a, b, c):
    """a b + c, rounded once: the error of a product is _fma(a, b, −product), without one of its own."""

    def generate(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


class _Four:
    """Instructions on the four features of a row from one on: LLVM would check for each row whether arrays overlap.

    Arrays are float64 in C order. Nothing checks that indices are within them.
    """

    def __init__(self, context, builder, a):
        self.context, self.builder, self.a = context, builder, a

    def place(self, kind, array, line):
        """Address of the four numbers in a line of an array of two dimensions."""
        if kind.layout != "C":
            raise TypingError("rows and sums must be in C order.")
        builder, made = self.builder, self.context.make_array(kind)(self.context, self.builder, array)
        start = builder.add(builder.mul(line, builder.extract_value(made.shape, 1)), self.a)
        return builder.bitcast(builder.gep(made.data, [start]), _DOUBLES.as_pointer())

    def everywhere(self, number):
        """A number in each of the four places."""
        first = self.builder.insert_element(ir.Constant(_DOUBLES, ir.Undefined), number, ir.IntType(32)(0))
        return self.builder.shuffle_vector(first, first, ir.Constant(_LANES, None))

    def product(self, x, y):
        """The product, and what it lacks."""
        name, kind = "llvm.fma.v4f64", ir.FunctionType(_DOUBLES, [_DOUBLES] * 3)
        fma = self.builder.module.globals.get(name) or ir.Function(self.builder.module, kind, name)
        product = self.builder.fmul(x, y)
        return product, self.builder.call(fma, [x, y, self.builder.fneg(product)])

    def add(self, number, lack, total, rest):
        """Add to sums and to their rests, as `_add_one` does."""
        builder, old = self.builder, self.builder.load(total, align=8)
        new = builder.fadd(old, number)
        moved = builder.fsub(new, old)
        lost = builder.fadd(builder.fsub(old, builder.fsub(new, moved)), builder.fsub(number, moved))
        builder.store(builder.fadd(builder.load(rest, align=8), builder.fadd(lost, lack)), rest, align=8)
        builder.store(new, total, align=8)


@intrinsic
def _add_four(typing_context, X, row, a, weight, totals, rests, j):
    """Add w x to a cluster's sums, for the features a to a + 3."""

    def generate(context, builder, signature, arguments):
        (X, row, a, weight, totals, rests, j), kinds = arguments, signature.args
        four = _Four(context, builder, a)
        x = builder.load(four.place(kinds[0], X, row), align=8)
        product, lack = four.product(four.everywhere(weight), x)
        four.add(product, lack, four.place(kinds[4], totals, j), four.place(kinds[5], rests, j))
        return context.get_dummy_value()

    return types.none(X, types.int64, types.int64, types.float64, totals, rests, types.int64), generate


@intrinsic
def _add_four_squares(typing_context, X, row, a, weight, totals, rests):
    """Add w x² to the only line of sums, for the features a to a + 3."""

    def generate(context, builder, signature, arguments):
        (X, row, a, weight, totals, rests), kinds = arguments, signature.args
        four, line = _Four(context, builder, a), ir.IntType(64)(0)
        x = builder.load(four.place(kinds[0], X, row), align=8)
        product, first_lack = four.product(four.everywhere(weight), x)
        square, lack = four.product(product, x)
        lack = builder.fadd(lack, builder.fmul(first_lack, x))
        four.add(square, lack, four.place(kinds[4], totals, line), four.place(kinds[5], rests, line))
        return context.get_dummy_value()

    return types.none(X, types.int64, types.int64, types.float64, totals, rests), generate


@compiled(is_part=True)
def _add_one(number, lack, totals, rests, j, a):
    """Add a number, and what it lacks, to a sum: a double and the rest that it cannot hold.

    The rest of a sum is Knuth's (TAOCP 2, section 4.2.2).
    """
    old = totals[j, a]
    new = old + number
    moved = new - old
    rests[j, a] += ((old - (new - moved)) + (number - moved)) + lack
    totals[j, a] = new


@compiled(is_part=True)
def _add(X, row, weight, totals, rests, j):
    """Add w x and w of a row to a cluster's sums."""
    d = X.shape[1]
    for a in range(0, d - 3, 4):
        _add_four(X, row, a, weight, totals, rests, j)
    for a in range(d - d % 4, d):
        product = weight * X[row, a]
        _add_one(product, _fma(weight, X[row, a], -product), totals, rests, j, a)
    _add_one(weight, 0.0, totals, rests, j, d)


@compiled(is_part=True)
def _not_less(bound):
    """A number that is not negative, in float32 and not less."""
    return np.float32(bound + (bound * 2 * _ROUNDOFF32 + _SMALLEST32))


@compiled(is_part=True)
def _not_more(bound):
    """A number in float32 and not more."""
    return np.float32(bound - (abs(bound) * 2 * _ROUNDOFF32 + _SMALLEST32))


@compiled(is_part=True)
def _settle(
    X, weights, rows, m, centers, index, margin, upper, lower, scale, labels, uppers, lowers, bounds, totals, rests
):
    """Write the labels of a tile's rows, compare exactly where the screen could not decide, and move sums."""
    changed, k = 0, len(centers)
    up, down = 1 + 6 * _ROUNDOFF32, 1 - 6 * _ROUNDOFF32
    for q in range(m):
        row, label = rows[q], index[q]
        if not margin[q] > 0:
            label, square = _nearest(X, row, centers, label)
            if bounds:
                far = np.sqrt(square) * scale * (1 + (X.shape[1] + 8) * _ROUNDOFF)
                uppers[row] = _not_less(far)
                lowers[row] = _not_more(min(lower[q] * down, far * (1 - (2 * X.shape[1] + 32) * _ROUNDOFF)))
        elif bounds:
            uppers[row], lowers[row] = upper[q] * up, lower[q] * down
        old = labels[row]
        if old != label:
            labels[row] = label
            weight = weights[row] if len(weights) else 1.0
            for leaving in range(2 if old < k else 0):  # one call, which is then compiled into place once
                _add(X, row, -weight if leaving else weight, totals, rests, old if leaving else label)
            changed += 1
    return changed


@compiled(is_part=True)
def _scan(start, stop, labels, uppers, lowers, drift, others, half_gaps, slack, pending, filled):
    """Move bounds with the centers, and collect the rows that these no longer decide.

    Every change of a bound is rounded to its safe side. Source: Hamerly, SIAM Int. Conf. Data Mining 2010, 130-140.
    """
    for row in range(start, stop):
        label = labels[row]
        upper, lower = _not_less(uppers[row] + drift[label]), _not_more(lowers[row] - others[label])
        uppers[row], lowers[row] = upper, lower
        pending[filled] = row
        filled += not upper * slack < max(np.float64(lower), half_gaps[label])
    return filled


@compiled(is_part=True)
def _collect(start, n, labels, uppers, lowers, drift, others, half_gaps, slack, skip, pending, filled):
    """Go on from a row until a tile's rows are pending, or none is left; the next row, and how many are pending."""
    while start < n and filled < TILE:
        stop = min(start + TILE, n)
        if skip:
            filled = _scan(start, stop, labels, uppers, lowers, drift, others, half_gaps, slack, pending, filled)
        else:
            for row in range(start, stop):
                pending[filled] = row
                filled += 1
        start = stop
    return start, filled


@compiled()
def advance(X, weights, centers, labels, uppers, lowers, skip, bounds, totals, rests):
    """Give each row of a block its nearest center, and sum up what changed.

    Parameters
    ----------
    X, weights
        Shapes (n, d) and (n,); without weights, (0,).
    centers
        `Centers`.
    labels, uppers, lowers
        State of the rows, changed in place: label (k at first), and bounds on the distances to the own center and to
        any other one, times the scale, in float32, shapes (n,).
    skip, bounds
        Whether rows are skipped whose bounds decide, and whether bounds are kept.
    totals, rests
        Changes of the clusters' sums are added to them, but for rows that had no label; shapes (k, d + 1).

    Returns
    -------
    The number of rows that changed their label.
    """
    n, d = X.shape
    table, halves, exact, shift, scale = centers.table, centers.halves, centers.exact, centers.shift, centers.scale
    drift, others, half_gaps, slack = centers.drift, centers.others, centers.half_gaps, 1 + 8 * (d + 8) * _ROUNDOFF
    scores, best, index, margin, upper, lower = _scratch()
    tile = np.zeros(table.shape[1] * TILE, np.float32)
    rows, pending = np.empty(TILE, np.int64), np.empty(2 * TILE, np.int64)
    changed, filled, start = 0, np.int64(0), np.int64(0)  # literals would be types of their own
    while start < n or filled > 0:
        start, filled = _collect(
            start, n, labels, uppers, lowers, drift, others, half_gaps, slack, skip, pending, filled
        )
        m = min(TILE, filled)
        if m == 0:
            break
        filled -= m
        for q in range(TILE):
            rows[q] = pending[filled + min(q, m - 1)]
        _load(X, rows, shift, scale, tile)
        _screen(tile, table, halves, scores, best, index)
        _certify(tile, d, best, centers.reach, margin, upper, lower, bounds)
        changed += _settle(
            X,
            weights,
            rows,
            m,
            exact,
            index,
            margin,
            upper,
            lower,
            scale,
            labels,
            uppers,
            lowers,
            bounds,
            totals,
            rests,
        )
    return changed


@compiled()
def assign(X, centers, labels):
    """Write the nearest center of each row of a block to `labels`."""
    n, d = X.shape
    scores, best, index, margin, upper, lower = _scratch()
    tile, rows = np.zeros(centers.table.shape[1] * TILE, np.float32), np.empty(TILE, np.int64)
    for start in range(0, n, TILE):
        for q in range(TILE):
            rows[q] = min(start + q, n - 1)
        _load(X, rows, centers.shift, centers.scale, tile)
        _screen(tile, centers.table, centers.halves, scores, best, index)
        _certify(tile, d, best, centers.reach, margin, upper, lower, np.bool_(False))
        for q in range(min(TILE, n - start)):
            labels[start + q] = index[q]
            if not margin[q] > 0:
                labels[start + q] = _nearest(X, start + q, centers.exact, index[q])[0]


@compiled(is_part=True)
def _two_product(x, y):
    product = x * y
    return product, _fma(x, y, -product)


@compiled(is_part=True)
def _two_sum(x, y):
    total = x + y
    moved = total - x
    return total, (x - (total - moved)) + (y - moved)


@compiled()
def inertia(totals, rests, squares, squares_rests, centers):
    """Sum of squared distances from sums over rows: Σ w x² − Σ c (S + R), S = Σ w x and R = S − c Σ w of a cluster."""
    k, d = centers.shape
    total, rest = 0.0, 0.0
    for a in range(d):
        total, error = _two_sum(total, squares[0, a])
        rest += error + squares_rests[0, a]
    for j in range(k):
        weight, weight_rest = _two_sum(totals[j, d], rests[j, d])
        for a in range(d):
            c = centers[j, a]
            sum_, sum_rest = _two_sum(totals[j, a], rests[j, a])
            mass, mass_rest = _two_product(weight, c)
            left, left_rest = _two_sum(sum_, -mass)
            left_rest += sum_rest - mass_rest - weight_rest * c
            both, both_rest = _two_sum(sum_, left)
            both_rest += sum_rest + left_rest
            both, both_rest = _two_sum(both, both_rest)
            product, product_rest = _two_product(c, both)
            total, error = _two_sum(total, -product)
            rest += error - product_rest - c * both_rest
    return total + rest


@compiled()
def sum_up(X, weights, labels, totals, rests):
    """Add up all rows of a block, each in its cluster; `totals` and `rests` as for `advance`."""
    for row in range(len(X)):
        _add(X, row, weights[row] if len(weights) else 1.0, totals, rests, labels[row])


@compiled()
def sum_squares(X, weights, totals, rests):
    """Add Σ w x² over all rows of a block to sums, shape (1, d), each a double and the rest that it cannot hold."""
    d = X.shape[1]
    for row in range(len(X)):
        weight = weights[row] if len(weights) else 1.0
        for a in range(0, d - 3, 4):
            _add_four_squares(X, row, a, weight, totals, rests)
        for a in range(d - d % 4, d):
            x = X[row, a]
            product = weight * x
            square = product * x
            _add_one(square, _fma(product, x, -square) + _fma(weight, x, -product) * x, totals, rests, 0, a)
