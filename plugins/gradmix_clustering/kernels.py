"""E-step and moments of a block of rows, compiled by numba: one kernel for each layout of `Moments` and precision.

A kernel takes a few hundred rows at a time, features first, so that all of its loops run over rows. While such a piece
is in cache, it is whitened, normalised and added to the moments. Matrices are computed in blocks of four by four
features, whose sums stay in registers; d is padded with zeros to a multiple of four.

The kernels are written in LLVM's vector instructions: numba takes seconds to compile loops that it has to vectorise,
and the resulting code is slower. Each kernel is generated in double and in single precision. This is the precision of
rows, means and whiteners; exponentials, and sums over pieces, are always in double precision. Arrays are passed by
address, as numba would compile a second kernel for read-only arrays. Parameters and results are a single array each.

Parameters are scaled so that densities are powers of two, 2^(c − |z|²), which take fewer instructions.

All code is in one file, since numba's cache on disk notices changes only in the file of the kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from gradmix_clustering.compiled import compiled
from gradmix_clustering.moments import FAR
from gradmix_clustering.small import DIAGONAL, SPHERICAL, TIED

PIECE = 256
"""Number of rows in a piece."""

ROW = 8 * PIECE + 64
"""Bytes from one feature's rows to the next; not a power of two, as caches map such addresses to the same lines."""

_LINE = 64
"""Bytes in a cache line."""

UNIT = math.sqrt(0.5 / math.log(2))
"""Factor of whiteners, so that 2^(c − |z|²) is a density."""

_kernel = compiled()
_small_part = compiled("contract", is_part=True, is_inlined=False)
_small_sum = compiled("contract", "nsz", "reassoc", is_part=True, is_inlined=False)
_LOG_2, _HALF_LOG_2_PI = math.log(2), math.log(2 * math.pi) / 2
_ROUNDING, _TINY = float(np.finfo(float).eps), float(np.finfo(float).tiny)

_DOUBLE, _SINGLE, _INT, _INT32 = ir.DoubleType(), ir.FloatType(), ir.IntType(64), ir.IntType(32)

_POWERS = (
    4.4549605981865186e-10,
    7.072585949269223e-09,
    1.0178062445845774e-07,
    1.321544258792169e-06,
    1.525273382983612e-05,
    0.0001540353044173605,
    0.0013333558146416936,
    0.009618129107606888,
    0.0555041086648216,
    0.24022650695910097,
    0.6931471805599453,
    1.0,
)
"""Coefficients of 2^f for |f| ≤ 1/2, highest power first: Chebyshev's approximation, to a sixth of a rounding error."""


class _Code:
    """Vector instructions over the rows of a piece, and loops whose values stay in registers.

    Rows are processed in pairs of vectors, each as long as the processor's registers. Addresses are integers. Rows are
    in double or in single precision; sums over a piece are in double precision.
    """

    def __init__(self, context, builder, kind=_DOUBLE):
        self.builder = builder
        self.kind, self.size = kind, 8 if kind is _DOUBLE else 4
        self.row = self.size * PIECE + _LINE
        self.lanes = (64 if "+avx512f" in context.codegen().magic_tuple()[2] else 32) // self.size
        self.most_in_a_pair = 128 // self.size
        self.vector = ir.VectorType(kind, self.lanes)
        self.zero = self.constant(0.0)
        self.exact = self if kind is _DOUBLE else _Code(context, builder)

    def loop(self, start, stop, step, body, carried=()):
        """Repeat `body(index, values)`, which returns the next values; return the values after the loop."""
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

    def least(self, a, b):
        """Minimum of two integers."""
        b = _as_int(b)
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    def rounded_up(self, number, unit):
        """An integer, rounded up to a multiple of a power of two."""
        return self.builder.and_(self.add(number, unit - 1), _INT(-unit))

    def number(self, address, kind=None):
        """The number at an address."""
        return self.builder.load(self.builder.inttoptr(address, (kind or self.kind).as_pointer()))

    def put(self, value, address):
        """Write a number or vector to an address."""
        self.builder.store(value, self.builder.inttoptr(address, value.type.as_pointer()), align=8)

    def pair(self, address):
        """Load two consecutive vectors."""
        places = (address, self.add(address, self.size * self.lanes))
        return [self.builder.load(self.builder.inttoptr(at, self.vector.as_pointer()), align=8) for at in places]

    def put_pair(self, values, address):
        """Write two consecutive vectors."""
        for number, value in enumerate(values):
            self.put(value, self.add(address, self.size * self.lanes * number))

    def put_joint(self, values, constant, table, line, i):
        """Write a constant minus two vectors, in double precision, at row offset i, in bytes of this precision.

        Without a constant, write the vectors themselves.
        """
        at = self.add(table, self.times(line, ROW), self.times(i, 8 // self.size))
        for number, value in enumerate(map(self.as_double, values)):
            result = value if constant is None else self.builder.fsub(self.everywhere(constant), value)
            self.put(result, self.add(at, 8 * self.lanes * number))

    def as_double(self, value):
        """A number or vector in double precision."""
        return value if self.kind is _DOUBLE else self.builder.fpext(value, _like(value, _DOUBLE))

    def rounded(self, value):
        """Round a number or vector from double precision to this precision."""
        return value if self.kind is _DOUBLE else self.builder.fptrunc(value, _like(value, _SINGLE))

    def everywhere(self, number):
        """A number in each place of a vector."""
        kind = ir.VectorType(number.type, self.lanes)
        vector = self.builder.insert_element(ir.Constant(kind, ir.Undefined), number, _INT32(0))
        return self.builder.shuffle_vector(vector, vector, ir.Constant(ir.VectorType(_INT32, self.lanes), None))

    def call(self, name, *arguments, result=None, flags=()):
        """Call one of LLVM's functions; ``fmuladd`` rounds once if the processor supports it."""
        result = arguments[0].type if result is None else result
        vector = next((each.type for each in arguments if isinstance(each.type, ir.VectorType)), None)
        bits = "f32" if (result if vector is None else vector.element) is _SINGLE else "f64"
        return self.function(f"{name}.{bits if vector is None else f'v{vector.count}{bits}'}", result, arguments, flags)

    def function(self, name, result, arguments, flags=()):
        """Call one of LLVM's functions by its full name."""
        name, kind = f"llvm.{name}", ir.FunctionType(result, [each.type for each in arguments])
        function = self.builder.module.globals.get(name) or ir.Function(self.builder.module, kind, name)
        return self.builder.call(function, arguments, fastmath=flags)

    def fma(self, a, b, c):
        """A b + c."""
        return self.call("fmuladd", a, b, c)

    def constant(self, value):
        """A given number in each place of a vector."""
        return ir.Constant(self.vector, [value] * self.lanes)

    def place(self, table, line, i):
        """Address of a pair of vectors in a line of a table."""
        return self.add(table, self.times(line, self.row), i)

    def total(self, vector):
        """Sum of a vector's numbers."""
        return self.call("vector.reduce.fadd", self.kind(-0.0), vector, result=self.kind, flags=("reassoc",))

    def product(self, vector):
        """Product of a vector's numbers."""
        return self.call("vector.reduce.fmul", self.kind(1.0), vector, result=self.kind, flags=("reassoc",))

    def add_total(self, vector, address):
        """Add a vector's numbers to the one at an address, which is in double precision."""
        before = self.number(address, _DOUBLE)
        self.put(self.builder.fadd(before, self.as_double(self.total(vector))), address)

    def fetch(self, address, size):
        """Prefetch memory that will be read soon."""
        byte, hints = ir.IntType(8).as_pointer(), [_INT32(0), _INT32(2), _INT32(1)]  # to read; second level; data

        def line(at, _):
            self.function("prefetch.p0", ir.VoidType(), [self.builder.inttoptr(self.add(address, at), byte), *hints])

        self.loop(0, size, _LINE, line)

    def power_of_two(self, x):
        """Compute 2^x for x ≤ 0, and 0 below −1021, for a number or each element of a vector.

        The error is at most one unit in the last place, or two if the processor has no ``fmuladd``.

        x = n + f; a polynomial gives 2^f, and n is added to the exponent's bits. Adding 1.5 · 2⁵² rounds to the integer
        n and leaves it in the lowest bits.
        """
        builder, is_vector = self.builder, isinstance(x.type, ir.VectorType)
        bits = ir.VectorType(_INT, self.lanes) if is_vector else _INT

        def constant(value, kind=x.type):
            return ir.Constant(kind, [value] * self.lanes if is_vector else value)

        in_range = builder.fcmp_ordered(">=", x, constant(-1021.0))
        clamped = builder.select(in_range, x, constant(-1021.0))
        shifted = builder.fadd(clamped, constant(1.5 * 2**52))
        f = builder.fsub(clamped, builder.fsub(shifted, constant(1.5 * 2**52)))
        p = constant(_POWERS[0])
        for coefficient in _POWERS[1:]:
            p = self.fma(p, f, constant(coefficient))
        exponent = builder.shl(builder.bitcast(shifted, bits), constant(52, bits))
        value = builder.bitcast(builder.add(builder.bitcast(p, bits), exponent), x.type)
        return builder.select(in_range, value, constant(0.0))


def _as_int(value):
    return _INT(value) if isinstance(value, int) else value


def _like(value, kind):
    """Return the type of numbers, or a vector of them if the value is a vector."""
    return ir.VectorType(kind, value.type.count) if isinstance(value.type, ir.VectorType) else kind


def _load(code, X, rows, filled, d, piece, center):
    """Copy rows minus a center, if given, features first; repeat the last row to fill a pair of vectors.

    All differences are computed in double precision.
    """

    def vector(i, _):
        places = [code.add(X, code.times(row, code.times(d, 8))) for row in _rows_from(code, i, rows)]

        def feature(a, _):
            values = _gathered(code, [code.add(place, code.times(a, 8)) for place in places])
            if center is not None:
                coordinate = code.number(code.add(center, code.times(a, 8)), _DOUBLE)
                values = code.builder.fsub(values, code.everywhere(coordinate))
            code.put(code.rounded(values), code.place(piece, a, code.times(i, code.size)))

        code.loop(0, d, 1, feature)

    code.loop(0, filled, code.lanes, vector)


def _rows_from(code, first, stop):
    """Row numbers of a vector; beyond the last row, its number is repeated."""
    last = code.add(stop, -1)
    return [code.least(code.add(first, lane), last) for lane in range(code.lanes)]


def _gathered(code, places):
    """Load the numbers at some addresses into a vector, in double precision."""
    vector = ir.Constant(ir.VectorType(_DOUBLE, code.lanes), ir.Undefined)
    for lane, place in enumerate(places):
        vector = code.builder.insert_element(vector, code.number(place, _DOUBLE), _INT32(lane))
    return vector


def _fill(code, address, size):
    """Write zeros to a number of bytes."""
    code.loop(0, size, 8, lambda i, _: code.put(_DOUBLE(0.0), code.add(address, i)))


def _round(code, table, k, rows):
    """Round lines of numbers to single precision, in place; each line then begins earlier."""
    exact = code.exact

    def line(j, _):
        def vectors(i, _):
            values = [*map(code.rounded, exact.pair(exact.place(table, j, i)))]
            at = code.add(code.place(table, j, code.builder.udiv(i, _INT(2))))
            for number, value in enumerate(values):
                code.put(value, code.add(at, 4 * exact.lanes * number))

        exact.over_rows(rows, vectors)

    code.loop(0, k, 1, line)


def _subtract(code, x, point, d, rows, y):
    """Compute x − point."""

    def feature(a, _):
        coordinate = code.everywhere(code.number(code.add(point, code.times(a, code.size))))
        row = code.times(a, code.row)

        def vectors(i, _):
            offset = code.add(row, i)
            values = code.pair(code.add(x, offset))
            code.put_pair([code.builder.fsub(value, coordinate) for value in values], code.add(y, offset))

        code.over_rows(rows, vectors)

    code.loop(0, d, 1, feature)


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


def _join_whitened(code, whitener, y, d, rows, constants, joint, j):
    """Write a component's constant minus |L⁻¹ y|² of each row."""

    def vectors(i, _):
        def four(a, sums):
            z = _whitened(code, whitener, y, d, i, a)
            for number, value in enumerate(z):
                sums[number % 2] = code.fma(value, value, sums[number % 2])
            return sums

        squares = code.loop(0, d, 4, four, [code.zero] * 2)
        code.put_joint(squares, code.number(code.add(constants, code.times(j, 8)), _DOUBLE), joint, j, i)

    code.over_rows(rows, vectors)


def _whiten(code, whitener, y, d, rows, out):
    """Compute L⁻¹ y."""

    def vectors(i, _):
        def four(a, _):
            z = _whitened(code, whitener, y, d, i, a)
            for row in range(4):
                code.put_pair(z[2 * row : 2 * row + 2], code.place(out, code.add(a, row), i))

        code.loop(0, d, 4, four)

    code.over_rows(rows, vectors)


def _distances(code, x, points, k, d, rows, out, scales=None, constants=None):
    """Compute squared distances to four points at a time; differences are multiplied by scales if given.

    If constants are given, the result is the constants minus the squares.
    """
    line = code.times(d, code.size)

    def four_points(j, _):
        def vectors(i, _):
            def feature(a, sums):
                values, added = code.pair(code.place(x, a, i)), []
                for point in range(4):
                    place = code.add(code.times(code.add(j, point), line), code.times(a, code.size))
                    coordinate = code.everywhere(code.number(code.add(points, place)))
                    scale = None if scales is None else code.everywhere(code.number(code.add(scales, place)))
                    for half, value in enumerate(values):
                        y = code.builder.fsub(value, coordinate)
                        y = y if scale is None else code.builder.fmul(y, scale)
                        added.append(code.fma(y, y, sums[2 * point + half]))
                return added

            sums = code.loop(0, d, 1, feature, [code.zero] * 8)
            for point in range(4):
                at, own = code.add(j, point), sums[2 * point : 2 * point + 2]
                place = None if constants is None else code.add(constants, code.times(at, 8))
                code.put_joint(own, None if place is None else code.number(place, _DOUBLE), out, at, i)

        code.over_rows(rows, vectors)

    code.loop(0, k, 4, four_points)


def _join_squares(code, squares, scales, constants, k, rows, joint):
    """Write the constants minus the squares times the components' squared scales."""

    def component(j, _):
        scale, constant = (code.everywhere(code.number(code.add(at, code.times(j, 8)))) for at in (scales, constants))
        square = code.builder.fneg(code.builder.fmul(scale, scale))

        def vectors(i, _):
            values = code.pair(code.place(squares, j, i))
            code.put_pair([code.fma(value, square, constant) for value in values], code.place(joint, j, i))

        code.over_rows(rows, vectors)

    code.loop(0, k, 1, component)


def _normalised(code, joint, k, rows, filled, weights, start, ahead, size):
    """Turn logarithms of joint densities into responsibilities times weights; return Σ weight · log p(x).

    Logarithms are to base 2, except in the sum. Responsibilities are zero beyond the last row. `weights` is the address
    of all rows' weights, or 0 if all are 1; the piece begins at `start`. Meanwhile, the next rows are prefetched,
    `size` bytes each.
    """
    builder, one = code.builder, code.constant(1.0)

    def vectors(i, sums):
        first = builder.udiv(i, _INT(8))
        code.fetch(code.add(ahead, code.times(first, size)), code.times(size, 2 * code.lanes))
        largest = _largest(code, joint, k, i)
        totals = _powers(code, joint, largest, k, i)
        exists = [_before(code, rows, code.add(first, code.lanes * number)) for number in range(2)]
        largest = [builder.select(mask, value, code.zero) for mask, value in zip(exists, largest, strict=True)]
        totals = [builder.select(mask, value, one) for mask, value in zip(exists, totals, strict=True)]
        ones = [builder.select(mask, one, code.zero) for mask in exists]
        largest = [builder.fmul(value, code.constant(math.log(2))) for value in largest]
        with builder.if_else(builder.icmp_signed("!=", weights, _INT(0))) as (weighted, plain):
            with weighted:
                given = _weights(code, weights, code.add(start, first), code.add(start, rows), ones)
                logs = [builder.fadd(m, _logs(code, total)) for m, total in zip(largest, totals, strict=True)]
                weighted_sum, weighted_end = code.total(builder.fadd(*map(builder.fmul, given, logs))), builder.block
            with plain:
                log = code.call("log", code.product(builder.fmul(*totals)))  # of sixteen totals, each at most k
                plain_sum, plain_end = builder.fadd(log, code.total(builder.fadd(*largest))), builder.block
        added = _chosen(code, (weighted_sum, weighted_end), (plain_sum, plain_end))
        masses = [_chosen(code, (w, weighted_end), (e, plain_end)) for w, e in zip(given, ones, strict=True)]
        _multiply(code, joint, [*map(builder.fdiv, masses, totals)], k, i)
        return [builder.fadd(sums[0], added)]

    return code.over_rows(filled, vectors, [_DOUBLE(0.0)])[0]


def _largest(code, joint, k, i):
    """Compute the largest logarithm of each row."""

    def component(j, largest):
        values = code.pair(code.place(joint, j, i))
        are_larger = [*map(partial(code.builder.fcmp_ordered, ">"), values, largest)]
        return [*map(code.builder.select, are_larger, values, largest)]

    return code.loop(0, k, 1, component, [code.constant(-math.inf)] * 2)


def _powers(code, joint, largest, k, i):
    """Turn logarithms minus the largest into powers; return the sums of these."""

    def component(j, totals):
        place = code.place(joint, j, i)
        values = [code.power_of_two(each) for each in map(code.builder.fsub, code.pair(place), largest)]
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
    """Return a mask of the existing rows, from a first one on."""
    numbers = ir.Constant(ir.VectorType(_INT, code.lanes), list(range(code.lanes)))
    return code.builder.icmp_signed("<", numbers, code.everywhere(code.builder.sub(rows, first)))


def _chosen(code, *ways):
    """Select the value of the executed branch."""
    phi = code.builder.phi(ways[0][0].type)
    for value, block in ways:
        phi.add_incoming(value, block)
    return phi


def _logs(code, vector):
    """Natural logarithm of each number."""
    for lane in range(code.lanes):
        log = code.call("log", code.builder.extract_element(vector, _INT32(lane)))
        vector = code.builder.insert_element(vector, log, _INT32(lane))
    return vector


def _add_counts(code, r, k, rows, counts):
    """Add Σ r of each component."""

    def component(j, _):
        def vectors(i, sums):
            return [*map(code.builder.fadd, sums, code.pair(code.place(r, j, i)))]

        sums = code.over_rows(rows, vectors, [code.zero] * 2)
        code.add_total(code.builder.fadd(*sums), code.add(counts, code.times(j, 8)))

    code.loop(0, k, 1, component)


def _add_moments(code, x, point, r, d, rows, first, second=None):
    """Add Σ r (x − point) of each feature and, if `second` is given, Σ r (x − point)²."""

    def four(a, _):
        features = [code.add(a, feature) for feature in range(4)]
        point_of = [code.everywhere(code.number(code.add(point, code.times(each, code.size)))) for each in features]

        def vectors(i, sums):
            mass, sums = code.pair(code.add(r, i)), [*sums]
            for feature in range(4):
                values = code.pair(code.place(x, code.add(a, feature), i))
                for m, value in zip(mass, values, strict=True):
                    y = code.builder.fsub(value, point_of[feature])
                    if second is None:
                        sums[feature] = code.fma(m, y, sums[feature])
                    else:
                        weighted = code.builder.fmul(m, y)
                        sums[feature] = code.builder.fadd(sums[feature], weighted)
                        sums[4 + feature] = code.fma(weighted, y, sums[4 + feature])
            return sums

        sums = code.over_rows(rows, vectors, [code.zero] * (4 if second is None else 8))
        for number, total in enumerate(sums):
            code.add_total(total, code.add(second if number >= 4 else first, code.times(features[number % 4], 8)))

    code.loop(0, d, 4, four)


def _add_dots(code, a, b, k, rows, out):
    """Add Σ a b of each component."""

    def component(j, _):
        def vectors(i, sums):
            places = [code.place(each, j, i) for each in (a, b)]
            return [*map(code.fma, *map(code.pair, places), sums)]

        sums = code.over_rows(rows, vectors, [code.zero] * 2)
        code.add_total(code.builder.fadd(*sums), code.add(out, code.times(j, 8)))

    code.loop(0, k, 1, component)


def _scale(code, x, point, r, d, rows, y):
    """Compute √r (x − point), whose products are the second moments."""

    def vectors(i, _):
        roots = [code.call("sqrt", value) for value in code.pair(code.add(r, i))]

        def feature(a, _):
            coordinate = code.everywhere(code.number(code.add(point, code.times(a, code.size))))
            offset = code.add(code.times(a, code.row), i)
            values = [code.builder.fsub(value, coordinate) for value in code.pair(code.add(x, offset))]
            code.put_pair([*map(code.builder.fmul, values, roots)], code.add(y, offset))

        code.loop(0, d, 1, feature)

    code.over_rows(rows, vectors)


def _add_block(code, left, right, rows, out, line, is_lower):
    """Add products of four by four features, summed over rows; in a diagonal block, only the lower triangle."""
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


def _add_sums(code, x, r, k, d, rows, first):
    """Add Σ r x, in blocks of four components by four features."""
    line = code.times(d, 8)

    def four_components(j, _):
        def four_features(a, _):
            out = code.add(first, code.times(j, line), code.times(a, 8))
            sides = code.add(r, code.times(j, code.row)), code.add(x, code.times(a, code.row))
            _add_block(code, *sides, rows, out, line, False)

        code.loop(0, d, 4, four_features)

    code.loop(0, k, 4, four_components)


@dataclass(frozen=True)
class _Pass:
    """Sizes and addresses of a kernel.

    Parameters
    ----------
    d, k
        Numbers of features and components, rounded up to multiples of four.
    components
        Number of components.
    constants
        Logarithms to base 2 of the joint densities at the means.
    others
        The other parameters.
    first, second
        Sums of first and second moments.
    joint
        Logarithms of the joint densities of a piece, later its responsibilities.
    piece, scratch
        The rows of a piece, and memory for intermediate results.
    """

    d: Any
    k: Any
    components: Any
    constants: Any
    others: Any
    first: Any
    second: Any
    joint: Any
    piece: Any
    scratch: Any


_Step = Callable[[Any], None]


def _kernels(write: Callable[[Any, _Pass], tuple[_Step, _Step]], is_centered: bool = False) -> list[Any]:
    """Return two functions of integers for kernels, in double and single precision; they return the log-likelihood.

    Parameters
    ----------
    write
        Returns two functions of the padded number of rows. The first writes the instructions that compute the
        logarithms of joint densities, the second those that sum moments under the responsibilities.
    is_centered
        Whether the center is subtracted from rows. In single precision it always is.
    """

    def whole(code, X, weights, n, d, k, parameters, scratch, out):
        dp, kp = code.rounded_up(d, 4), code.rounded_up(k, 4)
        constants, first, size = code.add(parameters, code.times(dp, 8)), code.add(out, code.times(k, 8)), code.row
        piece = code.add(scratch, code.times(kp, ROW))
        names = _Pass(
            d=dp,
            k=kp,
            components=k,
            constants=constants,
            others=code.add(constants, code.times(kp, 8)),
            first=first,
            second=code.add(first, code.times(code.times(kp, dp), 8)),
            joint=scratch,
            piece=piece,
            scratch=code.add(piece, code.times(dp, size)),
        )
        join, gather = write(code, names)
        center = parameters if is_centered or code.kind is _SINGLE else None
        _fill(code, code.add(piece, code.times(d, size)), code.times(code.builder.sub(dp, d), size))

        def each(start, sums):
            rows = code.least(code.builder.sub(n, start), PIECE)
            filled, line = code.rounded_up(rows, code.most_in_a_pair), code.times(d, 8)
            here = code.add(X, code.times(start, line))
            _load(code, here, rows, filled, d, piece, center)
            join(filled)
            ahead = code.add(here, code.times(line, PIECE))
            added = _normalised(code.exact, scratch, k, rows, filled, weights, start, ahead, line)
            _add_counts(code.exact, scratch, k, filled, out)
            gather(filled)
            return [code.builder.fadd(sums[0], added)]

        return code.loop(0, n, PIECE, each, [_DOUBLE(0.0)])[0]

    return [_part(whole, kind) for kind in (_DOUBLE, _SINGLE)]


def _part(write, kind=_DOUBLE):
    """Return a function of integers for kernels, which returns a number, from one that writes its instructions."""

    def part(context, *arguments):
        def generate(context, builder, signature, arguments):
            return write(_Code(context, builder, kind), *arguments)

        return types.float64(*[types.intp] * len(arguments)), generate

    part.__signature__ = signature(write)  # numba takes the number of arguments from it
    return intrinsic(part)


def _round_responsibilities(code, names, rows):
    if code.kind is _SINGLE:
        _round(code, names.joint, names.k, rows)


def _write_full(code, names):
    means, square = names.others, code.times(names.d, names.d)
    whiteners = code.add(means, code.times(code.times(names.k, names.d), code.size))

    def mean_of(j):
        return code.add(means, code.times(code.times(j, names.d), code.size))

    def join(rows):
        def component(j, _):
            whitener = code.add(whiteners, code.times(code.times(j, square), code.size))
            _subtract(code, names.piece, mean_of(j), names.d, rows, names.scratch)
            _join_whitened(code, whitener, names.scratch, names.d, rows, names.constants, names.joint, j)

        code.loop(0, names.components, 1, component)

    def gather(rows):
        _round_responsibilities(code, names, rows)

        def component(j, _):
            r, first = code.place(names.joint, j, 0), code.add(names.first, code.times(code.times(j, names.d), 8))
            _add_moments(code, names.piece, mean_of(j), r, names.d, rows, first)
            _scale(code, names.piece, mean_of(j), r, names.d, rows, names.scratch)
            second = code.add(names.second, code.times(code.times(j, square), 8))
            _add_products(code, names.scratch, names.d, rows, second)

        code.loop(0, names.components, 1, component)

    return join, gather


def _write_pooled(code, names):
    whitener = names.others
    means = code.add(whitener, code.times(code.times(names.d, names.d), code.size))

    def join(rows):
        _whiten(code, whitener, names.piece, names.d, rows, names.scratch)
        _distances(code, names.scratch, means, names.k, names.d, rows, names.joint, constants=names.constants)

    def gather(rows):
        _round_responsibilities(code, names, rows)
        _add_sums(code, names.piece, names.joint, names.k, names.d, rows, names.first)

    return join, gather


def _write_diagonal(code, names):
    means = names.others
    scales = code.add(means, code.times(code.times(names.k, names.d), code.size))

    def join(rows):
        _distances(code, names.piece, means, names.k, names.d, rows, names.joint, scales, names.constants)

    def gather(rows):
        _round_responsibilities(code, names, rows)

        def component(j, _):
            at = code.times(j, names.d)
            mean, sums = code.add(means, code.times(at, code.size)), code.times(at, 8)
            first, second = code.add(names.first, sums), code.add(names.second, sums)
            _add_moments(code, names.piece, mean, code.place(names.joint, j, 0), names.d, rows, first, second)

        code.loop(0, names.components, 1, component)

    return join, gather


def _write_trace(code, names):
    scales, squares = names.others, names.scratch
    means = code.add(scales, code.times(names.k, 8))

    def join(rows):
        _distances(code, names.piece, means, names.k, names.d, rows, squares)
        _join_squares(code.exact, squares, scales, names.constants, names.components, rows, names.joint)

    def gather(rows):
        _add_dots(code.exact, names.joint, squares, names.components, rows, names.second)
        _round_responsibilities(code, names, rows)

        def component(j, _):
            at = code.times(j, names.d)
            mean, first = code.add(means, code.times(at, code.size)), code.add(names.first, code.times(at, 8))
            _add_moments(code, names.piece, mean, code.place(names.joint, j, 0), names.d, rows, first)

        code.loop(0, names.components, 1, component)

    return join, gather


_full, _full_single = _kernels(_write_full)
_pooled, _pooled_single = _kernels(_write_pooled, is_centered=True)
_diagonal, _diagonal_single = _kernels(_write_diagonal)
_trace, _trace_single = _kernels(_write_trace)


@_kernel
def full(X, weights, n, d, k, parameters, scratch, out):
    """Center, constants, means and transposed whiteners; counts, first moments and scatter matrices of each component.

    Only the lower triangles of scatter matrices are filled.
    """
    return _full(X, weights, n, d, k, parameters, scratch, out)


@_kernel
def full_single(X, weights, n, d, k, parameters, scratch, out):
    """As `full`, with rows, means (around the center) and whiteners in single precision."""
    return _full_single(X, weights, n, d, k, parameters, scratch, out)


@_kernel
def pooled(X, weights, n, d, k, parameters, scratch, out):
    """Center, constants, transposed whitener and whitened means; counts and first moments around the center.

    It adds no second moments, as the scatter of all components together does not depend on r. Rows are whitened once,
    then compared with the whitened means.
    """
    return _pooled(X, weights, n, d, k, parameters, scratch, out)


@_kernel
def pooled_single(X, weights, n, d, k, parameters, scratch, out):
    """As `pooled`, with rows, whitener and whitened means in single precision."""
    return _pooled_single(X, weights, n, d, k, parameters, scratch, out)


@_kernel
def diagonal(X, weights, n, d, k, parameters, scratch, out):
    """Center, constants, means and scales; counts, first and second moments of each component's features."""
    return _diagonal(X, weights, n, d, k, parameters, scratch, out)


@_kernel
def diagonal_single(X, weights, n, d, k, parameters, scratch, out):
    """As `diagonal`, with rows, means (around the center) and scales in single precision."""
    return _diagonal_single(X, weights, n, d, k, parameters, scratch, out)


@_kernel
def trace(X, weights, n, d, k, parameters, scratch, out):
    """Center, constants, scales and means; counts, first moments and the trace of each component's scatter."""
    return _trace(X, weights, n, d, k, parameters, scratch, out)


@_kernel
def trace_single(X, weights, n, d, k, parameters, scratch, out):
    """As `trace`, with rows and means (around the center) in single precision."""
    return _trace_single(X, weights, n, d, k, parameters, scratch, out)


@_small_part
def _clear(numbers):
    for place in range(len(numbers)):
        numbers[place] = 0.0


@_small_sum
def _gather_labels(X, row_weights, labels, masses, means, out):
    """Move means to those of the rows of each label; write the rows' counts and second moments around them."""
    k, d = means.shape
    dp, kp = (d + 3) & -4, (k + 3) & -4
    for j in range(k):
        for i in range(len(labels)):
            masses[i] = row_weights[i] if labels[i] == j else 0.0
            out[j] += masses[i]
        for a in range(d):
            mean, moved = means[j, a], 0.0
            for i in range(len(labels)):
                moved += masses[i] * (X[a, i] - mean)
            means[j, a] += moved / max(out[j], _TINY)
        for a in range(d):
            mean = means[j, a]
            for b in range(a + 1):
                other, moment = means[j, b], 0.0
                for i in range(len(labels)):
                    moment += masses[i] * (X[a, i] - mean) * (X[b, i] - other)
                out[k + (kp + j * dp + a) * dp + b] = moment


@_small_part
def _maximise(out, kind, floor, weights, means, covariances):
    """M-step from moments around the means, which move unless they have no rows. Moves replace first moments."""
    k, d = means.shape
    dp, kp = (d + 3) & -4, (k + 3) & -4
    total = 0.0
    for j in range(k):
        total += out[j]
        first, second, count = k + j * dp, k + (kp + j * dp) * dp, max(out[j], _TINY)
        for a in range(d):
            out[first + a] /= count
            means[j, a] += out[first + a]
            for b in range(a + 1):
                covariances[j, a, b] = out[second + a * dp + b] - count * out[first + a] * out[first + b]
                if kind == TIED and j > 0:
                    covariances[0, a, b] += covariances[j, a, b]
    for j in range(k - 1, -1, -1):  # the first component comes last, as it has the moments of all
        weights[j], trace = out[j] / total, 0.0
        source, count = (0, total) if kind == TIED else (j, max(out[j], _TINY))
        for a in range(d):
            for b in range(a + 1):
                value = covariances[source, a, b] / count if a == b or kind < DIAGONAL else 0.0
                covariances[j, a, b] = covariances[j, b, a] = value
            trace += covariances[j, a, a]
        for a in range(d):
            covariances[j, a, a] = (trace / d if kind == SPHERICAL else covariances[j, a, a]) + floor


@_small_part
def _prepare(weights, means, covariances, out, parameters, factor):
    """Write a model as parameters of `full`; return the largest squared move of a mean, in standard deviations.

    The result is NaN if a covariance is not positive definite.
    """
    k, d = means.shape
    dp, kp = (d + 3) & -4, (k + 3) & -4
    largest = 0.0
    for j in range(k):
        constant, square = math.log(weights[j]) - d * _HALF_LOG_2_PI, 0.0
        mean, inverse = dp + kp + j * dp, dp + kp + (kp + j * dp) * dp
        for a in range(d):
            parameters[mean + a] = means[j, a]
            line = inverse + a * dp
            for b in range(a + 1):
                value = covariances[j, a, b]
                for c in range(b):
                    value -= factor[a, c] * factor[b, c]
                if a > b:
                    factor[a, b] = value * parameters[inverse + b * dp + b]
                elif value > 0:
                    parameters[line + a] = 1 / math.sqrt(value)
                    constant += math.log(parameters[line + a])
                else:
                    return np.nan
            moved = parameters[line + a] * out[k + j * dp + a]
            for b in range(a):
                value = 0.0
                for c in range(b, a):
                    value -= factor[a, c] * parameters[inverse + c * dp + b]
                parameters[line + b] = value * parameters[line + a]
                moved += parameters[line + b] * out[k + j * dp + b]
            square += moved * moved
        for place in range(inverse, inverse + dp * dp):
            parameters[place] *= UNIT
        parameters[dp + j] = constant / _LOG_2
        largest = max(largest, square)
    return largest


@_kernel
def em(X, row_weights, address, labels, kind, floor, tol, weights, means, covariances, traces, counts, ends):
    """Run EM of each start on few rows, from clusters or from a model, for as many steps as `traces` has room for.

    On a few hundred rows an iteration takes microseconds; calls from Python would take a hundred times as long.

    Parameters
    ----------
    X
        Rows, features first, shape (d, n).
    row_weights, address
        The rows' weights, shape (n,), and the address of these; 0 if all weights are 1.
    labels
        Cluster of each row in each start, shape (number of starts, n), to begin with; (0, n) to continue from models.
    kind
        Kind of the covariances: FULL, TIED, DIAGONAL or SPHERICAL.
    floor
        Number added to every variance.
    tol
        Gain, in nats, below which a step is the last.
    weights, means, covariances
        The models, shapes (number of starts, k), (…, k, d) and (…, k, d, d): changed. A start sums its first
        moments around the means.
    traces
        Log-likelihood after each step, shape (number of starts, most steps): changed.
    counts
        Steps done, shape (number of starts,): changed.
    ends
        Whether a start has converged, shape (number of starts,): changed.

    Returns
    -------
    bool
        False if the likelihood of some model is not finite, or a model has moved too far for its moments to have enough
        digits; the computation then stops.
    """
    (n_starts, k, d), n = means.shape, X.shape[1]
    dp, kp = (d + 3) & -4, (k + 3) & -4
    parameters, out = np.empty(dp + kp + (kp + k * dp) * dp), np.empty(k + (kp + k * dp) * dp)
    rows, factor, scratch = np.empty((n, d)), np.empty((d, d)), np.empty(max(n, (2 * dp + kp) * (ROW // 8) + 8))
    aligned = (scratch.ctypes.data + 63) & -64
    for i in range(n):
        for a in range(d):
            rows[i, a] = X[a, i]
    _clear(parameters)
    for start in range(n_starts):
        model = weights[start], means[start], covariances[start]
        before, counts[start], ends[start] = np.nan, -1, False
        has_model = len(labels) == 0
        _clear(out)
        while True:
            if has_model and not _prepare(*model, out, parameters, factor) < FAR:
                return False
            _clear(out)
            if has_model:
                after = _full(rows.ctypes.data, address, n, d, k, parameters.ctypes.data, aligned, out.ctypes.data)
                if not abs(after) < np.inf:
                    return False
                if counts[start] >= 0:
                    ends[start] = abs(after - before) < tol or abs(after - before) <= _ROUNDING * abs(after)
                    traces[start, counts[start]] = after
                before = after
                counts[start] += 1
                if counts[start] == traces.shape[1] or ends[start]:
                    break
            else:
                _gather_labels(X, row_weights, labels[start], scratch, means[start], out)
                has_model = True
            _maximise(out, kind, floor, *model)
    return True


@intrinsic
def _power_of_two(context, x):
    def generate(context, builder, signature, arguments):
        return _Code(context, builder).power_of_two(*arguments)

    return types.float64(types.float64), generate


@_kernel
def powers_of_two(x, out):
    """Compute 2^x of each x ≤ 0."""
    for i in range(len(x)):
        out[i] = _power_of_two(x[i])
