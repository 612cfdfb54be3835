"""Every rule, in both modes, against derivatives that owe nothing to it: mpmath's, or differences in extended steps."""

import mpmath
import numpy as np
import pytest
import scipy.special as special

import gradmix
from gradmix_autodiff import engine
from gradmix_autodiff.table import CONSTANT, ELEMENTWISE

engine.install()

DUAL, TAPE = gradmix.differentiator("dual"), gradmix.differentiator("tape")
MODES = pytest.mark.parametrize("mode", [DUAL, TAPE], ids=["dual", "tape"])

UNARY = {
    np.negative: lambda x: -x,
    np.positive: lambda x: x,
    np.conjugate: lambda x: x,
    np.absolute: abs,
    np.fabs: abs,
    np.square: lambda x: x**2,
    np.reciprocal: lambda x: 1 / x,
    np.sqrt: mpmath.sqrt,
    np.cbrt: mpmath.cbrt,
    np.exp: mpmath.exp,
    np.exp2: lambda x: mpmath.mpf(2) ** x,
    np.expm1: mpmath.expm1,
    np.log: mpmath.log,
    np.log2: lambda x: mpmath.log(x, 2),
    np.log10: mpmath.log10,
    np.log1p: mpmath.log1p,
    np.sin: mpmath.sin,
    np.cos: mpmath.cos,
    np.tan: mpmath.tan,
    np.arcsin: mpmath.asin,
    np.arccos: mpmath.acos,
    np.arctan: mpmath.atan,
    np.sinh: mpmath.sinh,
    np.cosh: mpmath.cosh,
    np.tanh: mpmath.tanh,
    np.arcsinh: mpmath.asinh,
    np.arccosh: mpmath.acosh,
    np.arctanh: mpmath.atanh,
    np.deg2rad: mpmath.radians,
    np.radians: mpmath.radians,
    np.rad2deg: mpmath.degrees,
    np.degrees: mpmath.degrees,
    special.erf: mpmath.erf,
    special.erfc: mpmath.erfc,
    special.expit: lambda x: 1 / (1 + mpmath.exp(-x)),
    special.logit: lambda x: mpmath.log(x / (1 - x)),
    special.ndtr: mpmath.ncdf,
    special.gammaln: mpmath.loggamma,
    special.digamma: mpmath.digamma,
}
POSITIVE = {np.log, np.log2, np.log10, np.sqrt, np.cbrt, special.gammaln, special.digamma}
WITHIN_1 = {np.arcsin, np.arccos, np.arctanh, special.logit}


def points(ufunc):
    """Where a function is tried: inside its domain."""
    if ufunc is np.arccosh:
        return [1.5, 20.0]
    if ufunc in WITHIN_1:
        return [0.01, 0.3, 0.9]
    return [0.03, 0.7, 25.0] if ufunc in POSITIVE else [0.4, 1.7, -0.8]


BINARY = {
    np.add: lambda a, b: a + b,
    np.subtract: lambda a, b: a - b,
    np.multiply: lambda a, b: a * b,
    np.divide: lambda a, b: a / b,
    np.power: lambda a, b: a**b,
    np.float_power: lambda a, b: a**b,
    np.arctan2: mpmath.atan2,
    np.hypot: mpmath.hypot,
    np.logaddexp: lambda a, b: mpmath.log(mpmath.exp(a) + mpmath.exp(b)),
    np.logaddexp2: lambda a, b: mpmath.log(mpmath.mpf(2) ** a + mpmath.mpf(2) ** b, 2),
    np.remainder: lambda a, b: a - b * mpmath.floor(a / b),
    np.fmod: lambda a, b: a - b * mpmath.floor(a / b),
    np.maximum: max,
    np.minimum: min,
    np.fmax: max,
    np.fmin: min,
}


def test_the_table_is_tried_whole():
    assert set(UNARY) | set(BINARY) <= set(ELEMENTWISE)
    assert not set(ELEMENTWISE) & CONSTANT


@MODES
@pytest.mark.parametrize("ufunc", UNARY, ids=lambda ufunc: ufunc.__name__)
def test_unary(mode, ufunc):
    for x in points(ufunc):
        with mpmath.workdps(40):
            exact = float(mpmath.diff(UNARY[ufunc], mpmath.mpf(x)))
        _require_within_4_ulp(mode.derivative(ufunc, x), exact)
        _require_within_4_ulp(mode.jacobian(ufunc, np.array([x, x])), exact * np.eye(2))


@MODES
@pytest.mark.parametrize("ufunc", BINARY, ids=lambda ufunc: ufunc.__name__)
@pytest.mark.parametrize("point", [(1.3, 2.9), (3.7, 0.6)])
def test_binary(mode, ufunc, point):
    with mpmath.workdps(40):
        precise = tuple(map(mpmath.mpf, point))
        exact = np.array([float(mpmath.diff(BINARY[ufunc], precise, order)) for order in ((1, 0), (0, 1))])
    _require_within_4_ulp(mode.gradient(lambda x: ufunc(x[0], x[1]), np.array(point)), exact)
    _require_within_4_ulp(mode.derivative(lambda a: ufunc(a, point[1]), point[0]), exact[0])
    _require_within_4_ulp(mode.derivative(lambda b: ufunc(point[0], b), point[1]), exact[1])


def _require_within_4_ulp(found, exact):
    assert np.all(np.abs(found - exact) <= 4 * np.spacing(np.abs(exact))), (found, exact)


@MODES
@pytest.mark.parametrize(
    "shapes", [((), (3,)), ((3,), ()), ((2, 1), (1, 3)), ((3,), (2, 3)), ((2, 3), (3,)), ((1,), (4,))]
)
def test_broadcasting_in_both_directions(mode, shapes):
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=shape) for shape in shapes)
    for f, x in ((lambda x: x * b + np.exp(x), a), (lambda x: np.sin(a) * x - x / 3.0, b)):
        _same_as_differences(mode, f, x)


INDICES = {
    "slice": (slice(1, None),),
    "step": (slice(None, None, -2),),
    "row": (1,),
    "column": (slice(None), 2),
    "new axis": (None, slice(None), 1),
    "ellipsis": (Ellipsis, 0),
    "repeated": (np.array([0, 2, 2]),),
    "mask": (np.array([[True, False, True, False], [False, True, True, False], [False] * 4]),),
    "pairs": (np.array([0, 2]), np.array([1, 3])),
}

STRUCTURE = {
    "sum": lambda x: np.sum(x),
    "sum of an axis": lambda x: np.sum(x, axis=0),
    "sum of the last axis, kept": lambda x: x.sum(axis=-1, keepdims=True),
    "sum of two axes": lambda x: np.sum(x, axis=(0, 1)),
    "mean": lambda x: x.mean(axis=1),
    "var": lambda x: np.var(x, axis=0, ddof=1),
    "std": lambda x: np.std(x),
    "prod": lambda x: np.prod(x),
    "prod of an axis": lambda x: np.prod(x, axis=1),
    "cumsum": lambda x: np.cumsum(x),
    "cumsum of an axis": lambda x: np.cumsum(x, axis=1),
    "max": lambda x: np.max(x, axis=0),
    "min": lambda x: x.min(),
    "clip": lambda x: np.clip(x, -0.2, 0.3) * x,
    "reshape": lambda x: x.reshape(2, -1) * np.arange(12.0).reshape(2, 6),
    "ravel": lambda x: np.ravel(x) ** 2,
    "T": lambda x: x.T @ np.ones(3),
    "transpose": lambda x: np.transpose(x[None] ** 2, (2, 0, 1)),
    "swapaxes": lambda x: np.swapaxes(x, 0, 1) * np.arange(4.0)[:, None],
    "moveaxis": lambda x: np.moveaxis(x[None] * x, 0, -1),
    "squeeze": lambda x: np.squeeze(x[None, :, None] ** 2),
    "expand_dims": lambda x: np.expand_dims(x, (0, 2)) ** 2,
    "broadcast_to": lambda x: np.broadcast_to(x[0], (5, 4)) * np.arange(5.0)[:, None],
    "flip": lambda x: np.flip(x, 1) * np.arange(4.0),
    "where": lambda x: np.where(x > 0, x**2, 3.0 * x),
    "concatenate": lambda x: np.concatenate([x, 2.0 * x, np.ones((1, 4))]),
    "concatenate along the other axis": lambda x: np.concatenate([x, x**2], axis=-1),
    "stack": lambda x: np.stack([x[0], x[1] * x[2]]),
    "hstack": lambda x: np.hstack([x[0], x[1] ** 2]),
    "vstack": lambda x: np.vstack([x[0], x[1] ** 2]),
    "column_stack": lambda x: np.column_stack([x[0], x[1] ** 2]),
    "dot": lambda x: np.dot(x, np.arange(4.0)),
    "matmul of matrices": lambda x: x @ x.T,
    "vector times matrix": lambda x: x[:, 0] @ x,
    "vector times vector": lambda x: x[0] @ x[1],
    "stacked matmul": lambda x: np.stack([x, 2 * x]) @ x.T,
    "a constant matrix from the left": lambda x: np.ones((2, 3)) @ x,
    "inner": lambda x: np.inner(x[0], x[1] ** 2),
    "outer": lambda x: np.outer(x[0], x[:, 1]),
    "tensordot": lambda x: np.tensordot(x, x**2, axes=([0], [0])),
    "trace": lambda x: np.trace(x @ x.T),
    "diag": lambda x: np.diag(x @ x.T),
    "diag of a vector": lambda x: np.diag(x[0]) @ x.T,
    "diff": lambda x: np.diff(x) ** 2,
    "take": lambda x: np.take(x, [3, 0, 0], axis=1),
    "norm": lambda x: np.linalg.norm(x),
    "norms of rows": lambda x: np.linalg.norm(x, axis=1),
    "inv": lambda x: np.linalg.inv(x[:, :3] + 3 * np.eye(3)),
    "det": lambda x: np.linalg.det(x[:, :3] + 3 * np.eye(3)),
    "solve": lambda x: np.linalg.solve(x[:, :3] + 3 * np.eye(3), x[:, 3]),
    "iteration": lambda x: sum(row @ row for row in x),
    "an object array": lambda x: np.array([x[0, 0] * x[1, 1], np.sin(x[2, 3])]),
    "an object array with a traced array": lambda x: np.array([x[0, 0], x[1, 1], x[2, 2], 1.0]) * x,
    "a list": lambda x: [x[0, 0], x[1, 0] ** 2],
    "zeros_like": lambda x: np.zeros_like(x) + x,
    "an array plus a traced one": lambda x: np.arange(4.0) + x,
    "adding to zeros in place": lambda x: _accumulated(x),
    "itself": lambda x: x,
    "a constant": lambda x: np.ones(2),
}


def _accumulated(x):
    total = np.zeros(4)
    for row in x:
        total += row**2
    return total


X = np.random.default_rng(1).normal(size=(3, 4))


def _same_as_differences(mode, f, x):
    def numbers(y):
        return np.asarray(f(y), dtype=float)

    h = 1e-5
    units = np.eye(x.size).reshape(x.size, *x.shape)
    columns = [(numbers(x + h * v) - numbers(x - h * v)) / (2 * h) for v in units]
    expected = np.moveaxis(np.stack(columns), 0, -1).reshape(*np.shape(numbers(x)), *x.shape)
    found = mode.jacobian(f, x)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=2e-7, atol=2e-8)


@MODES
@pytest.mark.parametrize("name", STRUCTURE)
def test_structure(mode, name):
    _same_as_differences(mode, STRUCTURE[name], X)


@MODES
@pytest.mark.parametrize("name", INDICES)
def test_indexing(mode, name):
    _same_as_differences(mode, lambda x: x[INDICES[name]] ** 2, X)
