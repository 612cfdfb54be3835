"""One EM iteration beside scikit-learn's: E-step and M-step, in one thread, in processor time, alternately; medians.

`python -m tests.benchmarks.em_iteration` prints the table; `--rounds`, and shapes such as `100000,16,16`, choose what.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from time import thread_time
from typing import Any

import numpy as np
from sklearn.mixture import GaussianMixture as Peer
from threadpoolctl import threadpool_limits

import gradmix
from gradmix_clustering.em import maximisation, start_model
from gradmix_clustering.estep import EStep

TYPES = ("full", "tied", "diag", "spherical")
SHAPES = ("100000,16,16", "200000,64,10", "10000,10,8")


def main() -> None:
    """Print a line for each shape and covariance type."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shapes", nargs="*", default=SHAPES, help="rows,features,components")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--backend", choices=("numba", "numpy"), default="numba")
    arguments = parser.parse_args()
    print(f"{'n, d, k':<18}{'type':<11}{'scikit-learn':>13}{'gradmix':>12}{'ratio':>8}")
    with threadpool_limits(1):
        for shape in arguments.shapes:
            n, d, k = map(int, shape.split(","))
            for covariance_type in TYPES:
                theirs, ours = measure(n, d, k, covariance_type, arguments.backend, arguments.rounds)
                times = f"{theirs * 1e3:>10.1f} ms{ours * 1e3:>9.2f} ms{theirs / ours:>8.1f}"
                print(f"{shape.replace(',', ', '):<18}{covariance_type:<11}{times}", flush=True)


def measure(n: int, d: int, k: int, covariance_type: str, backend: Any, rounds: int) -> tuple[float, float]:
    """Median seconds of an iteration of scikit-learn, and of ours, from the same responsibilities.

    The first round of both is left out: it compiles, and finds the center of the data, once for a fit.
    """
    rng = np.random.default_rng(0)
    labels = rng.integers(k, size=n)
    X = 3 * rng.normal(size=(k, d))[labels] + rng.normal(size=(n, d))
    responsibilities = 0.8 * np.eye(k)[labels] + 0.2 / k
    peer = Peer(k, covariance_type=covariance_type)
    peer._initialize(X, responsibilities)
    model = start_model(gradmix.Rows(X), lambda block: responsibilities[block.rows].T, covariance_type, 1e-6)
    expectation = EStep(gradmix.rows(X), backend)
    theirs, ours = [], []
    for _ in range(rounds + 1):
        theirs.append(_seconds(lambda: peer._m_step(X, peer._e_step(X)[1]))[0])
        seconds, model = _seconds(lambda model=model: maximisation(expectation(model), model, 1e-6))
        ours.append(seconds)
    return median(theirs[1:]), median(ours[1:])


def _seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = thread_time()
    result = work()
    return thread_time() - begin, result


if __name__ == "__main__":
    main()
