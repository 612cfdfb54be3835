"""The relative error of a derivative as a whole."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradmix.config.spec import read_spec
from gradmix.runs.runner import Order, execute
from gradmix_metrics.relative_error import RelativeErrorL2

measure = RelativeErrorL2().measure
NUMBERS = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6)


def test_it_is_what_one_finds_by_hand():
    assert measure([3.0, 5.0], [3.0, 4.0]) == pytest.approx(1 / 5)
    assert measure([[0.0, 2.0]], [[0.0, 0.0]]) == 2.0
    assert math.isnan(measure([1.0], None))


@given(st.lists(NUMBERS, min_size=1, max_size=5), st.floats(0.001, 1000))
def test_it_does_not_depend_on_the_unit(exact, unit):
    computed = [value + 1 for value in exact]
    if any(exact):
        there = measure([unit * value for value in computed], [unit * value for value in exact])
        assert there == pytest.approx(measure(computed, exact), rel=1e-6)


@pytest.mark.parametrize("unit", [1e-300, 1e-170, 1e170, 1e300])
def test_it_does_not_depend_on_units_whose_squares_are_beyond_all_numbers(unit):
    assert measure([1.1 * unit, 2.0 * unit], [unit, 2.0 * unit]) == pytest.approx(0.1 / math.sqrt(5))


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_what_is_no_number_is_no_small_error(wrong):
    assert not measure([wrong, 1.0], [1.0, 1.0]) < math.inf


def test_a_run_measures_it(tmp_path):
    config = {
        "name": "trial",
        "task": {"name": "differentiate"},
        "differentiator": {"name": "finite_difference", "method": "forward", "step": 1e-4},
        "problem": {"name": "cubic"},
        "metric": {"relative_error_l2": {"name": "relative_error_l2"}},
        "timing": {"repeats": 0},
    }
    # The lecture's cubic at 1: ((1 + h)³ - 1)/h = 3 + 3h + h², so that the error is h + h²/3 of 3.
    assert execute(Order(read_spec(config), tmp_path)).metrics["relative_error_l2"] == pytest.approx(1e-4, rel=1e-2)
