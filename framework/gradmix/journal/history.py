"""Earlier runs: which results there are, by key; what failed; how long similar runs took."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from gradmix.journal.folder import find_journals
from gradmix.journal.reading import Run, read_runs


class History:
    """What the journals under a folder say of earlier runs.

    Parameters
    ----------
    runs
        The runs; sweeps among them are passed over.
    """

    def __init__(self, runs: Iterable[Run]) -> None:
        self.runs = sorted((run for run in runs if run.kind == "run"), key=lambda run: run.began)

    @classmethod
    def read(cls, runs_dir: Path) -> History:
        """Read every journal under `runs_dir`; those that cannot be read are passed over."""
        return cls(read_runs(find_journals(runs_dir)).runs)

    def latest(self, run_key: str) -> Run | None:
        """The run of this key that says most: the newest finished one, else one that is running, else the newest."""
        return most_telling(self._by_key.get(run_key, []))

    def seconds(self, params: Mapping[str, Any], seeds: Collection[str]) -> float | None:
        """How long such a run takes: the median of those that differ in seeds only, else of those of the same kind."""
        for table, likeness in ((self._seconds_of_options, _options), (self._seconds_of_kind, _kind)):
            known = table.get(likeness(params, seeds))
            if known is not None:
                return known
        return None

    @cached_property
    def _by_key(self) -> Mapping[str, list[Run]]:
        found = defaultdict(list)
        for run in self.runs:
            if run.run_key:
                found[run.run_key].append(run)
        return found

    @cached_property
    def _seconds_of_options(self) -> Mapping[Hashable, float]:
        return self._median_seconds(_options)

    @cached_property
    def _seconds_of_kind(self) -> Mapping[Hashable, float]:
        return self._median_seconds(_kind)

    def _median_seconds(
        self, likeness: Callable[[Mapping[str, Any], Collection[str]], Hashable]
    ) -> Mapping[Hashable, float]:
        found = defaultdict(list)
        for run in self.runs:
            if run.is_finished:
                found[likeness(run.params, run.declared.seeds)].append(run.seconds)
        return {alike: statistics.median(seconds) for alike, seconds in found.items()}


def most_telling(runs: Iterable[Run]) -> Run | None:
    """Of attempts at the same work, oldest first: the last that finished, else one that is running, else the last."""
    last = {run.status if run.status in ("finished", "running") else "": run for run in runs}
    return last.get("finished") or last.get("running") or last.get("")


def _options(params: Mapping[str, Any], seeds: Collection[str]) -> Hashable:
    """Everything but seeds."""
    return frozenset((name, str(value)) for name, value in params.items() if name not in seeds)


def _kind(params: Mapping[str, Any], seeds: Collection[str]) -> Hashable:
    """The names of the components alone."""
    return frozenset((name, str(value)) for name, value in params.items() if "." not in name and name not in seeds)
