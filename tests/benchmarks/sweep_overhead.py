"""What a sweep costs besides its work: gradmix beside a plain program of Hydra and MLflow, paired.

Both run the same 100 jobs of 100 EM iterations, each logged, into a SQLite store that is there already; the whole
process is timed. `python -m tests.benchmarks.sweep_overhead` prints the medians and the ratio pair by pair.
"""

from __future__ import annotations

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
SWEEP = f"range({JOBS})"

PLAIN = [sys.executable, str(PROGRAM), "-m", f"seed={SWEEP}"]
GRADMIX_RUN = [sys.executable, "-m", "gradmix", "run"]
GRADMIX = [
    *(*GRADMIX_RUN, "-m", f"seed={SWEEP}", "reuse=false"),
    *("clusterer.n_components=4", "clusterer.init_params=random", "clusterer.tol=0", "clusterer.max_iter=100"),
]
GRADMIX_WITHOUT_PICTURES = [*GRADMIX, "pictures=false"]


def seconds(command: list[str], folder: Path) -> float:
    """Wall-clock time of a whole process."""
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env={**os.environ, "COLUMNS": "200"})
    return time.perf_counter() - begin


def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = {"plain": PLAIN, "gradmix": GRADMIX_WITHOUT_PICTURES, "gradmix, with pictures": GRADMIX}
        for command in commands.values():
            seconds(command, folder)  # makes the stores and fills the caches
        timings = {
            label: list(times)
            for label, times in zip(
                commands,
                zip(*([seconds(command, folder) for command in commands.values()] for _ in range(PAIRS)), strict=True),
                strict=True,
            )
        }
    print(f"{JOBS} jobs of 100 iterations, {PAIRS} pairs, whole processes:")
    for label, times in timings.items():
        ratios = [plain / own for plain, own in zip(timings["plain"], times, strict=True)]
        print(
            f"  {label:<24} median {statistics.median(times):6.2f} s"
            f"   plain/this {statistics.median(ratios):5.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
