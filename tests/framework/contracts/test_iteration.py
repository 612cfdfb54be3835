import math
from dataclasses import fields, replace

import numpy as np
import pytest

from gradmix import INERTIA, LOG_LIKELIHOOD, Iteration, NumericalError, Streams
from gradmix.contracts.iteration import last_of_each_start


def ended(start, value, metric="log_likelihood"):
    return Iteration(f"model {start}", {metric: value}, start=start, step=3)


def test_the_best_start_is_the_one_with_the_best_objective():
    assert LOG_LIKELIHOOD.best([ended(0, -5.0), ended(1, -3.0), ended(2, -4.0)]).start == 1
    assert INERTIA.best([ended(0, 5.0, "inertia"), ended(1, 3.0, "inertia")]).start == 1


def test_of_equal_starts_the_first_is_kept():
    assert LOG_LIKELIHOOD.best([ended(0, -3.0), ended(1, -3.0)]).start == 0
    assert INERTIA.best([ended(0, 3.0, "inertia"), ended(1, 3.0, "inertia")]).start == 0


def test_a_start_that_ended_in_nan_is_never_the_best():
    assert LOG_LIKELIHOOD.best([ended(0, math.nan), ended(1, -9.0)]).start == 1
    with pytest.raises(NumericalError):
        LOG_LIKELIHOOD.best([ended(0, math.nan)])


def test_the_last_iteration_of_each_start_is_kept():
    iterations = [Iteration(None, {}, start=start, step=step) for start in range(3) for step in (1, 2, 3)]
    assert [(each.start, each.step) for each in last_of_each_start(iterations)] == [(0, 3), (1, 3), (2, 3)]
    assert list(last_of_each_start([])) == []


def test_a_numbered_iteration_keeps_all_its_other_fields():
    iteration = Iteration("model", {"inertia": 1.0}, converged=True, collapsed=2, labels=np.arange(3))
    numbered, expected = iteration.numbered(4, 5), replace(iteration, start=4, step=5)
    assert all(getattr(numbered, field.name) is getattr(expected, field.name) for field in fields(Iteration))


def test_streams_are_a_sequence_of_generators():
    streams = Streams(3, 4)
    first, last = streams[0].random(), streams[-1].random()
    assert [rng.random() for rng in streams][0::3] == [first, last]
    assert [rng.random() for rng in streams[3:]] == [last]
    with pytest.raises(IndexError):
        streams[4]
