"""Sparse Jacobians and Hessians against dense ones, the number of sweeps that they take, and patterns that change."""

import numpy as np
import pytest
import scipy.sparse

import gradmix
from gradmix import DifferentiationError
from gradmix_autodiff.sparse import compression
from gradmix_autodiff.sparse.colouring import colour_columns, colour_symmetric
from gradmix_autodiff.sparse.pattern import pattern_of
from gradmix_problems.broyden import Broyden

N = 60
X = np.random.default_rng(0).normal(size=N)
SPARSE_MATRIX = scipy.sparse.random(N, N, 0.03, random_state=1).toarray()
MODES = pytest.mark.parametrize("mode", ["dual", "tape"])


def filled(x):
    y = np.zeros(N, like=x)
    for i in range(N - 1):
        y[i] = x[i] * x[i + 1]
    view = y[:5]
    view *= x[10]
    return y


def arrow(x):
    return np.concatenate([np.reshape(np.sum(x**3), (1,)), x[1:] ** 2 * x[0]])


JACOBIANS = {
    "band": (lambda x: np.sin(x[2:]) * x[:-2] + x[1:-1], 3, 0),
    "arrow": (arrow, 2, 1),
    "one row": (lambda x: np.reshape(np.sum(x**2), (1,)), 0, 1),
    "few rows": (lambda x: np.stack([np.sum(x[:30] ** 2), np.sum(x[20:] ** 2), np.prod(x[:5])]), 0, 2),
    "constant matrix": (lambda x: SPARSE_MATRIX @ np.tanh(x), None, 0),
    "constant matrix on the right": (lambda x: np.tanh(x) @ SPARSE_MATRIX, None, 0),
    "where": (lambda x: np.where(x > 0, x, np.roll(x, 1)), 2, 0),
    "maximum": (lambda x: np.maximum(x[1:], x[:-1] ** 2), 2, 0),
    "max over an axis": (lambda x: np.max(np.reshape(x, (20, 3)), axis=1), 3, 0),
    "sum over an axis": (lambda x: np.sum(np.reshape(x, (20, 3)) ** 2, axis=1), 3, 0),
    "broadcast": (lambda x: np.reshape(x[:10], (10, 1)) * np.reshape(x, (10, 6)), 2, 0),
    "transposed": (lambda x: (np.reshape(x, (6, 10))[1:] * np.reshape(x, (6, 10))[:-1]).T, 2, 0),
    "einsum": (lambda x: np.einsum("ij,ij->i", np.reshape(x, (20, 3)), np.reshape(x, (20, 3)) ** 2), 3, 0),
    "indices": (lambda x: x[np.arange(N)[::-1]] * x, 2, 0),
    "sort": (lambda x: np.sort(x) ** 2, 1, 0),
    "written in place": (filled, 3, 0),
    "a constant": (lambda x: np.ones(3), 1, 0),
    "nothing": (lambda x: x[:0], 1, 0),
    "not finite": (lambda x: np.log(x) * np.roll(x, 1), 2, 0),
    "a number that is used often": (lambda x: x[0] * x, 2, 0),
    "dense": (lambda x: np.sum(x) * x, None, None),
    "running sum": (np.cumsum, None, None),
    "Fourier": (lambda x: np.real(np.fft.fft(x)), None, None),
    "linear system": (lambda x: np.linalg.solve(2.0 * np.eye(N) + SPARSE_MATRIX, x), None, None),
    "own rule": (lambda x: gradmix.with_rule(np.sin, jvp=lambda x, v: np.cos(x) * v)(x), None, None),
    "matrices": (lambda x: np.reshape(x, (6, 10)) @ np.reshape(x, (10, 6)), None, None),
}

HESSIANS = {
    "rosenbrock": (lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), 3),
    "pairs": (lambda x: np.sum(np.exp(x[::2] * x[1::2])), 2),
    "arrow": (lambda x: np.sum(x[1:] ** 2 * x[0]) + np.sum(x**4), 2),
    "grid": (
        lambda x: np.sum(np.diff(np.reshape(x, (6, 10)), axis=0) ** 4) + np.sum(np.diff(np.reshape(x, (6, 10))) ** 4),
        None,
    ),
    "blocks": (lambda x: np.sum(np.log(np.sum(np.exp(np.reshape(x, (20, 3))), axis=1))), 3),
    "largest": (lambda x: np.sum(np.maximum(x[1:], x[:-1]) ** 2), 3),
    "linear": (np.sum, None),
    "dense": (lambda x: np.sum(x) ** 3, None),
}


@pytest.fixture
def compressions(monkeypatch):
    """Directions pushed and pulled of each matrix that was tried, and whether its pattern held."""
    found, matrix = [], compression.Compression.matrix

    def noted(self, f, x, push, tolerance):
        result = matrix(self, f, x, push, tolerance)
        found.append((len(self.seeds) - 1, len(self.weights), result is not None))
        return result

    monkeypatch.setattr(compression.Compression, "matrix", noted)
    return found


@MODES
@pytest.mark.parametrize("name", JACOBIANS)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_jacobians(mode, name, compressions):
    (f, pushed, pulled), made = JACOBIANS[name], gradmix.differentiator(mode)
    found, dense = made.jacobian(f, X, sparse=True), made.jacobian(f, X)
    assert isinstance(found, scipy.sparse.csc_matrix)
    np.testing.assert_allclose(found.toarray(), np.reshape(dense, (-1, N)), rtol=1e-12, atol=1e-14)
    if pulled is None:
        assert not compressions
    else:
        [(tangents, cotangents, holds)] = compressions
        assert holds
        assert cotangents == pulled
        assert tangents <= N // 4
        assert pushed in (None, tangents)


@MODES
@pytest.mark.parametrize("name", HESSIANS)
def test_hessians(mode, name, compressions):
    (f, pushed), made = HESSIANS[name], gradmix.differentiator(mode)
    found = made.hessian(f, X, sparse=True)
    np.testing.assert_allclose(found.toarray(), made.hessian(f, X), rtol=1e-11, atol=1e-12)
    assert (found != found.T).nnz == 0
    if pushed is not None:
        assert compressions == [(pushed, 0, True)]


@MODES
def test_containers_are_one_array_after_the_other(mode):
    made = gradmix.differentiator(mode)
    found = made.jacobian(
        lambda p, k: [p["u"] ** 2, k * p["v"] * p["u"][:2]], {"u": np.ones(3), "v": np.ones(2)}, 5.0, sparse=True
    )
    expected = [[2, 0, 0, 0, 0], [0, 2, 0, 0, 0], [0, 0, 2, 0, 0], [5, 0, 0, 5, 0], [0, 5, 0, 0, 5]]
    np.testing.assert_array_equal(found.toarray(), expected)
    assert made.jacobian(lambda x: np.ones(2), np.ones(0), sparse=True).shape == (2, 0)
    assert made.hessian(lambda x: 1.0, np.ones(0), sparse=True).shape == (0, 0)
    np.testing.assert_array_equal(made.jacobian(lambda x: x**2, 3.0, sparse=True).toarray(), [[6.0]])


@MODES
def test_a_prepared_one_keeps_its_pattern(mode, compressions, monkeypatch):
    made = gradmix.differentiator(mode)
    system = Broyden(n=200)
    prepared = made.prepare(system.function, system.point())
    prepared.jacobian(system.point(), sparse=True)
    monkeypatch.setattr(compression, "pattern_of", None)
    other = np.cos(np.arange(200.0))
    found = prepared.jacobian(other, sparse=True)
    np.testing.assert_array_equal(found.toarray(), prepared.jacobian(other))
    found.data[:] = found.indices[:] = 0  # what a user does to a result changes no other
    np.testing.assert_array_equal(prepared.jacobian(other, sparse=True).toarray(), prepared.jacobian(other))
    assert compressions == [(3, 0, True)] * 3


@MODES
def test_a_pattern_that_changes_with_the_point_is_noticed(mode, compressions):
    def f(x):
        return x * np.roll(x, 1) if x[0] > 0 else x**2 * np.roll(x, 2)

    prepared = gradmix.differentiator(mode).prepare(f, np.abs(X))
    prepared.jacobian(np.abs(X), sparse=True)
    found = prepared.jacobian(-np.abs(X), sparse=True)
    np.testing.assert_allclose(found.toarray(), prepared.jacobian(-np.abs(X)), rtol=1e-13)
    assert [held for *_, held in compressions] == [True, False, True]

    def energy(x):
        return np.sum(x[1:] ** 2 * x[:-1]) if x[0] > 0 else np.sum(x[2:] ** 2 * x[:-2])

    prepared = gradmix.differentiator(mode).prepare(energy, np.abs(X))
    for point in (np.abs(X), -np.abs(X)):
        found = prepared.hessian(point, sparse=True)
        np.testing.assert_allclose(found.toarray(), prepared.hessian(point), rtol=1e-13)


def test_a_result_that_changes_its_length_is_noticed():
    prepared = gradmix.differentiator("dual").prepare(lambda x: x if x[0] > 0 else x[::2], X)
    for point in (np.abs(X), -np.abs(X)):
        np.testing.assert_array_equal(prepared.jacobian(point, sparse=True).toarray(), prepared.jacobian(point))


def test_choices_count_as_depending_on_all_that_they_choose_among(compressions):
    prepared = gradmix.differentiator("tape").prepare(lambda x: np.where(x > 0, np.roll(x, 1), x) ** 2, X)
    for sign in (1.0, -1.0):
        found = prepared.jacobian(sign * X, sparse=True)
        np.testing.assert_array_equal(found.toarray(), prepared.jacobian(sign * X))
    assert compressions == [(2, 0, True)] * 2


@pytest.mark.parametrize("name", sorted(JACOBIANS.keys() - {"sort"}))
@pytest.mark.filterwarnings("ignore:invalid value")
def test_patterns_cover_all_that_is_not_zero(name):
    f = JACOBIANS[name][0]
    found = pattern_of(lambda x: np.ravel(f(x)), X)
    covered = getattr(found, "csr", found).toarray()
    for point in (X, np.cos(np.arange(float(N)))):
        dense = np.reshape(gradmix.differentiator("dual").jacobian(f, point), (-1, N))
        assert not np.any((dense != 0) & ~np.isnan(dense) & ~covered)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [30, 90])
def test_colourings_of_random_patterns(seed, n):
    """On both sides of the size from which they are compiled."""
    density = 0.05 if n == 30 else 0.6
    pattern = scipy.sparse.random(n, n, density, random_state=seed, format="csr").astype(bool)
    colours = colour_columns(pattern.tocsc(), pattern)
    for row in range(n):
        own = colours[pattern[row].indices]
        assert len(set(own)) == len(own)
    symmetric = (pattern + pattern.T + scipy.sparse.identity(n, dtype=bool, format="csr")).tocsc()
    colours, full = colour_symmetric(symmetric), symmetric.toarray()
    for i, j in zip(*np.nonzero(full), strict=True):
        alone_in_row = np.sum(full[i] & (colours == colours[j])) == 1
        alone_in_other = np.sum(full[j] & (colours == colours[i])) == 1
        assert alone_in_row or alone_in_other


def test_refusals():
    dual = gradmix.differentiator("dual")
    with pytest.raises(DifferentiationError, match="cannot be differentiated again"):
        dual.gradient(lambda x: dual.jacobian(np.square, x, sparse=True).sum(), X)
    with pytest.raises(DifferentiationError, match="FiniteDifference cannot compute sparse matrices"):
        gradmix.differentiator("finite_difference").jacobian(np.sin, X, sparse=True)
    with pytest.raises(DifferentiationError, match="one real value"):
        dual.hessian(lambda x: x, X, sparse=True)


# Colourings that are kept in files.


def saved(differentiator, f, x, path, second=False):
    differentiator.colouring(f, x, second=second).to_file(path)
    return gradmix.Colouring.from_file(path)


@pytest.mark.parametrize("name", ["band", "arrow", "filled"])
def test_a_colouring_from_a_file_gives_the_same_bits(name, tmp_path, monkeypatch):
    """At another point, too, and nothing is traced."""
    functions = {"band": lambda x: x[1:-1] ** 2 * x[2:] - np.sin(x[:-2]), "arrow": arrow, "filled": filled}
    f, x, dual = functions[name], np.linspace(0.1, 2.0, 60), gradmix.differentiator("dual", compiled=False)
    colouring = saved(dual, f, x, tmp_path / "colours.npz")
    exact = [dual.jacobian(f, at, sparse=True) for at in (x, x[::-1].copy())]
    monkeypatch.setattr(compression, "pattern_of", None)
    for at, known in zip((x, x[::-1].copy()), exact, strict=True):
        for made in (dual, dual.prepare(f, x)):
            computed = made.jacobian(*([f] if made is dual else []), at, sparse=colouring)
            assert computed.data.tobytes() == known.data.tobytes()
            assert (computed != known).nnz == 0


def test_a_colouring_of_a_hessian_from_a_file(tmp_path):
    def f(x):
        return np.sum(x[1:] ** 2 * np.exp(x[:-1])) + np.sum(x**4)

    x, tape = np.linspace(0.1, 2.0, 60), gradmix.differentiator("tape")
    colouring = saved(tape, f, x, tmp_path / "colours.npz", second=True)
    exact = tape.hessian(f, x + 1.0, sparse=True)
    assert tape.hessian(f, x + 1.0, sparse=colouring).data.tobytes() == exact.data.tobytes()
    assert colouring.directions == 3
    with pytest.raises(DifferentiationError, match="belongs to a Hessian, not to a Jacobian"):
        tape.jacobian(lambda x: x**2, x, sparse=colouring)


def test_a_colouring_that_does_not_fit_is_refused_or_replaced(tmp_path):
    x, dual = np.linspace(0.1, 2.0, 60), gradmix.differentiator("dual")
    colouring = saved(dual, lambda x: x[1:] - x[:-1] ** 2, x, tmp_path / "colours.npz")
    with pytest.raises(DifferentiationError, match=r"for a matrix of shape \(59, 60\); this one has \(59, 61\)"):
        dual.jacobian(lambda x: x[1:-1], np.append(x, 0.0), sparse=colouring)
    with pytest.raises(DifferentiationError, match=r"this one has \(60, 60\)"):
        dual.jacobian(lambda x: x**2, x, sparse=colouring)
    with pytest.raises(DifferentiationError, match=r"must be True, False or a gradmix\.Colouring; given: 'yes'"):
        dual.jacobian(lambda x: x**2, x, sparse="yes")
    with pytest.raises(DifferentiationError, match="saves no work"):
        dual.colouring(lambda x: np.sum(x) * x, x)

    def other(x):  # another pattern of the same shape
        return x[1:] * x[0] + x[:-1]

    np.testing.assert_array_equal(dual.jacobian(other, x, sparse=colouring).toarray(), dual.jacobian(other, x))


def test_a_file_that_is_not_a_colouring_is_refused(tmp_path):
    """Nor is a pickle ever loaded, nor an index followed out of its array."""
    good, path = tmp_path / "good.npz", tmp_path / "bad.npz"
    colouring = gradmix.differentiator("dual").colouring(lambda x: x**2, np.ones(40))
    colouring.to_file(good)
    parts = dict(np.load(good))
    bad = {
        "starts": parts["starts"][:-1],
        "rows": parts["rows"] + 1,
        "column_colours": np.arange(40),
        "row_colours": parts["row_colours"].astype(float),
        "head": np.array('{"format": "other", "shape": [40, 40], "is_second": false}'),
    }
    for name, value in bad.items():
        np.savez(path, **{**parts, name: value})
        with pytest.raises(DifferentiationError, match=r"bad\.npz is not a colouring"):
            gradmix.Colouring.from_file(path)
    np.savez(path, **{**parts, "rows": np.array([{}], dtype=object)})
    with pytest.raises(DifferentiationError, match="is not a colouring"):
        gradmix.Colouring.from_file(path)
    for content in (b"", b"PK\x03\x04", b"text"):
        path.write_bytes(content)
        with pytest.raises(DifferentiationError, match="is not a colouring"):
            gradmix.Colouring.from_file(path)


CHANGING = {
    "a branch": lambda x: np.roll(x, 1) * x if x[0] > 0 else np.roll(x, 3) * x,
    "a small entry in a row": lambda x: 1e12 * x + (np.roll(x, 5) if x[0] > 0 else 0.0),
    "a small entry": lambda x: x**2 + (1e-11 * np.roll(x, 5) if x[0] > 0 else 0.0),
    "an order": lambda x: x[np.argsort(x)] * x,
    "a place that is computed": lambda x: np.roll(x, int(10 * abs(gradmix.stop_gradient(x[0]))) % 7) * x,
    "a branch for each entry": lambda x: np.stack([x[k] * x[k - (3 if x[k] > 0 else 1)] for k in range(len(x))]),
    "masks": lambda x: 2.0 * np.concatenate([x[x > 0], x[x <= 0]]),
    "another size": lambda x: x[1:] * x[:-1] if x[0] > 0 else x[2:] * x[:-2],
    "nothing left": lambda x: x * 0.0 if x[0] > 0 else x * np.roll(x, 1),
}


@MODES
@pytest.mark.parametrize("name", CHANGING)
def test_no_entry_is_missed_where_the_pattern_changes(mode, name):
    f, made, rng = CHANGING[name], gradmix.differentiator(mode, compiled=False), np.random.default_rng(0)
    points = rng.normal(size=(8, 40))
    prepared, given = made.prepare(f, points[0]), made.colouring(f, points[0])
    for x in points:
        dense = made.jacobian(f, x)
        np.testing.assert_allclose(prepared.jacobian(x, sparse=True).toarray(), dense, rtol=1e-12)
        if given.shape == dense.shape:
            np.testing.assert_allclose(made.jacobian(f, x, sparse=given).toarray(), dense, rtol=1e-12)
