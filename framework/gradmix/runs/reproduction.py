"""Reproductions: a run is repeated from its journal, and all values except times are compared."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gradmix.config.files import leaves
from gradmix.config.spec import RunSpec, read_spec
from gradmix.contracts.errors import ConfigError, GradmixError, StorageError, UnknownNameError, did_you_mean
from gradmix.contracts.meaning import meaning_of
from gradmix.contracts.secrets import is_masked
from gradmix.journal.reading import Run
from gradmix.runs.artifacts import ARTIFACTS

TOLERANCE = 1e-9
"""Allowed difference of two values if processor or versions differ, relative to the larger value or to 1."""

_ENVIRONMENT = (
    *("python", "machine", "processor", "instructions", "libc", "blas"),
    *("numpy", "scipy", "numba", "threads"),
)
"""Entries of the environment on which the last bits of a result depend. An entry missing in a journal is ignored."""

_MODEL = "model.json"
_FINGERPRINT = re.compile(r"[0-9a-f]{16,}")
"""Pattern of a file's fingerprint in `Component.content`; an entry for a version has several words."""


@dataclass(frozen=True)
class Deviation:
    """A compared value, before and now."""

    where: str
    was: Any
    now: Any
    size: float
    """Difference of two numbers, relative to the larger one or to 1; infinite for other values that differ."""


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
        for before, after in _changed_content(self.before, self.after.started.get("content", ())):
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
        yield _deviation("status", self.before.status, self.after.status)
        if self.before.error or self.after.error:
            yield _deviation("error", self.before.error, self.after.error)
        yield _deviation("best start", self.before.best_start, self.after.best_start)
        yield from self._compared_metrics("", self.before.metrics, self.after.metrics)
        if self.models is not None:
            yield from _compared_leaves("model", *self.models)

    def _compared_iterations(self) -> Iterator[Deviation]:
        was, now = (
            {(each["start"], each["step"]): each["metrics"] for each in run.events_named("iteration")}
            for run in (self.before, self.after)
        )
        yield _deviation("number of iterations", len(was), len(now))
        for start, step in (each for each in was if each in now):
            where = f"iteration {step}{f' of start {start + 1}' if start else ''}: "
            yield from self._compared_metrics(where, was[start, step], now[start, step])

    def _compared_metrics(self, where: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Deviation]:
        meanings = self.before.declared.meanings
        for name in {**was, **now}:
            meaning = meaning_of(name, meanings)
            if not meaning.is_timing:
                unit = sys.float_info.epsilon if meaning.unit == "ulp" else 1.0
                yield _deviation(where + name, _number(was.get(name)), _number(now.get(name)), unit)


def remade(run: Run, given: Mapping[str, Any]) -> RunSpec:
    """Build the run that a journal describes from the installed components.

    `given` replaces options, by path. It may contain limits on the new run (``limits.seconds``).

    Raises
    ------
    GradmixError
        If the run cannot be built: a plugin is missing, its data have changed, or a secret has to be given again.
    """
    if run.kind == "sweep":
        raise ConfigError(f"a sweep is reproduced job by job, such as {run.folder.name}/1.")
    if run.status not in ("finished", "failed"):
        raise StorageError(f"there is no result of {run.folder} to compare with: its status is {run.status}.")
    limits = {path.removeprefix("limits."): value for path, value in given.items() if path.startswith("limits.")}
    options = {path: value for path, value in given.items() if not path.startswith("limits.")}
    config = _with_given(run.require("config"), options)
    if unknown := [".".join(path) for path, value in leaves(config) if is_masked(value)]:
        raise ConfigError(
            f"{unknown[0]} is a secret, which no journal records; give it again: '{unknown[0]}=…' on the command line."
        )
    threads = run.started.get("environment", {}).get("threads")
    own = {
        "name": run.require("name"),
        "tracking": {"uri": None},
        "pictures": False,
        "timing": {"repeats": 0},
        "limits": {**({"threads": threads} if isinstance(threads, int) else {}), **limits},
    }
    try:
        spec = read_spec({**config, **own})
        spec.task.check()
        spec.task.preflight()
        content = spec.content
    except GradmixError as error:
        raise ConfigError(f"{run.folder} cannot be run again: {error}{_missing(run)}") from error
    if any(_FINGERPRINT.fullmatch(before) for before, _ in _changed_content(run, content)):
        files = ", ".join(f"{path}={value}" for path, value in spec.params.items() if _is_file(value))
        raise StorageError(
            f"{run.folder} cannot be run again: the content of its data or source files has changed since"
            f"{f' ({files})' if files else ''}."
        )
    return spec


def check_same_data(reproduction: Reproduction) -> None:
    """Check that both runs worked on the same data; raises `StorageError` if they did not."""
    was, now = (
        {each["name"]: each["digest"] for each in _inputs(run)} for run in (reproduction.before, reproduction.after)
    )
    changed = [name for name in was if name in now and was[name] != now[name]]
    if changed:
        raise StorageError(
            f"{reproduction.before.folder} cannot be reproduced: its data {', '.join(changed)} have changed since "
            f"(fingerprint {was[changed[0]]}, now {now[changed[0]]})."
        )


def _inputs(run: Run) -> Sequence[Mapping[str, Any]]:
    results = run.events_named("result")
    return results[-1].get("inputs", []) if results else []


def _with_given(config: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config with some options replaced; `UnknownNameError` if it lacks one of them."""
    known = [".".join(path) for path, _ in leaves(config)]
    changed: dict[str, Any] = json.loads(json.dumps(config))
    for path, value in given.items():
        if path not in known:
            raise UnknownNameError(f"the run has no option {path}.{did_you_mean(path, known)}")
        *parents, last = path.split(".")
        node = changed
        for parent in parents:
            node = node[parent]
        node[last] = value
    return changed


def _missing(run: Run) -> str:
    """Return a sentence on the first plugin of a run that is no longer installed; empty if there is none."""
    identities = {str(each) for each in run.started.get("plugins", {}).values()}
    for identity in sorted(identities):
        name, _, rest = identity.partition(" ")
        if name.endswith(".py"):
            return f" It used the plugin file {name}; name it by 'plugins.files=[{name}]'."
        try:
            version(name)
        except PackageNotFoundError:
            return f" It was made with {name} {rest.partition(' ')[0]}, which is not installed."
        except ValueError:
            continue
    return ""


def _changed_content(run: Run, now: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the fingerprints and versions that have changed since a run, as (before, now); none for an old journal."""
    was = run.started.get("content")
    if was is not None and len(was) == len(now):
        yield from ((before, after) for before, after in zip(was, now, strict=True) if before != after)
    elif was is not None:
        yield "0" * 16, ""


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and Path(value.partition(":")[0]).is_file()


def _commit(git: Mapping[str, Any]) -> str:
    if not git:
        return "none"
    return f"{str(git.get('commit'))[:12]}{' with changes' if git.get('dirty') else ''}"


def _model_of(folder: Path) -> Any:
    try:
        return json.loads((folder / ARTIFACTS / _MODEL).read_text(encoding="utf-8"))["model"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _compared_leaves(where: str, was: Any, now: Any) -> Iterator[Deviation]:
    if isinstance(was, dict) and isinstance(now, dict) and was.keys() == now.keys():
        for key in was:
            yield from _compared_leaves(f"{where}.{key}", was[key], now[key])
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for index, (before, after) in enumerate(zip(was, now, strict=True)):
            yield from _compared_leaves(f"{where}[{index}]", before, after)
    else:
        yield _deviation(where, was, now)


def _number(value: Any) -> float | None:
    """Return a metric as a number; the journal stores values that are not finite as strings."""
    return None if value is None else float(value)


def _deviation(where: str, was: Any, now: Any, unit: float = 1.0) -> Deviation:
    are_numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (was, now))
    if was == now or (are_numbers and math.isnan(was) and math.isnan(now)):
        return Deviation(where, was, now, 0.0)
    if not are_numbers or not (math.isfinite(was) and math.isfinite(now)):
        return Deviation(where, was, now, math.inf)
    scale = max(1.0, abs(was), abs(now)) if unit == 1.0 else 1.0 / unit
    return Deviation(where, was, now, abs(was - now) / scale)
