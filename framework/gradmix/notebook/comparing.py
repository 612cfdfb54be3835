"""Tables of runs, and comparisons of them, as data frames."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gradmix.notebook.results import SweepResult, table_of
from gradmix.reports.comparison import compare as compare_runs
from gradmix.reports.comparison_page import page, write_page
from gradmix.reports.export import export, group_records
from gradmix.reports.paper_table import as_latex, ranking_table
from gradmix.reports.sentences import counts, headline
from gradmix.reports.tables import EFFECT_COLUMNS, effect_rows, ranking
from gradmix.sweeps.selection import everything, select

if TYPE_CHECKING:
    import pandas as pd

    from gradmix.journal.reading import Reading


class Comparison:
    """A comparison of runs; a notebook shows its page, with tables and plots.

    `gradmix.compare` returns one.
    """

    def __init__(self, reading: Reading, metrics: Sequence[str], by: Sequence[str], over: Sequence[str]) -> None:
        self._reading, self._shows_all = reading, bool(metrics)
        self._found = compare_runs(reading.runs, metrics, by, over, reading.n_unreadable, reading.n_missing)

    @property
    def sentences(self) -> Sequence[str]:
        """The answer in words."""
        return headline(self._found)

    @property
    def table(self) -> pd.DataFrame:
        """The groups of runs, ranked: medians with their intervals, as text."""
        import pandas as pd

        ranked = ranking(self._found, self._found.metrics, len(self._found.metrics))
        names = [name or " " * place for place, (name, _) in enumerate(ranked.columns, start=1)]
        return pd.DataFrame([row.cells for row in ranked.rows], columns=names)

    @property
    def medians(self) -> pd.DataFrame:
        """The same as numbers: a row for each group and metric with n, median, and the ends of its interval."""
        import pandas as pd

        return pd.DataFrame(group_records(self._found))

    @property
    def effects(self) -> pd.DataFrame:
        """What changing one choice at a time does."""
        import pandas as pd

        return pd.DataFrame(list(effect_rows(self._found)), columns=list(EFFECT_COLUMNS))

    @property
    def runs(self) -> pd.DataFrame:
        """A row for each run, as `gradmix.read_runs` has them."""
        return table_of(self._reading.runs)

    def save_page(self, path: str | Path) -> Path:
        """Write the page with plots, as ``gradmix compare --html`` does; returns where it is."""
        write_page(self._found, self._reading.title, Path(path))
        return Path(path)

    def to_latex(self) -> str:
        """The ranked table for a paper: a ``tabular`` of the package booktabs."""
        return as_latex(ranking_table(self._found, self._shows_all), counts(self._found))

    def export(self, path: str | Path, *, runs: bool = False, figure: str = "") -> Path:
        """Write a table, its numbers or a picture, as ``gradmix export`` does; returns where it is.

        Parameters
        ----------
        path
            A file that ends in ``.tex``, ``.md``, ``.csv``, ``.parquet``, ``.svg``, ``.pdf`` or ``.png``.
        runs
            Whether tables have a row for each run.
        figure
            Another figure of the page than the ranking: ``"curves"``, ``"cost"``, …
        """
        export(self._found, self._reading.title, Path(path), runs=runs, figure=figure, all_metrics=self._shows_all)
        return Path(path)

    def __repr__(self) -> str:
        return "\n".join([counts(self._found), *self.sentences, "", self.table.to_string(index=False)])

    def _repr_html_(self) -> str:
        """The page, in a frame of its own; below it the table alone, which is left where frames are not shown."""
        text = html.escape(page(self._found, self._reading.title, Path.cwd()))
        sentence = html.escape(self.sentences[0])
        return (
            f'<iframe srcdoc="{text}" title="comparison" sandbox="allow-scripts allow-downloads allow-popups" '
            f'style="width: 100%; height: 720px; border: 1px solid #dde3ea"></iframe>'
            f"<details><summary>{sentence}</summary>{self.table.to_html(index=False)}</details>"
        )


def read_runs(*names: str, runs_dir: str | Path = "runs") -> pd.DataFrame:
    """Read runs from their journals, without MLflow.

    Parameters
    ----------
    *names
        Sweeps, experiments or runs: a path, a name or enough of it, or ``"last"``; all that there are if none is given.
    runs_dir
        Where runs are.

    Returns
    -------
    pandas.DataFrame
        A row for each run: options that vary, metrics, status, error and folder. Of several results of the same work
        the newest.

    Raises
    ------
    UnknownNameError
        If a name means nothing, or several things.
    StorageError
        If there are no runs.
    """
    return table_of(_chosen(names, Path(runs_dir)).runs)


def compare(
    *what: str | SweepResult,
    metrics: Sequence[str] = (),
    by: Sequence[str] = (),
    over: Sequence[str] = (),
    runs_dir: str | Path = "runs",
) -> Comparison:
    """Compare runs, as ``gradmix compare`` does.

    Parameters
    ----------
    *what
        Sweeps, experiments or runs, by name or as `gradmix.sweep` returns them; the newest sweep if none is given.
    metrics
        What to show; the first ranks the runs. ``name:lower`` or ``name:higher`` says which way is better.
    by
        Parameters to compare by, and no others.
    over
        Parameters that count as repetitions, as seeds do.
    runs_dir
        Where runs are.

    Raises
    ------
    UnknownNameError
        If a name, a metric or a parameter is unknown.
    StorageError
        If there is nothing to compare.
    """
    names = [str(each.folder) if isinstance(each, SweepResult) else each for each in what]
    return Comparison(select(names, Path(runs_dir)), metrics, by, over)


def _chosen(names: Sequence[str], runs_dir: Path) -> Reading:
    return select(names or everything(runs_dir), runs_dir)
