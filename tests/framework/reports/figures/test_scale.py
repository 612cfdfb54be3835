"""Scales: the best on one side, every value in its own place, round numbers along them."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradmix.contracts.meaning import Meaning
from gradmix.reports.figures.scale import Scale

BIC = Meaning("bic", "lower")
RAND = Meaning("adjusted_rand_index", "higher")
ERROR = Meaning("derivative_error", "lower", by_ratio=True)
TIME = Meaning("time", "lower", "s", by_ratio=True)

reals = st.floats(-1e9, 1e9).map(lambda value: round(value, 6))
positives = st.floats(1e-18, 1e9)


def places(values, metric):
    scale = Scale(values, metric)
    ordered = sorted(set(values), key=lambda value: value * metric.sign)
    return [scale.at(value) for value in ordered]


def distinct(values):
    """Values that differ by more than rounding."""
    return [
        a for a, b in zip(values, [*values[1:], math.inf], strict=True) if b - a > 1e-6 * max(abs(a), abs(b), 1e-12)
    ]


@pytest.mark.parametrize("metric", [BIC, RAND])
@given(values=st.lists(reals, min_size=2, unique=True))
def test_the_best_is_at_zero_the_worst_at_one_and_all_between_in_order(metric, values):
    found = places(distinct(sorted(values)), metric)
    assert found[0] == 0
    assert found[-1] in (0, pytest.approx(1))
    assert all(a < b for a, b in itertools.pairwise(found))


@given(values=st.lists(positives, min_size=2, unique=True), with_zero=st.booleans())
def test_no_two_values_that_are_compared_by_ratio_share_a_place(values, with_zero):
    found = places([0.0, *distinct(sorted(values))] if with_zero else distinct(sorted(values)), ERROR)
    assert all(a < b for a, b in itertools.pairwise(found))


def test_a_value_far_behind_leaves_room_for_those_near_the_best():
    scale = Scale([2314.3, 2320.1, 2322.2, 2325.2, 2340.1, 2607.6, 4024.7], BIC)
    assert scale.is_stretched
    assert scale.at(2322.2) > 0.05  # on a linear scale: 0.005
    assert scale.at(2607.6) < scale.at(4024.7)
    assert not Scale([1.0, 2.0, 3.0, 4.0, 5.0], BIC).is_stretched


def test_what_is_no_number_is_at_the_worse_end():
    scale = Scale([1.0, 3.0, math.inf, math.nan], BIC)
    assert [scale.at(value) for value in (1.0, 3.0, math.inf)] == [0, 1, 1]


@pytest.mark.parametrize(
    ("values", "metric"),
    [
        ([2314.3, 2320.1, 2322.2, 2325.2, 2340.1, 2607.6, 4024.7], BIC),
        ([0.9039, 0.8857, 0.5584], RAND),
        ([1.2e-16, 5.25e-13, 3e-3], ERROR),
        ([0.0, 5.25e-13, 3e-3], ERROR),
        ([12e-6, 45e-6], TIME),
    ],
)
def test_ticks_are_round_numbers_where_they_belong_and_do_not_touch(values, metric):
    scale = Scale(values, metric)
    found = sorted(scale.ticks)
    assert 2 <= len(found) <= 7
    assert all(later - place >= 0.09 for (place, _), (later, _) in itertools.pairwise(found))
    sizes = {"ms": 1e-3, "µs": 1e-6, "s": 1.0}
    for place, text in found:
        number, _, unit = text.partition(" ")
        assert scale.at(float(number) * sizes.get(unit, 1.0)) == pytest.approx(place, abs=1e-6)
        assert len(number.partition("e")[0].replace(".", "").strip("0-")) <= 3


@pytest.mark.parametrize("metric", [BIC, RAND, ERROR])
@pytest.mark.parametrize("values", [[], [5.0], [5.0, 5.0], [0.0]])
def test_few_values_are_no_trouble(metric, values):
    scale = Scale(values, metric)
    assert [scale.at(value) for value in values] == [0] * len(values)
