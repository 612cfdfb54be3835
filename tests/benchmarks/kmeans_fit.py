"""k-means beside scikit-learn's Lloyd: whole fits from the same start, in processor time of one thread.

`python -m tests.benchmarks.kmeans_fit` prints a table; `--shape N D K` and `--pairs` choose what is fitted, how often.
Fits alternate, so both meet the same load; a row shows medians. Kernels are compiled before the first pair.
"""

from __future__ import annotations

import argparse
import math
import time
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

import gradmix
from gradmix_clustering.plus_plus import choose_centers

SHAPES = ((100_000, 16, 16), (200_000, 64, 100))
ITERATIONS = 20


def data(kind: str, n: int, d: int, k: int) -> np.ndarray:
    """Clusters 3 σ apart in each feature, clusters that overlap, or uniform rows."""
    rng = np.random.default_rng(1)
    if kind == "uniform":
        return rng.uniform(size=(n, d))
    apart = {"clustered": 3.0, "overlapping": 1.0}[kind]
    return apart * rng.normal(size=(k, d))[rng.integers(k, size=n)] + rng.normal(size=(n, d))


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor time of this thread, and what was made."""
    start = time.thread_time()
    made = work()
    return time.thread_time() - start, made


def compare(kind: str, shape: tuple[int, int, int], pairs: int) -> str:
    """One row of the table."""
    n, d, k = shape
    X = data(kind, n, d, k)
    gradmix.clusterer("kmeans", n_clusters=k).compile_for(gradmix.Rows(X))
    start = choose_centers(gradmix.Rows(X), k, np.random.default_rng(0))
    ours = gradmix.clusterer("kmeans", n_clusters=k, init=start, tol=0.0, max_iter=ITERATIONS)
    peer = KMeans(k, init=start, n_init=1, tol=0, max_iter=ITERATIONS, algorithm="lloyd")
    times = [(seconds(lambda: ours.fit(X))[0], seconds(lambda: peer.fit(X))[0]) for _ in range(pairs)]
    starts = [
        (
            seconds(lambda: choose_centers(gradmix.Rows(X), k, np.random.default_rng(0)))[0],
            seconds(lambda: kmeans_plusplus(X, k, random_state=0))[0],
        )
        for _ in range(pairs)
    ]
    mine, its = np.median(times, axis=0)
    exact = math.fsum(((X - ours.cluster_centers_[ours.labels_]) ** 2).ravel())
    different = np.count_nonzero(ours.labels_ != peer.labels_)
    ratio, start_ratio = (np.median([theirs / own for own, theirs in found]) for found in (times, starts))
    return (
        f"{n:>7} {d:>3} {k:>4} {kind:<12} {1e3 * mine:>9.1f} {1e3 * its:>9.1f} {ratio:>6.2f} {start_ratio:>6.2f} "
        f"{different:>6} {abs(ours.inertia_ / exact - 1):>9.1e} {memory(ours, X) / n:>6.1f}"
    )


def memory(clusterer: Any, X: np.ndarray) -> float:
    """Peak of the bytes that a start by k-means++ and the iterations take beside the data."""
    clusterer = clusterer.set_params(init="k-means++", random_state=0, max_iter=2)
    tracemalloc.start()
    clusterer.exhaust(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return float(peak)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", nargs=3, type=int, action="append", metavar=("N", "D", "K"))
    parser.add_argument("--pairs", type=int, default=5, help="3 or more")
    given = parser.parse_args()
    if given.pairs < 3:
        parser.error("--pairs must be 3 or more: the median of fewer is one pair, or between two")
    warnings.simplefilter("ignore", ConvergenceWarning)  # a fixed number of iterations is meant
    print("      n   d    k data           ours ms  peer ms  ratio  start labels   inertia B/row")
    with threadpool_limits(1):
        for shape in given.shape or SHAPES:
            for kind in ("clustered", "overlapping", "uniform"):
                print(compare(kind, tuple(shape), given.pairs), flush=True)


if __name__ == "__main__":
    main()
