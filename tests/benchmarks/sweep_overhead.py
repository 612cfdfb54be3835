"""What a sweep costs besides its work: gradmix beside a plain program of Hydra and MLflow, paired.

Both run the same 100 jobs, each with another setting and 100 EM iterations that are logged, into a SQLite store that is
there already; gradmix with its default options. Both the time that a user waits and the processor time of the whole
process and its children are measured; other programs disturb the latter less. gradmix tracks runs in a process beside
the jobs, so that a user with two cores waits for less than its processor time.
`python -m tests.benchmarks.sweep_overhead [PAIRS]` prints the medians and the ratio pair by pair.
"""

from __future__ import annotations

import itertools
import os
import resource
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
    "plain": (PLAIN, "reg_covar"),
    "gradmix": (GRADMIX, "clusterer.reg_covar"),
    "gradmix, no pictures": ([*GRADMIX, "pictures=false"], "clusterer.reg_covar"),
    "gradmix, all pictures": ([*GRADMIX, "pictures=true"], "clusterer.reg_covar"),
}
"""Label → command, and the option that it sweeps over."""


def run(command: list[str], folder: Path) -> None:
    """Run a command in a folder."""
    environment = {**os.environ, "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": ""}  # nothing is compiled in each process
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)


def seconds(command: list[str], folder: Path) -> tuple[float, float]:
    """What a user waits, and the processor time of the whole process with the children that it waited for."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    run(command, folder)
    after, end = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    return end - begin, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def jobs(number: int) -> str:
    """The settings of a sweep: every one has its own, so that none finds results which are there already."""
    return ",".join(f"{1 + number * JOBS + job}e-9" for job in range(JOBS))


def main(pairs: int = PAIRS) -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as name:
        numbers = itertools.count(1)
        for command, option in COMMANDS.values():
            run([*command, f"{option}=1e-6"], Path(name))  # makes the stores and fills the caches
        timings = [
            {
                label: seconds([*command, f"{option}={jobs(next(numbers))}"], Path(name))
                for label, (command, option) in COMMANDS.items()
            }
            for _ in range(pairs)
        ]
    for index, what in enumerate(("time that a user waits", "processor time of whole processes")):
        print(f"{JOBS} jobs of 100 iterations, {pairs} pair(s), {what}:")
        for label in COMMANDS:
            times = [each[label][index] for each in timings]
            ratios = [each["plain"][index] / each[label][index] for each in timings]
            print(
                f"  {label:<24} median {statistics.median(times):6.2f} s"
                f"   plain/this {statistics.median(ratios):5.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
