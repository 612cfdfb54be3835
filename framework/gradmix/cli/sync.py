"""``gradmix sync``: import the journals that MLflow is missing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradmix.cli.parser import CommandParser
from gradmix.contracts.secrets import without_user
from gradmix.contracts.terminal import visible

_DESCRIPTION = """\
Import every journal under runs_dir (default: that of your own config file, or runs) that MLflow is missing. Runs whose
process was killed are marked KILLED. A local store that is empty, damaged or was moved is kept as ….bak, and a new one
is made from the journals. Repeating the command changes nothing."""
_SETTINGS = "runs_dir=DIR, tracking.uri=URI, tracking.artifacts=DIR or tracking.models=false"
_FLAGS = {"true": True, "false": False}


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    parser = CommandParser("sync", _DESCRIPTION)
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help=_SETTINGS)
    parser.add_argument("--deleted", action="store_true", help="also restore runs that were deleted in MLflow")
    options = parser.parse_intermixed_args(arguments)

    from gradmix.config.spec import read_settings
    from gradmix.config.user_file import default_runs_dir, tracking_of
    from gradmix.tracking.ingest import sync

    given: dict[str, Any] = {"name": "sync"}
    tracking: dict[str, Any] = {}
    for argument in options.settings:
        key, equals, value = argument.partition("=")
        if not equals or not (key == "runs_dir" or key.startswith("tracking.")):
            parser.error(f"cannot use {argument!r}: give {_SETTINGS}")
        (tracking if key != "runs_dir" else given)[key.removeprefix("tracking.")] = _FLAGS.get(value, value)
    runs_dir = given.get("runs_dir", default_runs_dir())
    settings = read_settings({**given, "runs_dir": runs_dir, "tracking": {**tracking_of(runs_dir), **tracking}})
    if not Path(settings.runs_dir).is_dir():
        print(visible(f"gradmix sync: there is no folder {settings.runs_dir}; set runs_dir=…"), file=sys.stderr)
        return 1
    tally = sync(Path(settings.runs_dir), settings.tracking, restores=options.deleted)
    for message in (*tally.remarks, *tally.errors):
        print(visible(f"gradmix sync: {message}"), file=sys.stderr)
    parts = [f"{len(tally.brought)} journal(s) imported into {without_user(settings.tracking.uri or '')}"]
    if tally.errors:
        parts.append(f"{len(tally.errors)} not imported")
    if tally.deleted:
        parts.append(f"{len(tally.deleted)} were deleted there (gradmix sync --deleted restores them)")
    print(visible(", ".join(parts)))
    return 1 if tally.errors else 0
