"""Newton's method against its theory, and derivatives of iterations against exact recurrences."""

import mpmath
import numpy as np
import pytest

from gradmix import ConfigError
from gradmix_lecture.topic import Table
from gradmix_lecture.topics.newton import _EQUATIONS, IterativeSolver, Newton


@pytest.fixture(scope="module")
def table():
    return Table(list(Newton().rows()))


def test_the_iterates_are_those_of_the_babylonians(table):
    with mpmath.workdps(60):
        x, errors = mpmath.mpf(3), []
        for _ in range(5):
            errors.append(float(abs(x - mpmath.sqrt(2))))
            x = (x + 2 / x) / 2
    for way in ("dual", "tape", "source", "complex_step"):
        assert table[f"error.{way}"][:5] == pytest.approx(errors, rel=1e-4, abs=1e-15)


@pytest.mark.parametrize("h", [0.5, 0.05])
def test_a_poor_step_makes_it_linear_with_the_rate_of_theory(table, h):
    """The slope is 2x + hx rather than 2x, so each step leaves h/(2 + h) of the error."""
    errors = table[f"error.h_{h:g}"]
    late = errors[(errors < 1e-4) & (errors > 1e-11)]
    assert len(late) >= 3
    assert late[1:] / late[:-1] == pytest.approx(h / (2 + h), rel=0.01)


def test_exact_ways_need_fewer_iterations(table):
    found = Newton().summary(table)
    assert found["iterations.dual"] == found["iterations.tape"] == found["iterations.source"] == 5
    assert found["iterations.h_0.5"] == 13  # not reached


@pytest.mark.parametrize("name", list(_EQUATIONS))
def test_the_roots_are_right(name):
    f, root = _EQUATIONS[name].f, _EQUATIONS[name].root
    below, above = np.nextafter(root, 0), np.nextafter(root, 9)
    assert f(below) * f(above) <= 0


def test_derivatives_of_iterations_are_those_of_forty_digits():
    table = Table(list(IterativeSolver(iterations=(5, 12)).rows()))
    steps = {"heron": lambda y, x: (y + x / y) / 2, "slow": lambda y, x: y + (x - y * y) / 4}
    with mpmath.workdps(40):
        root = mpmath.sqrt(2)
        for name, step in steps.items():
            rows = table.having(f"{name}.value").rows
            for row in rows:

                def after(x, k=int(row["iteration"]), step=step):
                    y = mpmath.mpf(1)
                    for _ in range(k):
                        y = step(y, x)
                    return y

                value, slope = after(mpmath.mpf(2)), mpmath.diff(after, 2)
                assert row[f"{name}.value"] == pytest.approx(float(abs(value / root - 1)), abs=1e-15)
                assert row[f"{name}.followed"] == pytest.approx(float(abs(slope * 2 * root - 1)), abs=1e-14)
                assert row[f"{name}.theorem"] == pytest.approx(float(abs(root / value - 1)), abs=1e-14)


@pytest.mark.parametrize("wrong", [{"start": -1.0}, {"too_large": (0.1, 0.1)}, {"too_large": (), "too_small": ()}])
def test_senseless_values_are_refused(wrong):
    with pytest.raises(ConfigError, match=r"topic\."):
        Newton(**wrong).check()
