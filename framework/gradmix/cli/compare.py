"""``gradmix compare``: rank runs, with differences and confidence intervals."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from gradmix.cli.parser import CommandParser
from gradmix.contracts.terminal import visible

_DESCRIPTION = """\
Group runs by the options that differ, rank the groups, and compare each group with the best one, by pairs of runs that
agree in all other options. Results are compared within a data set or problem, not across. Runs that differ only in
seeds are repetitions."""
_EXAMPLES = """\
examples:
  gradmix compare                                the newest sweep
  gradmix compare covariances --html page.html   all of an experiment, as a page with plots
  gradmix compare --metric time.seconds --by differentiator
  gradmix compare --metric loss:lower            a metric of your own, with the better direction

exit code: 0 on success, 1 if a file could not be written, 2 if nothing could be compared"""
_MOST_WARNINGS = 10


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    parser = CommandParser("compare", _DESCRIPTION, _EXAMPLES)
    add = parser.add_argument
    parser.add_comparison()
    add("--csv", type=Path, metavar="FILE", help="write a row for each run; - writes to the standard output")
    add("--html", type=Path, metavar="FILE", help="write a page with plots, which works offline")
    add("--open", action="store_true", help="open the page in the browser")
    options = parser.parse_args(arguments)

    from gradmix.reports.comparison import compare
    from gradmix.reports.comparison_table import print_comparison
    from gradmix.reports.run_rows import run_records, save_csv
    from gradmix.sweeps.selection import select
    from gradmix.tracking.lookup import find_all

    selection = select(find_all(options.what, options.runs_dir), options.runs_dir)
    more = len(selection.warnings) - _MOST_WARNINGS
    for warning in (*selection.warnings[:_MOST_WARNINGS], *([f"… and {more} more"] if more > 0 else [])):
        print(visible(f"warning: {warning}"), file=sys.stderr)
    comparison = compare(
        selection.runs, options.metric, options.by, options.over, selection.n_unreadable, selection.n_missing
    )
    if options.csv is not None:
        save_csv(run_records(selection.runs), options.csv)
    if options.csv == Path("-"):
        return 0
    print_comparison(comparison, selection.title)
    page = options.html or (options.runs_dir / "comparison.html" if options.open else None)
    if page is not None:
        from gradmix.reports.comparison_page import write_page

        write_page(comparison, selection.title, page)
    for what, path in {"runs": options.csv, "page": page}.items():
        if path is not None:
            print(visible(f"\n{what}: {path}"))
    if options.open and page is not None:
        import webbrowser

        webbrowser.open(page.absolute().as_uri())
    return 0
