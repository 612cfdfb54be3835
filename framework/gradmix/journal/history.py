"""Earlier runs: their results by run key, their failures, and how long similar runs took."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from gradmix.journal.folder import find_journals
from gradmix.journal.reading import Run, read_runs


class History:
    """The earlier runs whose journals are under a folder, without the sweeps themselves."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self.runs = sorted((run for run in runs if run.kind == "run"), key=lambda run: run.began)

    @classmethod
    def read(cls, runs_dir: Path) -> History:
        """Read every journal under `runs_dir`; unreadable journals are skipped."""
        return cls(read_runs(find_journals(runs_dir)).runs)

    def latest(self, run_key: str) -> Run | None:
        """Return the newest finished run of this key, else one that is running, else the newest; None without any."""
        return most_relevant(self._by_key.get(run_key, []))

    def seconds(self, params: Mapping[str, Any], seeds: Collection[str]) -> float | None:
        """Estimate the duration of a run with these parameters, in seconds; None if no similar run has finished.

        It is the median over the finished runs that differ in seeds only, else over those with the same components.
        """
        likenesses = _likenesses(params, seeds) if self.runs else ()
        return next((self._seconds[each] for each in likenesses if each in self._seconds), None)

    @cached_property
    def _by_key(self) -> Mapping[str, list[Run]]:
        found = defaultdict(list)
        for run in self.runs:
            if run.run_key:
                found[run.run_key].append(run)
        return found

    @cached_property
    def _seconds(self) -> Mapping[Hashable, float]:
        found = defaultdict(list)
        for run in self.runs:
            if run.is_finished:
                for likeness in _likenesses(run.params, run.declared.seeds):
                    found[likeness].append(run.seconds)
        return {likeness: statistics.median(seconds) for likeness, seconds in found.items()}


def most_relevant(runs: Iterable[Run]) -> Run | None:
    """Of attempts at the same work, oldest first, return the last finished, else one that is running, else the last."""
    last = {run.status if run.status in ("finished", "running") else "": run for run in runs}
    return last.get("finished") or last.get("running") or last.get("")


def _likenesses(params: Mapping[str, Any], seeds: Collection[str]) -> tuple[Hashable, Hashable]:
    """Return two keys that similar runs share: all parameters except seeds, and only the names of the components."""
    options = {(name, str(value)) for name, value in params.items() if name not in seeds}
    return frozenset(options), ("components", frozenset(each for each in options if "." not in each[0]))
