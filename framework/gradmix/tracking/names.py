"""Names of runs in MLflow. They contain what differs among the runs. Values come first, as lists cut off long names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gradmix.contracts.secrets import MASK
from gradmix.journal.declared import short_names
from gradmix.journal.reading import Run

_NOT_OF_RUNS = frozenset(
    {"name", "hydra", "tracking", "runs_dir", "pictures", "reuse", "on_error", "limits", "timing", "plugins"}
)
"""Options that specify where and how a sweep's runs are made, but do not describe the runs."""

_NUMBER = re.compile(r"-?\d+\.\d{6,}(e[+-]?\d+)?", re.IGNORECASE)


def run_name(run: Run) -> str:
    """Return the name of a run or a sweep in MLflow.

    A job is named by the values in which it differs from other jobs (``tied, 3 (covariance_type, n_components)``), a
    single run by the typed options and its components (``3 (n_components): gmm on iris``), and a sweep by the swept
    options (``covariance_type × n_components sweep, iris (dataset)``). Journals of version 0.1 give only the label.
    """
    started = run.started
    label, varies = str(run.require("label")), [_path(each) for each in started.get("varies", ())]
    if run.kind == "sweep":
        fixed = {key: value for key, value in _given(started.get("arguments", ())).items() if key not in varies}
        about_runs = {key: value for key, value in fixed.items() if key.partition(".")[0] not in _NOT_OF_RUNS}
        swept, others = " × ".join(short_names(varies).values()), _values_first(about_runs)
        return ", ".join(filter(None, (swept and f"{swept} sweep", others))) or label
    given = _given(started.get("overrides", ()))
    if varies:
        return _values_first({key: given[key] for key in varies if key in given}) or label
    options = {key: value for key, value in given.items() if key in run.params and ("." in key or key == "seed")}
    own = _values_first({} if started.get("sweep") else options)
    return f"{own}: {label}" if own else label


def _given(arguments: Sequence[str]) -> dict[str, str]:
    """Return path → value, for the options and groups that the arguments set, without secrets."""
    found = (each.lstrip("+~").partition("=") for each in arguments if "=" in each and not each.startswith("-"))
    return {_path(key): value for key, _, value in found if _text(value) != MASK}


def _path(key: str) -> str:
    return key.replace("/", ".")


def _values_first(values: Mapping[str, str]) -> str:
    """Return the values, followed by their keys: ``tied, 3 (covariance_type, n_components)``."""
    if not values:
        return ""
    return f"{', '.join(map(_text, values.values()))} ({', '.join(short_names([*values]).values())})"


def _text(value: str) -> str:
    """Return a typed value without quotes; long numbers are rounded to six digits."""
    value = value.strip("'\"")
    return f"{float(value):.6g}" if _NUMBER.fullmatch(value) else value
