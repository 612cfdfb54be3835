"""Clusterers on an engine of another author's, which computes in other processes: the same bits as here."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import pytest

import gradmix
from gradmix_clustering.starts import STARTS

pytestmark = [
    pytest.mark.processes,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

N = 2**15 + 5000
"""Rows of two blocks."""


@dataclass
class Processes(gradmix.Engine):
    """Each block in one of two processes."""

    pool: ProcessPoolExecutor

    def each(self, function: Callable, blocks: Iterable[gradmix.Block]) -> Iterator:
        yield from self.pool.map(function, blocks)


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield Processes(pool)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, 3)) + 3.0 * rng.integers(4, size=(N, 1)), rng.uniform(size=N)


CASES = [
    ("kmeans", {"n_clusters": 4, "max_iter": 6}),
    ("kmeans", {"n_clusters": 4, "max_iter": 3, "init": "random", "n_init": 2}),
    ("minibatch_kmeans", {"n_clusters": 4}),
    ("gmm_gradient", {"n_components": 3, "max_iter": 2}),
    *(("gmm", {"n_components": 3, "max_iter": 2, "init_params": start}) for start in STARTS),
    *(("gmm", {"n_components": 3, "max_iter": 2, "covariance_type": name}) for name in ("tied", "VVI", "VII", "VVE")),
]


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
@pytest.mark.parametrize("is_weighted", [False, True], ids=["plain", "weighted"])
def test_other_processes_give_the_same_bits(name, options, is_weighted, data, processes):
    X, weights = data[0], data[1] if is_weighted else None
    here, there = (
        gradmix.clusterer(name, random_state=0, **options).fit(gradmix.Rows(X, weights, engine))
        for engine in (None, processes)
    )
    np.testing.assert_array_equal(there.trace_, here.trace_)
    np.testing.assert_array_equal(there.labels_, here.labels_)
    arrays = [name for name, value in vars(here.model_).items() if isinstance(value, np.ndarray)]
    assert arrays
    for each in arrays:
        np.testing.assert_array_equal(getattr(there.model_, each), getattr(here.model_, each))
