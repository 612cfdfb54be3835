"""``gradmix compare``: runs ranked, with differences and confidence intervals."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gradmix.config.user_file import default_runs_dir
from gradmix.contracts.errors import GradmixError, StorageError
from gradmix.contracts.terminal import visible

if TYPE_CHECKING:
    from gradmix.journal.reading import Reading
    from gradmix.reports.comparison import Comparison

_DESCRIPTION = """\
Group runs by what varies, rank the groups, and compare each with the best, by pairs of runs that agree in everything
else. Results are compared within a data set or problem, not across. Runs that differ only in seeds are repetitions."""
_EXAMPLES = """\
examples:
  gradmix compare                                the newest sweep
  gradmix compare covariances --html page.html   all of an experiment, as a page with plots
  gradmix compare --metric time.seconds --by differentiator
  gradmix compare --metric loss:lower            a metric of your own: say which way is better

exit code: 0 on success, 1 if a file could not be written, 2 if nothing could be compared"""
_MOST_WARNINGS = 10


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    options = _parser().parse_args(arguments)
    code = 2
    try:
        selection, comparison = _compare(options)
        code = 1
        _tell(selection, comparison, options)
    except GradmixError as error:
        print(visible(f"gradmix compare: {error}"), file=sys.stderr)
        return code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gradmix compare",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("what", nargs="*", metavar="WHAT", help="sweep, experiment or run: a path, a name or enough of it")
    add(
        "--runs-dir",
        default=default_runs_dir(),
        type=Path,
        metavar="DIR",
        help="where the runs are (default: %(default)s)",
    )
    add(
        "--metric",
        action="extend",
        nargs="+",
        default=[],
        metavar="NAME",
        help="what to show; the first ranks the runs",
    )
    add("--by", action="extend", nargs="+", default=[], metavar="KEY", help="compare by these parameters only")
    add("--over", action="extend", nargs="+", default=[], metavar="KEY", help="repeat over these, as over seeds")
    add("--csv", type=Path, metavar="FILE", help="write a row for each run; - writes to the standard output")
    add("--html", type=Path, metavar="FILE", help="write one page with plots, which works without a network")
    add("--open", action="store_true", help="open the page in the browser")
    return parser


def _compare(options: argparse.Namespace) -> tuple[Reading, Comparison]:
    from gradmix.reports.comparison import compare
    from gradmix.sweeps.selection import select

    selection = select(options.what, options.runs_dir)
    for warning in selection.warnings[:_MOST_WARNINGS]:
        print(visible(f"warning: {warning}"), file=sys.stderr)
    if len(selection.warnings) > _MOST_WARNINGS:
        print(visible(f"warning: … and {len(selection.warnings) - _MOST_WARNINGS} more"), file=sys.stderr)
    comparison = compare(
        selection.runs, options.metric, options.by, options.over, selection.n_unreadable, selection.n_missing
    )
    return selection, comparison


def _tell(selection: Reading, comparison: Comparison, options: argparse.Namespace) -> None:
    from gradmix.reports.comparison_table import print_comparison
    from gradmix.reports.run_rows import save_csv, write_csv

    if options.csv == Path("-"):
        write_csv(selection.runs, sys.stdout)
        return
    print_comparison(comparison, selection.title)
    page = options.html or (options.runs_dir / "comparison.html" if options.open else None)
    try:
        if options.csv is not None:
            save_csv(selection.runs, options.csv)
        if page is not None:
            from gradmix.reports.comparison_page import write_page

            write_page(comparison, selection.title, page)
    except OSError as error:
        raise StorageError(f"cannot write {error.filename}: {error.strerror}.") from error
    for what, path in {"runs": options.csv, "page": page}.items():
        if path is not None:
            print(visible(f"\n{what}: {path}"))
    if options.open and page is not None:
        import webbrowser

        webbrowser.open(page.absolute().as_uri())
