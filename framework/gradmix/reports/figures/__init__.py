"""Plots of a comparison. Each comes only if the data has something for it."""

from __future__ import annotations

from gradmix.reports.comparison import Comparison
from gradmix.reports.figures.by_option import by_option
from gradmix.reports.figures.cost import cost
from gradmix.reports.figures.curves import curves
from gradmix.reports.figures.figure import Figure
from gradmix.reports.figures.heat_map import heat_map
from gradmix.reports.figures.styles import Styles


def figures(comparison: Comparison) -> list[Figure]:
    """All figures that the data has something for."""
    styles = Styles(comparison)
    made = [heat_map(comparison), by_option(comparison), curves(comparison, styles), cost(comparison, styles)]
    return [figure for figure in made if figure is not None and figure.variants]
