"""The installed problems: what `source` gives, beside the tape, beside 50 digits, and printed."""

import importlib.util

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradmix
from gradmix.testing import subject

SOURCE, TAPE = gradmix.differentiator("source"), gradmix.differentiator("tape")
NAMES = (
    *("cubic", "polynomial", "lecture", "rosenbrock", "speelpenning", "helmholtz", "exponential_fit", "broyden"),
    *("diffusion", "chain", "kepler", "noisy", "heron", "lotka_volterra", "mixture_objective", "network", "vector_map"),
)
ROUNDING = 8 * np.finfo(float).eps


def problem_named(name):
    return subject(name, "problem").make()


@pytest.mark.parametrize("name", NAMES)
@given(shifts=st.lists(st.integers(-8, 8).map(lambda n: n / 64), min_size=4, max_size=4))
@settings(max_examples=6, deadline=None)
def test_it_gives_what_the_tape_gives_at_any_point(name, shifts):
    problem = problem_named(name)
    point = np.asarray(problem.point(), dtype=float)
    moved = point + np.resize(np.abs(shifts), point.shape) * 0.5
    x = float(moved) if moved.ndim == 0 else moved
    ours, theirs = (getattr(each, problem.operator)(problem.function, x) for each in (SOURCE, TAPE))
    np.testing.assert_allclose(ours, theirs, rtol=ROUNDING, atol=ROUNDING * np.max(np.abs(theirs)))


@pytest.mark.parametrize(
    "name", ["rosenbrock", "speelpenning", "helmholtz", "lotka_volterra", "mixture_objective", "network"]
)
def test_its_hessian_is_that_of_the_tape(name):
    problem = problem_named(name)
    ours, theirs = (each.hessian(problem.function, problem.point()) for each in (SOURCE, TAPE))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13 * np.max(np.abs(theirs)))


def test_higher_derivatives_are_exact_to_rounding():
    def f(x):
        return np.exp(x * np.sin(x)) / (1.0 + x * x)

    with mpmath.workdps(50):
        exact = [
            mpmath.diff(lambda t: mpmath.exp(t * mpmath.sin(t)) / (1 + t * t), mpmath.mpf(0.7), order)
            for order in range(1, 5)
        ]
    found = [SOURCE.derivative(f, 0.7, order=order) for order in range(1, 5)]
    np.testing.assert_allclose(found, [float(each) for each in exact], rtol=1e-13)


def test_a_newton_iteration_has_the_derivative_of_its_root():
    def root(x):
        y = 1.0
        while abs(y * y * y - x) > 1e-15 * x:
            y = y - (y * y * y - x) / (3.0 * y * y)
        return y

    with mpmath.workdps(50):
        exact = float(mpmath.mpf(1) / 3 * mpmath.mpf(7.0) ** (-mpmath.mpf(2) / 3))
    assert abs(SOURCE.derivative(root, 7.0) - exact) <= 1e-15


@pytest.mark.parametrize("name", ["rosenbrock", "heron", "speelpenning", "diffusion", "kepler", "network", "helmholtz"])
def test_the_printed_module_runs_by_itself(name, tmp_path):
    problem = problem_named(name)
    file = tmp_path / "derived.py"
    file.write_text(SOURCE.code(problem.function, problem.point()), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("derived", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    computed = getattr(SOURCE, problem.operator)(problem.function, problem.point())
    if problem.operator == "derivative":
        assert module.function_dot(problem.point(), 1.0)[1] == computed
    else:
        np.testing.assert_array_equal(np.array(module.function_bar(problem.point())[1]), computed)
