"""Traced arrays share memory where NumPy's do, and nowhere else: NumPy itself says what is right."""

import numpy as np
import pandas as pd
import pytest
import scipy.optimize

import gradmix
from gradmix import DifferentiationError

DUAL, TAPE = gradmix.differentiator("dual"), gradmix.differentiator("tape")
MODES = pytest.mark.parametrize("mode", [DUAL, TAPE], ids=["dual", "tape"])
X = np.array([1.3, 2.2, 3.1])

DERIVED = {
    "entries by an array": lambda y: y[np.array([0, 2])],
    "entries by a list": lambda y: y[[0, 2]],
    "entries by a mask": lambda y: y[np.array([True, False, True])],
    "entries by an array in a tuple": lambda y: y[(np.array([0, 1]),)],
    "entries of a view": lambda y: y[1:][[0]],
    "a view of entries": lambda y: y[[0, 1]][1:],
    "slice": lambda y: y[::-1],
    "slice of a slice": lambda y: y[1:][:1],
    "new axis": lambda y: y[None, :],
    "reshape": lambda y: np.reshape(y, (3, 1)),
    "reshape that copies": lambda y: np.reshape(np.broadcast_to(y, (2, 3)), (6,)),
    "reshape with copy=True": lambda y: np.reshape(y, (3, 1), copy=True),
    "ravel": np.ravel,
    "ravel of a transpose": lambda y: np.ravel(np.reshape(y, (1, 3)).T),
    "flatten": lambda y: y.flatten(),
    "copy": np.copy,
    "array": np.array,
    "squeeze": np.squeeze,
    "atleast_1d": np.atleast_1d,
    "broadcast_to": lambda y: np.broadcast_to(y, (2, 3)),
    "real": np.real,
    "astype": lambda y: y.astype(float),
    "flip": np.flip,
    "rot90": lambda y: np.rot90(np.reshape(y, (3, 1))),
    "roll": lambda y: np.roll(y, 1),
    "take": lambda y: np.take(y, [0, 1]),
    "split": lambda y: np.split(y, 3)[1],
    "vsplit": lambda y: np.vsplit(np.reshape(y, (3, 1)), 3)[2],
    "diagonal": lambda y: np.diagonal(np.reshape(y, (1, 3))),
    "meshgrid": lambda y: np.meshgrid(y, y)[0],
    "meshgrid without copies": lambda y: np.meshgrid(y, y, copy=False)[0],
    "sparse meshgrid": lambda y: np.meshgrid(y, y, sparse=True)[0],
    "concatenate": lambda y: np.concatenate([y]),
    "sort": np.sort,
    "sum": lambda y: np.sum(np.reshape(y, (1, 3)), axis=0),
    "sum of all": np.sum,
    "entry": lambda y: y[0],
    "entry by an ellipsis": lambda y: y[..., 0],
    "entry as an array without axes": lambda y: y[:1].reshape(()),
    "squeezed entry": lambda y: np.squeeze(y[:1]),
    "entry of an entry by an ellipsis": lambda y: y[..., 0][()],
    "result of an entry by an ellipsis": lambda y: y[..., 0] * 1.0,
    "astype without a copy": lambda y: y.astype(float, copy=False),
    "einsum that sums nothing": lambda y: np.einsum("ij->ji", y[:, None]),
    "diagonal by einsum": lambda y: np.einsum("ii->i", y[None, :1]),
    "inner": lambda y: np.inner(y, y),
}


def _changed_all(y, derived):
    y += 1.0


def _changed_one(y, derived):
    y[0] = 7.0


def _changed_derived(y, derived):
    if derived.__class__ is not np.ndarray or derived.flags.writeable:
        derived *= 2.0


@MODES
@pytest.mark.parametrize("change", [_changed_all, _changed_one], ids=["y += 1", "y[0] = 7"])
@pytest.mark.parametrize("name", DERIVED)
def test_what_is_derived_from_an_array_shows_its_updates_where_numpy_says_so(name, change, mode):
    def f(x):
        y = x * 1.0
        derived = DERIVED[name](y)
        change(y, derived)
        return np.sum(derived * derived) + np.sum(y)

    value, gradient = mode.value_and_gradient(f, X)
    assert value == pytest.approx(f(X.copy()), rel=1e-14)
    step = 1e-6 * np.eye(3)
    central = [(f(X + each) - f(X - each)) / 2e-6 for each in step]
    np.testing.assert_allclose(gradient, central, rtol=1e-7, atol=1e-7)


@MODES
@pytest.mark.parametrize(
    "name",
    [
        *("entries by an array", "slice", "flatten", "ravel", "split", "roll", "reshape", "entry", "squeezed entry"),
        *("entry by an ellipsis", "result of an entry by an ellipsis", "sum of all", "inner", "astype without a copy"),
        "diagonal by einsum",
    ],
)
def test_an_array_shows_updates_of_what_is_derived_from_it_where_numpy_says_so(name, mode):
    def f(x):
        y = x * 1.0
        _changed_derived(y, DERIVED[name](y))
        return np.sum(y * y)

    assert mode.value_and_gradient(f, X)[0] == pytest.approx(f(X.copy()), rel=1e-14)


@MODES
def test_second_derivatives_of_writes_into_a_view_without_axes(mode):
    def f(x):
        y = x * x
        entry = y[..., 0]
        entry[...] = np.sin(entry) * y[1]
        entry *= y[2]
        return np.sum(y * y)

    hessian = DUAL.hessian(lambda x: (np.sin(x[0] ** 2) * x[1] ** 2 * x[2] ** 2) ** 2 + np.sum(x[1:] ** 4), X)
    np.testing.assert_allclose(mode.hessian(f, X), hessian, rtol=1e-12)
    np.testing.assert_allclose(mode.hessian(f, X, sparse=True).toarray(), hessian, rtol=1e-12)


def _by_array_in_tuple(x, kept):
    return x[(kept,)]


CHANGED_LATER = {
    "index": (lambda x, kept: x[kept], np.array([0]), [1]),
    "index in a tuple": (_by_array_in_tuple, np.array([0]), [1]),
    "index as a list": (lambda x, kept: x[kept], [0], [1]),
    "condition": (lambda x, kept: np.where(kept, x, 0.0), np.array([True, False, True]), [False, True, False]),
    "condition as a list": (lambda x, kept: np.where(kept, x, 0.0), [True, False, True], [False, True, False]),
    "factor": (lambda x, kept: x * kept, np.array([1.0, 2.0, 3.0]), [0.0, 0.0, 0.0]),
    "factor as a list": (lambda x, kept: x * kept, [1.0, 2.0, 3.0], [0.0, 0.0, 0.0]),
}


@MODES
@pytest.mark.parametrize("name", CHANGED_LATER)
def test_what_an_operation_used_counts_as_it_was(name, mode):
    use, given, later = CHANGED_LATER[name]

    def f(x, changes=True):
        kept = given.copy()
        y = use(x, kept)
        if changes:
            kept[:] = later
        return np.sum(y**2)

    np.testing.assert_array_equal(mode.gradient(f, X), mode.gradient(lambda x: f(x, changes=False), X))


WRITING = {
    "add": lambda x, out: np.add(x, x, out=out),
    "matmul": lambda x, out: np.matmul(np.eye(3)[::-1], x, out=out),
    "cumsum": lambda x, out: np.cumsum(x, out=out),
    "clip": lambda x, out: np.clip(x, 0.0, 2.0, out=out),
    "max": lambda x, out: np.max(np.stack([x, 2 * x]), axis=0, out=out),
    "max by place": lambda x, out: np.max(np.stack([x, 2 * x]), 0, out),
    "sum by place": lambda x, out: np.sum(np.stack([x, 2 * x]), 0, None, out),
    "dot": lambda x, out: np.dot(np.eye(3)[::-1], x, out=out),
}


@MODES
@pytest.mark.parametrize("name", WRITING)
def test_out_is_written_to(name, mode):
    def f(x):
        out = np.zeros(3, like=x)
        WRITING[name](x, out)
        return np.sum(out * out)

    def returned(x):
        result = WRITING[name](x, None)
        return np.sum(result * result)

    value, gradient = mode.value_and_gradient(f, X)
    assert value == pytest.approx(f(X), rel=1e-14)
    np.testing.assert_allclose(gradient, mode.gradient(returned, X), rtol=1e-14)


@MODES
@pytest.mark.parametrize("name", WRITING)
def test_a_plain_array_as_out_is_no_silent_constant(name, mode):
    def f(x):
        out = np.zeros(3)
        WRITING[name](x, out)
        return np.sum(out * out)

    with pytest.raises(DifferentiationError, match="like=x"):
        mode.gradient(f, X)


@MODES
def test_out_may_be_an_array_that_is_made_for_it(mode):
    def f(x):
        return np.sum(np.divide(1.0, x, out=np.zeros(3), where=np.array([True, False, True])))

    np.testing.assert_allclose(mode.gradient(f, X), [-1 / 1.3**2, 0.0, -1 / 3.1**2], rtol=1e-14)


@MODES
def test_a_series_is_data(mode):
    np.testing.assert_array_equal(mode.gradient(lambda x: np.sum(x * pd.Series([1.0, 2.0, 4.0])), X), [1.0, 2.0, 4.0])


@MODES
def test_a_compiled_solver_is_named(mode):
    with pytest.raises(DifferentiationError, match=r"scipy\.optimize\.brentq does not accept traced numbers"):
        mode.gradient(lambda x: scipy.optimize.brentq(lambda t: t - x[0], 0.0, 9.0), X)


class Holder:
    """An object with an array."""

    def __init__(self):
        self.y = np.zeros(3)


def in_an_attribute(x):
    held = Holder()
    held.y += x
    return np.sum(held.y**2)


def in_a_list(x):
    held = [np.zeros(3)]
    held[0] += x
    return np.sum(held[0] ** 2)


def in_a_closure(x):
    y = np.zeros(3)

    def update():
        nonlocal y
        y += x

    update()
    return np.sum(y**2)


def from_a_function(x):
    def update(y):
        y += x

    y = np.zeros(3)
    update(y)
    return np.sum(y**2)


def from_a_list(x):
    y = np.zeros(3)
    held = [y]
    held[0] += x
    return np.sum(y**2)


def as_out_in_a_function(x):
    def update(out):
        np.add(x, x, out=out)

    y = np.zeros(3)
    update(y)
    return np.sum(y**2)


@MODES
@pytest.mark.parametrize("f", [in_an_attribute, in_a_list, in_a_closure])
def test_an_update_of_an_array_with_one_holder_is_followed(f, mode):
    value, gradient = mode.value_and_gradient(f, X)
    assert value == f(X)
    np.testing.assert_allclose(gradient, 2 * X, rtol=1e-15)


@MODES
@pytest.mark.parametrize("f", [from_a_function, from_a_list, as_out_in_a_function])
def test_an_update_that_another_name_would_miss_is_refused(f, mode):
    with pytest.raises(DifferentiationError, match="like=x"):
        mode.gradient(f, X)
