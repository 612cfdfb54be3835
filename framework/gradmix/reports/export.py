"""Export comparisons and runs to files for papers and other programs; the suffix of the file sets the format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gradmix.contracts.errors import ConfigError, StorageError, UnknownNameError, did_you_mean, listing
from gradmix.reports.comparison import Comparison
from gradmix.reports.factors import text_of
from gradmix.reports.paper_table import PaperTable, as_latex, as_markdown, ranking_table, runs_table
from gradmix.reports.run_rows import Record, run_records, save_csv
from gradmix.reports.sentences import counts

RANKING = "ranking"
"""Name of the figure of the ranking, which is the default."""


def export(
    comparison: Comparison, title: str, path: Path, *, runs: bool = False, figure: str = "", all_metrics: bool = False
) -> None:
    """Write a comparison, or with `runs` a row for each of its runs, or a figure of it.

    CSV and Parquet have all metrics; a table for a paper has the main one and two others, unless all are requested.

    Raises
    ------
    ConfigError
        If the suffix of the file is not that of a known format.
    UnknownNameError
        If there is no such figure.
    StorageError
        If the comparison has nothing to draw.
    """
    if path.suffix not in FORMATS:
        raise ConfigError(f"{path}: the file's name must end in one of {', '.join(FORMATS)}.")
    if figure and path.suffix not in _PICTURES:
        raise ConfigError(f"{path}: the name of a figure's file must end in one of {', '.join(_PICTURES)}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in _PICTURES:
        _draw(comparison, path, figure or RANKING)
    elif path.suffix in _RECORDS:
        _RECORDS[path.suffix](run_records(comparison.runs) if runs else group_records(comparison), path)
    else:
        table = (runs_table if runs else ranking_table)(comparison, all_metrics)
        path.write_text(_TEXTS[path.suffix](table, f"{title}: {counts(comparison)}"), encoding="utf-8")


def group_records(comparison: Comparison) -> list[Record]:
    """Return a record for each group and metric: median, n, and the ends of the interval, in full precision."""
    return [
        {**group.given, **group.settings}
        | {"rank": rank if section.is_ranked else None, "metric": name, "unit": comparison.meaning(name).unit}
        | {"n": found.n, "median": found.median, "low": found.low, "high": found.high}
        | {"interval": "95 %" if found.has_interval else "range" if found.n > 1 else None}
        for section in comparison.sections
        for rank, group in enumerate(section.groups, start=1)
        for name, found in group.summaries.items()
    ]


def _write_parquet(records: Sequence[Record], path: Path) -> None:
    """Write a Parquet file. Columns of numbers or booleans keep their type; a column of mixed types becomes text."""
    import pyarrow
    from pyarrow import parquet

    columns = {}
    for name in dict.fromkeys(name for record in records for name in record):
        values = [record.get(name) for record in records]
        types = {type(value) for value in values if value is not None}
        is_plain = types <= {int, float} or types <= {str} or types <= {bool}
        columns[name] = values if is_plain else [None if value is None else text_of(value) for value in values]
    parquet.write_table(pyarrow.table(columns), path)


def _draw(comparison: Comparison, path: Path, name: str) -> None:
    from matplotlib import rc_context

    from gradmix.reports.figures import figures
    from gradmix.reports.figures.drawing import draw
    from gradmix.reports.figures.strips import draw_strips

    if name == RANKING:
        drawn = draw_strips(comparison)
        if drawn is None:
            raise StorageError("there is nothing to draw: no group has a value of the metric that ranks.")
    else:
        there = {each.name: each for each in figures(comparison)}
        if name not in there:
            names = (RANKING, *there)
            raise UnknownNameError(
                f"there is no figure {name!r} of these runs.{did_you_mean(name, names)} There are: {listing(names)}."
            )
        drawn = draw(there[name].views[0])
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix)
    with rc_context({"pdf.fonttype": 42, "svg.hashsalt": "gradmix"}):  # TrueType, which journals require
        drawn.savefig(path, dpi=300, metadata=undated)


_TEXTS: Mapping[str, Callable[[PaperTable, str], str]] = {".tex": as_latex, ".md": as_markdown}
_RECORDS: Mapping[str, Callable[[Sequence[Record], Path], None]] = {".csv": save_csv, ".parquet": _write_parquet}
_PICTURES = (".svg", ".pdf", ".png")

FORMATS = (*_TEXTS, *_RECORDS, *_PICTURES)
"""Suffixes of the files that can be written."""
