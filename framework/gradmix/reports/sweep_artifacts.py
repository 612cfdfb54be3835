"""What a finished sweep leaves in its folder: its comparison as a table, as CSV and as a small picture."""

from __future__ import annotations

import math
from itertools import zip_longest
from pathlib import Path
from shutil import copyfile
from typing import Literal

from gradmix.config.spec import Settings
from gradmix.contracts.hooks import hookimpl
from gradmix.journal.reading import Run
from gradmix.registry.entry import describe
from gradmix.reports.comparison import Comparison, compare
from gradmix.reports.comparison_table import markdown
from gradmix.reports.run_rows import save_csv
from gradmix.runs.artifacts import ARTIFACTS, pictures_later, write_artifact
from gradmix.runs.events import report_problem
from gradmix.sweeps.events import SweepInfo
from gradmix.sweeps.reading import read_sweep

_MOST_RUNS_DRAWN = 8


class SweepArtifacts:
    """Leaves the comparison of a sweep's jobs in its folder when it ends, and draws the best of them."""

    def __init__(self) -> None:
        self._pictures: bool | Literal["auto"] = "auto"

    @hookimpl
    def settings_known(self, settings: Settings) -> None:
        """Take note of whether pictures are wanted."""
        self._pictures = settings.pictures

    @hookimpl
    def sweep_ended(self, sweep: SweepInfo) -> None:
        """Write the comparison, and draw; an unchanged sweep has it already."""
        if sweep.is_unchanged and (sweep.folder / ARTIFACTS / "comparison.md").exists():
            return
        write_sweep_artifacts(sweep.folder, self._pictures)


def write_sweep_artifacts(sweep_folder: Path, pictures: bool | Literal["auto"] = "auto") -> None:
    """Write ``comparison.md``, ``comparison.csv`` and, where there is something to draw, ``comparison.png``.

    With ``auto`` the best runs are drawn, too: into their own folders, and copied into the sweep's, so that a dashboard
    shows them side by side.
    """
    reading = read_sweep(sweep_folder)
    if not reading.runs:
        return
    comparison = compare(reading.runs, n_unreadable=reading.n_unreadable, n_missing=reading.n_missing)
    folder = sweep_folder / ARTIFACTS
    folder.mkdir(exist_ok=True)
    (folder / "comparison.md").write_text(markdown(comparison, sweep_folder.name), encoding="utf-8")
    save_csv(reading.runs, folder / "comparison.csv")
    if pictures:
        from gradmix.reports.figures.strips import draw_strips  # Matplotlib takes as long as all the rest

        figure = draw_strips(comparison)
        if figure is not None:
            figure.savefig(folder / "comparison.png", dpi=144)
    if pictures == "auto":
        for run in best_runs(comparison)[:_MOST_RUNS_DRAWN]:
            _draw_run(run, folder / "pictures")


def best_runs(comparison: Comparison) -> list[Run]:
    """The best run of each algorithm on each input: first those of the algorithms that are best on theirs."""
    sign = comparison.primary.sign if comparison.primary else 0.0
    name = comparison.primary.name if comparison.primary else ""

    def rank(run: Run) -> float:
        value = run.metrics.get(name, math.nan) * sign
        return value if math.isfinite(value) else math.inf

    sections: list[list[Run]] = []
    for section in comparison.sections:
        best: dict[object, Run] = {}
        for group in section.groups:  # the best first, where they are ranked
            algorithm = tuple(value for key, value in group.settings.items() if "." not in key)
            if group.finished and algorithm not in best:
                best[algorithm] = min(group.finished, key=rank)
        sections.append(list(best.values()))
    return [run for runs in zip_longest(*sections) for run in runs if run is not None]


def _draw_run(run: Run, gallery: Path) -> None:
    """Draw a run, unless it has its pictures already; what goes wrong with it is reported, and costs nothing else."""
    own = run.folder / ARTIFACTS
    try:
        for name, write in pictures_later(run.folder).items():
            if not (own / name).exists():
                write_artifact(own / name, write)
            if (own / name).is_file():
                gallery.mkdir(exist_ok=True)
                copyfile(own / name, gallery / f"{run.number if run.number is not None else run.folder.name}-{name}")
    except Exception as error:
        report_problem(f"the run {run.folder} could not be drawn: {describe(error)}")
