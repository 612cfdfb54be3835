"""How long reports take over many journals: `gradmix compare` of a thousand runs, a sweep's artifacts of a hundred.

``python -m tests.benchmarks.reading_speed`` prints the best of three; the goals are 2 s and 0.5 s on two quiet cores.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from gradmix.reports.sweep_artifacts import write_sweep_artifacts
from made_journals import job, write_run, write_seeds, write_sweep


def best_of_three(work: Callable[[], object]) -> float:
    """Seconds of wall-clock time."""
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def thousand_runs(folder: Path) -> float:
    """A page over a thousand runs of a hundred iterations, the start of the process included."""
    sweep = folder / "runs" / "exp" / "2026-sweep"
    for number in range(1000):
        params = {"clusterer": "gmm", "clusterer.n_components": number % 50, "seed": number // 50}
        write_run(sweep / str(number), params, {"bic": float(number)}, curve=[-1.0 / step for step in range(1, 101)])
    write_sweep(sweep, [job(number) for number in range(1000)])
    command = [sys.executable, "-m", "gradmix", "compare", "--html", "page.html"]
    return best_of_three(lambda: subprocess.run(command, cwd=folder, check=True, capture_output=True))


def artifacts_of_a_sweep(folder: Path) -> float:
    """Table, data and picture over twelve algorithms of eight seeds, with matplotlib imported."""
    sweep = write_seeds(folder / "2026-sweep", {f"c{i}": lambda seed, i=i: float(seed + i) for i in range(12)})
    write_sweep_artifacts(sweep)
    return best_of_three(lambda: write_sweep_artifacts(sweep))


def main() -> None:
    """Measure, and print."""
    for measure in (thousand_runs, artifacts_of_a_sweep):
        with tempfile.TemporaryDirectory() as folder:
            print(f"{measure.__name__:<22} {measure(Path(folder)):.2f} s")


if __name__ == "__main__":
    main()
