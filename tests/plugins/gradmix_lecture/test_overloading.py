"""All ways have the exact derivative; only source transformation writes code."""

import mpmath
import pytest

from gradmix import ConfigError
from gradmix_lecture.topic import Table
from gradmix_lecture.topics.overloading import OperatorOverloading


@pytest.fixture(scope="module")
def table():
    return Table(list(OperatorOverloading(lengths=(1, 7), repeats=1).rows()))


def exact(x, n):
    """By the recurrence for y and y′ in 40 digits."""
    with mpmath.workdps(40):
        y, slope = mpmath.mpf(x), mpmath.mpf(1)
        for _ in range(n):
            y, slope = mpmath.sin(x * y), mpmath.cos(x * y) * (y + x * slope)
        return float(slope)


def test_the_derivatives_are_exact(table):
    for row in table.having("n").rows:
        for way in ("dual", "tape", "source_forward", "source_reverse", "source_compiled"):
            assert row[f"derivative.{way}"] == pytest.approx(exact(1.3, int(row["n"])), rel=1e-13)
            assert row[f"seconds.{way}"] > 0


def test_overloading_writes_no_code_and_reverse_more_than_forward(table):
    lines = table.rows[-1]
    assert lines["lines.dual"] == lines["lines.tape"] == 0
    assert 6 < lines["lines.source_forward"] < lines["lines.source_reverse"]


@pytest.mark.parametrize("wrong", [(), (10,), (10, 1), (1, 10**6)])
def test_lengths_make_a_curve(wrong):
    with pytest.raises(ConfigError, match=r"topic\.lengths"):
        OperatorOverloading(lengths=wrong).check()
