"""Prepared functions give what the plain differentiators give, by every operator, at any point of any structure."""

import math
import warnings

import numpy as np
import pytest
from tests.capabilities import functions
from tests.plugins.gradmix_autodiff.program.agreement import (
    COMPILED,
    DUAL,
    RNG,
    TAPE,
    X,
    same,
    scalar,
    vector,
)

from gradmix import DifferentiationError
from gradmix.config.build import build

PROBLEMS = [
    *(("rosenbrock", {"n": n}) for n in (2, 7)),
    *((name, {}) for name in ("lecture", "cubic", "polynomial", "heron", "kepler", "helmholtz", "broyden", "network")),
    *((name, {}) for name in ("speelpenning", "exponential_fit", "diffusion", "noisy", "quantised", "vector_map")),
    ("mixture_objective", {}),
    ("chain", {"n": 30}),
    ("lotka_volterra", {"steps": 5}),
]


@pytest.mark.parametrize("made", [TAPE, DUAL, COMPILED], ids=["tape", "dual", "compiled"])
@pytest.mark.parametrize(("name", "options"), PROBLEMS)
def test_every_problem_at_random_points(name, options, made):
    given_problem = build("problem", {"name": name, **options}).component
    point, f, operator = given_problem.point(), given_problem.function, given_problem.operator
    prepared = made.prepare(f, point)
    plain = getattr(made, operator)
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for scale in (0.0, 1e-3, 0.3, 3.0):
            shift = scale * rng.normal(size=np.shape(point))
            x = float(point + shift) if np.ndim(point) == 0 else point + shift
            same(getattr(prepared, operator)(x), plain(f, x))


@pytest.mark.parametrize("made", [TAPE, DUAL], ids=["tape", "dual"])
def test_every_function_of_the_tables(made):
    for name, f, x in functions():
        w = np.sin(1.0 + np.arange(float(np.size(f(x))))).reshape(np.shape(f(x)))[()]
        near = 1.001 * x + 1e-4
        prepared = made.prepare(f, x)
        for point in (x, x, near):
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                try:
                    plain = made.vjp(f, point, w)
                except ValueError:  # the function itself refuses the point
                    continue
                np.testing.assert_allclose(prepared.vjp(point, w), plain, rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("made", [TAPE, DUAL, COMPILED], ids=["tape", "dual", "compiled"])
def test_all_operators(made):
    example, x, v = np.array([0.4, 1.1, -0.2]), np.array([-0.7, 2.1, 0.3]), np.array([1.0, -2.0, 0.5])
    of_vector, of_scalar = made.prepare(vector, example), made.prepare(scalar, example)
    for _ in range(2):
        same(of_vector.jacobian(x), made.jacobian(vector, x))
        same(of_vector.jvp(x, v), made.jvp(vector, x, v))
        same(of_vector.vjp(x, v), made.vjp(vector, x, v))
        same(of_scalar.gradient(x), made.gradient(scalar, x))
        same(of_scalar.value_and_gradient(x)[1], made.gradient(scalar, x))
        same(of_scalar.hessian(x), made.hessian(scalar, x))
        same(of_scalar.hvp(x, v), made.hvp(scalar, x, v))
    number = made.prepare(lambda t: np.sin(t) * t, 1.0)
    for order in (1, 2):
        same(number.derivative(0.3, order=order), made.derivative(lambda t: np.sin(t) * t, 0.3, order=order))
    assert isinstance(number.gradient(0.3), float)
    same(number.gradient(0.3), made.gradient(lambda t: np.sin(t) * t, 0.3))
    assert not of_vector.reasons
    assert not of_scalar.reasons


def test_matrices_take_few_operations():
    x = np.linspace(-1.0, 1.0, 30)
    of_scalar = TAPE.prepare(scalar, x)
    same(of_scalar.hessian(x[::-1]), TAPE.hessian(scalar, x[::-1]))
    of_map = TAPE.prepare(lambda y: np.sin(y) * y[::-1], x)
    same(of_map.jacobian(x[::-1]), TAPE.jacobian(lambda y: np.sin(y) * y[::-1], x[::-1]))
    for prepared in (of_scalar, of_map):
        for paths in prepared.differentiator.paths.values():
            assert all(path.program().text.count("\n") < 120 for path in paths)


def test_a_program_that_is_too_long_is_tried_once(monkeypatch):
    from gradmix_autodiff.program import node

    monkeypatch.setattr(node, "MOST_NODES", 50)

    def f(x):
        calls.append(1)
        y = x
        for _ in range(30):
            y = np.sin(y) * x
        return np.sum(y)

    calls, x = [], np.ones(3)
    prepared = TAPE.prepare(f, x)
    before = len(calls)
    same(prepared.gradient(x), TAPE.gradient(f, x))
    assert len(calls) == before + 2
    assert prepared.reasons["first"] == "it takes more than 50 operations"


def test_containers_integers_and_several_arguments():
    def f(model, rows):
        return np.sum((rows @ model["W"] + model["b"]) ** 2)

    model, rows = {"W": X.T.copy(), "b": np.ones(3)}, RNG.normal(size=(5, 4))
    prepared = TAPE.prepare(f, model, rows)
    other = {"W": X.T * 2.0, "b": np.arange(3)}
    for data in (rows, rows + 1.0, rows):
        found, plain = prepared.gradient(other, data), TAPE.gradient(f, other, data)
        same(found["W"], plain["W"])
        same(found["b"], plain["b"])
    rows[0, 0] += 5.0
    same(prepared.gradient(other, rows)["W"], TAPE.gradient(f, other, rows)["W"])
    by_both = TAPE.prepare(f, model, rows, argnums=(0, 1))
    same(by_both.gradient(other, rows)[1], TAPE.gradient(f, other, rows, argnums=1))
    whole = TAPE.prepare(scalar, np.array([1, 2, 3]))
    same(whole.gradient(np.array([3, 1, 2])), TAPE.gradient(scalar, [3.0, 1.0, 2.0]))
    same(whole.gradient([3, 1, 2]), TAPE.gradient(scalar, [3.0, 1.0, 2.0]))


@pytest.mark.parametrize("x", [X.T, X[::-1, ::2], X.astype(np.float32), np.asfortranarray(X)])
def test_other_layouts_and_types(x):
    def f(y):
        return np.sum(np.sin(y) * y**2)

    same(TAPE.prepare(f, np.ones(x.shape)).gradient(x), TAPE.gradient(f, x))


def test_points_of_another_structure_are_refused():
    prepared = TAPE.prepare(scalar, np.ones(3))
    with pytest.raises(DifferentiationError, match=r"prepared for the shape \(3,\); this point has the shape \(4,\)"):
        prepared.gradient(np.ones(4))
    with pytest.raises(DifferentiationError, match="real numbers"):
        prepared.gradient(np.ones(3) * 1j)
    with pytest.raises(DifferentiationError, match="one real value"):
        TAPE.prepare(vector, np.ones(3)).gradient(np.ones(3))


def test_within_another_differentiation():
    prepared = TAPE.prepare(scalar, np.ones(3))
    x, v = np.array([0.2, 0.5, -0.4]), np.array([1.0, 2.0, 3.0])
    for outer in (TAPE, DUAL):
        same(outer.jvp(prepared.gradient, x, v), TAPE.hvp(scalar, x, v))
        twice = outer.prepare(lambda y: np.sum(v * prepared.gradient(y)), x)
        same(twice.gradient(x), TAPE.hvp(scalar, x, v))


def test_empty_points_and_functions_without_derivative():
    for f in (lambda x: 3.0, lambda x: np.float64(2.0) + 0.0 * np.sum(x), lambda x: np.sum(np.floor(x))):
        for x in (np.ones(3), np.zeros(0)):
            same(TAPE.prepare(f, x).gradient(x), np.zeros(x.shape))
    same(TAPE.prepare(lambda x: x[:0], np.ones(3)).jacobian(np.ones(3)), np.zeros((0, 3)))


@pytest.mark.parametrize("operator", ["gradient", "value_and_gradient", "hessian"])
def test_a_gradient_of_several_values_is_an_error_each_time(operator):
    x = np.array([0.5, 0.8])
    prepared = TAPE.prepare(lambda x: np.exp(x) if x[0] > 0 else np.sum(x**2), -x)
    for _ in range(3):
        same(prepared.gradient(-x), -2.0 * x)
        with pytest.raises(DifferentiationError, match="one real value"):
            getattr(prepared, operator)(x)


def test_errors_of_the_function_are_its_own():
    def f(x):
        if x[0] < 0:
            raise KeyError("negative")
        return x[0] * x[1]

    prepared = TAPE.prepare(f, np.ones(2))
    with pytest.raises(KeyError, match="negative"):
        prepared.gradient(np.array([-1.0, 1.0]))
    same(prepared.gradient(np.array([3.0, 4.0])), [4.0, 3.0])
    with pytest.raises(DifferentiationError, match=r"np\.exp instead of math\.exp"):
        TAPE.prepare(lambda x: math.exp(x[0]), np.ones(2))


@pytest.mark.parametrize("mode", [TAPE, DUAL], ids=["tape", "dual"])
def test_a_derivative_of_many_sweeps_is_not_written_out(mode):
    """Preparing computes no dense matrix of 10,000 by 10,000, and records no program with thousands of sweeps."""
    prepared = mode.prepare(lambda x: x**2, np.linspace(0.0, 1.0, 10_000))
    assert not prepared.differentiator.paths
    x, w = np.linspace(1.0, 2.0, 300), np.ones(300)
    several = mode.prepare(lambda x: x**2, x)
    np.testing.assert_array_equal(several.jvp(x, w), 2 * x)
    np.testing.assert_array_equal(several.vjp(x, w), 2 * x)
    assert several.differentiator.paths.keys() == ({"pull"} if mode is TAPE else {"matrix", "push", "pull"})
    few = mode.prepare(lambda x: x**2, x[:60])
    assert few.differentiator.paths.keys() == {"matrix"}
    np.testing.assert_array_equal(few.jacobian(x[60:120]), np.diag(2 * x[60:120]))
