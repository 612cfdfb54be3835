"""Compiled random numbers of NumPy's generators for many starts, as creating a generator takes as long as a start.

For i = 0, 1, … they are exactly those of `default_rng(SeedSequence(entropy, spawn_key=(i,))).random(m)`. NumPy
guarantees the streams of seed sequences and of PCG64. Source: NumPy's ``bit_generator.pyx`` and ``pcg64.h``;
O'Neill, *PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms* (2014), XSL-RR 128/64.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gradmix_clustering.compiled import compiled

_part = compiled(is_part=True)
_kernel = compiled()

_POOL = 4
_INIT_A, _TIMES_A = 0x43B0D7E5, 0x931E8875
_INIT_B, _TIMES_B = 0x8B51F9DD, 0x58F38DED
_MIX_A, _MIX_B = 0xCA01F9DD, 0x4973F715
_TIMES_HIGH, _TIMES_LOW = 0x2360ED051FC65DA4, 0x4385DF649FCCF645
_ULP = 2.0**-53


def words_of(entropy: int | Sequence[int]) -> NDArray[np.uint64]:
    """Split entropy into words of 32 bits, lowest first, at least as many as the pool of a seed sequence has."""
    words: list[int] = []
    for number in [entropy] if isinstance(entropy, int) else map(int, entropy):
        words += [number >> shift & 0xFFFFFFFF for shift in range(0, max(number.bit_length(), 1), 32)]
    return np.array(words + [0] * (_POOL - len(words)), dtype=np.uint64)


@_part
def _low(value):
    """Return the lower 32 bits."""
    return value & np.uint64(0xFFFFFFFF)


@_part
def _scrambled(value, constant, times):
    """Mix a word with a constant and the constant's successor; return the result and the successor."""
    successor = _low(constant * np.uint64(times))
    value = _low((value ^ constant) * successor)
    return value ^ (value >> np.uint64(16)), successor


@_part
def _fill(pool, words, start):
    """Fill the pool of a seed sequence from words of entropy and the number of a start."""
    constant = np.uint64(_INIT_A)
    for i in range(_POOL):
        pool[i], constant = _scrambled(words[i], constant, _TIMES_A)
    for source in range(len(words) + 1):
        for i in range(_POOL):
            if i != source:
                word = pool[source] if source < _POOL else words[source] if source < len(words) else np.uint64(start)
                value, constant = _scrambled(word, constant, _TIMES_A)
                value = _low(np.uint64(_MIX_A) * pool[i] - np.uint64(_MIX_B) * value)
                pool[i] = value ^ (value >> np.uint64(16))


@_part
def _seed(pool, seed):
    """Derive four words of 64 bits from a pool."""
    constant = np.uint64(_INIT_B)
    for i in range(2 * _POOL):
        value, constant = _scrambled(pool[i % _POOL], constant, _TIMES_B)
        if i % 2:
            seed[i // 2] |= value << np.uint64(32)
        else:
            seed[i // 2] = value


@_part
def _high_product(a, b):
    """Return the upper half of the product of two words of 64 bits."""
    half = np.uint64(32)
    cross = _low(a) * (b >> half) + (_low(a) * _low(b) >> half)
    other = (a >> half) * _low(b) + _low(cross)
    return (a >> half) * (b >> half) + (cross >> half) + (other >> half)


@_part
def _add(high, low, more_high, more_low):
    """Return the sum of two numbers of 128 bits."""
    total = low + more_low
    return high + more_high + np.uint64(total < low), total


@_part
def _step(high, low, increment_high, increment_low):
    """Return the next state of the generator."""
    times_high, times_low = np.uint64(_TIMES_HIGH), np.uint64(_TIMES_LOW)
    product = _high_product(low, times_low) + high * times_low + low * times_high
    return _add(product, low * times_low, increment_high, increment_low)


@_kernel
def uniforms(words, numbers):
    """Fill `numbers`, shape (number of starts, m), with draws in [0, 1) for each start; `words` are from `words_of`."""
    pool, seed = np.empty(_POOL, np.uint64), np.empty(_POOL, np.uint64)
    for start in range(len(numbers)):
        _fill(pool, words, start)
        _seed(pool, seed)
        increment_high = (seed[2] << np.uint64(1)) | (seed[3] >> np.uint64(63))
        increment_low = (seed[3] << np.uint64(1)) | np.uint64(1)
        high, low = _add(increment_high, increment_low, seed[0], seed[1])
        high, low = _step(high, low, increment_high, increment_low)
        for i in range(numbers.shape[1]):
            high, low = _step(high, low, increment_high, increment_low)
            word, turn = high ^ low, high >> np.uint64(58)
            word = (word >> turn) | (word << ((np.uint64(64) - turn) & np.uint64(63)))
            numbers[start, i] = (word >> np.uint64(11)) * _ULP
