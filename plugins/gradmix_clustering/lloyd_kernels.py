"""Compiled kernels of Lloyd's algorithm: a float32 screen of tiles, bounds on distances, and sums in two doubles."""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic

from gradmix_clustering.compiled import compiled

TILE = 64
"""Number of rows that are screened at once; their float32 copies fit into the first-level cache."""

_LINE = 8
"""Doubles in a cache line."""

_HUGE = np.float32(3e38)
_ROUNDOFF32 = 2.0**-24
_ROUNDOFF = 2.0**-53
_SMALLEST32 = 2.0**-149
_TINY = np.float32(2.0**-126)
_DOUBLES, _FLOATS = ir.VectorType(ir.DoubleType(), 4), ir.VectorType(ir.FloatType(), 4)
_LANES, _INT = ir.VectorType(ir.IntType(32), 4), ir.IntType(64)


@compiled(is_part=True)
def _scratch(d):
    """Return a tile of d features, and arrays for its rows' best scores and their centers, margins, and bounds.

    The tile is aligned to a cache line, as vectors across two lines take 50 % longer.
    """
    room, best, index = np.zeros(d * TILE + 16, np.float32), np.empty(2 * TILE, np.float32), np.empty(TILE, np.int32)
    tile = room[-(room.ctypes.data // 4) % 16 :]
    return tile, best, index, np.empty(TILE, np.float32), np.empty(TILE, np.float32), np.empty(TILE, np.float32)


@intrinsic
def _put_four_by_four(typing_context, X, r0, r1, r2, r3, a, shift, scale, tile, offset, stride):
    """Write (x − shift) · scale in float32, for the features a to a + 3 of four rows, to a tile.

    The values are transposed in registers; LLVM does not find these shuffles in plain loops.

    The four values of a feature are written side by side, those of the next feature `stride` places further. `X` and
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


@intrinsic
def _screen_four(typing_context, tile, table, halves, j, best, index):
    """Compare the scores |c|²/2 − x·c of the centers j to j + 3 with the smallest two so far, for the rows of a tile.

    Sums stay in registers: sixteen products for four loads of rows and four of coefficients, where registers hold
    sixteen numbers. LLVM does not find this in plain loops. Nothing checks that indices are within the arrays.
    """

    def generate(context, builder, signature, arguments):
        tile, table, halves, j, best, index = (
            context.make_array(kind)(context, builder, value) if isinstance(kind, types.Array) else value
            for kind, value in zip(signature.args, arguments, strict=True)
        )
        scores = _Scores(context, builder, tile)
        d = builder.extract_value(table.shape, 1)
        lines = [builder.gep(table.data, [builder.mul(builder.add(j, _INT(c)), d)]) for c in range(4)]
        starts = [builder.load(builder.gep(halves.data, [builder.add(j, _INT(c))])) for c in range(4)]
        for first in range(0, TILE, scores.at_once):
            places = [*range(first, first + scores.at_once, scores.lanes)]
            found = scores.of_four(lines, starts, d, places)
            for place, values in zip(places, found, strict=True):
                scores.keep_smallest(values, j, best.data, index.data, place)
        return context.get_dummy_value()

    return types.none(tile, table, halves, types.int64, best, index), generate


class _Scores:
    """Instructions for the scores of a tile's rows, in vectors of rows, as many at once as fit into registers."""

    def __init__(self, context, builder, tile):
        is_wide = "+avx512f" in context.codegen().magic_tuple()[2]
        self.builder, self.tile = builder, tile.data
        self.lanes, self.at_once = (16, 64) if is_wide else (8, 16)
        self.vector = ir.VectorType(ir.FloatType(), self.lanes)
        self.numbers = ir.VectorType(ir.IntType(32), self.lanes)

    def place(self, data, index, kind):
        """Address of a vector in an array."""
        return self.builder.bitcast(self.builder.gep(data, [index]), kind.as_pointer())

    def everywhere(self, number, kind):
        """A number in each place of a vector."""
        first = self.builder.insert_element(ir.Constant(kind, ir.Undefined), number, ir.IntType(32)(0))
        return self.builder.shuffle_vector(first, first, ir.Constant(self.numbers, None))

    def fma(self, a, b, c):
        """A b + c."""
        name, kind = f"llvm.fmuladd.v{self.lanes}f32", ir.FunctionType(self.vector, [self.vector] * 3)
        function = self.builder.module.globals.get(name) or ir.Function(self.builder.module, kind, name)
        return self.builder.call(function, [a, b, c])

    def rows(self, a, place):
        """Feature a of a vector of rows."""
        at = self.builder.add(self.builder.mul(a, _INT(TILE)), _INT(place))
        return self.builder.load(self.place(self.tile, at, self.vector), align=4)

    def over_features(self, d, first, add):
        """Values that `add(feature, values)` changes for each of d features, four in a round."""
        builder = self.builder
        before, head, inside, after = builder.block, *(builder.append_basic_block() for _ in range(3))
        builder.branch(head)
        builder.position_at_end(head)
        a, sums = builder.phi(_INT), [builder.phi(self.vector) for _ in first]
        builder.cbranch(builder.icmp_signed("<", a, d), inside, after)
        builder.position_at_end(inside)
        following = sums
        for feature in range(4):
            following = add(builder.add(a, _INT(feature)), following)
        for phi, start, value in zip([a, *sums], [_INT(0), *first], [builder.add(a, _INT(4)), *following], strict=True):
            phi.add_incoming(start, before)
            phi.add_incoming(value, inside)
        builder.branch(head)
        builder.position_at_end(after)
        return sums

    def of_four(self, lines, starts, d, places):
        """Scores of four centers for some vectors of rows: four for each of these."""

        def add(a, sums):
            rows = [self.rows(a, place) for place in places]
            factors = [self.everywhere(self.builder.load(self.builder.gep(line, [a])), self.vector) for line in lines]
            return [self.fma(factors[n % 4], rows[n // 4], total) for n, total in enumerate(sums)]

        first = [self.everywhere(start, self.vector) for _ in places for start in starts]
        sums = self.over_features(d, first, add)
        return [sums[4 * number : 4 * number + 4] for number in range(len(places))]

    def put_squares(self, d, out):
        """Write the squared lengths of all rows."""
        places = [*range(0, TILE, self.lanes)]

        def add(a, sums):
            rows = [self.rows(a, place) for place in places]
            return [self.fma(x, x, total) for x, total in zip(rows, sums, strict=True)]

        for place, value in zip(places, self.over_features(d, [self.vector(None)] * len(places), add), strict=True):
            self.builder.store(value, self.place(out, _INT(place), self.vector), align=4)

    def keep_smallest(self, scores, j, best, index, place):
        """Compare scores of the centers from j on with the smallest and the second smallest so far."""
        builder = self.builder
        first, second = (self.place(best, _INT(place + offset), self.vector) for offset in (0, TILE))
        owner = self.place(index, _INT(place), self.numbers)
        smallest, other, number = (builder.load(address, align=4) for address in (first, second, owner))
        for c, score in enumerate(scores):
            is_less = builder.fcmp_ordered("<", score, smallest)
            larger, smallest = builder.select(is_less, smallest, score), builder.select(is_less, score, smallest)
            other = builder.select(builder.fcmp_ordered("<", larger, other), larger, other)
            own = self.everywhere(builder.trunc(builder.add(j, _INT(c)), ir.IntType(32)), self.numbers)
            number = builder.select(is_less, own, number)
        for value, address in ((smallest, first), (other, second), (number, owner)):
            builder.store(value, address, align=4)


@intrinsic
def _put_squares(typing_context, tile, d, out):
    """Write the squared lengths of a tile's rows; its features are padded to a multiple of four by zeros."""

    def generate(context, builder, signature, arguments):
        tile, out = (context.make_array(signature.args[n])(context, builder, arguments[n]) for n in (0, 2))
        _Scores(context, builder, tile).put_squares(arguments[1], out.data)
        return context.get_dummy_value()

    return types.none(tile, types.int64, out), generate


@intrinsic
def _fetch(typing_context, X, row, a):
    """Prefetch the part of a row from feature a on."""

    def generate(context, builder, signature, arguments):
        X, row, a = arguments
        matrix, byte = context.make_array(signature.args[0])(context, builder, X), ir.IntType(8).as_pointer()
        start = builder.add(builder.mul(row, builder.extract_value(matrix.shape, 1)), a)
        flag = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        name, place = "llvm.prefetch.p0", builder.bitcast(builder.gep(matrix.data, [start]), byte)
        fetch = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        builder.call(fetch, [place, flag(0), flag(3), flag(1)])  # to read, into the first level, data
        return context.get_dummy_value()

    return types.none(X, types.int64, types.int64), generate


@compiled(is_part=True)
def _screen(tile, table, halves, best, index, X, later, n_later):
    """Smallest and second smallest score |c|²/2 − x·c of each row of a tile, and the center of the smallest.

    Meanwhile, rows of later screens are prefetched. Otherwise memory would be idle while the processor multiplies, and
    the processor while it waits for rows.
    """
    k, d, fetched = len(table), X.shape[1], 0
    at_once = 4 * TILE // k + 1
    for i in range(2 * TILE):
        best[i] = _HUGE
    for i in range(TILE):
        index[i] = np.int32(0)
    for j in range(0, k, 4):
        stop = min(fetched + at_once, n_later)
        for q in range(fetched, stop):
            for a in range(0, d, _LINE):
                _fetch(X, later[q], a)
        fetched = stop
        _screen_four(tile, table, halves, j, best, index)


@compiled("contract", "nsz", is_part=True)
def _certify(tile, d, best, reach, margin, upper, lower, bounds):
    """Compute the difference of the two scores beyond all rounding, for a tile; on request, bounds on both distances.

    With y and z rounded to float32 and u = 2⁻²⁴, a score is off by at most (d + 4) u (|y| |z| + |z|²/2), below
    (d + 4) u (|y|²/2 + |z|²), and by what vanishes below the smallest number; eight more u cover the arithmetic here,
    and a twentieth that of the exact comparison (`nearest.error_bound`).
    """
    _put_squares(tile, d, upper)
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
    """Return a row's nearest center, by squared differences added feature by feature, and its squared distance."""
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
    """a b + c, rounded once: _fma(a, b, −product) is exactly the error of a product."""

    def generate(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


class _Four:
    """Instructions on four consecutive features of a row; in loops, LLVM would check for each row if arrays overlap.

    Arrays are float64 in C order. Nothing checks that indices are within them.
    """

    def __init__(self, context, builder, a):
        self.context, self.builder, self.a = context, builder, a

    def place(self, kind, array, line):
        """Address of the four numbers in a line of a two-dimensional array."""
        if kind.layout != "C":
            raise TypingError("rows and sums must be in C order.")
        builder, made = self.builder, self.context.make_array(kind)(self.context, self.builder, array)
        start = builder.add(builder.mul(line, builder.extract_value(made.shape, 1)), self.a)
        return builder.bitcast(builder.gep(made.data, [start]), _DOUBLES.as_pointer())

    def everywhere(self, number):
        """A vector with a number in each of the four places."""
        first = self.builder.insert_element(ir.Constant(_DOUBLES, ir.Undefined), number, ir.IntType(32)(0))
        return self.builder.shuffle_vector(first, first, ir.Constant(_LANES, None))

    def fma(self, x, y, z):
        """X y + z, rounded once."""
        name, kind = "llvm.fma.v4f64", ir.FunctionType(_DOUBLES, [_DOUBLES] * 3)
        fma = self.builder.module.globals.get(name) or ir.Function(self.builder.module, kind, name)
        return self.builder.call(fma, [x, y, z])

    def product(self, x, y):
        """The product, and its rounding error."""
        product = self.builder.fmul(x, y)
        return product, self.fma(x, y, self.builder.fneg(product))

    def add(self, number, lack, total, rest):
        """Add to sums and to their remainders, as `_add_one` does."""
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
    """Add a number and its rounding error to a sum, which is a double and the remainder that it cannot represent.

    The remainder of a sum is computed as by Knuth (TAOCP 2, section 4.2.2).
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
def _decide(X, rows, m, centers, index, margin, upper, lower, bounds):
    """Compare rows exactly if the screen could not decide, and set their bounds from the exact distances."""
    d, undecided = X.shape[1], 0
    for q in range(m):
        undecided += not margin[q] > 0
    for q in range(m if undecided else 0):
        if margin[q] > 0:
            continue
        index[q], square = _nearest(X, rows[q], centers.exact, index[q])
        if bounds:
            far = np.sqrt(square) * centers.scale * (1 + (d + 8) * _ROUNDOFF)
            upper[q] = np.float32(far)
            lower[q] = min(lower[q], np.float32(far * (1 - (2 * d + 32) * _ROUNDOFF)))


@compiled(is_part=True)
def _settle(rows, m, index, upper, lower, labels, uppers, lowers, bounds, moved, owners):
    """Write labels and bounds of a tile's rows; return the number of moved rows, noted with their old labels.

    No branch depends on a row: a mispredicted branch costs as much as everything else here.
    """
    up, down, changed = np.float32(1 + 6 * _ROUNDOFF32), np.float32(1 - 6 * _ROUNDOFF32), 0
    if bounds:
        for q in range(m):
            uppers[rows[q]], lowers[rows[q]] = upper[q] * up + _TINY, lower[q] * down - _TINY
    for q in range(m):
        row = rows[q]
        old, label = np.int64(labels[row]), np.int64(index[q])
        labels[row] = label
        moved[changed], owners[changed] = q, old
        changed += old != label
    return changed


@compiled(is_part=True)
def _move(X, weights, rows, index, moved, owners, changed, totals, rests):
    """Move rows between the sums of their clusters; rows without a previous label are only added."""
    for step in range(2 * changed):  # a single call, so that it is inlined only once
        q, owner, leaves = moved[step // 2], owners[step // 2], step % 2 == 0
        if not leaves or owner < len(totals):
            weight = weights[rows[q]] if len(weights) else 1.0
            _add(X, rows[q], -weight if leaves else weight, totals, rests, owner if leaves else index[q])


@compiled(is_part=True)
def _scan(start, stop, labels, uppers, lowers, centers, pending, filled):
    """Move bounds with the centers, and collect the rows that the bounds no longer decide.

    Every change of a bound is rounded to its safe side. Source: Hamerly, SIAM Int. Conf. Data Mining 2010, 130-140.
    """
    drift, others, half_gaps = centers.drift, centers.others, centers.half_gaps
    up, little, slack = np.float32(1 + 4 * _ROUNDOFF32), np.float32(4 * _ROUNDOFF32), np.float32(1 + 16 * _ROUNDOFF32)
    for row in range(start, stop):
        label = labels[row]
        upper, lower = (uppers[row] + drift[label]) * up, lowers[row] - others[label]
        lower -= abs(lower) * little + _TINY
        uppers[row], lowers[row] = upper, lower
        pending[filled] = row
        filled += not upper * slack < max(lower, half_gaps[label])
    return filled


@compiled(is_part=True)
def _collect(n, start, labels, uppers, lowers, centers, skip, pending, filled):
    """Scan from a row until two tiles of rows are pending or no row is left; return the next row and `filled`."""
    while start < n and filled < 2 * TILE:
        stop = min(start + TILE, n)
        if skip:
            filled = _scan(start, stop, labels, uppers, lowers, centers, pending, filled)
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
        `gradmix_clustering.screened_centers.Centers`.
    labels, uppers, lowers
        State of the rows, changed in place: label (initially k), and bounds on the distances to the own center and to
        any other center, times the scale, in float32, shapes (n,).
    skip, bounds
        Whether to skip rows that are decided by their bounds, and whether to keep bounds.
    totals, rests
        Changes of the clusters' sums are added to them; shapes (k, d + 1).

    Returns
    -------
    The number of rows that changed their label.
    """
    tile, best, index, margin, upper, lower = _scratch(centers.table.shape[1])
    pending, moved, owners = np.empty(3 * TILE, np.int64), np.empty(TILE, np.int64), np.empty(TILE, np.int64)
    total, filled, start = 0, np.int64(0), np.int64(0)  # numba would give literals separate types
    while start < len(X) or filled > 0:
        start, filled = _collect(len(X), start, labels, uppers, lowers, centers, skip, pending, filled)
        m = min(TILE, filled)
        if m == 0:
            break
        for q in range(filled, TILE):
            pending[q] = pending[filled - 1]
        _load(X, pending, centers.shift, centers.scale, tile)
        _screen(tile, centers.table, centers.halves, best, index, X, pending[TILE:], filled - m)
        _certify(tile, X.shape[1], best, centers.reach, margin, upper, lower, bounds)
        _decide(X, pending, m, centers, index, margin, upper, lower, bounds)
        changed = _settle(pending, m, index, upper, lower, labels, uppers, lowers, bounds, moved, owners)
        _move(X, weights, pending, index, moved, owners, changed, totals, rests)
        total += changed
        for q in range(m, filled):
            pending[q - m] = pending[q]
        filled -= m
    return total


@compiled()
def assign(X, centers, labels):
    """Write the nearest center of each row of a block to `labels`."""
    n = len(X)
    tile, best, index, margin, upper, lower = _scratch(centers.table.shape[1])
    rows = np.empty(2 * TILE, np.int64)
    for start in range(0, n, TILE):
        for q in range(2 * TILE):
            rows[q] = min(start + q, n - 1)
        _load(X, rows, centers.shift, centers.scale, tile)
        _screen(tile, centers.table, centers.halves, best, index, X, rows[TILE:], TILE)
        _certify(tile, X.shape[1], best, centers.reach, margin, upper, lower, np.bool_(False))
        m = min(TILE, n - start)
        _decide(X, rows, m, centers, index, margin, upper, lower, np.bool_(False))
        for q in range(m):
            labels[start + q] = index[q]


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
    """Add Σ w x² over all rows of a block to sums, shape (1, d), each a double and its remainder."""
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
