"""Plots of a comparison. Each is made only if the runs have data for it."""

from __future__ import annotations

from gradmix.reports.comparison import Comparison
from gradmix.reports.figures.by_run import cost, curves
from gradmix.reports.figures.figure import Figure
from gradmix.reports.figures.looks import Styles
from gradmix.reports.figures.medians import by_option, heat_map


def figures(comparison: Comparison) -> list[Figure]:
    """Return all figures for which the runs have data."""
    styles = Styles(comparison)
    made = [heat_map(comparison), by_option(comparison, styles), curves(comparison, styles), cost(comparison, styles)]
    return [figure for figure in made if figure is not None and figure.views]
