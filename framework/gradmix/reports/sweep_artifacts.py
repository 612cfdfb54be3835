"""The artifacts of a finished sweep: its comparison as a table, as CSV and as a small picture."""

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
from gradmix.reports.run_rows import run_records, save_csv
from gradmix.runs.artifacts import ARTIFACTS, pictures_later, write_artifact
from gradmix.runs.events import report_problem
from gradmix.sweeps.events import SweepInfo
from gradmix.sweeps.reading import read_sweep

_MOST_RUNS_DRAWN = 8


class SweepArtifacts:
    """When a sweep ends, writes the comparison of its jobs to its folder, and draws the best runs."""

    def __init__(self) -> None:
        self._pictures: bool | Literal["auto"] = "auto"

    @hookimpl
    def settings_known(self, settings: Settings) -> None:
        """Remember whether pictures are requested."""
        self._pictures = settings.pictures

    @hookimpl
    def sweep_ended(self, sweep: SweepInfo) -> None:
        """Write the comparison and draw runs, unless the sweep is unchanged and has them already."""
        if sweep.is_unchanged and (sweep.folder / ARTIFACTS / "comparison.md").exists():
            return
        write_sweep_artifacts(sweep.folder, self._pictures)


def write_sweep_artifacts(sweep_folder: Path, pictures: bool | Literal["auto"] = "auto") -> None:
    """Write ``comparison.md``, ``comparison.csv`` and, if there is something to draw, ``comparison.png``.

    With ``auto`` the best runs are drawn, too. Their pictures are written to their own folders and copied to the
    sweep's, so that a dashboard shows them side by side.
    """
    reading = read_sweep(sweep_folder)
    if not reading.runs:
        return
    comparison = compare(reading.runs, n_unreadable=reading.n_unreadable, n_missing=reading.n_missing)
    folder = sweep_folder / ARTIFACTS
    folder.mkdir(exist_ok=True)
    (folder / "comparison.md").write_text(markdown(comparison, sweep_folder.name), encoding="utf-8")
    save_csv(run_records(reading.runs), folder / "comparison.csv")
    if pictures:
        from gradmix.reports.figures.strips import draw_strips  # importing Matplotlib takes as long as all the rest

        figure = draw_strips(comparison)
        if figure is not None:
            figure.savefig(folder / "comparison.png", dpi=144)
    if pictures == "auto":
        for run in best_runs(comparison)[:_MOST_RUNS_DRAWN]:
            _draw_run(run, folder / "pictures")


def best_runs(comparison: Comparison) -> list[Run]:
    """Return the best run of each algorithm on each input, beginning with the best algorithm of each input."""
    sign = comparison.primary.sign if comparison.primary else 0.0
    name = comparison.primary.name if comparison.primary else ""

    def rank(run: Run) -> float:
        value = run.metrics.get(name, math.nan) * sign
        return value if math.isfinite(value) else math.inf

    sections: list[list[Run]] = []
    for section in comparison.sections:
        best: dict[object, Run] = {}
        for group in section.groups:  # the best group is first, if they are ranked
            algorithm = tuple(value for key, value in group.settings.items() if "." not in key)
            if group.finished and algorithm not in best:
                best[algorithm] = min(group.finished, key=rank)
        sections.append(list(best.values()))
    return [run for runs in zip_longest(*sections) for run in runs if run is not None]


def _draw_run(run: Run, gallery: Path) -> None:
    """Draw a run, unless it has its pictures already; an error is reported and does not affect other runs."""
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
