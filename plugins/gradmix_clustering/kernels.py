"""E-step and moments of a block of rows, compiled by numba: one kernel for each layout of `Moments`.

A kernel takes a few hundred rows at a time, features first, so that all of its loops run over rows. While such a piece
is in cache, it is whitened, normalised and gathered into the moments. Matrices are computed in blocks of four by four
features, whose sums stay in registers; d is filled up to a multiple of four by zeros.

What loops over rows is written in LLVM's vector instructions, as numba takes seconds to compile loops that it has to
vectorise, and its code is slower. Arrays are passed by address: numba would compile a second kernel for read-only ones.
Parameters and results are a single array each, in the order in which the kernel's docstring names them.

All of it is one file, since numba's cache on disk notices changes only in the file of the kernel.
"""

from __future__ import annotations

import math
from functools import partial
from inspect import signature

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from gradmix_clustering.compiled import compiled

PIECE = 256
"""Rows of a piece."""

STRIDE = PIECE + 8
"""Numbers from one feature's rows to the next one's: no power of two, as caches map those onto each other."""

_ROW = 8 * STRIDE
"""Bytes from one feature's rows to the next one's."""

_kernel = compiled()

_DOUBLE, _SINGLE, _INT, _INT32 = ir.DoubleType(), ir.FloatType(), ir.IntType(64), ir.IntType(32)


class _Code:
    """Vector instructions over the rows of a piece, and loops whose values stay in registers.

    Rows are taken in pairs of vectors, of as many numbers as the processor's registers hold. Addresses are integers.
    Numbers of the rows are in double precision, or in single precision; sums over a piece are kept in double precision.
    """

    def __init__(self, context, builder, kind=_DOUBLE):
        self.builder = builder
        self.kind, self.size = kind, 8 if kind is _DOUBLE else 4
        self.row = self.size * STRIDE
        self.lanes = (64 if "+avx512f" in context.codegen().magic_tuple()[2] else 32) // self.size
        self.vector = ir.VectorType(kind, self.lanes)
        self.zero = self.constant(0.0)

    def loop(self, start, stop, step, body, carried=()):
        """Repeat `body(index, values)`, which returns the next values; the values after the loop."""
        builder = self.builder
        before, head, inside, after = builder.block, *(builder.append_basic_block() for _ in range(3))
        builder.branch(head)
        builder.position_at_end(head)
        index, values = builder.phi(_INT), [builder.phi(value.type) for value in carried]
        builder.cbranch(builder.icmp_signed("<", index, _as_int(stop)), inside, after)
        builder.position_at_end(inside)
        following = [builder.add(index, _as_int(step)), *(body(index, [*values]) or ())]
        for phi, first, value in zip([index, *values], [_as_int(start), *carried], following, strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(value, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        return values

    def over_rows(self, rows, body, carried=()):
        """Loop over pairs of vectors of rows: `body(offset, values)`, with the pair's offset in bytes."""
        return self.loop(0, self.times(rows, self.size), 2 * self.size * self.lanes, body, carried)

    def add(self, *terms):
        """Sum of integers."""
        first, *others = terms
        for each in others:
            first = self.builder.add(first, _as_int(each))
        return first

    def times(self, a, b):
        """Product of integers."""
        return self.builder.mul(a, _as_int(b))

    def number(self, address):
        """The number at an address."""
        return self.builder.load(self.builder.inttoptr(address, self.kind.as_pointer()))

    def put(self, value, address):
        """Write a number or vector to an address."""
        self.builder.store(value, self.builder.inttoptr(address, value.type.as_pointer()), align=8)

    def pair(self, address):
        """Two vectors, one behind the other."""
        places = (address, self.add(address, self.size * self.lanes))
        return [self.builder.load(self.builder.inttoptr(at, self.vector.as_pointer()), align=8) for at in places]

    def put_pair(self, values, address):
        """Write two vectors, one behind the other."""
        for number, value in enumerate(values):
            self.put(value, self.add(address, self.size * self.lanes * number))

    def put_doubles(self, values, address, i):
        """Write two vectors as numbers in double precision, from row i on, where i counts bytes of this precision."""
        for number, value in enumerate(values):
            at = self.add(address, self.times(i, 8 // self.size), 8 * self.lanes * number)
            self.put(self.as_double(value), at)

    def as_double(self, value):
        """A number or vector in double precision."""
        if self.kind is _DOUBLE:
            return value
        is_vector = isinstance(value.type, ir.VectorType)
        return self.builder.fpext(value, ir.VectorType(_DOUBLE, value.type.count) if is_vector else _DOUBLE)

    def everywhere(self, number):
        """A number in each place of a vector."""
        vector = self.builder.insert_element(ir.Constant(self.vector, ir.Undefined), number, _INT32(0))
        return self.builder.shuffle_vector(vector, vector, ir.Constant(ir.VectorType(_INT32, self.lanes), None))

    def call(self, name, *arguments, result=None, flags=()):
        """Call one of LLVM's functions: ``fmuladd`` rounds once where the processor can."""
        result = arguments[0].type if result is None else result
        vector = next((each.type for each in arguments if isinstance(each.type, ir.VectorType)), None)
        bits = "f32" if (result if vector is None else vector.element) is _SINGLE else "f64"
        name = f"llvm.{name}.{bits if vector is None else f'v{vector.count}{bits}'}"
        kind = ir.FunctionType(result, [each.type for each in arguments])
        function = self.builder.module.globals.get(name) or ir.Function(self.builder.module, kind, name)
        return self.builder.call(function, arguments, fastmath=flags)

    def fma(self, a, b, c):
        """A b + c."""
        return self.call("fmuladd", a, b, c)

    def constant(self, value):
        """A given number in each place of a vector."""
        return ir.Constant(self.vector, [value] * self.lanes)

    def place(self, table, line, i):
        """Address of a pair of vectors in one of a table's lines."""
        return self.add(table, self.times(line, self.row), i)

    def total(self, vector):
        """Sum of a vector's numbers."""
        return self.call("vector.reduce.fadd", self.kind(-0.0), vector, result=self.kind, flags=("reassoc",))

    def product(self, vector):
        """Product of a vector's numbers."""
        return self.call("vector.reduce.fmul", _DOUBLE(1.0), vector, result=_DOUBLE, flags=("reassoc",))

    def add_total(self, vector, address):
        """Add a vector's numbers to the one at an address, which is in double precision."""
        before = self.builder.load(self.builder.inttoptr(address, _DOUBLE.as_pointer()))
        self.put(self.builder.fadd(before, self.as_double(self.total(vector))), address)

    def exp(self, x):
        """e^x for x ≤ 0; 0 below −708. For a number, or each of a vector.

        It is right to one unit in the last place, or two where the processor has no ``fmuladd``.

        x = n log 2 + r; Taylor's polynomial of degree 13 gives e^r, and n is added to the exponent's bits. Adding
        1.5 · 2⁵² rounds to the integer n and leaves it in the lowest bits.
        """
        builder, is_vector = self.builder, isinstance(x.type, ir.VectorType)
        bits = ir.VectorType(_INT, self.lanes) if is_vector else _INT

        def constant(value, kind=x.type):
            return ir.Constant(kind, [value] * self.lanes if is_vector else value)

        in_range = builder.fcmp_ordered(">=", x, constant(-708.0))
        clamped = builder.select(in_range, x, constant(-708.0))
        shifted = self.fma(clamped, constant(1 / math.log(2)), constant(1.5 * 2**52))
        n = builder.fsub(shifted, constant(1.5 * 2**52))
        r = self.fma(n, constant(-6.93147180369123816490e-01), clamped)
        r = self.fma(n, constant(-1.90821492927058770002e-10), r)
        p = constant(1 / math.factorial(13))
        for power in range(12, -1, -1):
            p = self.fma(p, r, constant(1 / math.factorial(power)))
        exponent = builder.shl(builder.bitcast(shifted, bits), constant(52, bits))
        value = builder.bitcast(builder.add(builder.bitcast(p, bits), exponent), x.type)
        return builder.select(in_range, value, constant(0.0))


def _as_int(value):
    return _INT(value) if isinstance(value, int) else value


def _part(write, kind=_DOUBLE):
    """A function of integers for kernels, from one that writes its instructions; it returns a number."""

    def part(context, *arguments):
        def generate(context, builder, signature, arguments):
            result = write(_Code(context, builder, kind), *arguments)
            return _DOUBLE(0.0) if result is None else result

        return types.float64(*[types.intp] * len(arguments)), generate

    part.__signature__ = signature(write)  # numba takes the number of arguments from it
    return intrinsic(part)


def _both(write):
    """The part in double precision, and in single precision."""
    return _part(write), _part(write, _SINGLE)


@_part
def _load(code, X, rows, d, piece):
    """Copy rows, features first; the last row is repeated up to a full pair of vectors."""

    def vector(i, _):
        places = [code.add(X, code.times(row, code.times(d, 8))) for row in _rows_from(code, i, rows)]

        def feature(a, _):
            values = _gathered(code, [code.add(place, code.times(a, 8)) for place in places])
            code.put(values, code.add(piece, code.times(a, _ROW), code.times(i, 8)))

        code.loop(0, d, 1, feature)

    code.loop(0, _full(code, rows), code.lanes, vector)


@_part
def _load_single(code, X, rows, filled, d, center, piece):
    """Copy rows less a center, features first, in single precision; the last row is repeated."""
    kind = ir.VectorType(_SINGLE, code.lanes)

    def vector(i, _):
        places = [code.add(X, code.times(row, code.times(d, 8))) for row in _rows_from(code, i, rows)]

        def feature(a, _):
            coordinate = code.everywhere(code.number(code.add(center, code.times(a, 8))))
            values = _gathered(code, [code.add(place, code.times(a, 8)) for place in places])
            narrow = code.builder.fptrunc(code.builder.fsub(values, coordinate), kind)
            code.put(narrow, code.add(piece, code.times(a, 4 * STRIDE), code.times(i, 4)))

        code.loop(0, d, 1, feature)

    code.loop(0, filled, code.lanes, vector)


@_part
def _narrow(code, r, rows, out):
    """Copy numbers in single precision."""
    kind = ir.VectorType(_SINGLE, code.lanes)

    def vectors(i, _):
        for number, value in enumerate(code.pair(code.add(r, i))):
            at = code.add(out, code.builder.udiv(i, _INT(2)), 4 * code.lanes * number)
            code.put(code.builder.fptrunc(value, kind), at)

    code.over_rows(rows, vectors)


def _rows_from(code, first, stop):
    """Numbers of a vector's rows; from the last one on, this is repeated."""
    last, rows = code.add(stop, -1), [code.add(first, lane) for lane in range(code.lanes)]
    return [code.builder.select(code.builder.icmp_signed("<", row, last), row, last) for row in rows]


def _gathered(code, places):
    """A vector of the numbers at some addresses."""
    vector = code.zero
    for lane, place in enumerate(places):
        vector = code.builder.insert_element(vector, code.number(place), _INT32(lane))
    return vector


def _full(code, rows):
    """A number of rows, rounded up to a multiple of sixteen: a pair of vectors, however long they are."""
    return code.builder.and_(code.add(rows, 15), _INT(-16))


@_part
def _fill(code, address, count):
    """Zeros."""
    code.loop(0, count, 1, lambda i, _: code.put(_DOUBLE(0.0), code.add(address, code.times(i, 8))))


@_both
def _subtract(code, x, point, d, rows, y):
    """x − point."""

    def feature(a, _):
        coordinate = code.everywhere(code.number(code.add(point, code.times(a, code.size))))
        row = code.times(a, code.row)

        def vectors(i, _):
            offset = code.add(row, i)
            values = code.pair(code.add(x, offset))
            code.put_pair([code.builder.fsub(value, coordinate) for value in values], code.add(y, offset))

        code.over_rows(rows, vectors)

    code.loop(0, d, 1, feature)


_subtract, _subtract_single = _subtract


def _whitened(code, whitener, y, d, i, a):
    """Features a to a + 3 of L⁻¹ y, of a pair of vectors: four pairs."""
    lines = [code.add(whitener, code.times(code.times(code.add(a, row), d), code.size)) for row in range(4)]

    def add_column(column, z, first_row):
        values = code.pair(code.place(y, column, i))
        places = [code.add(line, code.times(column, code.size)) for line in lines[first_row:]]
        factors = [code.everywhere(code.number(place)) for place in places]
        added = [
            code.fma(f, v, z[2 * (first_row + row) + half])
            for row, f in enumerate(factors)
            for half, v in enumerate(values)
        ]
        return [*z[: 2 * first_row], *added]

    z = code.loop(0, a, 1, lambda b, z: add_column(b, z, 0), [code.zero] * 8)
    for column in range(4):
        z = add_column(code.add(a, column), z, column)
    return z


@_both
def _whitened_squares(code, whitener, y, d, rows, squares):
    """|L⁻¹ y|² of each row."""

    def vectors(i, _):
        def four(a, sums):
            z = _whitened(code, whitener, y, d, i, a)
            for number, value in enumerate(z):
                sums[number % 2] = code.fma(value, value, sums[number % 2])
            return sums

        code.put_doubles(code.loop(0, d, 4, four, [code.zero] * 2), squares, i)

    code.over_rows(rows, vectors)


_whitened_squares, _whitened_squares_single = _whitened_squares


@_part
def _whiten(code, whitener, y, d, rows, out):
    """L⁻¹ y."""

    def vectors(i, _):
        def four(a, _):
            z = _whitened(code, whitener, y, d, i, a)
            for row in range(4):
                code.put_pair(z[2 * row : 2 * row + 2], code.place(out, code.add(a, row), i))

        code.loop(0, d, 4, four)

    code.over_rows(rows, vectors)


def _distances_part(is_scaled):
    """Squared distances to four points at a time, the differences times their scales if there are any."""

    @_part
    def distances(code, x, points, scales, k, d, rows, squares):
        line = code.times(d, 8)

        def four_points(j, _):
            def vectors(i, _):
                def feature(a, sums):
                    values, added = code.pair(code.place(x, a, i)), []
                    for point in range(4):
                        place = code.add(code.times(code.add(j, point), line), code.times(a, 8))
                        coordinate = code.everywhere(code.number(code.add(points, place)))
                        scale = code.everywhere(code.number(code.add(scales, place))) if is_scaled else None
                        for half, value in enumerate(values):
                            y = code.builder.fsub(value, coordinate)
                            y = code.builder.fmul(y, scale) if is_scaled else y
                            added.append(code.fma(y, y, sums[2 * point + half]))
                    return added

                sums = code.loop(0, d, 1, feature, [code.zero] * 8)
                for point in range(4):
                    place = code.place(squares, code.add(j, point), i)
                    code.put_pair(sums[2 * point : 2 * point + 2], place)

            code.over_rows(rows, vectors)

        code.loop(0, k, 4, four_points)

    return distances


_distances, _scaled_distances = _distances_part(False), _distances_part(True)


@_part
def _scale_squares(code, squares, scales, k, rows, out):
    """Squares times the squares of the components' scales."""

    def component(j, _):
        scale = code.everywhere(code.number(code.add(scales, code.times(j, 8))))

        def vectors(i, _):
            offset = code.add(code.times(j, _ROW), i)
            values = [code.builder.fmul(value, scale) for value in code.pair(code.add(squares, offset))]
            code.put_pair([code.builder.fmul(value, scale) for value in values], code.add(out, offset))

        code.over_rows(rows, vectors)

    code.loop(0, k, 1, component)


@_part
def _normalised(code, joint, constants, k, rows, weights, start):
    """Turn squared distances into responsibilities times weights, zero behind the last row; Σ weight · log p(x).

    `weights` are those of all rows, 0 if each is one; the piece begins at `start`.
    """
    builder, one = code.builder, code.constant(1.0)

    def vectors(i, sums):
        largest = _joint_logs(code, joint, constants, k, i)
        totals = _exponentials(code, joint, largest, k, i)
        first = builder.udiv(i, _INT(8))
        exists = [_before(code, rows, code.add(first, code.lanes * number)) for number in range(2)]
        largest = [builder.select(mask, value, code.zero) for mask, value in zip(exists, largest, strict=True)]
        totals = [builder.select(mask, value, one) for mask, value in zip(exists, totals, strict=True)]
        ones = [builder.select(mask, one, code.zero) for mask in exists]
        with builder.if_else(builder.icmp_signed("!=", weights, _INT(0))) as (weighted, plain):
            with weighted:
                given = _weights(code, weights, code.add(start, first), code.add(start, rows), ones)
                logs = [builder.fadd(m, _logs(code, total)) for m, total in zip(largest, totals, strict=True)]
                weighted_sum, weighted_end = code.total(builder.fadd(*map(builder.fmul, given, logs))), builder.block
            with plain:
                log = code.call("log", code.product(builder.fmul(*totals)))  # of sixteen totals, k at most
                plain_sum, plain_end = builder.fadd(log, code.total(builder.fadd(*largest))), builder.block
        added = _chosen(code, (weighted_sum, weighted_end), (plain_sum, plain_end))
        masses = [_chosen(code, (w, weighted_end), (e, plain_end)) for w, e in zip(given, ones, strict=True)]
        _multiply(code, joint, [*map(builder.fdiv, masses, totals)], k, i)
        return [builder.fadd(sums[0], added)]

    return code.over_rows(_full(code, rows), vectors, [_DOUBLE(0.0)])[0]


def _joint_logs(code, joint, constants, k, i):
    """Turn squared distances into the logarithms of joint densities; the largest of each row."""

    def component(j, largest):
        constant, place = code.everywhere(code.number(code.add(constants, code.times(j, 8)))), code.place(joint, j, i)
        values = [code.fma(code.constant(-0.5), value, constant) for value in code.pair(place)]
        code.put_pair(values, place)
        are_larger = [*map(partial(code.builder.fcmp_ordered, ">"), values, largest)]
        return [*map(code.builder.select, are_larger, values, largest)]

    return code.loop(0, k, 1, component, [code.constant(-math.inf)] * 2)


def _exponentials(code, joint, largest, k, i):
    """Turn logarithms less the largest into exponentials; their sums."""

    def component(j, totals):
        place = code.place(joint, j, i)
        values = [code.exp(each) for each in map(code.builder.fsub, code.pair(place), largest)]
        code.put_pair(values, place)
        return [*map(code.builder.fadd, values, totals)]

    return code.loop(0, k, 1, component, [code.zero] * 2)


def _multiply(code, joint, factors, k, i):
    def component(j, _):
        place = code.place(joint, j, i)
        code.put_pair([*map(code.builder.fmul, code.pair(place), factors)], place)

    code.loop(0, k, 1, component)


def _weights(code, weights, first, stop, ones):
    """Weights of a pair of vectors of rows, times ones or zeros."""
    given = []
    for number, one in enumerate(ones):
        rows = _rows_from(code, code.add(first, code.lanes * number), stop)
        vector = _gathered(code, [code.add(weights, code.times(row, 8)) for row in rows])
        given.append(code.builder.fmul(vector, one))
    return given


def _before(code, rows, first):
    """Which of the rows from a first one on are there."""
    numbers = ir.Constant(ir.VectorType(_INT, code.lanes), list(range(code.lanes)))
    left = code.builder.sub(rows, first)
    kind = ir.VectorType(_INT, code.lanes)
    vector = code.builder.insert_element(ir.Constant(kind, ir.Undefined), left, _INT32(0))
    vector = code.builder.shuffle_vector(vector, vector, ir.Constant(ir.VectorType(_INT32, code.lanes), None))
    return code.builder.icmp_signed("<", numbers, vector)


def _chosen(code, *ways):
    """The value of the branch that was taken."""
    phi = code.builder.phi(ways[0][0].type)
    for value, block in ways:
        phi.add_incoming(value, block)
    return phi


def _logs(code, vector):
    """Logarithm of each number."""
    for lane in range(code.lanes):
        log = code.call("log", code.builder.extract_element(vector, _INT32(lane)))
        vector = code.builder.insert_element(vector, log, _INT32(lane))
    return vector


@_part
def _add_counts(code, r, k, rows, counts):
    """Add Σ r of each component."""

    def component(j, _):
        def vectors(i, sums):
            return [*map(code.builder.fadd, sums, code.pair(code.place(r, j, i)))]

        sums = code.over_rows(rows, vectors, [code.zero] * 2)
        code.add_total(code.builder.fadd(*sums), code.add(counts, code.times(j, 8)))

    code.loop(0, k, 1, component)


def _moments_part(has_squares):
    """Add Σ r (x − point) of each feature and, if asked for, Σ r (x − point)²."""

    @_both
    def moments(code, x, point, r, d, rows, first, second):
        def four(a, _):
            features = [code.add(a, feature) for feature in range(4)]
            point_of = [code.everywhere(code.number(code.add(point, code.times(each, code.size)))) for each in features]

            def vectors(i, sums):
                mass, sums = code.pair(code.add(r, i)), [*sums]
                for feature in range(4):
                    values = code.pair(code.place(x, code.add(a, feature), i))
                    for m, value in zip(mass, values, strict=True):
                        y = code.builder.fsub(value, point_of[feature])
                        weighted = code.builder.fmul(m, y) if has_squares else None
                        sums[feature] = (
                            code.builder.fadd(sums[feature], weighted) if has_squares else code.fma(m, y, sums[feature])
                        )
                        if has_squares:
                            sums[4 + feature] = code.fma(weighted, y, sums[4 + feature])
                return sums

            sums = code.over_rows(rows, vectors, [code.zero] * (8 if has_squares else 4))
            for number, total in enumerate(sums):
                code.add_total(total, code.add(second if number >= 4 else first, code.times(features[number % 4], 8)))

        code.loop(0, d, 4, four)

    return moments


(_add_moments, _), (_add_first, _add_first_single) = _moments_part(True), _moments_part(False)


@_part
def _add_dots(code, a, b, k, rows, out):
    """Add Σ a b of each component."""

    def component(j, _):
        def vectors(i, sums):
            places = [code.place(each, j, i) for each in (a, b)]
            return [*map(code.fma, *map(code.pair, places), sums)]

        sums = code.over_rows(rows, vectors, [code.zero] * 2)
        code.add_total(code.builder.fadd(*sums), code.add(out, code.times(j, 8)))

    code.loop(0, k, 1, component)


@_both
def _scale(code, x, point, r, d, rows, y):
    """√r (x − point), whose products are the second moments."""

    def vectors(i, _):
        roots = [code.call("sqrt", value) for value in code.pair(code.add(r, i))]

        def feature(a, _):
            coordinate = code.everywhere(code.number(code.add(point, code.times(a, code.size))))
            offset = code.add(code.times(a, code.row), i)
            values = [code.builder.fsub(value, coordinate) for value in code.pair(code.add(x, offset))]
            code.put_pair([*map(code.builder.fmul, values, roots)], code.add(y, offset))

        code.loop(0, d, 1, feature)

    code.over_rows(rows, vectors)


_scale, _scale_single = _scale


def _add_block(code, left, right, rows, out, line, is_lower):
    """Add the products of four features of each side, summed over rows; of the diagonal block, the lower triangle."""
    places = [(a, b) for a in range(4) for b in range(4) if a >= b or not is_lower]

    def vectors(i, sums):
        sums = [*sums]
        sides = [[code.pair(code.add(side, feature * code.row, i)) for feature in range(4)] for side in (left, right)]
        for half in range(2):
            for number, (a, b) in enumerate(places):
                sums[number] = code.fma(sides[0][a][half], sides[1][b][half], sums[number])
        return sums

    sums = code.over_rows(rows, vectors, [code.zero] * len(places))
    for (a, b), total in zip(places, sums, strict=True):
        code.add_total(total, code.add(out, code.times(line, a), 8 * b))


@_both
def _add_products(code, y, d, rows, scatter):
    """Add y yᵀ, the lower triangle in blocks of four by four."""
    line = code.times(d, 8)

    def four_lines(a, _):
        left, out = code.add(y, code.times(a, code.row)), code.add(scatter, code.times(a, line))

        def four_columns(b, _):
            place = code.add(out, code.times(b, 8))
            _add_block(code, left, code.add(y, code.times(b, code.row)), rows, place, line, False)

        code.loop(0, a, 4, four_columns)
        _add_block(code, left, left, rows, code.add(out, code.times(a, 8)), line, True)

    code.loop(0, d, 4, four_lines)


_add_products, _add_products_single = _add_products


@_part
def _add_sums(code, x, r, k, d, rows, first):
    """Add Σ r x, in blocks of four components by four features."""
    line = code.times(d, 8)

    def four_components(j, _):
        def four_features(a, _):
            out = code.add(first, code.times(j, line), code.times(a, 8))
            sides = code.add(r, code.times(j, _ROW)), code.add(x, code.times(a, _ROW))
            _add_block(code, *sides, rows, out, line, False)

        code.loop(0, d, 4, four_features)

    code.loop(0, k, 4, four_components)


@intrinsic
def _exp(context, x):
    def generate(context, builder, signature, arguments):
        return _Code(context, builder).exp(*arguments)

    return types.float64(types.float64), generate


@_kernel
def exponentials(x, out):
    """e^x of each x ≤ 0."""
    for i in range(len(x)):
        out[i] = _exp(x[i])


@_kernel
def full(X, weights, n, d, k, parameters, scratch, out):
    """Means, transposed whiteners and log constants; counts, first moments and scatter matrices of each component.

    Of a scatter matrix, the lower triangle is filled.
    """
    dp = (d + 3) & -4
    whiteners, first = parameters + 8 * k * dp, out + 8 * k
    constants, scatter = whiteners + 8 * k * dp * dp, first + 8 * k * dp
    piece, centered, joint = scratch, scratch + dp * _ROW, scratch + 2 * dp * _ROW
    _fill(piece + d * _ROW, (dp - d) * STRIDE)
    log_likelihood = 0.0
    for start in range(0, n, PIECE):
        rows = min(n - start, PIECE)
        filled = (rows + 15) & -16
        _load(X + 8 * start * d, rows, d, piece)
        for j in range(k):
            _subtract(piece, parameters + 8 * j * dp, dp, filled, centered)
            _whitened_squares(whiteners + 8 * j * dp * dp, centered, dp, filled, joint + j * _ROW)
        log_likelihood += _normalised(joint, constants, k, rows, weights, start)
        _add_counts(joint, k, filled, out)
        for j in range(k):
            _add_first(piece, parameters + 8 * j * dp, joint + j * _ROW, dp, filled, first + 8 * j * dp, 0)
            _scale(piece, parameters + 8 * j * dp, joint + j * _ROW, dp, filled, centered)
            _add_products(centered, dp, filled, scatter + 8 * j * dp * dp)
    return log_likelihood


@_kernel
def full_single(X, weights, n, d, k, parameters, scratch, out):
    """As `full`, in single precision but for exponentials and for sums over pieces.

    Center, log constants and, in single precision, means less the center and transposed whiteners.
    """
    dp = (d + 3) & -4
    row = 4 * STRIDE
    constants, first = parameters + 8 * dp, out + 8 * k
    means, scatter = constants + 8 * k, first + 8 * k * dp
    whiteners = means + 4 * k * dp
    piece, centered = scratch, scratch + dp * row
    joint = scratch + 2 * dp * row
    narrow = joint + k * _ROW
    _fill(piece + d * row, (dp - d) * STRIDE // 2)
    log_likelihood = 0.0
    for start in range(0, n, PIECE):
        rows = min(n - start, PIECE)
        filled, wide = (rows + 15) & -16, (rows + 31) & -32
        _load_single(X + 8 * start * d, rows, wide, d, parameters, piece)
        for j in range(k):
            _subtract_single(piece, means + 4 * j * dp, dp, wide, centered)
            _whitened_squares_single(whiteners + 4 * j * dp * dp, centered, dp, wide, joint + j * _ROW)
        log_likelihood += _normalised(joint, constants, k, rows, weights, start)
        _add_counts(joint, k, filled, out)
        _fill(narrow + 4 * filled, (wide - filled) // 2)
        for j in range(k):
            _narrow(joint + j * _ROW, filled, narrow)
            _add_first_single(piece, means + 4 * j * dp, narrow, dp, wide, first + 8 * j * dp, 0)
            _scale_single(piece, means + 4 * j * dp, narrow, dp, wide, centered)
            _add_products_single(centered, dp, wide, scatter + 8 * j * dp * dp)
    return log_likelihood


@_kernel
def pooled(X, weights, n, d, k, parameters, scratch, out):
    """Center, transposed whitener, whitened means and log constants; counts and first moments around the center.

    It adds no second moments: the scatter of all components together does not depend on r. Rows are whitened once, and
    then compared with the whitened means, of which there are a multiple of four, as of the first moments.
    """
    dp, kp = (d + 3) & -4, (k + 3) & -4
    whitener = parameters + 8 * dp
    means, first = whitener + 8 * dp * dp, out + 8 * k
    constants = means + 8 * kp * dp
    piece, z, joint = scratch, scratch + dp * _ROW, scratch + 2 * dp * _ROW
    _fill(piece + d * _ROW, (dp - d) * STRIDE)
    log_likelihood = 0.0
    for start in range(0, n, PIECE):
        rows = min(n - start, PIECE)
        filled = (rows + 15) & -16
        _load(X + 8 * start * d, rows, d, piece)
        _subtract(piece, parameters, d, filled, piece)
        _whiten(whitener, piece, dp, filled, z)
        _distances(z, means, 0, kp, dp, filled, joint)
        log_likelihood += _normalised(joint, constants, k, rows, weights, start)
        _add_counts(joint, k, filled, out)
        _add_sums(piece, joint, kp, dp, filled, first)
    return log_likelihood


@_kernel
def diagonal(X, weights, n, d, k, parameters, scratch, out):
    """Means, scales and log constants; counts, first and second moments of each component's features.

    There are a multiple of four means and scales.
    """
    dp, kp = (d + 3) & -4, (k + 3) & -4
    scales, first = parameters + 8 * kp * dp, out + 8 * k
    constants, second = scales + 8 * kp * dp, first + 8 * k * dp
    piece, joint = scratch, scratch + dp * _ROW
    _fill(piece + d * _ROW, (dp - d) * STRIDE)
    log_likelihood = 0.0
    for start in range(0, n, PIECE):
        rows = min(n - start, PIECE)
        filled = (rows + 15) & -16
        _load(X + 8 * start * d, rows, d, piece)
        _scaled_distances(piece, parameters, scales, kp, dp, filled, joint)
        log_likelihood += _normalised(joint, constants, k, rows, weights, start)
        _add_counts(joint, k, filled, out)
        for j in range(k):
            at = 8 * j * dp
            _add_moments(piece, parameters + at, joint + j * _ROW, dp, filled, first + at, second + at)
    return log_likelihood


@_kernel
def trace(X, weights, n, d, k, parameters, scratch, out):
    """Means, scales and log constants; counts, first moments and the trace of each component's scatter.

    There are a multiple of four means.
    """
    dp, kp = (d + 3) & -4, (k + 3) & -4
    scales, first = parameters + 8 * kp * dp, out + 8 * k
    constants, second = scales + 8 * k, first + 8 * k * dp
    piece, joint, squares = scratch, scratch + dp * _ROW, scratch + (dp + kp) * _ROW
    _fill(piece + d * _ROW, (dp - d) * STRIDE)
    log_likelihood = 0.0
    for start in range(0, n, PIECE):
        rows = min(n - start, PIECE)
        filled = (rows + 15) & -16
        _load(X + 8 * start * d, rows, d, piece)
        _distances(piece, parameters, 0, kp, dp, filled, squares)
        _scale_squares(squares, scales, k, filled, joint)
        log_likelihood += _normalised(joint, constants, k, rows, weights, start)
        _add_counts(joint, k, filled, out)
        _add_dots(joint, squares, k, filled, second)
        for j in range(k):
            _add_first(piece, parameters + 8 * j * dp, joint + j * _ROW, dp, filled, first + 8 * j * dp, 0)
    return log_likelihood
