"""Errors on rough functions are those that their formulas say."""

import math

import numpy as np
import pytest

from gradmix import ConfigError
from gradmix_lecture.topic import Table
from gradmix_lecture.topics.rough import DiscreteFunction, NoisyFunction
from gradmix_problems.cubic import Cubic
from gradmix_problems.lecture import Lecture
from gradmix_problems.rough import Noisy, Quantised


def test_dual_numbers_follow_the_ripple():
    table = Table(list(NoisyFunction(problem=Noisy(noise=1e-2, width=1e-2), steps_per_decade=4).rows()))
    assert table["error.dual"] == pytest.approx(abs(math.cos(100.0)), rel=1e-12)
    assert table["error.tape"] == pytest.approx(table["error.dual"], rel=1e-12)


def test_a_central_difference_averages_over_the_ripple():
    """Its factor is sin(h/w)/(h/w) for a sine of width w, that of the curve sin(h)/h."""
    noise = width = 1e-2
    table = Table(list(NoisyFunction(problem=Noisy(noise=noise, width=width), steps_per_decade=4).rows()))
    h = table["h"]
    exact = np.cos(1.0) * (np.sin(h) / h - 1) + noise / h * np.sin(h / width) * np.cos(1.0 / width)
    assert table["error.central"] == pytest.approx(np.abs(exact), rel=1e-6, abs=1e-10)


def test_a_function_in_steps_has_the_derivative_zero():
    topic = DiscreteFunction(problem=Quantised(quantum=0.02), steps_per_decade=6)
    table = Table(list(topic.rows()))
    assert set(table["error.dual"]) == {math.cos(1.0)}
    h = table["h"]
    assert (table["error.central"] <= 0.02 / h + h**2 / 6 + 1e-9).all()
    assert topic.summary(table)["best_error.central"] < 0.1 < topic.summary(table)["error.dual"]


@pytest.mark.parametrize(
    "wrong", [{"problem": Lecture()}, {"problem": Cubic(), "smallest": 1.0, "largest": 0.5}], ids=["gradient", "range"]
)
def test_senseless_values_are_refused(wrong):
    with pytest.raises(ConfigError, match=r"topic\."):
        NoisyFunction(**wrong).check()
