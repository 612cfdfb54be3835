"""The peer ``tangent``: it reads functions as they are written, and its refusals and wrong answers are its own."""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import gradmix

pytest.importorskip("tangent")

X = np.array([0.5, -0.3, 0.8, 1.2])


@pytest.fixture
def made():
    return gradmix.differentiator("tangent")


class Spring:
    """A function with a parameter, as problems have it."""

    def __init__(self, stiffness: float) -> None:
        self.stiffness = stiffness

    def energy(self, x: np.ndarray, shift: float) -> float:
        return 0.5 * self.stiffness * np.sum((x - shift) ** 2)


def orbit(x: float) -> float:
    y = x
    while y < 10:
        if y > 1:  # noqa: SIM108 -- Tangent loses its place in loops with conditional expressions
            y = y * y + x
        else:
            y = 2 * y + 1
    return y


def test_functions_as_they_are_written(made):
    """Methods, lambdas, closures, annotations, branches and loops, by any argument."""
    spring = Spring(3.0)
    np.testing.assert_allclose(made.gradient(spring.energy, X, 0.5), 3.0 * (X - 0.5), rtol=1e-14)
    assert made.gradient(spring.energy, X, 0.5, argnums=1) == pytest.approx(-3.0 * np.sum(X - 0.5), rel=1e-14)
    assert made.derivative(lambda x: np.sin(x) * spring.stiffness, 0.3) == 3.0 * np.cos(0.3)
    assert made.derivative(orbit, 0.4) == pytest.approx(2 * 3.64 * (2 * 1.8 * 2 + 1) + 1, rel=1e-14)

    def vector(x):
        return np.tanh(x) * np.sum(x)

    computed = made.jacobian(vector, X)
    np.testing.assert_allclose(computed, gradmix.differentiator("dual").jacobian(vector, X), rtol=1e-13)
    np.testing.assert_allclose(made.jvp(vector, X, X), computed @ X, rtol=1e-13)
    np.testing.assert_allclose(made.vjp(vector, X, X), X @ computed, rtol=1e-13)


def test_writes_into_plain_arrays(made):
    def squares(x):
        a = np.zeros(4)
        a[:2] = x[:2] ** 2
        return np.sum(a)

    assert made.gradient(squares, X).tolist() == [1.0, -0.6, 0.0, 0.0]


def test_prepared_code_is_kept(made, monkeypatch):
    import tangent as library

    prepared = made.prepare(orbit, 0.4)
    monkeypatch.setattr(library, "autodiff", None)
    assert prepared.derivative(0.4) == pytest.approx(60.696, rel=1e-14)


def test_refusals_are_in_words(made):
    def raises(x):
        if x < 0:
            raise ValueError("negative")
        return x

    for f, what in [
        (partial(np.power, 2.0), "must be in a file"),
        (raises, "Raise statements are not supported"),
        (lambda x: np.packbits(x)[0], "packbits"),
        (lambda x: gradmix.differentiator("dual").derivative(np.sin, x), "Tangent cannot"),
    ]:
        with pytest.raises(gradmix.DifferentiationError, match=what):
            made.derivative(f, 0.5)
    with pytest.raises(gradmix.DifferentiationError, match="one number or array"):
        made.gradient(lambda x: x["a"], {"a": 1.0})
    with pytest.raises(gradmix.DifferentiationError, match="first derivatives only"):
        made.hessian(lambda x: np.sum(x**2), X)
    names = {}
    exec("def nowhere(x):\n    return x * x", names)
    with pytest.raises(gradmix.DifferentiationError, match="source"):
        made.derivative(names["nowhere"], 1.0)


def test_it_leaves_no_folder_behind(made, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert made.derivative(orbit, 0.4) == pytest.approx(60.696, rel=1e-14)
    assert list(Path(tmp_path).iterdir()) == []


def test_a_conditional_expression_in_a_loop_makes_it_lose_its_place(made):
    """docs/peers.md says so; `orbit` is the same with `if` and `else`."""

    def in_one_line(x):
        y = x
        while y < 10:
            y = y * y + x if y > 1 else 2 * y + 1
        return y

    with pytest.raises(gradmix.DifferentiationError, match=r"Wanted \w+, got \w+"):
        made.derivative(in_one_line, 0.4)
    dual = gradmix.differentiator("dual")
    assert dual.derivative(in_one_line, 0.4) == pytest.approx(made.derivative(orbit, 0.4), rel=1e-14)


def test_wrong_answers_are_its_own(made):
    """A write by `out=` is not seen: docs/peers.md says so. If this fails, Tangent has learned it."""

    def written(x):
        a = np.zeros(4)
        np.multiply(x, x, out=a)
        return np.sum(a)

    exact = gradmix.differentiator("finite_difference").gradient(written, X)
    np.testing.assert_allclose(exact, 2 * X, rtol=1e-8)
    assert made.gradient(written, X).tolist() == [0.0, 0.0, 0.0, 0.0]
