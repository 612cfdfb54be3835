"""`engine=threads` beside `engine=serial`: one EM iteration of each layout and a fit of k-means, by the clock.

`python -m tests.benchmarks.engine_threads` prints a table; `--threads`, `--rounds` and `--shape N D K` choose what. Run
it on an idle machine: it is the time on the clock that counts here, and whatever else runs takes a core away.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import gradmix
from gradmix_clustering.em import em, start_model
from gradmix_clustering.estep import EStep
from gradmix_engines.threads import Threads

TYPES = ("full", "tied", "diag", "spherical")


def iteration(rows: gradmix.Rows, hard: np.ndarray, name: str) -> Callable[[], Any]:
    """A function that makes one EM iteration, the first of which is done."""
    start = start_model(gradmix.Rows(rows.array), lambda block: hard[block.rows].T, name, 1e-9)
    steps = em(EStep(rows, "numba"), start, 1e-9)
    next(steps)
    return lambda: next(steps)


def clustering(rows: gradmix.Rows, k: int) -> Callable[[], Any]:
    """A function that fits k-means, ten iterations at most."""
    start = rows.array[np.random.default_rng(0).choice(len(rows), size=k, replace=False)]
    clusterer = gradmix.clusterer("kmeans", n_clusters=k, init=start, tol=0.0, max_iter=10)
    clusterer.fit(rows)
    return lambda: clusterer.fit(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--shape", type=int, nargs=3, default=(100_000, 16, 16), metavar=("N", "D", "K"))
    options = parser.parse_args()
    n, d, k = options.shape
    rng = np.random.default_rng(0)
    labels = rng.integers(k, size=n)
    X = 3 * rng.normal(size=(k, d))[labels] + rng.normal(size=(n, d))
    hard = 0.8 * np.eye(k)[labels] + 0.2 / k
    alone, together = gradmix.rows(X), gradmix.rows(X, engine=Threads(n_threads=options.threads))
    print(f"{'':<12}{'serial':>12}{'threads':>12}{'faster':>9}")
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that ten iterations are too few for k-means
        works = {name: [iteration(rows, hard, name) for rows in (alone, together)] for name in TYPES}
        works["kmeans"] = [clustering(rows, k) for rows in (alone, together)]
        for name, pair in works.items():
            times = []
            for _ in range(options.rounds):
                row = []
                for work in pair:
                    begin = time.perf_counter()
                    work()
                    row.append(time.perf_counter() - begin)
                times.append(row)
            serial, threads = np.median(times, axis=0)
            ratio = median(a / b for a, b in times)
            print(f"{name:<12}{1e3 * serial:>9.2f} ms{1e3 * threads:>9.2f} ms{ratio:>8.2f}×", flush=True)


if __name__ == "__main__":
    main()
