"""k-means beside scikit-learn, scikit-learn-intelex, faiss and SuperKMeans, as far as they are installed.

`python -m tests.benchmarks.kmeans_peers` writes a section of ``docs/benchmarks.md``; `--print` only prints it. Install
them by `pip install scikit-learn-intelex faiss-cpu superkmeans`. Times are processor time of all threads, of which each
library is given one, in turns; medians.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from tests.benchmarks.document import write_section
from tests.benchmarks.kmeans_fit import ITERATIONS, data

import gradmix
from gradmix_clustering.plus_plus import choose_centers

TITLE = "k-means, beside libraries made for speed"
SHAPES = ((100_000, 16, 16), (200_000, 64, 100))
KINDS = ("clustered", "overlapping", "uniform")

Fit = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From rows and the centers to start from to the centers after all iterations."""


def ours(X: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Exact Lloyd in float64."""
    clusterer = gradmix.clusterer("kmeans", n_clusters=len(start), init=start, tol=0.0, max_iter=ITERATIONS)
    return clusterer.fit(X).cluster_centers_


def _as_scikit_learn(kind: Any) -> Fit:
    def fit(X: np.ndarray, start: np.ndarray) -> np.ndarray:
        options = {"n_init": 1, "tol": 0, "max_iter": ITERATIONS, "algorithm": "lloyd"}
        return kind(len(start), init=start, **options).fit(X).cluster_centers_

    return fit


def intelex(X: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Intel's Lloyd in float64, in one thread."""
    from sklearnex import config_context
    from sklearnex.cluster import KMeans as Intels

    with config_context(allow_fallback_to_host=True):
        options = {"n_init": 1, "tol": 0, "max_iter": ITERATIONS, "algorithm": "lloyd"}
        fitted = Intels(len(start), init=start, **options)
        fitted.n_jobs = 1
        return fitted.fit(X).cluster_centers_


def faiss(X: np.ndarray, start: np.ndarray) -> np.ndarray:
    """All rows in float32, from the same centers."""
    import faiss

    faiss.omp_set_num_threads(1)
    rows = np.ascontiguousarray(X, dtype=np.float32)
    every_row: dict[str, Any] = {"min_points_per_centroid": 1, "max_points_per_centroid": len(X)}
    kmeans = faiss.Kmeans(X.shape[1], len(start), niter=ITERATIONS, **every_row)
    kmeans.train(rows, init_centroids=start.astype(np.float32))
    return kmeans.centroids.astype(float)


def superkmeans(X: np.ndarray, start: np.ndarray) -> np.ndarray:
    """All rows in float32, from centers of its own: it takes none."""
    from superkmeans import SuperKMeans

    kmeans = SuperKMeans(
        len(start),
        X.shape[1],
        hierarchical=False,
        iters=ITERATIONS,
        sampling_fraction=1.0,
        max_points_per_cluster=len(X),
        n_threads=1,
        early_termination=False,
    )
    return np.asarray(kmeans.train(np.ascontiguousarray(X, dtype=np.float32)), dtype=float)


PEERS: dict[str, tuple[str, str, Fit]] = {
    "scikit-learn": ("sklearn", "scikit-learn", _as_scikit_learn(KMeans)),
    "intelex": ("sklearnex", "scikit-learn-intelex", intelex),
    "faiss": ("faiss", "faiss-cpu", faiss),
    "SuperKMeans": ("superkmeans", "superkmeans", superkmeans),
}


def inertia(X: np.ndarray, centers: np.ndarray) -> float:
    """Sum of squared distances of rows to their nearest centers, in float64."""
    shifted, points = X - X.mean(axis=0), centers - X.mean(axis=0)
    total = 0.0
    for begin in range(0, len(X), 10_000):
        rows = shifted[begin : begin + 10_000]
        nearest = (((points**2).sum(axis=1) / 2) - rows @ points.T).argmin(axis=1)
        total += float(((rows - points[nearest]) ** 2).sum())
    return total


def table(rounds: int) -> str:
    """The section: a line for each data set and library."""
    installed = {name: fit for name, (module, _, fit) in PEERS.items() if find_spec(module)}
    lines = [
        "| rows, columns, clusters | data | library | time | times ours | inertia / ours |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for n, d, k in SHAPES:
        for kind in KINDS:
            X = data(kind, n, d, k)
            start = choose_centers(gradmix.Rows(X), k, np.random.default_rng(0))
            fits: dict[str, Fit] = {"gradmix": ours, **installed}
            reached = {who: inertia(X, fit(X, start)) for who, fit in fits.items()}  # compiled before the first round
            taken: dict[str, list[float]] = {who: [] for who in fits}
            for _ in range(rounds):
                for who, fit in fits.items():
                    begin = time.process_time()
                    fit(X, start)
                    taken[who].append(time.process_time() - begin)
            for who, times in taken.items():
                ratio = median(one / own for one, own in zip(times, taken["gradmix"], strict=True))
                share = reached[who] / reached["gradmix"]
                time_taken = f"{1e3 * median(times):.0f} ms"
                cells = [f"{n:,}, {d}, {k}", kind, who, time_taken, f"×{ratio:.2f}", f"{share:.6f}"]
                lines.append(f"| {' | '.join(cells)} |")
                print(lines[-1], flush=True)
    packages = ["gradmix", "numpy", "numba", *(PEERS[name][1] for name in installed)]
    return "\n\n".join(
        [
            f"Whole fits of {ITERATIONS} iterations, in milliseconds of processor time of one thread; medians of "
            f"{rounds} rounds, in turns. `gradmix`, `scikit-learn` and `intelex` compute in float64 and with the same "
            "start, `faiss` in float32 with the same start, `SuperKMeans` in float32 with a start of its own. The "
            "inertia is summed in float64 from the centers that each returns. The first three stop where no row moves "
            "any more, the others make all iterations. Measured by `python -m tests.benchmarks.kmeans_peers`.",
            f"{', '.join(f'{each} {version(each)}' for each in packages)}.",
            "\n".join(lines),
        ]
    )


if __name__ == "__main__":
    write_section(TITLE, table, rounds=5)
