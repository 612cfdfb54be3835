"""Each application reaches what is known of its problem."""

import numpy as np
import pytest

from gradmix import ConfigError
from gradmix_lecture.topic import Table
from gradmix_lecture.topics.applications import Applications
from gradmix_problems.cubic import Cubic
from gradmix_problems.diffusion import Diffusion
from gradmix_problems.kepler import Kepler
from gradmix_problems.robertson import Robertson
from gradmix_problems.rosenbrock import Rosenbrock

PROBLEMS = {"equations": Kepler(), "minimum": Rosenbrock(), "inverse": Diffusion(n=6), "stiff": Robertson()}


@pytest.fixture(scope="module")
def table():
    return Table(list(Applications(**PROBLEMS, training=200).rows()))


def test_the_root_the_minimum_and_the_fit_are_found(table):
    assert table["newton"][-1] < 1e-14
    assert table["minimum.newton"][-1] < 1e-18
    assert table["minimum.scipy_optimize"][-1] < 1e-18
    assert table["inverse"][-1] < 1e-20


def test_the_network_fits_the_sine_that_its_data_come_from(table):
    curve = table.having("network.after")
    inside = np.abs(curve["x"]) < 0.9
    assert np.abs(curve["network.after"] - np.sin(3.0 * curve["x"]))[inside].max() < 0.25
    assert table["network"][-1] < 2 * 0.1**2  # the variance of the noise is 0.01


def test_the_stiff_equation_ends_where_the_literature_has_it(table):
    """Hairer & Wanner, Solving Ordinary Differential Equations II: Robertson's problem at t = 40."""
    last = table.having("time").rows[-1]
    assert last["time"] == 40.0
    assert [last[f"stiff.{i}"] for i in (1, 2, 3)] == pytest.approx(
        [0.7158270688, 0.9185534765e-5, 0.2841637457], rel=1e-5
    )
    assert (np.diff(table.having("time")["time"]) > 0).all()


def test_a_problem_that_asks_something_else_is_refused():
    with pytest.raises(ConfigError, match=r"topic\.equations must ask for a root"):
        Applications(**{**PROBLEMS, "equations": Rosenbrock()}).check()
    with pytest.raises(ConfigError, match=r"topic\.minimum .* asks for nothing"):
        Applications(**{**PROBLEMS, "minimum": Cubic()}).check()
