"""Names of runs in MLflow: they differ where the runs differ. Values come first, since lists cut long names off."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gradmix.journal.reading import Run

_NUMBER = re.compile(r"-?\d+\.\d{6,}(e[+-]?\d+)?", re.IGNORECASE)


def run_name(run: Run) -> str:
    """What MLflow calls a run or a sweep.

    A job is named by what tells it from the others of its sweep (``tied, 3 (covariance_type, n_components)``), a single
    run by the options that were typed and its components (``3 (n_components): gmm on iris``), a sweep by what it varies
    (``covariance_type × n_components sweep, iris (dataset)``). A journal of version 0.1 has its label only.
    """
    started = run.started
    label, varies = str(run.require("label")), [_path(each) for each in started.get("varies", ())]
    if run.kind == "sweep":
        fixed = {key: value for key, value in _given(started.get("arguments", ())).items() if key not in varies}
        swept, others = " × ".join(_short(varies).values()), _values_first(_parameters(fixed))
        return ", ".join(filter(None, (swept and f"{swept} sweep", others))) or label
    given = _given(started.get("overrides", ()))
    if varies:
        return _values_first({key: given[key] for key in varies if key in given}) or label
    options = {key: value for key, value in given.items() if key in run.params and ("." in key or key == "seed")}
    own = _values_first({} if started.get("sweep") else options)
    return f"{own}: {label}" if own else label


def _given(arguments: Sequence[str]) -> dict[str, str]:
    """Path of an option or a group → what arguments set it to."""
    found = (each.lstrip("+~").partition("=") for each in arguments if "=" in each and not each.startswith("-"))
    return {_path(key): value for key, _, value in found}


def _path(key: str) -> str:
    return key.replace("/", ".")


def _parameters(given: Mapping[str, str]) -> Mapping[str, str]:
    """What of the arguments of a sweep is about its runs, not about where and how they are made."""
    return {key: value for key, value in given.items() if key.partition(".")[0] not in _NOT_OF_RUNS}


_NOT_OF_RUNS = frozenset(
    {"name", "hydra", "tracking", "runs_dir", "pictures", "reuse", "on_error", "limits", "timing", "plugins"}
)


def _values_first(values: Mapping[str, str]) -> str:
    """Values, then what they are values of: ``tied, 3 (covariance_type, n_components)``."""
    if not values:
        return ""
    return f"{', '.join(map(_text, values.values()))} ({', '.join(_short([*values]).values())})"


def _short(keys: Sequence[str]) -> Mapping[str, str]:
    """Key → its last part, or the whole key if another one ends so, too."""
    last = [key.rpartition(".")[2] for key in keys]
    return {key: end if last.count(end) == 1 else key for key, end in zip(keys, last, strict=True)}


def _text(value: str) -> str:
    """A value as it was typed, without quotes; of long numbers six digits."""
    value = value.strip("'\"")
    return f"{float(value):.6g}" if _NUMBER.fullmatch(value) else value
