"""``gradmix export``: write a comparison as a table or a picture for a paper, or as data for another program."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from gradmix.cli.parser import CommandParser
from gradmix.contracts.terminal import visible

_DESCRIPTION = """\
Write a comparison into files. The suffix of each determines its content:
  .tex .md         the ranked table, each median with n and its interval, rounded to the digits that it supports
  .csv .parquet    the same numbers, unrounded: a row for each group and metric
  .svg .pdf .png   the ranking as a picture
With --runs tables have a row for each run. Runs are chosen as for `gradmix compare`."""
_EXAMPLES = """\
examples:
  gradmix export table.tex                         the newest sweep
  gradmix export table.tex ranking.pdf covariances --metric bic time.seconds
  gradmix export runs.parquet covariances --runs
  gradmix export curves.svg last --figure curves   another plot of the comparison's page

A LaTeX table is a tabular and needs the package booktabs: \\input{table}. A picture of one run is drawn by
`gradmix show RUN --picture fit.pdf`.

exit code: 0 on success, 1 if a file could not be written, 2 if there is nothing to export"""


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    parser = CommandParser("export", _DESCRIPTION, _EXAMPLES)
    parser.usage = "gradmix export FILE [FILE ...] [WHAT ...] [options]"
    parser.add_argument("file", metavar="FILE", type=Path, help="file to write; more may follow, before WHAT")
    parser.add_comparison()
    parser.add_argument("--runs", action="store_true", help="write a row for each run instead of each group")
    parser.add_argument("--figure", default="", metavar="NAME", help="draw this figure instead of the ranking")
    options = parser.parse_intermixed_args(arguments)

    from gradmix.reports.comparison import compare
    from gradmix.reports.export import FORMATS, export
    from gradmix.sweeps.selection import select
    from gradmix.tracking.lookup import find_all

    more = [each for each in options.what if Path(each).suffix in FORMATS and not Path(each).is_dir()]
    names = [each for each in options.what if each not in more]
    selection = select(find_all(names, options.runs_dir), options.runs_dir)
    for warning in selection.warnings:
        print(visible(f"warning: {warning}"), file=sys.stderr)
    comparison = compare(
        selection.runs, options.metric, options.by, options.over, selection.n_unreadable, selection.n_missing
    )
    chosen = {"runs": options.runs, "figure": options.figure, "all_metrics": bool(options.metric)}
    for path in (options.file, *map(Path, more)):
        export(comparison, selection.title, path, **chosen)
        print(visible(str(path)))
    return 0
