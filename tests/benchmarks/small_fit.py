"""`gmm` on Old Faithful beside scikit-learn: whole fits, starts included, in processor time of one thread.

`python -m tests.benchmarks.small_fit` prints a table; `--pairs` says how often. Fits alternate, so both meet the same
load; a row shows medians. Kernels are compiled before the first pair. Both draw starts of their own.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

import gradmix
from gradmix_datasets.old_faithful import OldFaithful

TYPES = ("full", "tied", "diag", "spherical")
STARTS = (1, 50)


def seconds(work: Callable[[], Any]) -> float:
    """Processor time of this thread."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


def compare(covariance_type: str, n_init: int, pairs: int) -> str:
    """One row of the table."""
    X = OldFaithful().load().X
    options = {"n_components": 2, "covariance_type": covariance_type, "tol": 1e-3, "n_init": n_init, "random_state": 0}
    ours = gradmix.clusterer("gmm", reg_covar=1e-6, reg_covar_is_relative=False, **options).fit(X)
    peer = GaussianMixture(reg_covar=1e-6, **options).fit(X)
    times = [(seconds(lambda: ours.fit(X)), seconds(lambda: peer.fit(X))) for _ in range(pairs)]
    mine, its = np.median(times, axis=0)
    ratio = np.median([theirs / own for own, theirs in times])
    apart = ours.lower_bound_ - peer.lower_bound_
    return f"{covariance_type:<10} {n_init:>6} {1e3 * mine:>9.2f} {1e3 * its:>9.2f} {ratio:>6.1f} {apart:>9.1e}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=15)
    given = parser.parse_args()
    print("type       n_init   ours ms   peer ms  ratio      gain")
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n_init in STARTS:
            for covariance_type in TYPES:
                print(compare(covariance_type, n_init, given.pairs), flush=True)


if __name__ == "__main__":
    main()
