"""Earlier runs: which results there are, by key; what failed; how long the like of it took."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from gradmix.journal.journal import find_journals
from gradmix.journal.summary import RunSummary, summaries


class History:
    """What the journals under a folder tell of earlier runs.

    Parameters
    ----------
    runs
        A summarize of each.
    """

    def __init__(self, runs: Iterable[RunSummary]) -> None:
        self.runs = sorted((run for run in runs if run.started.get("kind") == "run"), key=_age)

    @classmethod
    def read(cls, runs_dir: Path) -> History:
        """Look at every journal under `runs_dir`; one that cannot be read tells nothing."""
        return cls(summaries(find_journals(runs_dir)))

    def latest(self, run_key: str) -> RunSummary | None:
        """The run of this key that tells most: the newest finished one, else one that is running, else the newest."""
        runs = self._by_key.get(run_key, [])
        for status in ("finished", "running"):
            found = [run for run in runs if run.status == status]
            if found:
                return found[-1]
        return runs[-1] if runs else None

    def seconds(self, params: Mapping[str, Any]) -> float | None:
        """How long such a run takes: the median of those with the same options but for seeds, else of the same kind."""
        for table, likeness in ((self._seconds_of_options, _options), (self._seconds_of_kind, _kind)):
            known = table.get(likeness(params))
            if known:
                return statistics.median(known)
        return None

    @cached_property
    def _by_key(self) -> Mapping[str, list[RunSummary]]:
        found = defaultdict(list)
        for run in self.runs:
            if run.run_key:
                found[run.run_key].append(run)
        return found

    @cached_property
    def _seconds_of_options(self) -> Mapping[Any, list[float]]:
        return self._seconds_by(_options)

    @cached_property
    def _seconds_of_kind(self) -> Mapping[Any, list[float]]:
        return self._seconds_by(_kind)

    def _seconds_by(self, likeness: Any) -> Mapping[Any, list[float]]:
        found = defaultdict(list)
        for run in self.runs:
            if run.is_finished:
                found[likeness(run.started.get("params", {}))].append(run.seconds)
        return found


def _age(run: RunSummary) -> float:
    return float(run.started["time"])


def _options(params: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Everything but seeds."""
    return frozenset((name, str(value)) for name, value in params.items() if not is_seed(name))


def _kind(params: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """The names of the components alone."""
    return frozenset((name, str(value)) for name, value in params.items() if "." not in name and not is_seed(name))


def is_seed(param: str) -> bool:
    """Whether a parameter of a run only says which random numbers it draws.

    >>> is_seed("clusterer.random_state"), is_seed("clusterer.tol")
    (True, False)
    """
    return param == "seed" or param.rpartition(".")[2] == "random_state"
