"""Diagonals kept as intervals are the same patterns as by their entries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradmix
from gradmix.config.build import build
from gradmix_autodiff.sparse import compression, pattern
from gradmix_autodiff.sparse.bands import MOST_DIAGONALS, Bands, stacked, union

N = 9


@st.composite
def bands(draw, rows=None):
    """A pattern of some diagonals of random lengths, and the matrix that it is."""
    m = draw(st.integers(0, 7)) if rows is None else rows
    dense, parts = np.zeros((m, N), dtype=bool), [Bands((m, N), ())]
    for _ in range(draw(st.integers(0, 5))):
        start, stop = sorted((draw(st.integers(0, m)), draw(st.integers(0, m))))
        offset = draw(st.integers(-start, N - stop))
        if start < stop:
            parts.append(Bands((m, N), ((offset, start, stop),)))
            dense[np.arange(start, stop), np.arange(start, stop) + offset] = True
    return union(parts), dense


def entries(found):
    """The matrix of a pattern, whose columns are in order and distinct in each row."""
    csr = found.csr
    assert csr.shape == found.shape
    assert csr.nnz == found.nnz
    for a, b in zip(csr.indptr[:-1], csr.indptr[1:], strict=True):
        assert np.all(np.diff(csr.indices[a:b]) > 0)
    return csr.toarray()


@settings(max_examples=150, deadline=None)
@given(bands(), bands(), bands(rows=5), bands(rows=5), st.integers(0, 7), st.integers(0, 7))
def test_parts_joins_and_sums(first, second, third, fourth, begin, end):
    np.testing.assert_array_equal(entries(first[0]), first[1])
    np.testing.assert_array_equal(entries(first[0].transposed), first[1].T)
    begin, end = min(begin, end, len(first[1])), min(max(begin, end), len(first[1]))
    np.testing.assert_array_equal(entries(first[0].part(begin, end)), first[1][begin:end])
    both = stacked([first[0], None, second[0]], [len(first[1]), 2, len(second[1])], N)
    np.testing.assert_array_equal(entries(both), np.concatenate([first[1], np.zeros((2, N), dtype=bool), second[1]]))
    np.testing.assert_array_equal(entries(union([third[0], fourth[0]])), third[1] | fourth[1])


FUNCTIONS = {
    "tridiagonal": lambda x: x[1:-1] * x[:-2] - x[2:],
    "padded": lambda x: np.concatenate([np.zeros(1), x, x[-1:]])[2:] + np.sin(x),
    "entry by entry": lambda x: np.stack([x[k] * x[(k + 1) % len(x)] for k in range(len(x))]),
    "far apart": lambda x: x[:-5] * x[5:] + x[5:],
    "one for all": lambda x: x * x[0],
    "a negative index": lambda x: x[-1] * x[-3:],
    "many parts": lambda x: np.concatenate([x[k::7] for k in range(7)]) * x[::-1],
    "many diagonals": lambda x: sum(x[k : k + 20] ** 2 for k in range(0, 80, 1)),
    "of two axes": lambda x: np.reshape(x, (10, 10))[1:] * np.reshape(x, (10, 10))[:-1],
    "sum": lambda x: np.stack([np.sum(x[:3]), x[4]]),
    "repeated": lambda x: np.concatenate([x, x])[10:] + np.concatenate([x[5:], x])[:190][0],
    "empty": lambda x: x[5:5],
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("mode", ["dual", "tape"])
def test_functions_of_diagonals(name, mode):
    f, x, made = FUNCTIONS[name], np.linspace(0.5, 1.5, 100), gradmix.differentiator(mode)
    dense = np.reshape(made.jacobian(f, x), (-1, 100))
    np.testing.assert_allclose(made.jacobian(f, x, sparse=True).toarray(), dense, rtol=1e-12, atol=1e-14)
    found = pattern.pattern_of(lambda y: np.reshape(f(y), (-1,)), x)
    rows = (found.csr if isinstance(found, Bands) else found).toarray()
    assert np.all(rows[dense != 0])
    assert not isinstance(found, Bands) or len(found.diagonals) <= MOST_DIAGONALS


def test_a_band_takes_as_many_directions_as_it_is_wide():
    problem = build("problem", {"name": "broyden", "n": 200}).component
    x = problem.point()
    found = gradmix.differentiator("dual").colouring(problem.function, x)
    assert found.directions == 3
    assert isinstance(pattern.pattern_of(problem.function, x), Bands)
    prepared = gradmix.differentiator("dual").prepare(problem.function, x)
    for k in range(4):
        exact = gradmix.differentiator("dual").jacobian(problem.function, x + k)
        np.testing.assert_allclose(prepared.jacobian(x + k, sparse=True).toarray(), exact, rtol=1e-12)
    assert "push_many" in prepared.differentiator.paths
    assert isinstance(prepared.known[False], compression.Compression)
