"""Runs with ``task.prepared=true``: the same derivative, and word of what could not be prepared."""

from dataclasses import dataclass

import numpy as np
import pytest

from gradmix import Problem
from gradmix.config.build import build


def task(**options):
    return build("task", {"name": "differentiate", "prepared": True, **options}).component


def result(given):
    with pytest.raises(StopIteration) as end:
        next(given.run())
    return end.value.value


@pytest.mark.parametrize("differentiator", ["dual", "tape", "finite_difference"])
@pytest.mark.parametrize("problem", ["rosenbrock", "vector_map", "cubic"])
def test_a_prepared_run_has_the_same_derivative(differentiator, problem):
    prepared = result(task(differentiator=differentiator, problem=problem))
    plain = result(task(differentiator=differentiator, problem=problem, prepared=False))
    assert prepared.metrics["derivative_error"] == pytest.approx(plain.metrics["derivative_error"], abs=1e-9)
    assert "prepared" not in prepared.remarks


def test_the_derivative_alone_is_timed():
    given, calls = task(differentiator="tape"), []
    given.problem = Noted(calls)
    timed = given.timed()
    before = len(calls)
    timed.work()
    assert len(calls) == before


@dataclass
class Noted(Problem):
    """Notes its evaluations."""

    calls: list
    operator = "gradient"

    def function(self, x):
        self.calls.append(1)
        return np.sum(x**3)

    def point(self):
        return np.array([1.0, 2.0])

    def exact(self):
        return np.array([3.0, 12.0])


@dataclass
class Unrecorded(Problem):
    """Writes into a mask, which no program can follow."""

    operator = "gradient"

    def function(self, x):
        kept = x > 0
        kept[0] = True
        return np.sum(np.where(kept, x**2, 0.0))

    def point(self):
        return np.array([-1.0, 2.0, -3.0])

    def exact(self):
        return np.array([-2.0, 4.0, 0.0])


def test_what_could_not_be_prepared_is_remarked():
    given = task(differentiator="tape")
    given.problem = Unrecorded()
    found = result(given)
    assert found.metrics["derivative_error"] == 0
    assert found.remarks["prepared"] == "no: a value that changes with the point is written to in place"
