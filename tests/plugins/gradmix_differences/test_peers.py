"""Accuracy and honesty on a table of functions and points, beside numdifftools and scipy.differentiate."""

import warnings

import mpmath
import numpy as np
import pytest

import gradmix

TABLE = {
    "exp": (np.exp, mpmath.exp, 1.0),
    "cubic": (lambda x: x**3, lambda x: x**3, 1234.5),
    "tiny point": (lambda x: 1 / x, lambda x: 1 / x, 1e-9),
    "huge point": (lambda x: 1 / x, lambda x: 1 / x, 1e9),
    "nearly 0": (lambda x: np.exp(x) + 2 * x, lambda x: mpmath.exp(x) + 2 * x, 1e-9),
    "large value": (lambda x: np.sin(x) + 1e6, lambda x: mpmath.sin(x) + 10**6, 1.0),
    "root": (np.sqrt, mpmath.sqrt, 1e-12),
    "edge": (np.log, mpmath.log, 1e-3),
    "edge elsewhere": (lambda x: np.log(x - 1), lambda x: mpmath.log(x - 1), 1.0001),
    "logarithm": (np.log, mpmath.log, 1e8),
    "far sine": (np.sin, mpmath.sin, 1e4),
    "fast sine": (lambda x: np.sin(1e6 * x), lambda x: mpmath.sin(10**6 * x), 1.0),
    "resonant sine": (lambda x: np.sin(6433.98 * x), lambda x: mpmath.sin(mpmath.mpf(6433.98) * x), 0.5),
    "extremum": (np.cos, mpmath.cos, 0.0),
    "steep": (lambda x: np.arctan(1e3 * (x - 0.5)), lambda x: mpmath.atan(1000 * (x - mpmath.mpf(0.5))), 0.5),
    "Runge": (lambda x: 1 / (1 + 25 * x * x), lambda x: 1 / (1 + 25 * x * x), 0.3),
    "essential": (lambda x: np.exp(-1 / x**2), lambda x: mpmath.exp(-1 / x**2), 0.2),
    "switch": (lambda x: np.tanh(20 * x), lambda x: mpmath.tanh(20 * x), 0.03),
}


def exact(name, order):
    _, f, x = TABLE[name]
    with mpmath.workdps(400):
        return float(mpmath.re(mpmath.diff(f, mpmath.mpf(x), order, h=mpmath.mpf(10) ** -50)))


def ours(name, order):
    f, _, x = TABLE[name]
    with gradmix.assessments() as found:
        value = gradmix.differentiator("finite_difference").derivative(f, x, order=order)
    return value, found[0].error * max(abs(value), 1.0)


def numdifftools(name, order):
    from numdifftools import Derivative

    f, _, x = TABLE[name]
    found, error, *_ = Derivative(f, n=order, full_output=True)(x)
    return float(np.squeeze(found)), float(np.max(error))


def scipy(name, order):
    from scipy.differentiate import derivative

    f, _, x = TABLE[name]
    found = derivative(f, x)
    return float(found.df), float(found.error)


def outcomes(method, order):
    """Errors relative to the exact derivative, or to 1 if it is 0, and whether at most four times the estimates."""
    errors, is_honest = [], []
    for name in TABLE:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            value, estimate = method(name, order)
        truth = exact(name, order)
        error = abs(value - truth) / (abs(truth) or 1.0)
        errors.append(min(error, 1.0) if np.isfinite(error) else 1.0)
        is_honest.append(bool(abs(value - truth) <= 4 * estimate + 1e-15 * abs(truth)))
    return np.array(errors), np.array(is_honest)


@pytest.mark.parametrize(("order", "worst"), [(1, 1e-6), (2, 1e-5), (3, 1e-3)])
def test_every_function_is_right_and_no_estimate_is_far_too_small(order, worst):
    errors, is_honest = outcomes(ours, order)
    assert np.all(errors <= worst), dict(zip(TABLE, errors, strict=True))
    assert np.all(is_honest), dict(zip(TABLE, is_honest, strict=True))


@pytest.mark.parametrize(
    ("peer", "order"),
    [(numdifftools, 1), (numdifftools, 2), (numdifftools, 3), (scipy, 1)],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_it_is_right_and_honest_more_often_than_its_peers(peer, order):
    pytest.importorskip("numdifftools" if peer is numdifftools else "scipy")
    (own_errors, own_honesty), (errors, honesty) = outcomes(ours, order), outcomes(peer, order)
    assert np.sum(own_errors < 1e-6) > np.sum(errors < 1e-6)
    assert np.sum(own_honesty) > np.sum(honesty)
    assert np.median(own_errors) <= np.median(errors)
