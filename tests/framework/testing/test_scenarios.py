"""The kit's own answers are right: scenarios and problems against differences in 60 digits."""

import mpmath
import numpy as np
import pytest

from gradmix.testing.extended import Extended, NotExtendedError, jacobian
from gradmix.testing.scenarios import MANY, SCENARIOS, SIZED

ALL = [*SCENARIOS.values(), *MANY.values(), *SIZED.values()]
POINTS = (0.375, 0.5, 1.0, 1.125, 2.0)


@pytest.mark.parametrize(
    "scenario", [each for each in ALL if not each.is_for_positive_points], ids=lambda each: each.name
)
def test_first_derivatives_at_negative_points_and_zero(scenario):
    x = point_of(scenario, 0)
    for each in (-x, 0.0 * x):
        np.testing.assert_allclose(
            scenario.first(each), jacobian(scenario.f, each), rtol=1e-14, atol=1e-15 * scale_of(scenario)
        )


def scale_of(scenario):
    return 1e-15 if scenario.name == "small" else 1.0


def point_of(scenario, shift):
    size = int(np.prod(scenario.shape))
    values = [POINTS[(i + shift) % len(POINTS)] for i in range(size)]
    return np.array(values).reshape(scenario.shape)[()]


def at_every_point(scenarios):
    """Scenarios with shifts of the points: one where there are many variables, which take all points at once."""
    return pytest.mark.parametrize(
        ("scenario", "shift"),
        [
            pytest.param(each, shift, id=f"{each.name}-{shift}")
            for each in scenarios
            for shift in range(len(POINTS) if np.prod(each.shape) < 50 else 1)
        ],
    )


@at_every_point(ALL)
def test_first_derivatives(scenario, shift):
    x = point_of(scenario, shift)
    assert np.shape(scenario.f(x)) == scenario.result_shape
    np.testing.assert_allclose(scenario.first(x), jacobian(scenario.f, x), rtol=1e-14, atol=1e-15 * scale_of(scenario))
    assert np.shape(scenario.first(x)) == scenario.result_shape + scenario.shape


@at_every_point([each for each in ALL if each.second])
def test_second_derivatives_are_derivatives_of_the_first(scenario, shift):
    x = point_of(scenario, shift)
    columns = []
    for place in np.ndindex(scenario.shape):
        step = np.zeros(scenario.shape)
        step[place] = 2.0**-16
        columns.append((np.asarray(scenario.first(x + step[()])) - scenario.first(x - step[()])) / 2.0**-15)
    expected = np.moveaxis(np.array(columns), 0, -1).reshape(scenario.shape * 2) if columns else np.zeros((0, 0))
    np.testing.assert_allclose(scenario.second(x), expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", ["sin", "exp", "arctan", "log1p", "sqrt", "tanh"])
def test_differences_in_60_digits_are_exact(name):
    mp_name = {"arctan": "atan", "log1p": "log1p"}.get(name, name)
    expected = float(mpmath.diff(getattr(mpmath, mp_name), mpmath.mpf(0.7)))
    assert jacobian(getattr(np, name), 0.7) == pytest.approx(expected, rel=1e-15)


def test_numbers_of_60_digits_pass_through_numpy():
    x = np.array([Extended(1.5), Extended(2.0)])
    assert float(np.sum(x * x[::-1] / 2.0).value) == 3.0
    assert float((np.array([[1.0, 2.0]]) @ x)[0].value) == 5.5
    assert [float(each.value) for each in np.abs(-x)] == [1.5, 2.0]
    assert bool(x[0] < x[1])
    assert bool(x[1] > 1.0)


def test_a_function_that_gives_up_digits_is_noticed():
    with pytest.raises(NotExtendedError):
        jacobian(lambda x: float(x) ** 2, 1.5)
    with pytest.raises(NotExtendedError):
        jacobian(lambda x: np.linalg.inv(x), np.eye(2))
