"""``gradmix resume``: finish a sweep by running its missing and failed jobs, by any launcher."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from gradmix.config.user_file import default_runs_dir
from gradmix.contracts.errors import ConfigError, GradmixError, StorageError
from gradmix.contracts.terminal import visible
from gradmix.registry.choice import choose

_MAY_CHANGE = (
    *("hydra/launcher", "hydra.launcher"),
    *(f"hydra.sweeper.{option}" for option in ("n_trials", "metric", "better", "batch", "sampler")),  # what comes next
    *("limits", "on_error", "pictures", "tracking", "timing"),
)
"""Overrides that may differ when a sweep is taken up again: how it runs, not what it computes."""

_ADDRESSES = ("tracking.uri", "tracking.artifacts", "runs_dir")
"""Options that say where runs are written or sent."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="gradmix resume",
        usage="gradmix resume SWEEP [--stale] [--plan] [--as-before] [overrides]",
        description="Run whatever is missing in a sweep, failed or was killed; what is done is kept.",
        epilog="Overrides may change how it runs (hydra/launcher=joblib, hydra.launcher.n_jobs=2, limits.seconds=60, "
        "on_error=retry:2), not what it computes. A sweep's journal may come from a stranger: launcher, addresses and "
        "code that it names are left out and listed; give them again, or --as-before for all of them.",
    )
    parser.add_argument("sweep", metavar="SWEEP", help="the sweep's folder, its name or the beginning of it, or last")
    parser.add_argument(
        "--stale",
        action="store_true",
        help="also rerun jobs whose options, plugins or data changed since",
    )
    parser.add_argument("--plan", action="store_true", help="say what would run, and run nothing")
    parser.add_argument(
        "--as-before", action="store_true", help="trust the sweep's journal: take launcher, addresses and code from it"
    )
    parser.add_argument("--runs-dir", default=default_runs_dir(), help="where to look for it (default: %(default)s)")
    options, overrides = parser.parse_known_args(arguments)
    from gradmix.cli.run import run_as
    from gradmix.sweeps.intent import Intent
    from gradmix.sweeps.selection import find

    try:
        folder = find(options.sweep, Path(options.runs_dir)).absolute()
        earlier = _earlier(folder, options.as_before)
        _check_overrides(overrides, earlier)
        left_out = () if options.as_before else _left_out(earlier, overrides)
        known = [each for each in earlier.arguments if each not in left_out]
        folder = _return_to_working_folder(earlier, options.as_before)
        again = _merged(known, overrides)
        if options.as_before:
            choose(again)  # plugins are loaded before any config is read
    except GradmixError as error:
        print(visible(f"gradmix resume: {error}"), file=sys.stderr)
        return 2
    own_place = [each for each in known if _key(each) == "runs_dir"]  # where the sweep that was named is
    return run_as(
        Intent(
            again,
            (*overrides, *own_place),
            options.plan,
            folder,
            options.stale,
            options.as_before,
            frozenset(map(_key, left_out)),
        )
    )


@dataclass(frozen=True)
class _Earlier:
    """What a sweep's journal says of how it was started."""

    folder: Path
    arguments: tuple[str, ...]
    working_folder: Path


def _earlier(folder: Path, is_trusted: bool) -> _Earlier:
    from gradmix.journal.reading import read_run
    from gradmix.sweeps.ledger import jobs_of

    try:
        sweep = read_run(folder)
        if sweep.kind != "sweep":
            raise ConfigError("that is a run and not a sweep; `gradmix run` with its overrides runs it again.")
        arguments, working_folder = sweep.require("arguments"), sweep.require("working_folder")
        jobs = jobs_of(sweep)
    except StorageError as error:
        raise StorageError(
            f"{error} What its jobs have computed is kept: the same gradmix run -m … takes it."
        ) from error
    if not is_trusted:
        _check_jobs(jobs, folder)
    return _Earlier(folder, tuple(arguments), Path(working_folder))


def _check_jobs(jobs: Mapping[int, Sequence[str]], folder: Path) -> None:
    """Check that a journal's jobs say nothing of Hydra and read no environment."""
    from gradmix.config.guard import problem_of

    for number, overrides in jobs.items():
        for override in overrides:
            if _is_of_hydra(_key(override)) or problem_of(override):
                raise ConfigError(
                    f"{folder}: job {number + 1} has the override {override!r}, which a stranger may have put into the "
                    "journal. If you mean it, add --as-before."
                )


def _left_out(earlier: _Earlier, overrides: Sequence[str]) -> tuple[str, ...]:
    """The arguments that are not taken from a journal, which may be a stranger's; those not given again are listed."""
    given = {_key(override) for override in overrides}
    left_out = tuple(each for each in earlier.arguments if not _is_harmless(each, earlier.folder))
    missing = [each for each in left_out if _key(each) not in given]
    if missing:
        words = " ".join(f"'{each}'" for each in missing)
        print(
            visible(
                f"gradmix resume: left out, since a sweep's journal may come from a stranger: {words}. "
                "Add what you want again, or --as-before for all of it."
            ),
            file=sys.stderr,
        )
    return left_out


def _is_harmless(argument: str, folder: Path) -> bool:
    """Whether an argument names no launcher, no address, no code and nothing of the environment."""
    from gradmix.config.guard import problem_of

    if argument.startswith("-") or "=" not in argument:
        return True
    key, _, value = argument.lstrip("+~").partition("=")
    if problem_of(argument) or (key in ("tracking", "plugins") and value.startswith("{")):
        return False
    if key == "runs_dir":
        return Path(value).absolute() == folder.parents[1]
    if _is_of_hydra(key):
        return _is_harmless_to_hydra(argument)
    return key not in _ADDRESSES and not key.startswith("plugins.files")


def _is_of_hydra(key: str) -> bool:
    return "hydra" in re.split(r"\W+", key)


def _is_harmless_to_hydra(argument: str) -> bool:
    """Whether a config file might say the same, for the sweeper: how jobs are launched is never taken."""
    from hydra.errors import HydraException

    from gradmix.config.groups import parse
    from gradmix.config.guard import MAY_CHOOSE, check_hydra

    try:
        (override,) = parse([argument])
        if override.key_or_group == "hydra/sweeper":
            return override.value() in MAY_CHOOSE["hydra/sweeper"]
        root, *path = override.key_or_group.split(".")
        if root != "hydra" or path[:1] not in (["mode"], ["sweeper"]) or override.is_sweep_override():
            return False
        check_hydra(reduce(lambda inner, key: {key: inner}, reversed(path), override.value()), (), "")
    except (HydraException, ConfigError):
        return False
    return True


def _check_overrides(overrides: Sequence[str], earlier: _Earlier) -> None:
    """Check that what is given again may differ from the sweep's own."""
    from gradmix.cli.run import check_composition

    for override in overrides:
        key = _key(override)
        if override.startswith("-"):
            raise ConfigError(f"unknown option {override}; see gradmix resume --help.")
        is_same = override in earlier.arguments
        if not is_same and not any(key == each or key.startswith(f"{each}.") for each in _MAY_CHANGE):
            known = [each for each in earlier.arguments if _is_harmless(each, earlier.folder)]
            check_composition([*known, override])  # a slip is told as one
            raise ConfigError(
                f"{override} would change what the sweep computes; start a new one by gradmix run -m. "
                f"May be changed: {', '.join(_MAY_CHANGE)}."
            )


def _merged(known: Sequence[str], overrides: Sequence[str]) -> tuple[str, ...]:
    """Earlier arguments, except those that are given again, and then these."""
    given = {_key(override) for override in overrides}
    drops = "hydra.launcher." if "hydra/launcher" in given else None  # another launcher's options
    kept = [each for each in known if _key(each) not in given and not (drops and _key(each).startswith(drops))]
    return (*kept, *overrides)


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _return_to_working_folder(earlier: _Earlier, is_trusted: bool) -> Path:
    """Go where the sweep was started, since its data files are named from there; the sweep's folder, seen from it.

    A journal can name any folder, so the sweep must be inside, unless the journal is trusted.
    """
    home, folder = earlier.working_folder, earlier.folder
    is_inside = folder.is_relative_to(home)
    if not home.is_dir() or not (is_inside or is_trusted):
        if home.is_dir() and home != Path.cwd():
            print(
                visible(
                    f"gradmix resume: stays in {Path.cwd()}. The sweep was started in {home}, but its folder is not "
                    "inside; go there, or add --as-before, if its data files are named from there."
                ),
                file=sys.stderr,
            )
        return folder
    os.chdir(home)
    return folder.relative_to(home) if is_inside else folder
