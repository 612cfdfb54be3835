"""Memory that a fit takes beside the rows: growth of the resident set at its peak, in a process of its own. Linux only.

`python -m tests.benchmarks.memory` prints a line for each algorithm; `--shape N D K` chooses the data. Each one is
fitted to a few rows first, so that imports and compiled code are not counted.
"""

from __future__ import annotations

import argparse
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np

import gradmix

MIB = 2.0**20
CASES = ("gmm from a given start", "gmm", "kmeans")


def peak() -> int:
    """Largest resident set since it was last reset, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def reset() -> int:
    """Forget the peak; the resident set, in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def grown(case: str, n: int, d: int, k: int) -> float:
    """Bytes by which the resident set grew at its peak."""
    X = np.empty((n, d))
    rng, centers = np.random.default_rng(0), np.random.default_rng(1).normal(size=(k, d))
    for start in range(0, n, 4096):
        rows = X[start : start + 4096]
        rows[:] = 2 * centers[rng.integers(k, size=len(rows))] + rng.normal(size=rows.shape)
    clusterer = made(case, X, k)
    clusterer.exhaust(X[:20_000])
    before = reset()
    clusterer.exhaust(X)
    return float(peak() - before)


def made(case: str, X: np.ndarray, k: int) -> Any:
    """The clusterer of a case, for three iterations."""
    options: dict[str, Any] = {"max_iter": 3, "tol": 0.0, "random_state": 0}
    if case == "kmeans":
        return gradmix.clusterer("kmeans", n_clusters=k, **options)
    if case == "gmm from a given start":
        precisions = np.stack([np.eye(X.shape[1])] * k)
        options |= {"means_init": X[:k], "weights_init": np.full(k, 1 / k), "precisions_init": precisions}
    return gradmix.clusterer("gmm", n_components=k, **options)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", nargs=3, type=int, default=(1_000_000, 16, 16), metavar=("N", "D", "K"))
    n, d, k = parser.parse_args().shape
    for case in CASES:
        with multiprocessing.get_context("spawn").Pool(1) as process:
            taken = process.apply(grown, (case, n, d, k))
        print(f"{case:<22}{taken / MIB:>9.1f} MiB{taken / n:>9.1f} bytes per row", flush=True)


if __name__ == "__main__":
    main()
