"""``gradmix show``: what one run was, and how it ended; draws it, too."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gradmix.config.user_file import default_runs_dir
from gradmix.contracts.errors import GradmixError, StorageError, UnknownNameError
from gradmix.contracts.terminal import visible

if TYPE_CHECKING:
    from gradmix.config.spec import RunSpec

_EXAMPLES = """\
examples:
  gradmix show last                        the newest run or sweep
  gradmix show 2026-11-28_23-25-16-sweep/3     a job of a sweep
  gradmix show last --picture              draw a run again, into its own folder
  gradmix show last --picture fit.png      … or into a file

exit code: 0 if all is well, 1 if a file could not be written, 2 if there is no such run or it cannot be drawn"""


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        folder = _find(options.run, options.runs_dir)
        if options.picture is None:
            _show(folder)
        else:
            _draw(folder, options.picture)
    except GradmixError as error:
        print(visible(f"gradmix show: {error}"), file=sys.stderr)
        return 2
    except OSError as error:
        print(visible(f"gradmix show: cannot write {error.filename}: {error.strerror}."), file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gradmix show",
        description="Describe a run: its status, the options that differ from the defaults, its metrics or its error.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("run", metavar="RUN", help="a path, a name or enough of it, NAME/NUMBER for a job of a sweep, last")
    add(
        "--runs-dir",
        default=default_runs_dir(),
        type=Path,
        metavar="DIR",
        help="where the runs are (default: %(default)s)",
    )
    add(
        "--picture",
        nargs="?",
        const="",
        metavar="FILE",
        help="draw it: the first picture into a file, all of them into a folder (default: the run's own)",
    )
    return parser


def _find(name: str, runs_dir: Path) -> Path:
    from gradmix.journal.folder import has_journal
    from gradmix.sweeps.selection import find

    sweep, _, job = name.rpartition("/")
    folder = find(sweep, runs_dir) / job if sweep and job.isdigit() else find(name, runs_dir, sweeps_only=False)
    if not has_journal(folder):
        raise UnknownNameError(f"{folder} is not a run or a sweep; it has no journal.")
    return folder


def _show(folder: Path) -> None:
    from gradmix.journal.reading import read_run
    from gradmix.reports.run_description import print_run

    print_run(read_run(folder))


def _draw(folder: Path, wanted: str) -> None:
    from gradmix.reports.wording import shown
    from gradmix.runs.artifacts import ARTIFACTS
    from gradmix.runs.pictures import pictures_later

    pictures = pictures_later(folder, _check_allowed)
    if not pictures:
        raise StorageError(f"there is no picture of {folder}: neither its task nor its events draw any.")
    place = Path(wanted) if wanted else folder / ARTIFACTS
    if place.suffix and not place.is_dir():
        pictures, place = {place.name: next(iter(pictures.values()))}, place.parent
    place.mkdir(parents=True, exist_ok=True)
    for name, write in pictures.items():
        write(place / name)
        print(visible(f"picture: {shown(place / name)}"))


def _check_allowed(spec: RunSpec) -> None:
    """Refuse to run code that a journal names, which may come from another person."""
    from gradmix.config.trust import check_trust

    check_trust(spec, ())
