"""`precision=float32` of `gmm` beside float64: one EM iteration, in processor time of one thread, and its errors.

`python -m tests.benchmarks.single_precision` writes a section of ``docs/benchmarks.md``; `--print` only prints it.
"""

from __future__ import annotations

import time
from importlib.metadata import version
from statistics import median

import numpy as np
from tests.benchmarks.document import write_section

import gradmix
from gradmix_clustering.em import maximisation, start_model
from gradmix_clustering.estep import EStep

TITLE = "EM in single precision"
TYPES = ("full", "tied", "diag", "spherical")
SHAPES = ((10_000, 10, 8, 0.0), (100_000, 16, 16, 0.0), (50_000, 64, 10, 0.0), (20_000, 16, 16, 1e4))
"""Rows, columns, components, and an offset of all columns."""


def line(covariance_type: str, n: int, d: int, k: int, offset: float, rounds: int) -> str:
    """One row of the table. The first round is left out: it compiles, and finds center and reach of the rows."""
    rng = np.random.default_rng(0)
    labels = rng.integers(k, size=n)
    X = 3 * rng.normal(size=(k, d))[labels] + rng.normal(size=(n, d)) + offset
    soft = 0.8 * np.eye(k)[labels] + 0.2 / k
    model = start_model(gradmix.Rows(X), lambda block: soft[block.rows].T, covariance_type, 1e-6)
    steps = {name: EStep(gradmix.rows(X), "numba", None, name) for name in ("float64", "float32")}
    taken: dict[str, list[float]] = {name: [] for name in steps}
    moments = {}
    for _ in range(rounds + 1):
        for name, step in steps.items():
            begin = time.thread_time()
            moments[name] = step(model)
            taken[name].append(time.thread_time() - begin)
    ratio = median(a / b for a, b in zip(taken["float64"][1:], taken["float32"][1:], strict=True))
    double, single = (maximisation(each, model, 0.0) for each in moments.values())
    errors = [abs(moments["float32"].log_likelihood / moments["float64"].log_likelihood - 1)]
    for name in ("weights", "means", "covariances"):
        right = getattr(double, name)
        errors.append(np.abs(getattr(single, name) - right).max() / np.abs(right).max())
    times = [f"{1e3 * median(each[1:]):.2f} ms" for each in taken.values()]
    cells = [
        covariance_type,
        f"{n:,}, {d}, {k}",
        f"{offset:g}",
        *times,
        f"×{ratio:.2f}",
        *(f"{error:.0e}" for error in errors),
    ]
    return f"| {' | '.join(cells)} |"


def table(rounds: int) -> str:
    """The section."""
    lines = [line(covariance_type, *shape, rounds) for covariance_type in TYPES for shape in SHAPES]
    head = [
        "covariances",
        "rows, columns, components",
        "offset",
        "float64",
        "float32",
        "faster",
        "log-likelihood",
        "weights",
        "means",
    ]
    return "\n\n".join(
        [
            "One E-step of `gmm` by `precision=float32` beside float64, medians of processor "
            f"time of one thread over {rounds} rounds, in turns; and relative errors after the M-step, of "
            "the largest entry. Measured by `python -m tests.benchmarks.single_precision`.",
            f"gradmix {version('gradmix')}, numpy {version('numpy')}, numba {version('numba')}.",
            "\n".join([f"| {' | '.join([*head, 'covariances'])} |", f"|{' --- |' * (len(head) + 1)}", *lines]),
        ]
    )


if __name__ == "__main__":
    write_section(TITLE, table, rounds=9)
