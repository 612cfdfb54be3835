"""Sparse Jacobians in a run."""

import pytest

from gradmix import ConfigError
from gradmix.config.build import build


def task(**options):
    return build("task", {"name": "differentiate", "sparse": True, **options}).component


@pytest.mark.parametrize("differentiator", ["dual", "tape"])
def test_a_sparse_jacobian_is_compared_as_a_dense_one(differentiator):
    given = task(problem={"name": "broyden", "n": 50}, differentiator=differentiator)
    given.check()
    steps = given.run()
    with pytest.raises(StopIteration) as end:
        next(steps)
    found = end.value.value
    assert found.metrics["derivative_error"] < 1e-15
    assert found.metrics["function_evaluations"] == 2  # the pattern, and the tangents
    assert found.answer["computed"].shape == (50, 50)
    given.timed().work()


def test_other_derivatives_are_refused():
    with pytest.raises(ConfigError, match=r"task\.sparse=true is for problems whose operator is jacobian"):
        task(problem="cubic").check()
