"""Functions with rules of their own, constants by stop_gradient, and checkpointed functions."""

import math
import tracemalloc

import numpy as np
import pytest

import gradmix
from gradmix import DifferentiationError

BOTH = pytest.mark.parametrize("name", ["dual", "tape"])
A = np.array([[2.0, 1.0], [1.0, 3.0]])


def erf_jvp(x, v):
    return 2 / np.sqrt(np.pi) * np.exp(-(x**2)) * v


def by_hand(x):
    """The derivative of the error function."""
    return 2 / math.sqrt(math.pi) * math.exp(-(x**2))


@BOTH
@pytest.mark.parametrize("way", ["jvp", "vjp"])
def test_a_rule_stands_for_compiled_code_in_both_modes_and_orders(name, way):
    erf = gradmix.with_rule(math.erf, **{way: erf_jvp})
    made = gradmix.differentiator(name)
    assert made.derivative(erf, 0.5) == pytest.approx(by_hand(0.5), rel=1e-15)
    second = made.hessian(lambda x: erf(x[0]) * x[1], [0.5, 2.0])
    exact = [[-2 * 0.5 * by_hand(0.5) * 2.0, by_hand(0.5)], [by_hand(0.5), 0.0]]
    np.testing.assert_allclose(second, exact, rtol=1e-14)
    assert erf(0.5) == math.erf(0.5)


@BOTH
def test_a_rule_of_several_arguments(name):
    def vjp(a, b, w):
        pulled = np.linalg.solve(a.T, w)
        return -np.outer(pulled, np.linalg.solve(a, b)), pulled

    solve = gradmix.with_rule(np.linalg.solve, vjp=vjp)
    made = gradmix.differentiator(name)

    def f(a, b, solve=solve):
        return np.sum(solve(a, b) ** 2)

    expected = made.gradient(lambda a, b: f(a, b, np.linalg.solve), A, np.ones(2), argnums=(0, 1))
    for found, exact in zip(made.gradient(f, A, np.ones(2), argnums=(0, 1)), expected, strict=True):
        np.testing.assert_allclose(found, exact, atol=1e-15)


@BOTH
def test_a_rule_is_used_rather_than_the_function(name):
    odd = gradmix.with_rule(lambda x: x**2, jvp=lambda x, v: 7.0 * v)
    assert gradmix.differentiator(name).derivative(odd, 3.0) == 7.0


@BOTH
def test_a_rule_of_another_shape_is_refused(name):
    wrong = gradmix.with_rule(lambda x: x * 2.0, jvp=lambda x, v: np.sum(v), vjp=lambda x, w: np.sum(w))
    with pytest.raises(DifferentiationError, match=r"of a rule must return the shape"):
        gradmix.differentiator(name).jacobian(wrong, np.ones(2))


def weighted(a, b):
    """a² b, entry by entry, as compiled code has it."""
    return a * a * b


weighted_ufunc = np.frompyfunc(weighted, 2, 1)


@pytest.fixture
def added(monkeypatch):
    """Have a plugin add rules for a while."""

    def add(*rules):
        by_function = {rule.f: rule for rule in rules}
        monkeypatch.setattr("gradmix_autodiff.own_rules.rule_of", by_function.get)

    return add


def weighted_jvp(a, b, v, w):
    return 2.0 * a * b * v + a * a * w


def weighted_vjp(a, b, w):
    return 2.0 * a * b * w, a * a * w


@BOTH
@pytest.mark.parametrize("way", [{"jvp": weighted_jvp}, {"vjp": weighted_vjp}])
def test_a_ufunc_with_an_added_rule_broadcasts(name, way, added):
    added(gradmix.with_rule(weighted_ufunc, **way))
    made, a, b = gradmix.differentiator(name), np.array([[1.0], [-2.0]]), np.array([3.0, 0.5, 4.0])

    def f(a, b, g):
        return np.sum(np.sin(g(a, b)) + g(0.5, b))

    for operator in ("gradient", "hessian"):
        for argnum in (0, 1):
            found, expected = (getattr(made, operator)(f, a, b, g, argnums=argnum) for g in (weighted_ufunc, weighted))
            np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


@BOTH
@pytest.mark.parametrize("way", ["jvp", "vjp"])
def test_one_way_of_a_ufuncs_rule_is_evaluated_as_often_as_the_other(name, way, added):
    calls = []

    def rule(x, v):
        calls.append(1)
        return 2.0 * x * v

    square = np.frompyfunc(lambda x: x * x, 1, 1)
    added(gradmix.with_rule(square, **{way: rule}))
    x = np.linspace(1.0, 2.0, 30)
    found = gradmix.differentiator(name).jvp(lambda x: np.sum(square(x)), x, np.ones(30))
    assert found == pytest.approx(2.0 * np.sum(x), rel=1e-14)
    assert len(calls) == 1 if name == "dual" else len(calls) <= 2


class Dispatched:
    """A function that is not NumPy's but asks its arguments as NumPy's functions do."""

    __name__ = "dispatched"
    __module__ = "elsewhere"

    def __call__(self, x, power=2):
        if hasattr(x, "__array_function__") and not isinstance(x, np.ndarray | np.generic):
            options = {} if power == 2 else {"power": power}
            return x.__array_function__(self, (type(x),), (x,), options)
        return np.asarray(x) ** power


@BOTH
def test_a_function_that_asks_its_arguments_gets_its_added_rule(name, added):
    square = Dispatched()
    added(gradmix.with_rule(square, vjp=lambda x, w: 2.0 * x * w))
    made = gradmix.differentiator(name)
    np.testing.assert_array_equal(made.gradient(lambda x: np.sum(square(x)), [3.0, 4.0]), [6.0, 8.0])
    np.testing.assert_array_equal(made.hessian(lambda x: np.sum(square(x)), [3.0, 4.0]), 2.0 * np.eye(2))
    with pytest.raises(DifferentiationError, match=r"elsewhere\.dispatched with these arguments .*positional numbers"):
        made.derivative(lambda x: square(x, power=3), 3.0)


@BOTH
def test_an_added_rule_takes_a_list_of_traced_numbers_and_refuses_options(name, added):
    square = np.frompyfunc(lambda x: x * x, 1, 1)
    added(gradmix.with_rule(square, jvp=lambda x, v: 2.0 * x * v))
    made = gradmix.differentiator(name)
    assert made.derivative(lambda x: np.sum(square([x, 2.0 * x])), 3.0) == 30.0
    for options in ({"where": np.array([True])}, {"out": np.zeros(1)}):
        with pytest.raises(DifferentiationError, match="with these arguments"):
            made.gradient(lambda x, options=options: np.sum(square(x, **options)), [3.0])


def test_a_rule_needs_one_way():
    with pytest.raises(TypeError, match="jvp=, vjp= or both"):
        gradmix.with_rule(math.erf)


@pytest.mark.parametrize("name", ["dual", "tape", "jax", "autograd"])
@pytest.mark.filterwarnings("ignore:Output seems independent of input:UserWarning")
def test_stop_gradient_makes_a_constant(name):
    if name in ("jax", "autograd"):
        pytest.importorskip(name)
    made = gradmix.differentiator(name)
    assert made.derivative(lambda x: x * gradmix.stop_gradient(x), 3.0) == 3.0
    np.testing.assert_array_equal(made.gradient(lambda x: np.sum(gradmix.stop_gradient(x)), np.ones(2)), [0.0, 0.0])
    assert gradmix.stop_gradient(2.0) == 2.0


@BOTH
def test_stop_gradient_holds_in_second_derivatives(name):
    found = gradmix.differentiator(name).hessian(lambda x: np.sum(x**2 * gradmix.stop_gradient(x)), np.array([3.0]))
    np.testing.assert_array_equal(found, [[6.0]])


def chain(x, step):
    for _ in range(6):
        x = step(x)
    return np.sum(x)


def long_step(x):
    for _ in range(10):
        x = np.sin(x) + 0.1 * x
    return x


@BOTH
def test_checkpointed_functions_have_the_same_derivatives(name):
    made, x = gradmix.differentiator(name), np.array([0.3, -0.7])
    step = gradmix.checkpoint(long_step)
    np.testing.assert_allclose(
        made.gradient(lambda y: chain(y, step), x), made.gradient(lambda y: chain(y, long_step), x), rtol=1e-14
    )
    np.testing.assert_allclose(
        made.hessian(lambda y: chain(y, step), x), made.hessian(lambda y: chain(y, long_step), x), rtol=1e-12
    )


def test_checkpointing_saves_memory():
    made, x = gradmix.differentiator("tape"), np.linspace(0.0, 1.0, 20_000)

    def peak(step):
        made.gradient(lambda y: chain(y, step), x)
        tracemalloc.start()
        try:
            made.gradient(lambda y: chain(y, step), x)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(gradmix.checkpoint(long_step)) < 0.4 * peak(long_step)


def test_checkpointed_functions_take_containers():
    step = gradmix.checkpoint(lambda model: model["a"] * np.sum(model["b"]))
    found = gradmix.differentiator("tape").gradient(step, {"a": 2.0, "b": np.ones(2)})
    assert found["a"] == 2.0
    np.testing.assert_array_equal(found["b"], [2.0, 2.0])


@pytest.mark.parametrize("mark", [gradmix.checkpoint, lambda f: gradmix.with_rule(f, jvp=lambda y, v: v)])
def test_what_is_traced_beside_the_arguments_is_refused_not_lost(mark):
    with pytest.raises(DifferentiationError, match="uses a traced value that is not one of its arguments"):
        gradmix.differentiator("tape").derivative(lambda x: mark(lambda y: x * y)(x), 1.0)
