"""One EM iteration beside scikit-learn's: E-step and M-step, in one thread, in processor time, alternately; medians.

`python -m tests.benchmarks.em_iteration` writes a section of ``docs/benchmarks.md``; `--print` only prints it, and
`--rounds` says how many.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from statistics import median
from time import thread_time
from typing import Any

import numpy as np
from sklearn.mixture import GaussianMixture as Peer
from tests.benchmarks.document import write_section
from threadpoolctl import threadpool_limits

import gradmix
from gradmix_clustering.em import maximisation, start_model
from gradmix_clustering.estep import EStep

TITLE = "One EM iteration"
TYPES = ("full", "tied", "diag", "spherical")
HUGE_PAGES = "NUMPY_MADVISE_HUGEPAGE"
"""Whether NumPy asks for huge pages; it looks at this when it is imported."""
CASES = (
    ((10_000, 10, 8), "1"),
    ((100_000, 16, 16), "1"),
    ((200_000, 64, 10), "1"),
    ((1_000_000, 16, 16), "1"),
    ((1_000_000, 16, 16), "0"),
)
"""Shapes n, d, k, and `HUGE_PAGES`."""


def section(rounds: int) -> str:
    """A line for each shape and covariance type."""
    lines = ["| n, d, k | type | scikit-learn | gradmix | ratio |", f"|{' --- |' * 5}"]
    for shape, huge_pages in CASES:
        note = "" if huge_pages == "1" else ", no huge pages"
        for name in TYPES:
            with _environment(HUGE_PAGES, huge_pages), multiprocessing.get_context("spawn").Pool(1) as process:
                theirs, ours = process.apply(measure, (*shape, name, rounds))
            times = f"{theirs * 1e3:.1f} ms | {ours * 1e3:.2f} ms | ×{theirs / ours:.1f}"
            lines.append(f"| {', '.join(f'{each:,}' for each in shape)}{note} | {name} | {times} |")
            print(lines[-1], flush=True)
    versions = ", ".join(f"{who} {version(who)}" for who in ("gradmix", "numpy", "numba", "scikit-learn"))
    text = (
        "E-step and M-step from the same responsibilities, in milliseconds of processor time of one thread; medians of "
        f"{rounds} rounds, in turns. scikit-learn allocates arrays of n × k numbers in each iteration. What these cost "
        f"depends on the system: without huge pages (`{HUGE_PAGES}=0`), it spends most of its time at a million rows "
        "on them. Measured by `python -m tests.benchmarks.em_iteration`."
    )
    return "\n\n".join([text, f"{versions}.", "\n".join(lines)])


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name) if before is None else os.environ.update({name: before})


def measure(n: int, d: int, k: int, covariance_type: str, rounds: int) -> tuple[float, float]:
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
    expectation = EStep(gradmix.rows(X), "numba")
    theirs, ours = [], []
    with threadpool_limits(1):
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
    write_section(TITLE, section, rounds=5)
