"""Compiled kernels in other processes than the one that compiled them, and where nothing can be written."""

import os
import subprocess
import sys

import numpy as np
import pytest
from joblib import Parallel, delayed

import gradmix

pytestmark = [pytest.mark.processes, pytest.mark.slow]

ALGORITHMS = {
    "gmm": {"n_components": 3, "covariance_type": "diag", "random_state": 0},
    "kmeans": {"n_clusters": 3, "random_state": 0},
}


def rows():
    """Too many rows for a start by NumPy, and more than a tile."""
    return np.random.default_rng(0).normal(size=(5000, 2))


def fitted(name, X):
    """All numbers of the model, in a worker of joblib's from a read-only file that is mapped into memory."""
    model = gradmix.clusterer(name, **ALGORITHMS[name]).fit(X).model_
    return X.flags.writeable, [value.tolist() for value in vars(model).values() if isinstance(value, np.ndarray)]


@pytest.mark.parametrize("name", ALGORITHMS)
def test_workers_of_joblib_find_the_same_in_rows_that_they_cannot_write(name):
    X = rows()
    _, expected = fitted(name, X)
    with Parallel(n_jobs=2, max_nbytes=1000) as parallel:
        found = parallel(delayed(fitted)(name, X) for _ in range(2))
    assert found == [(False, expected)] * 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.parametrize("engine", ["serial", "threads"])
def test_a_forked_process_goes_on_with_the_kernels_of_its_parent(engine):
    """Its parent's threads are not there: an engine that waited for them would wait forever."""
    code = f"""
import os, signal, sys
import numpy as np, gradmix
X = gradmix.rows(np.random.default_rng(0).normal(size=(50_000, 2)), engine={engine!r})

def fits():
    gmm = gradmix.clusterer("gmm", n_components=3, max_iter=5, tol=0.0, random_state=0)
    kmeans = gradmix.clusterer("kmeans", n_clusters=3, max_iter=5, random_state=0)
    return [each.fit(X).labels_.tolist() for each in (gmm, kmeans)]

expected = fits()
child = os.fork()
if not child:
    signal.alarm(600)
    os._exit(0 if fits() == expected else 3)
ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert ended == 0, ended
assert fits() == expected
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_all_kernels_are_compiled_where_no_folder_can_be_written():
    """As in a read-only installation: numba finds no place for its cache when the kernels are imported."""
    code = """
import numpy as np, gradmix
from numba.core import caching
caching.CacheImpl._locator_classes = []
caching.CompileResultCacheImpl._locator_classes = []
X = np.random.default_rng(0).normal(size=(5000, 2))
for name, options in ALGORITHMS.items():
    gradmix.clusterer(name, **options).fit(X).predict(X)
""".replace("ALGORITHMS", repr(ALGORITHMS))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
