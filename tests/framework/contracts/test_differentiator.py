"""The operators follow from one hook: tried with differentiators that define just that one."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

import gradmix
from gradmix import DifferentiationError, Differentiator, NumericalError, PluginError, from_jvp
from gradmix.arrays import is_traced

A = np.array([[2.0, 1.0, 0.0], [0.5, -1.0, 3.0]])


def quadratic(x):
    """Maps ℝ³ to ℝ: its gradient and Hessian are known."""
    return x[0] ** 2 * x[1] + 3.0 * x[1] * x[2]


def gradient(x):
    return np.array([2 * x[0] * x[1], x[0] ** 2 + 3 * x[2], 3 * x[1]])


HESSIAN = np.array([[4.0, 2.0, 0.0], [2.0, 0.0, 3.0], [0.0, 3.0, 0.0]])
POINT = np.array([1.0, 2.0, -1.0])


def slope(f, x, v, h=1e-4):
    """Central differences of third order: exact for the cubic functions here, but for rounding."""
    fine = (f(x + h * v) - f(x - h * v)) / (2 * h)
    coarse = (f(x + 2 * h * v) - f(x - 2 * h * v)) / (4 * h)
    return (4 * fine - coarse) / 3


@dataclass
class OnlyJvp(Differentiator):
    """Forward only."""

    def push(self, f, x, v):
        return None, slope(f, x, v)


@dataclass
class OnlyPushMany(Differentiator):
    """Forward only, several at once, in chunks of two."""

    chunk = 2

    def push_many(self, f, x, V):
        assert len(V) <= 2
        return f(x), np.stack([slope(f, x, v) for v in V])


@dataclass
class OnlyVjp(Differentiator):
    """Reverse only."""

    def pull(self, f, x):
        return f(x), lambda w: np.stack([np.sum(w * slope(f, x, v)) for v in np.eye(len(x))])


@pytest.fixture(params=[OnlyJvp, OnlyPushMany, OnlyVjp])
def differentiator(request):
    return request.param()


CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def test_operators_of_a_scalar_function(differentiator):
    v, w = np.array([1.0, -2.0, 0.5]), 3.0
    np.testing.assert_allclose(differentiator.gradient(quadratic, POINT), gradient(POINT), **CLOSE)
    np.testing.assert_allclose(differentiator.jvp(quadratic, POINT, v), gradient(POINT) @ v, **CLOSE)
    np.testing.assert_allclose(differentiator.vjp(quadratic, POINT, w), w * gradient(POINT), **CLOSE)
    np.testing.assert_allclose(differentiator.hessian(quadratic, POINT), HESSIAN, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(differentiator.hvp(quadratic, POINT, v), HESSIAN @ v, rtol=1e-3, atol=1e-3)
    value, found = differentiator.value_and_gradient(quadratic, POINT)
    assert value == quadratic(POINT)
    np.testing.assert_allclose(found, gradient(POINT), **CLOSE)


def test_operators_of_a_vector_function(differentiator):
    f, v, w = (lambda x: A @ x), np.array([1.0, -2.0, 0.5]), np.array([2.0, 1.0])
    np.testing.assert_allclose(differentiator.jacobian(f, POINT), A, **CLOSE)
    np.testing.assert_allclose(differentiator.jvp(f, POINT, v), A @ v, **CLOSE)
    np.testing.assert_allclose(differentiator.vjp(f, POINT, w), w @ A, **CLOSE)


def test_operators_of_one_variable(differentiator):
    assert differentiator.derivative(lambda x: x**3, 2.0) == pytest.approx(12.0)
    np.testing.assert_allclose(differentiator.derivative(lambda x: np.stack([x, x**2]), 2.0), [1.0, 4.0], **CLOSE)


def test_shapes_are_those_of_value_and_point(differentiator):
    X = np.arange(6.0).reshape(2, 3)
    found = differentiator.jacobian(lambda x: x.T[:, :, None] * np.ones(4), X)
    assert found.shape == (3, 2, 4, 2, 3)
    assert found[2, 1, 0, 1, 2] == pytest.approx(1.0)
    assert found.sum() == pytest.approx(24.0)


def test_a_differentiator_without_a_hook_is_refused():
    with pytest.raises(TypeError, match=r"must define push\(self, f, x, v\) or pull\(self, f, x\)"):

        class Nothing(Differentiator):
            """Defines neither."""


@pytest.mark.parametrize(
    ("operator", "hook"),
    [("jvp", "push"), ("vjp", "pull"), ("gradient", "pull"), ("jacobian", "matrix"), ("hessian", "second")],
)
def test_a_plugin_that_overrides_an_operator_gets_one_error_with_the_replacement(operator, hook):
    with pytest.raises(TypeError, match=rf"Old defines {operator}, which is final: implement {hook}\("):
        type("Old", (Differentiator,), {operator: lambda self, f, x, *more: x})


def test_what_it_lacks_are_operators():
    with pytest.raises(TypeError, match=r"'hpv' is not an operator\. Did you mean hvp\?"):
        gradmix.from_jvp(lambda f, x, v: v, name="own", lacks={"hpv": "not written"})


def test_a_name_that_old_plugins_imported_is_refused_with_the_replacement():
    with pytest.raises(ImportError, match="base class of differentiators checks shapes"):
        from gradmix.arrays import check_shape  # noqa: F401


def test_an_operator_that_is_lacking_is_refused_with_its_reason():
    @dataclass
    class FirstOrderOnly(OnlyJvp):
        lacks: ClassVar = {"hvp": "its steps are not differentiable"}

    @dataclass
    class HasTheHook(FirstOrderOnly):
        def product(self, f, x, v):
            return v

    @dataclass
    class HasAll(HasTheHook):
        lacks: ClassVar = {}

    FirstOrderOnly().check_operator("gradient")
    for made in (
        FirstOrderOnly(),
        HasTheHook(),
        from_jvp(lambda f, x, v: v, name="Made", lacks=HasTheHook.lacks)(),
    ):
        with pytest.raises(DifferentiationError, match=r"has no hvp: its steps are not differentiable\."):
            made.check_operator("hvp")
        with pytest.raises(DifferentiationError, match=r"has no hvp: its steps are not differentiable\."):
            made.hvp(np.sum, np.ones(2), np.ones(2))
        with pytest.raises(DifferentiationError, match=r"has no hvp"):
            made.prepare(np.sum, np.ones(2)).hvp(np.ones(2), np.ones(2))
    np.testing.assert_equal(HasAll().hvp(np.sum, np.ones(2), 3.0 * np.ones(2)), [3.0, 3.0])


def model_loss(model, x, y):
    """A loss of a container of parameters: its derivatives are known."""
    return model["slope"] * x @ y + np.sum(model["bias"] ** 2) * model["slope"]


MODEL = {"slope": 2.0, "bias": np.array([1.0, -2.0])}
DATA = (np.array([1.0, 3.0]), np.array([2.0, 0.5]))


def test_containers_nest_as_in_jax(differentiator):
    gradient = differentiator.gradient(model_loss, MODEL, *DATA)
    assert gradient.keys() == MODEL.keys()
    assert gradient["slope"] == pytest.approx(3.5 + 5.0)
    np.testing.assert_allclose(gradient["bias"], [4.0, -8.0], **CLOSE)
    hessian = differentiator.hessian(model_loss, MODEL, *DATA)
    np.testing.assert_allclose(hessian["slope"]["bias"], [2.0, -4.0], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(hessian["bias"]["bias"], 4.0 * np.eye(2), rtol=1e-3, atol=1e-3)
    assert hessian["slope"]["slope"] == pytest.approx(0.0, abs=1e-3)
    jacobian = differentiator.jacobian(lambda m: (m["bias"] * m["slope"], {"s": m["slope"]}), MODEL)
    np.testing.assert_allclose(jacobian[0]["slope"], MODEL["bias"], **CLOSE)
    np.testing.assert_allclose(jacobian[0]["bias"], 2.0 * np.eye(2), **CLOSE)
    np.testing.assert_allclose(jacobian[1]["s"]["bias"], np.zeros(2), **CLOSE)
    assert np.shape(jacobian[1]["s"]["slope"]) == ()


def test_directions_are_arranged_as_the_point_and_the_result(differentiator):
    direction = {"slope": 1.0, "bias": np.array([0.0, 1.0])}
    assert differentiator.jvp(model_loss, MODEL, direction, args=DATA) == pytest.approx(8.5 - 8.0, rel=1e-5)
    pulled = differentiator.vjp(lambda m: {"y": m["bias"] * m["slope"]}, MODEL, {"y": np.array([1.0, 1.0])})
    assert pulled["slope"] == pytest.approx(-1.0)
    product = differentiator.hvp(model_loss, MODEL, direction, args=DATA)
    np.testing.assert_allclose(product["bias"], [2.0, 0.0], rtol=1e-3, atol=1e-3)
    with pytest.raises(DifferentiationError, match=r"v has the structure \{'bias': \(2,\)\}, but x has the structure"):
        differentiator.jvp(model_loss, MODEL, {"bias": np.zeros(2)}, args=DATA)


def test_argnums_chooses_one_argument_or_several(differentiator):
    def f(a, b, c):
        return a * np.sum(b) + c**2

    np.testing.assert_allclose(differentiator.gradient(f, 2.0, np.ones(2), 3.0, argnums=1), [2.0, 2.0], **CLOSE)
    by_c, by_a = differentiator.gradient(f, 2.0, np.ones(2), 3.0, argnums=(2, 0))
    assert (by_c, by_a) == (pytest.approx(6.0), pytest.approx(2.0))
    assert differentiator.derivative(f, 2.0, np.ones(2), 3.0, argnums=-1) == pytest.approx(6.0)
    for wrong in (3, (), (0, 0), "a", 1.5):
        with pytest.raises(DifferentiationError, match="argnums"):
            differentiator.gradient(f, 2.0, np.ones(2), 3.0, argnums=wrong)


def test_a_list_of_numbers_is_an_array_and_any_other_a_container(differentiator):
    assert differentiator.gradient(lambda x: np.sum(x**2), [[1, 2], (3, 4)]).shape == (2, 2)
    parts = differentiator.gradient(lambda p: np.sum(p[0]) * p[1], [np.ones(2), 3.0])
    assert isinstance(parts, list)
    np.testing.assert_allclose(parts[0], [3.0, 3.0], **CLOSE)
    assert parts[1] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"a": "1"}, "must be real numbers; given: '1'"),
        ({"a": None}, "must be real numbers; given: None"),
        ([[1.0, 2.0], [3.0]], "parts of different shapes"),
        (np.ma.masked_array([1.0, 2.0], [True, False]), "masked values"),
        (1j, "must be real numbers"),
    ],
    ids=["text", "none", "ragged", "masked", "complex"],
)
def test_points_of_anything_else_are_refused(differentiator, point, message):
    with pytest.raises(DifferentiationError, match=message):
        differentiator.gradient(lambda x: 1.0, point)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ("text", "returned 'text'; it must return real numbers"),
        (None, "returned None"),
        ({"a": None}, "returned None"),
        ([[1.0], [1.0, 2.0]], "parts of different shapes"),
        (1j, "must return real numbers"),
    ],
    ids=["text", "none", "none within", "ragged", "complex"],
)
def test_functions_that_return_anything_else_are_refused(differentiator, result, message):
    with pytest.raises(DifferentiationError, match=message):
        differentiator.jacobian(lambda x: result, POINT)


def test_what_a_plugin_does_not_offer_is_refused_with_one_error(differentiator):
    with pytest.raises(DifferentiationError, match="cannot compute derivatives of order 2"):
        differentiator.derivative(np.sin, 1.0, order=2)
    with pytest.raises(DifferentiationError, match=r"integer ≥ 1; given: 0"):
        differentiator.derivative(np.sin, 1.0, order=0)
    for operator in ("jacobian", "hessian"):
        with pytest.raises(DifferentiationError, match="cannot compute sparse matrices"):
            getattr(differentiator, operator)(np.sum, POINT, sparse=True)


@pytest.mark.parametrize("name", ["dual", "tape"])
def test_higher_orders_by_nesting(name):
    made = gradmix.differentiator(name)
    assert made.derivative(np.sin, 1.0, order=5) == pytest.approx(np.cos(1.0), rel=1e-13)
    np.testing.assert_allclose(made.derivative(lambda x: (x**4, {"e": np.exp(2 * x)}), 1.0, order=3)[0], 24.0)


def test_a_prepared_function_has_the_same_operators(differentiator):
    prepared = differentiator.prepare(quadratic, np.zeros(3))
    v = np.array([1.0, -2.0, 0.5])
    for operator, arguments in {
        "gradient": (),
        "jacobian": (),
        "hessian": (),
        "value_and_gradient": (),
        "jvp": (v,),
        "vjp": (2.0,),
        "hvp": (v,),
    }.items():
        np.testing.assert_equal(
            getattr(prepared, operator)(POINT, *arguments),
            getattr(differentiator, operator)(quadratic, POINT, *arguments),
        )
    assert differentiator.prepare(np.sin, 0.0).derivative(1.0) == differentiator.derivative(np.sin, 1.0)


def test_a_prepared_function_refuses_points_that_are_arranged_otherwise(differentiator):
    prepared = differentiator.prepare(lambda x, scale: scale * np.sum(x), np.zeros(3), 1.0)
    np.testing.assert_allclose(prepared.gradient(POINT, 2.0), [2.0, 2.0, 2.0], **CLOSE)
    with pytest.raises(DifferentiationError, match=r"prepared for the shape \(3,\); this point has the shape \(4,\)"):
        prepared.gradient(np.zeros(4), 2.0)
    with pytest.raises(DifferentiationError, match="prepared for 2 arguments, not 1"):
        prepared.gradient(POINT)


def test_points_and_results_without_entries(differentiator):
    empty = np.zeros((0, 2))
    assert differentiator.gradient(np.sum, empty).shape == (0, 2)
    assert differentiator.jacobian(lambda x: np.ones(3), empty).shape == (3, 0, 2)
    assert differentiator.hessian(np.sum, empty).shape == (0, 2, 0, 2)
    assert differentiator.jvp(lambda x: np.ones(3), empty, empty).shape == (3,)
    assert differentiator.jacobian(lambda x: x[:0], POINT).shape == (0, 3)
    assert differentiator.gradient(lambda x: 1.0, {}) == {}


def test_a_function_gets_a_copy_that_it_may_write_into(differentiator):
    def overwrites(x):
        x[0] = 0.0
        return np.sum(x)

    point = POINT.copy()
    np.testing.assert_allclose(differentiator.gradient(overwrites, point), [0.0, 1.0, 1.0], **CLOSE)
    np.testing.assert_equal(point, POINT)


def test_an_error_in_the_function_comes_without_the_frames_between(differentiator):
    def fails(x):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine") as caught:
        differentiator.gradient(fails, POINT)
    names = [each.name for each in caught.traceback]
    assert names == ["test_an_error_in_the_function_comes_without_the_frames_between", "called", "fails"]


@pytest.mark.parametrize(
    ("hook", "operator", "returned"),
    [
        ("push", "jvp", (None, np.ones((2, 2)))),
        ("pull", "gradient", (np.ones(1), lambda w: np.ones(2))),
        ("pull", "vjp", (np.ones(1), lambda w: np.ones(3) * 1j)),
    ],
)
def test_what_a_hook_returns_is_checked(hook, operator, returned):
    made = dataclass(type("Wrong", (Differentiator,), {hook: lambda self, f, x, *more: returned}))()
    direction = {"jvp": (POINT,), "vjp": (1.0,)}.get(operator, ())
    with pytest.raises((PluginError, NumericalError), match=rf"Wrong\.{hook} (must return|returned)"):
        getattr(made, operator)(quadratic, POINT, *direction)


def test_a_gradient_by_many_variables_makes_no_unit_matrix():
    sizes = []

    @dataclass
    class Noting(OnlyJvp):
        def push_many(self, f, x, V):
            sizes.append(V.shape)
            return f(x), V @ (2 * x)[:, np.newaxis]

    x = np.arange(1000.0)
    np.testing.assert_array_equal(Noting().gradient(lambda y: np.sum(y**2), x), 2 * x)
    assert max(count for count, _ in sizes) == 64


@pytest.mark.parametrize("x", [np.arange(3.0)[::-1], np.arange(6.0)[::2], np.asfortranarray(np.ones((2, 3)))])
def test_hooks_get_contiguous_vectors(x):
    @dataclass
    class Looking(OnlyJvp):
        def push(self, f, x, v):
            assert x.flags.c_contiguous
            assert v.flags.c_contiguous
            return super().push(f, x, v)

    np.testing.assert_allclose(Looking().gradient(lambda y: np.sum(y**2), x), 2 * x, atol=1e-6)


def test_a_series_is_data_and_not_traced():
    series = pd.Series([1.0, 2.0])
    assert not is_traced(series)
    for name in ("dual", "tape", "finite_difference"):
        found = gradmix.differentiator(name).gradient(lambda x: np.sum(x**2), series)
        np.testing.assert_allclose(found, [2.0, 4.0], rtol=1e-8)
