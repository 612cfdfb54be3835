"""What a finished sweep leaves in its folder: its comparison as a table, as CSV and as a small picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from gradmix.contracts.hooks import hookimpl
from gradmix.reports.comparison import Comparison, compare
from gradmix.reports.comparison_table import markdown, save_csv
from gradmix.reports.figures.figure import axis_title
from gradmix.reports.figures.styles import Styles
from gradmix.reports.grouping import Group
from gradmix.runs.runner import ARTIFACTS
from gradmix.sweeps.events import SweepInfo
from gradmix.sweeps.reading import read_sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gradmix.config.spec import Settings

_MOST_BARS = 15


class SweepArtifacts:
    """Leaves the comparison of a sweep's jobs in its folder when it ends."""

    def __init__(self) -> None:
        self._pictures = True

    @hookimpl
    def settings_known(self, settings: Settings) -> None:
        """Take note of whether pictures are wanted."""
        self._pictures = settings.pictures

    @hookimpl
    def sweep_ended(self, sweep: SweepInfo) -> None:
        """Write the comparison."""
        write_sweep_artifacts(sweep.folder, self._pictures)


def write_sweep_artifacts(sweep_folder: Path, pictures: bool = True) -> None:
    """Write ``comparison.md``, ``comparison.csv`` and, where there is something to draw, ``comparison.png``.

    Parameters
    ----------
    sweep_folder
        Where the sweep's journal is.
    pictures
        Whether to draw; the first picture of a process takes a second, to load matplotlib.

    Raises
    ------
    OSError
        If they cannot be written.
    """
    reading = read_sweep(sweep_folder)
    if not reading.runs:
        return
    comparison = compare(reading.runs, n_unreadable=reading.n_unreadable, n_missing=reading.n_missing)
    folder = sweep_folder / ARTIFACTS
    folder.mkdir(exist_ok=True)
    (folder / "comparison.md").write_text(markdown(comparison, sweep_folder.name), encoding="utf-8")
    save_csv(reading.runs, folder / "comparison.csv")
    shown = _drawable(comparison) if pictures else []
    if shown:
        _draw(comparison, shown).savefig(folder / "comparison.png", dpi=110)


def _drawable(comparison: Comparison) -> list[Group]:
    """The best groups; those of the first section, where several were given."""
    if comparison.primary is None or not comparison.sections:
        return []
    name = comparison.primary.name
    groups = [group for group in comparison.sections[0].groups if name in group.summaries]
    return [group for group in groups if math.isfinite(group.summaries[name].estimate.median)][:_MOST_BARS]


def _draw(comparison: Comparison, groups: list[Group]) -> Figure:
    """Medians with their intervals, the best on top."""
    from matplotlib.figure import Figure  # without pyplot, which takes as long as all the rest

    primary = comparison.primary
    assert primary is not None
    styles = Styles(comparison)
    figure = Figure(figsize=(7, 1.2 + 0.3 * len(groups)), layout="constrained")
    axes = figure.subplots()
    for row, group in enumerate(groups):
        found = group.summaries[primary.name].estimate
        if math.isfinite(found.low) and math.isfinite(found.high):
            axes.plot([found.low, found.high], [row, row], color=styles.color(group), linewidth=3, alpha=0.5)
        axes.plot(found.median, row, "o", color=styles.color(group))
    axes.set_yticks(range(len(groups)), [comparison.factors.label(group.settings) for group in groups])
    axes.invert_yaxis()
    axes.set_xlabel(axis_title(primary) + (f", {primary.better} is better" if primary.better else ""))
    axes.set_title(comparison.factors.label(groups[0].given) if groups[0].given else "medians and their intervals")
    axes.grid(axis="x", alpha=0.3)
    return figure
