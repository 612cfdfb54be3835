"""``gradmix resume``: run what of a sweep is missing or failed, by any launcher."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gradmix.contracts.errors import ConfigError, GradmixError, StorageError
from gradmix.contracts.terminal import visible
from gradmix.registry.choice import SECTION

_MAY_CHANGE = (
    *("hydra/launcher", "hydra.launcher"),
    *(f"hydra.sweeper.{option}" for option in ("n_trials", "metric", "better", "batch", "sampler")),  # what comes next
    *("limits", "on_error", "pictures", "tracking", "timing"),
)
"""Overrides that may differ when a sweep is taken up again: how it runs, not what it computes."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="gradmix resume",
        usage="gradmix resume SWEEP [--stale] [--plan] [overrides]",
        description="Run what of a sweep is missing, failed or was killed; what is done is kept.",
        epilog="Overrides may change how it runs (hydra/launcher=joblib, hydra.launcher.n_jobs=2, limits.seconds=60, "
        "on_error=retry:2), not what it computes. Name code options (plugins.files=[my.py]) again.",
    )
    parser.add_argument("sweep", metavar="SWEEP", help="the sweep's folder, its name or the beginning of it, or last")
    parser.add_argument(
        "--stale",
        action="store_true",
        help="also rerun jobs whose options, plugins or data changed since",
    )
    parser.add_argument("--plan", action="store_true", help="say what would run, and run nothing")
    parser.add_argument("--runs-dir", default="runs", help="where to look for it (default: %(default)s)")
    options, overrides = parser.parse_known_args(arguments)
    from gradmix.cli.run import run_as
    from gradmix.sweeps.intent import Intent
    from gradmix.sweeps.selection import find

    try:
        folder = find(options.sweep, Path(options.runs_dir)).absolute()
        started = _started(folder)
        _check_kind(started)
        folder = _return_to_working_folder(started, folder)
        again = _arguments(started, overrides)
    except GradmixError as error:
        print(visible(f"gradmix resume: {error}"), file=sys.stderr)
        return 2
    return run_as(Intent(tuple(again), tuple(overrides), options.plan, folder, options.stale))


def _started(folder: Path) -> Mapping[str, Any]:
    from gradmix.journal.reading import read_run

    try:
        run = read_run(folder)
        if run.kind == "sweep":
            for name in ("arguments", "working_folder"):
                run.require(name)
        return run.started
    except StorageError as error:
        raise StorageError(
            f"{error} What its jobs have computed is kept: the same gradmix run -m … takes it."
        ) from error


def _check_kind(started: Mapping[str, Any]) -> None:
    if started.get("kind") != "sweep":
        raise ConfigError("that is a run and no sweep; `gradmix run` with its overrides runs it again.")


def _arguments(started: Mapping[str, Any], overrides: Sequence[str]) -> list[str]:
    """The arguments that the sweep was started with, except those that are given again."""
    from gradmix.cli.run import check_composition

    for override in overrides:
        key = _key(override)
        if override.startswith("-"):
            raise ConfigError(f"unknown option {override}; see gradmix resume --help.")
        is_same = override in started["arguments"]  # as code must be named again, which a journal does not vouch for
        if not is_same and not any(key == each or key.startswith(f"{each}.") for each in _MAY_CHANGE):
            check_composition([*started["arguments"], override])  # a slip is told as one
            raise ConfigError(
                f"{override} would change what the sweep computes; start a new one by gradmix run -m. "
                f"May be changed: {', '.join(_MAY_CHANGE)}."
            )
    given = {_key(override) for override in overrides}
    code = [each for each in started["arguments"] if _key(each) == f"{SECTION}.files" and _key(each) not in given]
    if code:
        raise ConfigError(
            f"the sweep was started with {code[0]}, which is code to run, and a journal does not vouch for it. "
            f"If you mean it, say it again: add '{code[0]}'."
        )
    drops = {"hydra.launcher"} if "hydra/launcher" in given else set()  # another launcher's options
    kept = [each for each in started["arguments"] if _key(each) not in given and not _is_of(_key(each), drops)]
    return [*kept, *overrides]


def _is_of(key: str, parents: set[str]) -> bool:
    return any(key.startswith(f"{parent}.") for parent in parents)


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _return_to_working_folder(started: Mapping[str, Any], folder: Path) -> Path:
    """Go where the sweep was started, since its data files are named from there; the sweep's folder, seen from it."""
    home = Path(started["working_folder"])
    if not home.is_dir():
        return folder
    os.chdir(home)
    return folder.relative_to(home) if folder.is_relative_to(home) else folder
