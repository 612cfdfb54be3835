"""The events ``silhouette_plot``: a picture of how well each row fits its group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gradmix import PICTURE_STYLE, Data, DataError, Events, PositiveInt, Seed, Writer, group_colors

if TYPE_CHECKING:
    from gradmix.arrays import IntArray


_LEAST_NAMED = 0.11
"""Least part of the rows of a group that is named beside its bars."""


@dataclass
class SilhouettePlot(Events):
    """Add a plot of the silhouettes: how much nearer each row is to its own group than to the next group.

    Parameters
    ----------
    sample_size
        Most rows that are drawn; of more rows, a random sample. The work grows with the square of this number.
    random_state
        Seed of the sample.

    Notes
    -----
    Source: Rousseeuw, J. Comput. Appl. Math. 20 (1987) 53-65.
    """

    sample_size: PositiveInt = 2000
    random_state: Seed = None

    def pictures(self, data: Data, groups: IntArray) -> Mapping[str, Writer]:
        """Return the function that draws the picture."""
        return {"silhouettes.png": partial(self._draw, data=data, groups=groups)}

    def _draw(self, path: Path, data: Data, groups: IntArray) -> None:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from sklearn.metrics import silhouette_samples

        rng = np.random.default_rng(self.random_state)
        chosen = rng.permutation(len(groups))[: self.sample_size]
        colors = group_colors(data.X, groups)
        X, groups = data.X[chosen], groups[chosen]
        names = np.unique(groups)
        if not 2 <= len(names) < len(groups):
            raise DataError(f"silhouettes need at least 2 groups, and fewer groups than rows; there are {len(names)}")
        widths = silhouette_samples(X, groups)
        with matplotlib.rc_context(PICTURE_STYLE):
            figure = Figure(figsize=(5.6, 4.2))
            FigureCanvasAgg(figure)
            figure.subplots_adjust(left=0.2, right=0.97, bottom=0.14, top=0.91)
            axes = figure.subplots()
            begin, ticks = 0, {}
            for name in names:
                own = np.sort(widths[groups == name])
                n = len(own)
                axes.barh(np.arange(begin, begin + n), own, height=1.0, color=colors[int(name)])
                if n >= _LEAST_NAMED * len(groups):
                    ticks[begin + (n - 1) / 2] = f"{'noise' if name < 0 else f'group {name}'}\n{n:,} rows"
                begin += n
            mean = float(widths.mean())
            axes.axvline(mean, color="black", linewidth=1, linestyle="--")
            axes.set_xlabel("silhouette")
            axes.set_yticks(list(ticks), list(ticks.values()))
            axes.grid(visible=False, axis="y")
            axes.set_ylim(-0.5, begin - 0.5)
            axes.set_title(f"mean silhouette {mean:.3f}".replace("-", "\N{MINUS SIGN}"))
            figure.savefig(path)
