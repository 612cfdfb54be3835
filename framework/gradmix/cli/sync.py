"""``gradmix sync``: bring the journals that MLflow does not have yet into it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradmix.contracts.errors import ConfigError, GradmixError
from gradmix.contracts.terminal import visible

if TYPE_CHECKING:
    from gradmix.tracking.ingest import Tally

HELP = """usage: gradmix sync [--deleted] [runs_dir=DIR] [tracking.uri=URI] [tracking.artifacts=DIR]
                    [tracking.models=false]

Import every journal under runs_dir (default: your own file's, or runs) that MLflow is missing. Runs whose process was
killed become KILLED. A local store that is empty, damaged or was moved is kept as ….bak, and a new one is made from
the journals. Repeating it changes nothing.

  --deleted  also bring back runs that were deleted in MLflow"""


_FLAGS = {"true": True, "false": False}


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    if {"-h", "--help"} & set(arguments):
        print(HELP)
        return 0
    try:
        settings = _settings(arguments)
    except GradmixError as error:
        print(visible(f"gradmix sync: {error}\n\n{HELP}"), file=sys.stderr)
        return 2
    if not Path(settings.runs_dir).is_dir():
        print(visible(f"gradmix sync: there is no folder {settings.runs_dir}; say runs_dir=…"), file=sys.stderr)
        return 1
    from gradmix.tracking.ingest import sync

    tally = sync(Path(settings.runs_dir), settings.tracking, restores="--deleted" in arguments)
    for message in (*tally.remarks, *tally.errors):
        print(visible(f"gradmix sync: {message}"), file=sys.stderr)
    print(visible(_sentence(tally, settings.tracking.uri)))
    return 1 if tally.errors else 0


def _sentence(tally: Tally, uri: str) -> str:
    """What was done."""
    parts = [f"{len(tally.brought)} journal(s) imported into {uri}"]
    if tally.errors:
        parts.append(f"{len(tally.errors)} not")
    if tally.deleted:
        parts.append(f"{len(tally.deleted)} deleted there before (gradmix sync --deleted brings them back)")
    return ", ".join(parts)


def _settings(arguments: Sequence[str]) -> Any:
    """The settings that the overrides give, by the same table as a run's."""
    from gradmix.config.spec import read_settings
    from gradmix.config.user_file import default_runs_dir, tracking_of

    given: dict[str, Any] = {"name": "sync"}
    tracking: dict[str, Any] = {}
    for argument in arguments:
        if argument == "--deleted":
            continue
        key, equals, value = argument.partition("=")
        if not equals or not (key == "runs_dir" or key.startswith("tracking.")):
            raise ConfigError(f"cannot use {argument!r}")
        (tracking if key.startswith("tracking.") else given)[key.removeprefix("tracking.")] = _FLAGS.get(value, value)
    runs_dir = given.get("runs_dir", default_runs_dir())
    return read_settings({**given, "runs_dir": runs_dir, "tracking": {**tracking_of(runs_dir), **tracking}})
