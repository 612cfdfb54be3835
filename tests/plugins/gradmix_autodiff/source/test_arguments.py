"""Containers, several arguments, constants and callables: arranged as the tape arranges them."""

import functools

import numpy as np
import pytest

import gradmix

SOURCE, TAPE = gradmix.differentiator("source"), gradmix.differentiator("tape")
MODEL = {"slope": np.array([0.5, -1.0]), "offset": 0.25}
ROWS, TARGETS = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([1.0, 2.0, 3.0])


def loss(model, x, y):
    return np.mean((x @ model["slope"] + model["offset"] - y) ** 2)


def pair(p, q):
    return {"product": p * q, "both": (np.sin(p), q**2)}


def require_same(one, other):
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            require_same(one[key], other[key])
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for each, its in zip(one, other, strict=True):
            require_same(each, its)
    else:
        assert np.shape(one) == np.shape(other)
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("argnums", [0, 2, (0, 2), (1,)])
def test_gradients_by_arguments_and_containers(argnums):
    ours, theirs = (each.gradient(loss, MODEL, ROWS, TARGETS, argnums=argnums) for each in (SOURCE, TAPE))
    require_same(ours, theirs)


def test_results_that_are_containers():
    require_same(*(each.jacobian(pair, 2.0, 3.0, argnums=(0, 1)) for each in (SOURCE, TAPE)))
    require_same(*(each.jvp(pair, 2.0, 1.5, args=(3.0,)) for each in (SOURCE, TAPE)))
    cotangent = {"product": 1.0, "both": (2.0, 1.0)}
    require_same(*(each.vjp(pair, 2.0, cotangent, args=(3.0,)) for each in (SOURCE, TAPE)))


def test_hessians_by_containers():
    require_same(*(each.hessian(loss, MODEL, ROWS, TARGETS) for each in (SOURCE, TAPE)))


def test_partial_functions_objects_and_ufuncs():
    class Power:
        def __init__(self, n):
            self.n = n

        def __call__(self, x):
            return x**self.n

    assert SOURCE.derivative(functools.partial(pow, 2.0), 3.0) == pytest.approx(8.0 * np.log(2.0), rel=1e-15)
    assert SOURCE.derivative(Power(3), 2.0) == 12.0
    assert SOURCE.derivative(np.sin, 0.0) == 1.0


def test_calls_are_counted():
    counted = gradmix.Counted(lambda x: x[0] * x[1])
    SOURCE.gradient(counted, [1.0, 2.0])
    SOURCE.gradient(counted, [1.0, 3.0])
    assert counted.calls == 2
