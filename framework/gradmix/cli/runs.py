"""``gradmix runs``: list runs, newest first."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from gradmix.cli.parser import CommandParser
from gradmix.contracts.terminal import visible

_DESCRIPTION = "List runs, the newest first, with the values that differ, the main metric and the status."
_EXAMPLES = """\
examples:
  gradmix runs                                the newest 20 of all runs
  gradmix runs last                           those of the newest sweep
  gradmix runs covariances dataset=iris       those of an experiment on iris
  gradmix runs clusterer=gmm,kmeans n_components=3 --metric bic aic
  gradmix runs --status failed killed         with their errors
  gradmix runs --sweeps                       sweeps instead of runs
  gradmix runs --json | jq '.[].metrics.bic'  everything about all of them

All commands take the names in the first column.

exit code: 0 on success, 1 if a file could not be written, 2 if there is no such run"""
_SHOWN = 20


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    parser = CommandParser("runs", _DESCRIPTION, _EXAMPLES)
    add = parser.add_argument
    parser.add_what("KEY=VALUE selects runs by an option")
    add("--status", action="extend", nargs="+", default=[], metavar="STATUS", help="only runs with this status")
    add("--metric", action="extend", nargs="+", default=[], metavar="NAME", help="metrics (default: the main one)")
    add("--limit", type=int, metavar="N", help=f"show N runs (default: {_SHOWN}; in CSV and JSON all), 0 for all")
    add("--sweeps", action="store_true", help="list sweeps")
    add("--csv", type=Path, metavar="FILE", help="write everything about each run; - writes to the standard output")
    add("--json", action="store_true", help="print everything about each run as JSON")
    options = parser.parse_intermixed_args(arguments)

    from gradmix.contracts.errors import did_you_mean, listing
    from gradmix.reports.run_list import STATUSES, as_json, check_any, filtered, print_runs, print_sweeps
    from gradmix.sweeps.selection import list_runs, list_sweeps
    from gradmix.tracking.lookup import find_all

    for status in options.status:
        if status not in STATUSES:
            near = did_you_mean(status, STATUSES)
            parser.error(f"unknown status {status!r}.{near} There are: {listing(STATUSES)}")
    if options.limit is not None and options.limit < 0:
        parser.error(f"--limit must be 0 or more; given: {options.limit}")
    names = [each for each in options.what if "=" not in each or Path(each).exists()]
    filters = {key: value for key, _, value in (each.partition("=") for each in options.what if each not in names)}
    reading = (list_sweeps if options.sweeps else list_runs)(find_all(names, options.runs_dir), options.runs_dir)
    for warning in reading.warnings:
        print(visible(f"warning: {warning}"), file=sys.stderr)
    runs = filtered(reading.runs, filters, options.status)
    check_any(runs, len(reading.runs))
    default = None if options.json or options.csv else _SHOWN
    n_shown = default if options.limit is None else options.limit or None
    if options.json:
        import json

        print(json.dumps(as_json(runs[:n_shown]), indent=1))
    elif options.csv:
        from gradmix.reports.run_rows import run_records, save_csv

        save_csv(run_records(runs[:n_shown]), options.csv)
    elif options.sweeps:
        print_sweeps(runs, n_shown)
    else:
        print_runs(runs, options.metric, n_shown)
    return 0
