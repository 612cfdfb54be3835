"""One differentiator inside another, for second derivatives and for parts of a function."""

import itertools

import numpy as np
import pytest

import gradmix
from gradmix import ConfigError, DifferentiationError

EXACT = ("dual", "tape", "taylor")
X = np.array([0.3, -0.5, 1.2])


def f(x):
    return np.sum(np.exp(x) * np.roll(x, 1)) + x[0] ** 3


def hessian(x):
    found = np.diag(np.exp(x) * np.roll(x, 1)) + np.diag([6.0 * x[0], 0.0, 0.0])
    for i in range(3):
        found[i, i - 1] += np.exp(x[i])
        found[i - 1, i] += np.exp(x[i])
    return found


@pytest.mark.parametrize(("outer", "inner"), list(itertools.product(("dual", "tape"), repeat=2)))
def test_second_derivatives_by_one_inside_another_are_exact(outer, inner):
    mixed = gradmix.differentiator("second_order", outer=outer, inner=inner)
    assert np.allclose(mixed.hessian(f, X), hessian(X), rtol=1e-14, atol=1e-14)
    assert np.allclose(mixed.hvp(f, X, [1.0, 2.0, 3.0]), hessian(X) @ [1.0, 2.0, 3.0], rtol=1e-14)
    assert mixed.derivative(lambda t: np.exp(2.0 * t), 0.5, order=3) == pytest.approx(8.0 * np.e, rel=1e-14)


def test_differences_of_exact_gradients_are_more_exact_than_second_differences():
    def error(outer, inner):
        options = {"method": "central", "step": 1e-4}
        plain = {name: gradmix.differentiator(name, **(options if name != "tape" else {})) for name in (outer, inner)}
        made = gradmix.differentiator("second_order", outer=plain[outer], inner=plain[inner])
        return np.max(np.abs(made.hessian(f, X) - hessian(X)))

    assert error("finite_difference", "tape") < error("finite_difference", "finite_difference") / 3


def test_a_tool_that_does_not_work_on_traced_values_is_refused():
    pytest.importorskip("autograd")
    autograd = gradmix.differentiator("autograd")
    mixed = gradmix.differentiator("second_order", inner=autograd)
    with pytest.raises(ConfigError, match=r"differentiator\.inner must work on traced values"):
        mixed.check()
    with pytest.raises(ConfigError, match="Autograd does not"):
        mixed.hessian(f, X)


def part(x, y):
    return np.sin(x) * y + x**2


def whole(g):
    return lambda x: np.sum(np.exp(x) * g(x, 2.0 * x[0] + x))


@pytest.mark.parametrize("by", [*EXACT, "autograd", "finite_difference", gradmix.differentiator("tape")], ids=str)
@pytest.mark.parametrize("outside", ["dual", "tape"])
def test_a_part_is_differentiated_by_another(outside, by):
    if by == "autograd":
        pytest.importorskip("autograd")
    differentiator = gradmix.differentiator(outside)
    handed_over = gradmix.differentiate_with(part, by)
    assert np.allclose(differentiator.gradient(whole(handed_over), X), differentiator.gradient(whole(part), X))
    assert np.allclose(
        differentiator.jacobian(lambda x: handed_over(x, x[0]), X), differentiator.jacobian(lambda x: part(x, x[0]), X)
    )
    assert differentiator.derivative(lambda t: handed_over(t, 3.0 * t), 0.7) == pytest.approx(
        differentiator.derivative(lambda t: part(t, 3.0 * t), 0.7)
    )


@pytest.mark.parametrize("by", EXACT)
@pytest.mark.parametrize("outside", ["dual", "tape"])
def test_second_derivatives_go_through_a_part_whose_differentiator_nests(outside, by):
    differentiator = gradmix.differentiator(outside)
    found = differentiator.hessian(whole(gradmix.differentiate_with(part, by)), X)
    assert np.allclose(found, differentiator.hessian(whole(part), X), rtol=1e-13, atol=1e-13)


def test_second_derivatives_through_one_that_does_not_nest_are_refused():
    pytest.importorskip("autograd")
    handed_over = gradmix.differentiate_with(part, "autograd")
    with pytest.raises(DifferentiationError, match="Autograd takes only plain numbers"):
        gradmix.differentiator("tape").hessian(whole(handed_over), X)


def test_the_part_is_really_the_others():
    """The derivative of a program of steps is 0; differences see the curve."""
    steps = gradmix.differentiate_with(lambda x: np.round(np.sin(x), 6), "finite_difference")
    with gradmix.assessments():  # differences say that they see noise
        assert gradmix.differentiator("dual").derivative(steps, 0.0) == pytest.approx(1.0, abs=1e-2)
    assert float(steps(0.5)) == round(np.sin(0.5), 6)
