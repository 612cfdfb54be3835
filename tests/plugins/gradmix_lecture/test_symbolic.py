"""The logistic map: derivatives in closed form, and formulas that grow as published."""

import math
from itertools import pairwise

import pytest

pytest.importorskip("sympy")

from gradmix_lecture.topic import Table
from gradmix_lecture.topics.symbolic import Symbolic


@pytest.fixture(scope="module")
def table():
    return Table(list(Symbolic(steps=5, repeats=1).rows()))


def test_both_derivatives_are_those_of_the_closed_form(table):
    """With x = sin²θ the map is sin²(2ⁿθ)."""
    theta = math.asin(math.sqrt(0.3))
    for row in table.rows:
        factor = 2 ** int(row["steps"])
        exact = factor * math.sin(2 * factor * theta) / math.sin(2 * theta)
        assert row["derivative.symbolic"] == pytest.approx(exact, rel=1e-11)
        assert row["derivative.tape"] == pytest.approx(exact, rel=1e-11)


def test_a_formula_doubles_and_a_program_grows_by_a_step(table):
    """As in table 1 of Baydin et al., JMLR 18 (2018) 1-43; a step is 4·l, 1 − l and their product."""
    formula, tape = table["operations.formula"], table["operations.tape"]
    assert [after - 2 * before for before, after in pairwise(formula)] == [1, 1, 1, 1]
    assert set(tape[1:] - tape[:-1]) == {7}  # three operations, with four operands that depend on x
    assert table["operations.derivative"][-1] / table["operations.derivative"][-2] > 2.5
