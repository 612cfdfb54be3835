"""E-step and moments of a block of rows, compiled by numba: one kernel for each layout of `Moments`.

A kernel takes a few hundred rows at a time, features first, so that all of its loops run over rows and are vectorised.
While such a piece is in cache, it is whitened, normalised and gathered into the moments. Matrices are computed in
blocks of four by four features, whose sixteen numbers stay in registers; d is filled up to a multiple of four by zeros.

All of it is one file, since numba's cache on disk notices changes only in the file of the kernel.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic

from gradmix_clustering.compiled import compiled

PIECE = 256
"""Rows of a piece."""

STRIDE = PIECE + 8
"""Numbers from one feature's rows to the next one's: no power of two, as caches map those onto each other."""

_exact_part = compiled("contract", "nsz", is_part=True)
_kernel = compiled("contract", "nsz")
_sums_part = compiled("contract", "nsz", "reassoc", is_part=True)
"""Of functions whose sums over rows may be taken in another order; that is how they are vectorised."""


@intrinsic
def _at(context, address):
    """Pointer to the numbers at an address.

    Rows are passed by address: numba would compile a second kernel for a read-only array.
    """

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.float64)(types.intp), generate


_TAYLOR = tuple(1 / math.factorial(power) for power in range(13, -1, -1))


@intrinsic
def _exp(context, x):
    """e^x for x ≤ 0 within one unit in the last place; 0 below −708. Vectorised in a loop, as `math.exp` is not.

    x = n log 2 + r; Taylor's polynomial of degree 13 gives e^r, and n is added to the exponent's bits. Adding 1.5 · 2⁵²
    rounds to the integer n and leaves it in the lowest bits. Instructions are written out, so that none is reordered.
    """

    def generate(context, builder, signature, arguments):
        (x,) = arguments
        double, bits = x.type, ir.IntType(64)

        def number(value):
            return ir.Constant(double, value)

        magic, lowest = number(1.5 * 2**52), number(-708.0)
        in_range = builder.fcmp_ordered(">=", x, lowest)
        clamped = builder.select(in_range, x, lowest)
        shifted = builder.fma(clamped, number(1 / math.log(2)), magic)
        n = builder.fsub(shifted, magic)
        r = builder.fma(n, number(-6.93147180369123816490e-01), clamped)
        r = builder.fma(n, number(-1.90821492927058770002e-10), r)
        p = number(_TAYLOR[0])
        for coefficient in _TAYLOR[1:]:
            p = builder.fma(p, r, number(coefficient))
        exponent = builder.shl(builder.bitcast(shifted, bits), ir.Constant(bits, 52))
        value = builder.bitcast(builder.add(builder.bitcast(p, bits), exponent), double)
        return builder.select(in_range, value, number(0.0))

    return types.float64(types.float64), generate


@_kernel
def exponentials(x, out):
    """e^x of each x ≤ 0."""
    for i in range(len(x)):
        out[i] = _exp(x[i])


@_exact_part
def _load(X, start, rows, piece):
    """Copy rows, features first."""
    for i in range(rows):
        for a in range(X.shape[1]):
            piece[a, i] = X[start + i, a]


@_exact_part
def _normalise(joint, log_constants, weights_at, start, rows, largest, total):
    """Turn squared distances into responsibilities times weights; returns Σ weight · log p(x)."""
    k = len(log_constants)
    for i in range(rows):
        largest[i] = -np.inf
        total[i] = 0.0
    for j in range(k):
        constant, row = log_constants[j], joint[j]
        for i in range(rows):
            value = constant - 0.5 * row[i]
            row[i] = value
            largest[i] = value if value > largest[i] else largest[i]
    for j in range(k):
        row = joint[j]
        for i in range(rows):
            value = _exp(row[i] - largest[i])
            row[i] = value
            total[i] += value
    log_likelihood = 0.0
    if weights_at:
        weights = carray(_at(weights_at), (start + rows,))
        for i in range(rows):
            log_likelihood += weights[start + i] * (largest[i] + math.log(total[i]))
            total[i] = weights[start + i] / total[i]
    else:
        product = 1.0
        for i in range(rows):
            log_likelihood += largest[i]
            product *= total[i]
            if product > 1e280:
                log_likelihood += math.log(product)
                product = 1.0
        log_likelihood += math.log(product)
        for i in range(rows):
            total[i] = 1.0 / total[i]
    for j in range(k):
        row = joint[j]
        for i in range(rows):
            row[i] *= total[i]
    return log_likelihood


@_exact_part
def _subtract(piece, point, rows, centered):
    """x − point."""
    for a in range(len(point)):
        source, to, coordinate = piece[a], centered[a], point[a]
        for i in range(rows):
            to[i] = source[i] - coordinate


@_exact_part
def _whiten_four(whitener, a, y, rows, z):
    """Features a to a + 3 of L⁻¹ y."""
    l0, l1, l2, l3 = whitener[a], whitener[a + 1], whitener[a + 2], whitener[a + 3]
    z0, z1, z2, z3 = z[0], z[1], z[2], z[3]
    y0, y1, y2, y3 = y[a], y[a + 1], y[a + 2], y[a + 3]
    l00 = l0[a]
    l10, l11 = l1[a], l1[a + 1]
    l20, l21, l22 = l2[a], l2[a + 1], l2[a + 2]
    l30, l31, l32, l33 = l3[a], l3[a + 1], l3[a + 2], l3[a + 3]
    for i in range(rows):
        v0, v1, v2, v3 = y0[i], y1[i], y2[i], y3[i]
        z0[i] = l00 * v0
        z1[i] = l10 * v0 + l11 * v1
        z2[i] = l20 * v0 + l21 * v1 + l22 * v2
        z3[i] = l30 * v0 + l31 * v1 + l32 * v2 + l33 * v3
    for b in range(0, a, 4):
        y0, y1, y2, y3 = y[b], y[b + 1], y[b + 2], y[b + 3]
        l00, l01, l02, l03 = l0[b], l0[b + 1], l0[b + 2], l0[b + 3]
        l10, l11, l12, l13 = l1[b], l1[b + 1], l1[b + 2], l1[b + 3]
        l20, l21, l22, l23 = l2[b], l2[b + 1], l2[b + 2], l2[b + 3]
        l30, l31, l32, l33 = l3[b], l3[b + 1], l3[b + 2], l3[b + 3]
        for i in range(rows):
            v0, v1, v2, v3 = y0[i], y1[i], y2[i], y3[i]
            z0[i] += l00 * v0 + l01 * v1 + l02 * v2 + l03 * v3
            z1[i] += l10 * v0 + l11 * v1 + l12 * v2 + l13 * v3
            z2[i] += l20 * v0 + l21 * v1 + l22 * v2 + l23 * v3
            z3[i] += l30 * v0 + l31 * v1 + l32 * v2 + l33 * v3


@_exact_part
def _add_squares(z, rows, squares):
    """Add the squares of four features."""
    z0, z1, z2, z3 = z[0], z[1], z[2], z[3]
    for i in range(rows):
        squares[i] += z0[i] * z0[i] + z1[i] * z1[i] + z2[i] * z2[i] + z3[i] * z3[i]


@_exact_part
def _distances(piece, point, rows, squares):
    """Squared distance of each row to a point."""
    for i in range(rows):
        squares[i] = 0.0
    for a in range(0, len(point), 4):
        x0, x1, x2, x3 = piece[a], piece[a + 1], piece[a + 2], piece[a + 3]
        p0, p1, p2, p3 = point[a], point[a + 1], point[a + 2], point[a + 3]
        for i in range(rows):
            v0, v1, v2, v3 = x0[i] - p0, x1[i] - p1, x2[i] - p2, x3[i] - p3
            squares[i] += v0 * v0 + v1 * v1 + v2 * v2 + v3 * v3


@_exact_part
def _scaled_distances(piece, point, scale, rows, squares):
    """Squared distance of each row to a point, each feature times its scale."""
    for i in range(rows):
        squares[i] = 0.0
    for a in range(0, len(point), 4):
        x0, x1, x2, x3 = piece[a], piece[a + 1], piece[a + 2], piece[a + 3]
        p0, p1, p2, p3 = point[a], point[a + 1], point[a + 2], point[a + 3]
        s0, s1, s2, s3 = scale[a], scale[a + 1], scale[a + 2], scale[a + 3]
        for i in range(rows):
            v0, v1, v2, v3 = (x0[i] - p0) * s0, (x1[i] - p1) * s1, (x2[i] - p2) * s2, (x3[i] - p3) * s3
            squares[i] += v0 * v0 + v1 * v1 + v2 * v2 + v3 * v3


@_sums_part
def _dot(a, b, rows):
    """Σ a b."""
    total = 0.0
    for i in range(rows):
        total += a[i] * b[i]
    return total


@_sums_part
def _sum(a, rows):
    """Σ a."""
    total = 0.0
    for i in range(rows):
        total += a[i]
    return total


@_sums_part
def _add_first(piece, point, r, rows, first):
    """Add Σ r (x − point)."""
    for a in range(0, len(point), 4):
        x0, x1, x2, x3 = piece[a], piece[a + 1], piece[a + 2], piece[a + 3]
        p0, p1, p2, p3 = point[a], point[a + 1], point[a + 2], point[a + 3]
        t0 = t1 = t2 = t3 = 0.0
        for i in range(rows):
            t0 += r[i] * (x0[i] - p0)
            t1 += r[i] * (x1[i] - p1)
            t2 += r[i] * (x2[i] - p2)
            t3 += r[i] * (x3[i] - p3)
        first[a] += t0
        first[a + 1] += t1
        first[a + 2] += t2
        first[a + 3] += t3


@_sums_part
def _add_sums(piece, r, rows, first):
    """Add Σ r x."""
    for a in range(0, len(first), 4):
        x0, x1, x2, x3 = piece[a], piece[a + 1], piece[a + 2], piece[a + 3]
        t0 = t1 = t2 = t3 = 0.0
        for i in range(rows):
            t0 += r[i] * x0[i]
            t1 += r[i] * x1[i]
            t2 += r[i] * x2[i]
            t3 += r[i] * x3[i]
        first[a] += t0
        first[a + 1] += t1
        first[a + 2] += t2
        first[a + 3] += t3


@_sums_part
def _add_first_and_squares(piece, point, r, rows, first, squares):
    """Add Σ r (x − point) and Σ r (x − point)²."""
    for a in range(0, len(point), 4):
        x0, x1, x2, x3 = piece[a], piece[a + 1], piece[a + 2], piece[a + 3]
        p0, p1, p2, p3 = point[a], point[a + 1], point[a + 2], point[a + 3]
        t0 = t1 = t2 = t3 = q0 = q1 = q2 = q3 = 0.0
        for i in range(rows):
            y0, y1, y2, y3 = x0[i] - p0, x1[i] - p1, x2[i] - p2, x3[i] - p3
            w0, w1, w2, w3 = r[i] * y0, r[i] * y1, r[i] * y2, r[i] * y3
            t0 += w0
            t1 += w1
            t2 += w2
            t3 += w3
            q0 += w0 * y0
            q1 += w1 * y1
            q2 += w2 * y2
            q3 += w3 * y3
        first[a] += t0
        first[a + 1] += t1
        first[a + 2] += t2
        first[a + 3] += t3
        squares[a] += q0
        squares[a + 1] += q1
        squares[a + 2] += q2
        squares[a + 3] += q3


@_sums_part
def _scale(piece, mean, r, rows, root, scaled, first):
    """Add Σ r (x − μ); leave √r (x − μ), whose products are the second moments."""
    for i in range(rows):
        root[i] = math.sqrt(r[i])
    for a in range(len(mean)):
        source, to, m = piece[a], scaled[a], mean[a]
        total = 0.0
        for i in range(rows):
            y = source[i] - m
            total += r[i] * y
            to[i] = root[i] * y
        first[a] += total


@_sums_part
def _add_products(y, rows, scatter):
    """Add y yᵀ, the lower triangle in blocks of four by four."""
    for a in range(0, len(scatter), 4):
        y0, y1, y2, y3 = y[a], y[a + 1], y[a + 2], y[a + 3]
        for b in range(0, a, 4):
            x0, x1, x2, x3 = y[b], y[b + 1], y[b + 2], y[b + 3]
            c00 = c01 = c02 = c03 = c10 = c11 = c12 = c13 = 0.0
            c20 = c21 = c22 = c23 = c30 = c31 = c32 = c33 = 0.0
            for i in range(rows):
                u0, u1, u2, u3 = y0[i], y1[i], y2[i], y3[i]
                v0, v1, v2, v3 = x0[i], x1[i], x2[i], x3[i]
                c00 += u0 * v0
                c01 += u0 * v1
                c02 += u0 * v2
                c03 += u0 * v3
                c10 += u1 * v0
                c11 += u1 * v1
                c12 += u1 * v2
                c13 += u1 * v3
                c20 += u2 * v0
                c21 += u2 * v1
                c22 += u2 * v2
                c23 += u2 * v3
                c30 += u3 * v0
                c31 += u3 * v1
                c32 += u3 * v2
                c33 += u3 * v3
            s0, s1, s2, s3 = scatter[a], scatter[a + 1], scatter[a + 2], scatter[a + 3]
            s0[b] += c00
            s0[b + 1] += c01
            s0[b + 2] += c02
            s0[b + 3] += c03
            s1[b] += c10
            s1[b + 1] += c11
            s1[b + 2] += c12
            s1[b + 3] += c13
            s2[b] += c20
            s2[b + 1] += c21
            s2[b + 2] += c22
            s2[b + 3] += c23
            s3[b] += c30
            s3[b + 1] += c31
            s3[b + 2] += c32
            s3[b + 3] += c33
        c00 = c10 = c11 = c20 = c21 = c22 = c30 = c31 = c32 = c33 = 0.0
        for i in range(rows):
            u0, u1, u2, u3 = y0[i], y1[i], y2[i], y3[i]
            c00 += u0 * u0
            c10 += u1 * u0
            c11 += u1 * u1
            c20 += u2 * u0
            c21 += u2 * u1
            c22 += u2 * u2
            c30 += u3 * u0
            c31 += u3 * u1
            c32 += u3 * u2
            c33 += u3 * u3
        scatter[a, a] += c00
        scatter[a + 1, a] += c10
        scatter[a + 1, a + 1] += c11
        scatter[a + 2, a] += c20
        scatter[a + 2, a + 1] += c21
        scatter[a + 2, a + 2] += c22
        scatter[a + 3, a] += c30
        scatter[a + 3, a + 1] += c31
        scatter[a + 3, a + 2] += c32
        scatter[a + 3, a + 3] += c33


@_kernel
def full(X_at, n, d, weights_at, means, whiteners, log_constants, scratch, counts, first, scatter):
    """Moments with a scatter matrix of each component, of which the lower triangle is filled."""
    X = carray(_at(X_at), (n, d))
    k, dp = means.shape
    piece, joint, centered, z = scratch, scratch[dp:], scratch[dp + k :], scratch[2 * dp + k :]
    largest, total = scratch[-1], scratch[-2]
    log_likelihood = 0.0
    for start in range(0, n, PIECE):
        rows = PIECE if n - start > PIECE else n - start
        _load(X, start, rows, piece)
        for j in range(k):
            _subtract(piece, means[j], rows, centered)
            for i in range(rows):
                joint[j, i] = 0.0
            for a in range(0, dp, 4):
                _whiten_four(whiteners[j], a, centered, rows, z)
                _add_squares(z, rows, joint[j])
        log_likelihood += _normalise(joint, log_constants, weights_at, start, rows, largest, total)
        for j in range(k):
            counts[j] += _sum(joint[j], rows)
            _scale(piece, means[j], joint[j], rows, total, centered, first[j])
            _add_products(centered, rows, scatter[j])
    return log_likelihood


@_kernel
def pooled(X_at, n, d, weights_at, center, whitened_means, whitener, log_constants, scratch, counts, first):
    """Moments around one point, without second moments: those of all components together do not depend on r.

    Rows are whitened once, and then compared with the whitened means.
    """
    X = carray(_at(X_at), (n, d))
    k, dp = whitened_means.shape
    piece, joint, z = scratch, scratch[dp:], scratch[dp + k :]
    largest, total = scratch[-1], scratch[-2]
    log_likelihood = 0.0
    for start in range(0, n, PIECE):
        rows = PIECE if n - start > PIECE else n - start
        _load(X, start, rows, piece)
        _subtract(piece, center, rows, piece)
        for a in range(0, dp, 4):
            _whiten_four(whitener, a, piece, rows, z[a:])
        for j in range(k):
            _distances(z, whitened_means[j], rows, joint[j])
        log_likelihood += _normalise(joint, log_constants, weights_at, start, rows, largest, total)
        for j in range(k):
            counts[j] += _sum(joint[j], rows)
            _add_sums(piece, joint[j], rows, first[j])
    return log_likelihood


@_kernel
def diagonal(X_at, n, d, weights_at, means, scales, log_constants, scratch, counts, first, scatter):
    """Moments with the scatter of each component's features."""
    X = carray(_at(X_at), (n, d))
    k, dp = means.shape
    piece, joint = scratch, scratch[dp:]
    largest, total = scratch[-1], scratch[-2]
    log_likelihood = 0.0
    for start in range(0, n, PIECE):
        rows = PIECE if n - start > PIECE else n - start
        _load(X, start, rows, piece)
        for j in range(k):
            _scaled_distances(piece, means[j], scales[j], rows, joint[j])
        log_likelihood += _normalise(joint, log_constants, weights_at, start, rows, largest, total)
        for j in range(k):
            counts[j] += _sum(joint[j], rows)
            _add_first_and_squares(piece, means[j], joint[j], rows, first[j], scatter[j])
    return log_likelihood


@_kernel
def trace(X_at, n, d, weights_at, means, scales, log_constants, scratch, counts, first, scatter):
    """Moments with the trace of each component's scatter."""
    X = carray(_at(X_at), (n, d))
    k, dp = means.shape
    piece, joint, squares = scratch, scratch[dp:], scratch[dp + k :]
    largest, total = scratch[-1], scratch[-2]
    log_likelihood = 0.0
    for start in range(0, n, PIECE):
        rows = PIECE if n - start > PIECE else n - start
        _load(X, start, rows, piece)
        for j in range(k):
            _distances(piece, means[j], rows, squares[j])
            scale = scales[j]
            for i in range(rows):
                joint[j, i] = squares[j, i] * scale * scale
        log_likelihood += _normalise(joint, log_constants, weights_at, start, rows, largest, total)
        for j in range(k):
            counts[j] += _sum(joint[j], rows)
            _add_first(piece, means[j], joint[j], rows, first[j])
            scatter[j] += _dot(joint[j], squares[j], rows)
    return log_likelihood
