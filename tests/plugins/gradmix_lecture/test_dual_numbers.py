"""Dual numbers against exact derivatives, and the gradient against the lecture's."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from gradmix import ConfigError
from gradmix_lecture.topic import Table
from gradmix_lecture.topics.dual_numbers import DualNumbers, TwoComponents

DERIVATIVES = {
    "sin": mpmath.cos,
    "cos": lambda x: -mpmath.sin(x),
    "exp": mpmath.exp,
    "log": lambda x: 1 / x,
    "sqrt": lambda x: 1 / (2 * mpmath.sqrt(x)),
}


@pytest.fixture(scope="module")
def table():
    return Table(list(DualNumbers(n=20).rows()))


@pytest.mark.parametrize("name", list(DERIVATIVES))
def test_errors_are_those_of_fifty_digits(table, name):
    with mpmath.workdps(50):
        for row in table.rows:
            exact = DERIVATIVES[name](mpmath.mpf(row["x"]))
            error = abs(mpmath.mpf(row[f"derivative.{name}"]) - exact) / np.spacing(abs(float(exact)))
            assert row[f"ulp.{name}"] == pytest.approx(float(error), abs=0.01)
            assert error < 2


def test_the_polynomial_in_rational_numbers(table):
    for row in table.rows:
        x = Fraction(row["x"])
        assert row["f.polynomial"] == pytest.approx(float(1 - 2 * x + x**3 / 4), abs=1e-14)
        assert row["derivative.polynomial"] == pytest.approx(float(3 * x**2 / 4 - 2), abs=1e-14)


def test_two_components_are_the_lectures_partial_derivatives():
    table = Table(list(TwoComponents(n=3).rows()))
    assert len(table) == 10
    assert table["d1"] == pytest.approx(table["x2"] + np.cos(table["x1"]), rel=1e-15)
    assert table["d2"].tolist() == table["x1"].tolist()
    assert set(table["evaluations.one_component"]) == {2.0}
    assert set(table["evaluations.two_components"]) == {1.0}


@pytest.mark.parametrize("wrong", [{"begin": 0.0}, {"begin": 3.0, "end": 2.0}, {"coefficients": (1.0,)}])
def test_senseless_values_are_refused(wrong):
    with pytest.raises(ConfigError, match=r"topic\."):
        DualNumbers(**wrong).check()
