"""``gradmix show``: describe one run, or draw its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gradmix.cli.parser import CommandParser
from gradmix.contracts.errors import StorageError
from gradmix.contracts.terminal import visible

_DESCRIPTION = """\
Describe a run or a sweep: its status, the options that differ from the defaults, metrics or the error, data,
versions, machine, files, its run in MLflow, and the command that repeats it."""
_EXAMPLES = """\
examples:
  gradmix show last                        the newest run or sweep
  gradmix show 2026-11-28_23-25-16-sweep/3     the third job of a sweep
  gradmix show 250a6477                    a run by its key, or by its ID in MLflow
  gradmix show last --picture              draw a run again, into its own folder
  gradmix show last --picture fit.pdf      … or into a file, as PNG, SVG or PDF

exit code: 0 on success, 1 if a file could not be written, 2 if there is no such run or it cannot be drawn"""
_PICTURE = "draw it: the first picture into a file, all of them into a folder (default: the run's own)"


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    parser = CommandParser("show", _DESCRIPTION, _EXAMPLES)
    parser.add_run()
    parser.add_argument("--picture", nargs="?", const="", metavar="FILE", help=_PICTURE)
    options = parser.parse_args(arguments)

    from gradmix.journal.reading import read_run
    from gradmix.reports.run_description import print_run
    from gradmix.tracking.lookup import find_run

    folder = find_run(options.run, options.runs_dir)
    if options.picture is None:
        print_run(read_run(folder))
    else:
        _draw(folder, options.picture)
    return 0


def _draw(folder: Path, wanted: str) -> None:
    from gradmix.config.trust import check_trust
    from gradmix.reports.wording import shown
    from gradmix.runs.artifacts import ARTIFACTS, pictures_later

    # A journal may come from a stranger. No override counts as typed, so code that the journal names is refused.
    pictures = pictures_later(folder, lambda spec: check_trust(spec, ()))
    if not pictures:
        raise StorageError(f"there is no picture of {folder}: neither its task nor its events draw any.")
    place = Path(wanted) if wanted else folder / ARTIFACTS
    if place.suffix and not place.is_dir():
        pictures, place = {place.name: next(iter(pictures.values()))}, place.parent
    place.mkdir(parents=True, exist_ok=True)
    for name, write in pictures.items():
        write(place / name)
        print(visible(f"picture: {shown(place / name)}"))
