import math
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from gradmix.reports.intervals import FEWEST, estimate, order_statistic


@pytest.mark.parametrize("n", range(6, 400))
def test_the_order_statistic_is_the_innermost_that_covers_95_percent(n):
    k = order_statistic(n)
    assert 1 - 2 * binom.cdf(k - 1, n, 0.5) >= 0.95 - 1e-12
    assert 1 - 2 * binom.cdf(k, n, 0.5) < 0.95


def test_published_ranks_are_found():
    """As tables of the sign test give them for 95 %."""
    assert [order_statistic(n) for n in (10, 16, 20, 25)] == [2, 4, 6, 8]


def test_fewer_than_six_have_no_interval():
    assert order_statistic(FEWEST - 1) == 0
    assert order_statistic(FEWEST) == 1
    assert 1 - 2 * comb(5, 0) / 2**5 < 0.95 <= 1 - 2 * comb(6, 0) / 2**6
    assert not estimate([1.0, 2.0]).has_interval
    assert (estimate([2.0, 1.0]).low, estimate([2.0, 1.0]).high) == (1.0, 2.0)


@pytest.mark.parametrize("n", [6, 9, 20])
@pytest.mark.parametrize("draw", ["standard_cauchy", "standard_exponential"])
def test_the_interval_covers_the_true_median_as_often_as_it_says(n, draw):
    generator = np.random.default_rng(n)
    median = {"standard_cauchy": 0.0, "standard_exponential": math.log(2)}[draw]
    found = [estimate(row) for row in getattr(generator, draw)((4000, n)).tolist()]
    coverage = np.mean([each.low <= median <= each.high for each in found])
    exact = 1 - 2 * binom.cdf(order_statistic(n) - 1, n, 0.5)
    assert exact >= 0.95
    assert coverage == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 4000))


VALUES = st.floats(-1e300, 1e300) | st.sampled_from([math.inf, -math.inf])
"""Beyond these, the sum of two values overflows, and with it the median of an even number of values."""


@given(st.lists(VALUES, min_size=1, max_size=40))
def test_the_median_lies_in_its_interval_whatever_the_values(values):
    found = estimate(values)
    with np.errstate(invalid="ignore"):  # ∞ - ∞
        median = np.median(sorted(values))
    assert found.low <= median <= found.high or math.isnan(median)
    assert found == estimate(list(reversed(values))) or math.isnan(found.median)
