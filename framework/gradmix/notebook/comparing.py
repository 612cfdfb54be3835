"""Tables and comparisons of runs as data frames."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gradmix.notebook.naming import find_named
from gradmix.notebook.results import table_of
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
    from gradmix.notebook.naming import Named


class Comparison:
    """A comparison of runs, as `gradmix.compare` returns it; a notebook shows its page, with tables and plots."""

    def __init__(self, reading: Reading, metrics: Sequence[str], by: Sequence[str], over: Sequence[str]) -> None:
        self._reading, self._shows_all = reading, bool(metrics)
        self._found = compare_runs(reading.runs, metrics, by, over, reading.n_unreadable, reading.n_missing)

    @property
    def sentences(self) -> Sequence[str]:
        """The answer in words."""
        return headline(self._found)

    @property
    def table(self) -> pd.DataFrame:
        """The ranked groups of runs: medians with their intervals, as text."""
        import pandas as pd

        ranked = ranking(self._found, self._found.metrics, len(self._found.metrics))
        names = [name or " " * place for place, (name, _) in enumerate(ranked.columns, start=1)]
        return pd.DataFrame([row.cells for row in ranked.rows], columns=names)

    @property
    def medians(self) -> pd.DataFrame:
        """The medians as numbers: a row for each group and metric with n, median, and the ends of its interval."""
        import pandas as pd

        return pd.DataFrame(group_records(self._found))

    @property
    def effects(self) -> pd.DataFrame:
        """The effect of changing one choice at a time."""
        import pandas as pd

        return pd.DataFrame(list(effect_rows(self._found)), columns=list(EFFECT_COLUMNS))

    @property
    def runs(self) -> pd.DataFrame:
        """A row for each run, as `gradmix.read_runs` returns it."""
        return table_of(self._reading.runs)

    def save_page(self, path: str | Path) -> Path:
        """Write the page with plots, as ``gradmix compare --html`` does, and return its path."""
        write_page(self._found, self._reading.title, Path(path))
        return Path(path)

    def to_latex(self) -> str:
        """Return the ranked table for a paper, as a ``tabular`` with the package booktabs."""
        return as_latex(ranking_table(self._found, self._shows_all), counts(self._found))

    def export(self, path: str | Path, *, runs: bool = False, figure: str = "") -> Path:
        """Write a table, its numbers or a picture, as ``gradmix export`` does, and return its path.

        Parameters
        ----------
        path
            A file that ends in ``.tex``, ``.md``, ``.csv``, ``.parquet``, ``.svg``, ``.pdf`` or ``.png``.
        runs
            Whether tables have a row for each run.
        figure
            A figure of the page: ``"curves"``, ``"cost"``, …; empty for the ranking.
        """
        export(self._found, self._reading.title, Path(path), runs=runs, figure=figure, all_metrics=self._shows_all)
        return Path(path)

    def __repr__(self) -> str:
        import pandas as pd

        shown = ranking_table(self._found, self._shows_all)
        rows = [row for section in shown.sections for row in section]
        table = pd.DataFrame(rows, columns=[name for name, _ in shown.columns]).to_string(index=False)
        return "\n".join([counts(self._found), *self.sentences, "", table, shown.legend])

    def _repr_html_(self) -> str:
        """Return the page in a frame, and below it the table alone, for viewers that do not show frames."""
        text = html.escape(page(self._found, self._reading.title, Path.cwd()))
        sentence = html.escape(self.sentences[0])
        return (
            f'<iframe srcdoc="{text}" title="comparison" sandbox="allow-scripts allow-downloads allow-popups" '
            f'style="width: 100%; height: 720px; border: 1px solid #dde3ea"></iframe>'
            f"<details><summary>{sentence}</summary>{self.table.to_html(index=False)}</details>"
        )


def read_runs(*what: Named, runs_dir: str | Path = "runs") -> pd.DataFrame:
    """Read runs from their journals, without MLflow.

    Parameters
    ----------
    *what
        Sweeps, experiments or runs, named as on the command line: by a folder, a name or the beginning or end of it,
        ``"SWEEP/3"``, a run key, an ID in MLflow, or ``"last"``, which is the newest sweep; or as other functions
        return them. The default is all.
    runs_dir
        The folder of the runs.

    Returns
    -------
    pandas.DataFrame
        A row for each run: options that vary, metrics, status, error and folder. If there are several results of the
        same work, only the newest is included.

    Raises
    ------
    UnknownNameError
        If a name is unknown or ambiguous.
    StorageError
        If there are no runs.
    """
    place = Path(runs_dir)
    return table_of(select(find_named(what, place) or everything(place), place).runs)


def compare(
    *what: Named,
    metrics: Sequence[str] = (),
    by: Sequence[str] = (),
    over: Sequence[str] = (),
    runs_dir: str | Path = "runs",
) -> Comparison:
    """Compare runs, as ``gradmix compare`` does.

    Parameters
    ----------
    *what
        Sweeps, experiments or runs, as in `gradmix.read_runs`, or rows of the data frame that it returns. The default
        is the newest sweep.
    metrics
        The metrics to show; the first ranks the runs. ``name:lower`` or ``name:higher`` specifies which is better.
    by
        The only parameters to compare by.
    over
        Parameters that only repeat runs, as seeds do.
    runs_dir
        The folder of the runs.

    Raises
    ------
    UnknownNameError
        If a name, a metric or a parameter is unknown.
    StorageError
        If there is nothing to compare.
    """
    place = Path(runs_dir)
    return Comparison(select(find_named(what, place), place), metrics, by, over)
