"""Sweeps, errors and memory of Jacobians: what theory says, whatever the clock."""

import numpy as np
import pytest

from gradmix import ConfigError
from gradmix_lecture.topic import Table
from gradmix_lecture.topics.jacobians import JacobianCost


@pytest.fixture(scope="module")
def table():
    return Table(list(JacobianCost(entries=64, lengths=(20, 200), sizes=(5, 40), repeats=1).rows()))


def test_forward_takes_a_sweep_for_each_variable_reverse_one_for_each_result(table):
    shapes = table.having("n")
    assert shapes["n"].tolist() == [1, 2, 4, 8, 16, 32, 64]
    assert shapes["sweeps.forward"].tolist() == shapes["n"].tolist()
    assert (shapes["n"] * shapes["sweeps.reverse"] == 64).all()


def test_both_are_exact(table):
    shapes = table.having("n")
    assert np.maximum(shapes["error.forward"], shapes["error.reverse"]).max() < 1e-15 * 8


def test_reverse_mode_keeps_what_forward_mode_forgets(table):
    """Two results of ten numbers a step, of eight bytes each, at the least."""
    forward, reverse = (np.diff(table.having("length")[f"bytes.{mode}"])[0] for mode in ("forward", "reverse"))
    assert reverse > 180 * 2 * 80
    assert forward < 0.1 * reverse


def test_a_system_with_three_diagonals_has_no_other_entries(table):
    sizes = table.having("size")
    assert sizes["nonzeros"].tolist() == [3 * n - 2 for n in (5, 40)]


@pytest.mark.parametrize("wrong", [{"entries": 32}, {"lengths": (10,)}, {"sizes": (10, 10)}])
def test_senseless_values_are_refused(wrong):
    with pytest.raises(ConfigError, match=r"topic\."):
        JacobianCost(**wrong).check()
