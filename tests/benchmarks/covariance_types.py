"""One EM iteration of each of mclust's fourteen covariance types, beside two packages that have them all, if installed.

`python -m tests.benchmarks.covariance_types` writes a section of ``docs/benchmarks.md``; `--print` only prints it. The
others are `tgmm` (needs PyTorch) and `pymclustR`, which is Python in spite of its name; `pip install tgmm pymclustR`.
Times are of one thread, in processor time, in turns; medians.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from itertools import chain
from statistics import median
from typing import Any

import numpy as np
from tests.benchmarks.document import write_section

import gradmix
from gradmix_clustering.em import em, start_model
from gradmix_clustering.estep import EStep

TITLE = "EM, by covariance type"
TYPES = ("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV")
SHAPE = (10_000, 10, 8)
FEW, MANY = 2, 12
"""Iterations of two fits whose difference is ten iterations, in tgmm, which has no function for one."""


def seconds(work: Callable[[], Any]) -> float:
    """Processor time of this thread."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


def ours(X: np.ndarray, labels: np.ndarray, name: str) -> Callable[[], float]:
    """A function that returns the seconds of an iteration, after the first."""
    rows, k = gradmix.rows(X), int(labels.max()) + 1
    hard = np.eye(k)[labels]
    start = start_model(rows, lambda block: hard[block.rows].T, name, 1e-9)
    steps = em(EStep(rows, "numba"), start, 1e-9)
    next(steps)
    return lambda: seconds(lambda: next(steps))


def tgmm(X: np.ndarray, labels: np.ndarray, name: str) -> Callable[[], float]:
    """As `ours`, from the same means."""
    import torch
    from tgmm import GaussianMixture

    torch.set_num_threads(1)
    k = int(labels.max()) + 1
    rows, means = (
        torch.from_numpy(X),
        torch.from_numpy(np.array([X[labels == label].mean(axis=0) for label in range(k)])),
    )

    def fit(iterations: int) -> None:
        GaussianMixture(
            n_components=k, covariance_type=name, max_iter=iterations, tol=1e-300, init_means=means, random_state=0
        ).fit(rows)

    return lambda: (seconds(lambda: fit(MANY)) - seconds(lambda: fit(FEW))) / (MANY - FEW)


def pymclustr(X: np.ndarray, labels: np.ndarray, name: str) -> Callable[[], float]:
    """As `ours`, from the same responsibilities."""
    from mclust_py.em import estep
    from mclust_py.models import mstep

    found = {"z": np.eye(int(labels.max()) + 1)[labels]}

    def iterate() -> None:
        parameters = mstep(name, X, found["z"])
        found["z"] = estep(X, parameters["pro"], parameters["mu"], parameters["sigma"])[0]

    iterate()
    return lambda: seconds(iterate)


PEERS = {"tgmm": ("tgmm", tgmm), "pymclustR": ("mclust_py", pymclustr)}


def table(rounds: int) -> str:
    """The section: a line for each covariance type."""
    n, d, k = SHAPE
    rng = np.random.default_rng(0)
    labels = rng.integers(k, size=n)
    X = 3 * rng.normal(size=(k, d))[labels] + rng.normal(size=(n, d)) * rng.uniform(0.5, 2.0, size=(k, d))[labels]
    installed = {name: measure for name, (module, measure) in PEERS.items() if find_spec(module)}
    times: dict[str, dict[str, float]] = {}
    for name in TYPES:
        runs = {"gradmix": ours(X, labels, name), **{peer: made(X, labels, name) for peer, made in installed.items()}}
        taken: dict[str, list[float]] = {who: [] for who in runs}
        for who, run in chain.from_iterable(runs.items() for _ in range(rounds)):
            taken[who].append(run())
        times[name] = {who: median(each) for who, each in taken.items()}
        print(name, {who: f"{1e3 * value:.2f} ms" for who, value in times[name].items()}, flush=True)
    slowest = times["VVV"]["gradmix"]
    head = ["type", "gradmix", "times VVV", *chain.from_iterable((who, "times ours") for who in installed)]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for name, own in times.items():
        cells = [name, f"{1e3 * own['gradmix']:.2f} ms", f"{own['gradmix'] / slowest:.2f}"]
        for who in installed:
            cells += [f"{1e3 * own[who]:.1f} ms", f"×{own[who] / own['gradmix']:.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    versions = ", ".join(f"{who} {version(who)}" for who in ("gradmix", "numpy", "numba", *installed))
    return "\n\n".join(
        [
            f"One iteration (E-step and M-step) on {n:,} rows of {d} columns with {k} components, in milliseconds of "
            f"processor time of one thread; medians of {rounds} rounds, in turns. `tgmm` begins with the same means, "
            "`pymclustR` with the same groups, so the inner iterations of the five types that have one need not be "
            "equally many. Measured by `python -m tests.benchmarks.covariance_types`.",
            f"{versions}.",
            "\n".join(lines),
        ]
    )


if __name__ == "__main__":
    write_section(TITLE, table, rounds=7)
