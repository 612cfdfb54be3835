"""Earlier runs: which results there are, by key; what failed; how long similar runs took."""

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
    """What the journals under a folder say of earlier runs; sweeps among them are passed over."""

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


def most_telling(runs: Iterable[Run]) -> Run | None:
    """Of attempts at the same work, oldest first: the last that finished, else one that is running, else the last."""
    last = {run.status if run.status in ("finished", "running") else "": run for run in runs}
    return last.get("finished") or last.get("running") or last.get("")


def _likenesses(params: Mapping[str, Any], seeds: Collection[str]) -> tuple[Hashable, Hashable]:
    """What alike runs have in common: everything but seeds; the names of the components alone."""
    options = {(name, str(value)) for name, value in params.items() if name not in seeds}
    return frozenset(options), ("components", frozenset(each for each in options if "." not in each[0]))
