"""Reproductions: a run and the same run made again, of which all values except times are compared."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gradmix.contracts.meaning import meaning_of
from gradmix.journal.reading import Run
from gradmix.runs.artifacts import ARTIFACTS
from gradmix.runs.deviation import Deviation, compared_leaves, deviation

TOLERANCE = 1e-9
"""Allowed difference of two values if processor or versions differ, relative to the larger value or to 1."""

_ENVIRONMENT = (
    *("python", "machine", "processor", "instructions", "libc", "blas"),
    *("numpy", "scipy", "numba", "threads"),
)
"""Entries of the environment on which the last bits of a result depend. An entry missing in a journal is ignored."""

_MODEL = "model.json"


@dataclass(frozen=True)
class Reproduction:
    """A run, and the same run made again."""

    before: Run
    after: Run

    @cached_property
    def surroundings(self) -> Mapping[str, tuple[str, str]]:
        """Versions and processor that differ: name → value before, value now. If empty, results must be identical."""
        was, now = (run.started.get("environment", {}) for run in (self.before, self.after))
        both = [name for name in _ENVIRONMENT if name in was and name in now]
        found = {name: (str(was[name]), str(now[name])) for name in both if was[name] != now[name]}
        for (before, after), paths in self._plugins().items():
            found[f"plugin of {', '.join(paths)}"] = before, after
        for before, after in changed_content(self.before, self.after.started.get("content", ())):
            found[f"version of {before.partition(' ')[0]}"] = before, after
        return found

    @cached_property
    def others(self) -> Mapping[str, tuple[str, str]]:
        """Other possible causes of a difference: the git commit, and options with other values."""
        was, now = (run.started.get("git", {}) for run in (self.before, self.after))
        commits = _commit(was), _commit(now)
        found = {"git commit": commits} if was and commits[0] != commits[1] else {}
        before, after = self.before.params, self.after.params
        for name in sorted(before.keys() & after.keys()):
            if before[name] != after[name]:
                found[name] = str(before[name]), str(after[name])
        if added := [f"{name}={after[name]}" for name in sorted(after.keys() - before.keys())]:
            found["new options"] = "none", ", ".join(added)
        return found

    @cached_property
    def is_exact(self) -> bool:
        """Whether the result must be the same to the last bit."""
        return not self.surroundings

    @cached_property
    def deviations(self) -> Sequence[Deviation]:
        """All values that are not equal to the last bit, iterations first."""
        return [each for each in self._compared() if each.size > 0]

    @cached_property
    def n_compared(self) -> int:
        """How many values were compared."""
        return sum(1 for _ in self._compared())

    @property
    def wrong(self) -> Sequence[Deviation]:
        """The deviations that are larger than allowed."""
        return [each for each in self.deviations if each.size > (0.0 if self.is_exact else TOLERANCE)]

    @cached_property
    def models(self) -> tuple[Any, Any] | None:
        """Both fitted models as plain values; None if one of the runs has no model."""
        was, now = (_model_of(run.folder) for run in (self.before, self.after))
        return None if was is None or now is None else (was, now)

    @property
    def size(self) -> float:
        """The largest deviation; 0 if all values are equal to the last bit."""
        return max((each.size for each in self.deviations), default=0.0)

    @property
    def is_identical(self) -> bool:
        """Whether the results agree: to the last bit, or within `TOLERANCE` if processor or versions differ."""
        return not self.wrong

    @cached_property
    def n_iterations(self) -> int:
        """The number of iterations of the new run, over all starts."""
        return len(self.after.events_named("iteration"))

    def _plugins(self) -> Mapping[tuple[str, str], Sequence[str]]:
        was, now = (run.started.get("plugins", {}) for run in (self.before, self.after))
        found: dict[tuple[str, str], list[str]] = {}
        for path in {**was, **now}:
            if was.get(path) != now.get(path):
                before, after = (identities.get(path, "none").partition(" (")[0] for identities in (was, now))
                is_edited = before == after
                found.setdefault((before, f"{after} with other source code" if is_edited else after), []).append(path)
        return found

    def _compared(self) -> Iterator[Deviation]:
        yield from self._compared_iterations()
        yield deviation("status", self.before.status, self.after.status)
        if self.before.error or self.after.error:
            yield deviation("error", self.before.error, self.after.error)
        yield deviation("best start", self.before.best_start, self.after.best_start)
        yield from self._compared_metrics("", self.before.metrics, self.after.metrics)
        if self.models is not None:
            yield from compared_leaves("model", *self.models)

    def _compared_iterations(self) -> Iterator[Deviation]:
        was, now = (
            {(each["start"], each["step"]): each["metrics"] for each in run.events_named("iteration")}
            for run in (self.before, self.after)
        )
        yield deviation("number of iterations", len(was), len(now))
        for start, step in (each for each in was if each in now):
            where = f"iteration {step}{f' of start {start + 1}' if start else ''}: "
            yield from self._compared_metrics(where, was[start, step], now[start, step])

    def _compared_metrics(self, where: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Deviation]:
        meanings = self.before.declared.meanings
        for name in {**was, **now}:
            meaning = meaning_of(name, meanings)
            if not meaning.is_timing:
                unit = sys.float_info.epsilon if meaning.unit == "ulp" else 1.0
                yield deviation(where + name, _number(was.get(name)), _number(now.get(name)), unit)


def changed_content(run: Run, now: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the fingerprints and versions that have changed since a run, as (before, now); none for an old journal."""
    was = run.started.get("content")
    if was is not None and len(was) == len(now):
        yield from ((before, after) for before, after in zip(was, now, strict=True) if before != after)
    elif was is not None:
        yield "0" * 16, ""


def _commit(git: Mapping[str, Any]) -> str:
    if not git:
        return "none"
    return f"{str(git.get('commit'))[:12]}{' with changes' if git.get('dirty') else ''}"


def _model_of(folder: Path) -> Any:
    try:
        return json.loads((folder / ARTIFACTS / _MODEL).read_text(encoding="utf-8"))["model"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _number(value: Any) -> float | None:
    """Return a metric as a number; the journal stores values that are not finite as strings."""
    return None if value is None else float(value)
