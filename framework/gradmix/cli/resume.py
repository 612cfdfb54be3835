"""``gradmix resume``: finish a sweep by running its missing and failed jobs, with any launcher."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

from hydra.errors import HydraException

from gradmix.cli.parser import CommandParser
from gradmix.cli.run import check_composition, run_as
from gradmix.cli.working_folder import return_to
from gradmix.config.groups import parse
from gradmix.config.guard import MAY_CHOOSE, check_hydra, problem_of
from gradmix.contracts.errors import ConfigError, StorageError
from gradmix.contracts.secrets import is_masked
from gradmix.contracts.terminal import visible
from gradmix.journal.reading import read_run
from gradmix.registry.choice import choose
from gradmix.sweeps.ledger import jobs_of
from gradmix.sweeps.plan import Intent
from gradmix.tracking.lookup import find_all

_MAY_CHANGE = (
    *("hydra/launcher", "hydra.launcher"),
    *(f"hydra.sweeper.{option}" for option in ("n_trials", "metric", "better", "batch", "sampler")),  # later jobs
    *("limits", "on_error", "pictures", "tracking", "timing"),
)
"""Overrides that may change when a sweep is resumed: they affect how it runs, not what it computes."""

_ADDRESSES = ("tracking.uri", "tracking.artifacts", "runs_dir")
"""Options that specify where runs are written or sent."""

_DESCRIPTION = "Run the jobs of a sweep that are missing, failed or were killed; finished jobs are kept."
_EPILOG = """\
Overrides may change how the sweep runs (hydra/launcher=joblib, hydra.launcher.n_jobs=2, limits.seconds=60,
on_error=retry:2), not its results. A journal may come from someone else, so its launcher, addresses and code are left
out and listed. Give them again, or use --as-before for all of them."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    parser = CommandParser("resume", _DESCRIPTION, _EPILOG)
    parser.usage = "gradmix resume SWEEP [--stale] [--plan] [--as-before] [overrides]"
    add, flag = parser.add_argument, "store_true"
    add("sweep", metavar="SWEEP", help="a folder, a name or its beginning or end, an ID in MLflow, or last")
    add("--stale", action=flag, help="also rerun jobs whose options, plugins or data changed since")
    add("--plan", action=flag, help="print what would run, without running it")
    add("--as-before", action=flag, help="trust the sweep's journal: use its launcher, addresses and code")
    parser.add_runs_dir()
    options, overrides = parser.parse_known_args(arguments)

    folder = find_all([options.sweep], options.runs_dir)[-1].absolute()
    earlier, home = _earlier(folder, options.as_before)
    harmless = [each for each in earlier if _is_harmless(each, folder)]
    _check_overrides(overrides, earlier, harmless)
    known = [each for each in earlier if not is_masked(each)] if options.as_before else harmless
    given = set(map(_key, overrides))
    left_out = [each for each in earlier if each not in known]
    missing = [f"'{each}'" for each in left_out if _key(each) not in given]
    if options.as_before and missing:
        _note(f"left out, because a journal records no secrets: {' '.join(missing)}. Give them again.")
    elif missing:
        _note(
            f"left out, because a journal may come from someone else: {' '.join(missing)}. "
            "Add those that you want, or --as-before for all."
        )
    folder = return_to(home, folder, options.as_before, "resume", "sweep")
    # Overrides that are given again replace the earlier ones. Options of another launcher do not apply.
    dropped = ("hydra.launcher.",) if "hydra/launcher" in given else ()
    kept = [each for each in known if _key(each) not in given and not _key(each).startswith(dropped)]
    again = (*kept, *overrides)
    if options.as_before:
        choose(again)  # plugins must be loaded before any config is read
    place = _place_of(folder)
    again = (*(each for each in again if _key(each) != "runs_dir"), place)
    typed = (*overrides, place)
    keys_left_out = frozenset(map(_key, left_out))
    return run_as(Intent(again, typed, options.plan, folder, options.stale, options.as_before, keys_left_out))


def _place_of(folder: Path) -> str:
    """Return the override ``runs_dir`` for the present place of the sweep, which may have been moved."""
    place = folder.absolute().parents[1]
    near = place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place
    quoted = str(near).replace("'", r"\'")
    return f"runs_dir='{quoted}'"


def _note(message: str) -> None:
    print(visible(f"gradmix resume: {message}"), file=sys.stderr)


def _earlier(folder: Path, is_trusted: bool) -> tuple[Sequence[str], Path]:
    """Return the arguments and the working folder with which a sweep was started, from its journal."""
    try:
        sweep = read_run(folder)
        if sweep.kind != "sweep":
            raise ConfigError(f"{folder} is a run, not a sweep; to repeat it, use `gradmix run` with its overrides.")
        arguments, working_folder = sweep.require("arguments"), sweep.require("working_folder")
        jobs = jobs_of(sweep)
    except StorageError as error:
        raise StorageError(
            f"{error} The results of its jobs are kept: the same gradmix run -m … reuses them."
        ) from error
    for number, overrides in {} if is_trusted else jobs.items():
        for override in overrides:
            if _is_of_hydra(_key(override)) or problem_of(override):
                raise ConfigError(
                    f"{folder}: job {number + 1} has the override {override!r}, which someone else may have written "
                    "into the journal. If you trust the journal, add --as-before."
                )
    return arguments, Path(working_folder)


def _is_harmless(argument: str, folder: Path) -> bool:
    """Whether an argument names no launcher, address, code or environment variable."""
    if is_masked(argument):
        return False
    if argument.startswith("-") or "=" not in argument:
        return True
    key, _, value = argument.lstrip("+~").partition("=")
    if problem_of(argument) or (key in ("tracking", "plugins") and value.startswith("{")):
        return False
    if key == "runs_dir":
        return Path(value).absolute() == folder.parents[1]
    if _is_of_hydra(key):
        return _is_harmless_to_hydra(argument)
    if key in _ADDRESSES:
        return value.lower() == "null"  # switching tracking off is safe; switching it on may not be
    return not key.startswith("plugins.files")


def _is_of_hydra(key: str) -> bool:
    return "hydra" in re.split(r"\W+", key)


def _is_harmless_to_hydra(argument: str) -> bool:
    """Whether an override of Hydra is one for the sweeper that a config file may set; those of launchers never are."""
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


def _check_overrides(overrides: Sequence[str], earlier: Sequence[str], harmless: Sequence[str]) -> None:
    """Check that the new overrides may differ from the sweep's own arguments."""
    unknown = {_key(each) for each in earlier if is_masked(each)}
    for override in overrides:
        key = _key(override)
        if key in unknown:
            continue
        if override.startswith("-"):
            raise ConfigError(f"unknown option {override}; see gradmix resume --help.")
        if override not in earlier and not any(key == each or key.startswith(f"{each}.") for each in _MAY_CHANGE):
            check_composition([*harmless, override])  # reports a typing error as such
            raise ConfigError(
                f"{override} would change the results of the sweep; start a new one with gradmix run -m. "
                f"Options that can be changed: {', '.join(_MAY_CHANGE)}."
            )


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]
