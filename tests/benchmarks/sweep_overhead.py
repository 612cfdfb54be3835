"""What a sweep costs besides its work: gradmix beside a plain program of Hydra and MLflow, paired.

Both run the same 100 jobs of 100 EM iterations, each logged, into a SQLite store that is there already; the whole
process is timed. `python -m tests.benchmarks.sweep_overhead` prints the medians and the ratio pair by pair.
"""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

JOBS = 100
PAIRS = 3
PROGRAM = Path(__file__).with_name("plain_hydra_mlflow.py")

PLAIN = [sys.executable, str(PROGRAM), "-m"]
GRADMIX_RUN = [sys.executable, "-m", "gradmix", "run"]
GRADMIX = [
    *(*GRADMIX_RUN, "-m"),
    *("clusterer.n_components=4", "clusterer.init_params=random", "clusterer.tol=0", "clusterer.max_iter=100"),
]
COMMANDS = {
    "plain": PLAIN,
    "gradmix": [*GRADMIX, "pictures=false"],
    "gradmix, with pictures": [*GRADMIX, "pictures=true"],
}


def seconds(command: list[str], folder: Path) -> float:
    """Wall-clock time of a whole process."""
    environment = {
        **os.environ,
        "COLUMNS": "200",
        "PYTHONDONTWRITEBYTECODE": "",
    }  # none is compiled in each process anew
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)
    return time.perf_counter() - begin


def jobs(number: int) -> str:
    """The seeds of a sweep: every one has its own, so that none finds results which are there already."""
    return f"seed=range({number * JOBS},{(number + 1) * JOBS})"


def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as name:
        numbers = itertools.count(1)
        for command in COMMANDS.values():
            seconds([*command, "seed=0"], Path(name))  # makes the stores and fills the caches
        timings = [
            {label: seconds([*command, jobs(next(numbers))], Path(name)) for label, command in COMMANDS.items()}
            for _ in range(PAIRS)
        ]
    print(f"{JOBS} jobs of 100 iterations, {PAIRS} pairs, whole processes:")
    for label in COMMANDS:
        times = [each[label] for each in timings]
        ratios = [each["plain"] / each[label] for each in timings]
        print(
            f"  {label:<24} median {statistics.median(times):6.2f} s"
            f"   plain/this {statistics.median(ratios):5.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
