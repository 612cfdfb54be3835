"""Runs and sweeps as arguments: by name, as on the command line, or as other functions return them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from gradmix.contracts.errors import ConfigError
from gradmix.contracts.returned import described
from gradmix.tracking.lookup import find_all, find_run

if TYPE_CHECKING:
    import pandas as pd

    from gradmix.notebook.results import RunResult, SweepResult

    Named: TypeAlias = str | PathLike[str] | RunResult | SweepResult | pd.Series[Any] | pd.DataFrame
    """A name, a result, or one or several rows of the table of runs."""


def find_named(what: Iterable[Named], runs_dir: Path) -> list[Path]:
    """Return the folders of sweeps, experiments and runs; raise as `gradmix.tracking.lookup.find_all`."""
    return find_all([name for each in what for name in _names(each)], runs_dir)


def find_one(what: Named, runs_dir: Path) -> Path:
    """Return the folder of one run or sweep; raise as `gradmix.tracking.lookup.find_run`."""
    names = list(_names(what))
    if len(names) != 1:
        raise ConfigError(f"give one run, such as table.iloc[0]; the table has {len(names)}.")
    return find_run(names[0], runs_dir)


def _names(what: Any) -> Iterator[str]:
    """Yield the names of what is given; that of a result is its folder."""
    given = getattr(what, "folder", what)
    if isinstance(given, str | PathLike):
        yield fspath(given)
    elif given is not what:
        yield from map(str, given)
    else:
        raise ConfigError(f"a run is named by a string or a path, or is a result of gradmix; given: {described(what)}.")
