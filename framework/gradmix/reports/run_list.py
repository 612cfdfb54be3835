"""List runs: in the terminal their factors, main metric and status; as JSON everything."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

from gradmix.contracts.errors import StorageError, UnknownNameError, did_you_mean, listing
from gradmix.contracts.meaning import meaning_of, ranking_metric
from gradmix.contracts.role import Role
from gradmix.journal.declared import short_names
from gradmix.journal.reading import Run
from gradmix.journal.writing import encode
from gradmix.reports.console import make_console
from gradmix.reports.factors import find_factors, follows_seed, full_key, text_of, value_of
from gradmix.reports.run_rows import time_text
from gradmix.reports.shared_names import by_shared_names
from gradmix.reports.wording import measured, metric_text, shown
from gradmix.tracking.note import read_note

STATUSES = ("finished", "failed", "killed", "running", "timed_out", "out_of_memory")
"""The statuses of runs."""

_DIGITS = 8
_NO_EDGE = 10_000
"""Width of a pipe, where tables need not fit."""
_WORDS = 24
"""Least width of a column of words."""
_MOST_VALUES = 20
_STYLES = {"finished": "green", "running": "cyan"}


def filtered(runs: Sequence[Run], filters: Mapping[str, str], statuses: Iterable[str]) -> list[Run]:
    """Return the runs with the requested values of parameters and statuses.

    A filter is a parameter, by its name, its alias or the last part of either, and one value or several separated by
    commas, written as on the command line. A parameter or value that no run has raises an `UnknownNameError`.
    """
    wanted = set(statuses)
    found = [run for run in runs if not wanted or run.status in wanted]
    params_of = {run.folder: _params_by_all_names(run) for run in runs} if filters else {}
    known = dict.fromkeys(key for params in params_of.values() for key in params)
    for name, given in filters.items():
        key = full_key(name, known)
        values = {text_of(params[key]) for params in params_of.values() if key in params}
        for text in given.split(","):
            if not any(_is_meant(value, text) for value in values):
                there = listing(sorted(values)[:_MOST_VALUES])
                raise UnknownNameError(f"no run has {key}={text}.{did_you_mean(text, values)} There are: {there}.")
        found = [
            run
            for run in found
            if key in (params := params_of[run.folder])
            and any(_is_meant(text_of(params[key]), text) for text in given.split(","))
        ]
    return found


def _params_by_all_names(run: Run) -> dict[str, Any]:
    """Return the parameters, those with an alias under both names."""
    by_alias = {alias: run.params[name] for name, alias in run.declared.aliases.items() if name in run.params}
    return {**by_alias, **run.params}


def _is_meant(value: str, text: str) -> bool:
    """Return whether two texts are the same value: ``1e-06`` is ``0.000001``, and null is the sign of absence."""
    try:
        return float(value) == float(text)
    except ValueError:
        return value == (text_of(None) if text == "null" else text)


def print_runs(runs: Sequence[Run], metrics: Sequence[str], n_shown: int | None) -> None:
    """Print the first runs of a list as a table."""
    named = {name for run in runs for name in run.metrics}
    for name in metrics:
        if name not in named:
            near = did_you_mean(name, named)
            raise UnknownNameError(f"no run has a metric {name!r}.{near} There are: {listing(named)}.")
    some = by_shared_names(runs[:n_shown])
    names, measures = _names(some), _metric_columns(some, metrics)
    ends = {
        "status": [run.status.replace("_", " ") + (" (reused)" if run.is_reused else "") for run in some],
        "took": [measured(run.seconds, "s") if run.began else "" for run in some],
        "began": [_when(run) for run in some],
    }
    console = make_console()
    if not console.is_terminal:
        console.width = _NO_EDGE
    keys = _differing(some)
    rooms = [(_value_columns(some, keys), 3), *((_in_words(some, keys), n_ends) for n_ends in (3, 2, 1))]
    for values, n_ends in rooms:
        table = _table({"run": names, **values, **measures, **dict(islice(ends.items(), n_ends))}, some)
        if console.measure(table).minimum < console.width:
            break
    console.print(table)
    _say_rest(len(runs) - len(some))
    for name, run in zip(names, some, strict=True):
        if run.error:
            console.print(Text(f"\n{name}: {run.error}"), soft_wrap=True)


def print_sweeps(sweeps: Sequence[Run], n_shown: int | None) -> None:
    """Print the first sweeps of a list as a table."""
    some = sweeps[:n_shown]
    columns = {
        "sweep": [f"{sweep.folder.parent.name}/{sweep.folder.name}" for sweep in some],
        "over": [sweep.label.removeprefix("sweep over ") for sweep in some],
        "done": [measured(sweep.metrics["done"]) if "done" in sweep.metrics else "" for sweep in some],
        "failed": [measured(sweep.metrics["failed"]) if "failed" in sweep.metrics else "" for sweep in some],
        "status": [sweep.status.replace("_", " ") for sweep in some],
        "took": [measured(sweep.seconds, "s") for sweep in some],
    }
    make_console().print(_table(columns, some))
    _say_rest(len(sweeps) - len(some))


def as_json(runs: Iterable[Run]) -> list[dict[str, Any]]:
    """Return runs as plain values, in full; a number that is not finite is a string."""
    return [
        {
            "run_key": run.run_key or None,
            "name": run.started.get("name"),
            "label": run.label,
            "status": run.status,
            "error": run.error or None,
            "began": time_text(run.began) or None,
            "seconds": run.seconds,
            "reused": run.is_reused,
            "params": run.params,
            "metrics": encode(run.metrics),
            "folder": shown(run.folder),
            "mlflow_run_id": (note.run_id or None) if (note := read_note(run.folder)) else None,
        }
        for run in runs
    ]


def _names(runs: Sequence[Run]) -> list[str]:
    """Return the name by which `find_run` finds each run: the beginning of its key, or of its ID if keys may repeat."""
    n_of = Counter(run.run_key for run in runs)
    by_key = [bool(run.run_key) and (run.is_finished or n_of[run.run_key] == 1) for run in runs]
    names = [
        run.run_key if is_known else str(run.started.get("run_id", ""))
        for run, is_known in zip(runs, by_key, strict=True)
    ]
    return [name[:_DIGITS] or shown(run.folder) for run, name in zip(runs, names, strict=True)]


def _differing(runs: Sequence[Run]) -> Sequence[str]:
    """Return the parameters that differ; of those that some runs lack, only components and ones with two values."""

    def tells(key: str) -> bool:
        roles = {part.role for run in runs if (part := run.declared.parts.get(key))}
        n_values = len({value_of(run, key) for run in runs} - {None})
        return n_values > 1 or not roles.isdisjoint((Role.TASK, Role.ALGORITHM, Role.GIVEN))

    return [key for key in find_factors(runs).varying if tells(key) and not follows_seed(key, runs)]


def _value_columns(runs: Sequence[Run], keys: Sequence[str]) -> dict[str, list[str]]:
    """Return a column for each parameter."""
    short = short_names(keys)
    columns = {short[key]: [text_of(run.params[key]) if key in run.params else "" for run in runs] for key in keys}
    return columns or {"what": [run.label for run in runs]}


def _in_words(runs: Sequence[Run], keys: Sequence[str]) -> dict[str, list[str]]:
    """Return all parameters in one column."""
    label = find_factors(runs).label
    values = [{key: value_of(run, key) for key in keys if key in run.params} for run in runs]
    return {"what": [label(each) if each else run.label for each, run in zip(values, runs, strict=True)]}


def _metric_columns(runs: Sequence[Run], metrics: Sequence[str]) -> dict[str, list[str]]:
    """Return columns of the requested metrics, else of each run's main metric, named if it is the same for all."""
    main = [_main_metric(run) for run in runs]
    asked = metrics or tuple(dict.fromkeys(filter(None, main)))
    if metrics or len(asked) == 1:
        return {name: [_metric(run, name) for run in runs] for name in asked}
    return {"metric": [f"{name} {_metric(run, name)}" if name else "" for run, name in zip(runs, main, strict=True)]}


def _main_metric(run: Run) -> str:
    """Return the first metric in ranking order that is meaningful in a run; any metric if the run declares none."""
    declared = run.declared.meanings
    if found := ranking_metric([run.without_spoiled().metrics], declared, ()):
        return found.name
    return next((name for name in run.metrics if not meaning_of(name, declared).is_timing), "")


def _metric(run: Run, name: str) -> str:
    return metric_text(name, run.metrics[name]) if name in run.metrics else ""


def _table(columns: Mapping[str, Sequence[str]], runs: Sequence[Run]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name, cells in columns.items():
        folds = name in ("what", "over")
        is_number = all(not cell or cell[0] in "-0123456789" for cell in cells) and name not in ("run", "began")
        justify: Literal["left", "right"] = "right" if is_number else "left"
        table.add_column(Text(name), justify=justify, no_wrap=not folds, overflow="fold", min_width=_WORDS * folds)
    for index, run in enumerate(runs):
        styles = {"status": _STYLES.get(run.status, "red"), "run": "cyan", "sweep": "cyan"}
        table.add_row(*(Text(cells[index], style=styles.get(name, "")) for name, cells in columns.items()))
    return table


def _say_rest(n: int) -> None:
    if n > 0:
        make_console().print(Text(f"… and {n} more; --limit shows more, --limit 0 all", style="dim"))


def _when(run: Run) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(run.began)) if run.began else ""


def check_any(runs: Sequence[Run], of: int) -> None:
    """Raise `StorageError` if none of the `of` runs is left."""
    if not runs:
        raise StorageError(f"none of the {of} runs matches." if of else "there are no runs yet.")
