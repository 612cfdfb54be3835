"""What a second worker is worth: jobs of about a second by joblib, one worker beside two, paired, whole processes.

`python -m tests.benchmarks.joblib_speedup` prints the medians and the ratio pair by pair.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from tests.benchmarks.sweep_overhead import GRADMIX_RUN, run

JOBS = 40
PAIRS = 3

SWEEP = [
    *GRADMIX_RUN,
    *("-m", f"seed=range({JOBS})", "reuse=false", "pictures=false", "tracking=none", "hydra/launcher=joblib"),
    *("dataset=blobs", "dataset.n=20000", "dataset.d=4", "clusterer.n_components=6", "clusterer.init_params=random"),
    *("clusterer.tol=0", "clusterer.max_iter=160", "limits.threads=1"),
]


def seconds(command: list[str], folder: Path) -> float:
    """Wall-clock time of a whole process."""
    begin = time.perf_counter()
    run(command, folder)
    return time.perf_counter() - begin


def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as name:
        commands = [[*SWEEP, f"hydra.launcher.n_jobs={workers}"] for workers in (1, 2)]
        timings = [[seconds(command, Path(name)) for command in commands] for _ in range(PAIRS)]
    ratios = [one / two for one, two in timings]
    print(f"{JOBS} jobs by joblib, {PAIRS} pairs, whole processes:")
    for workers, times in enumerate(zip(*timings, strict=True), start=1):
        print(f"  {workers} worker(s)   median {statistics.median(times):6.2f} s")
    print(f"  one/two        median {statistics.median(ratios):6.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
