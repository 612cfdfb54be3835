"""Describe one run: its status, options that differ from the defaults, metrics, data, versions, files."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from gradmix.contracts.errors import GradmixError
from gradmix.contracts.secrets import without_user
from gradmix.contracts.terminal import visible
from gradmix.journal.events import TERMINAL_EVENTS
from gradmix.journal.reading import Run
from gradmix.reports.console import make_console, print_table
from gradmix.reports.wording import measured, metric_text, shown
from gradmix.runs.artifacts import ARTIFACTS, spec_of
from gradmix.tracking.description import command_of
from gradmix.tracking.note import read_note

_VERSIONS = ("gradmix", "python", "numpy", "scipy", "numba", "blas")


def print_run(run: Run) -> None:
    """Print a summary of the journal of a run or sweep."""
    console = make_console()
    ends = [event for event in run.events if event["event"] in TERMINAL_EVENTS]
    is_interrupted = run.status == "killed" and bool(ends) and ends[-1]["event"] == "interrupted"
    rows = {run.kind: run.label, "status": "interrupted" if is_interrupted else run.status}
    if run.error and not is_interrupted:
        rows["error"] = run.error
    if run.stopped_by:
        rows["stopped by"] = run.stopped_by
    if run.kind == "run":
        rows["options"] = "\n".join(_options(run)) or "the defaults"
    rows |= {name: metric_text(name, run.metrics[name]) for name in _metrics(run)} | dict(run.remarks)
    rows |= {name: text for name, text in _circumstances(run).items() if text}
    is_whole = run.is_finished and not run.metrics.get("failed")
    if run.kind == "sweep" and run.status != "running" and not is_whole:
        rows["continue"] = f"gradmix resume {run.folder.name}"
    print_table(console, rows)
    if ends and (trace := str(ends[-1].get("traceback", ""))):
        console.print(f"\n{visible(trace.rstrip())}", soft_wrap=True)


def _circumstances(run: Run) -> dict[str, str]:
    """Return the data, versions, time, place and files of a run; entries missing in the journal are empty."""
    started, environment = run.started, run.started.get("environment", {})
    results, note, git = run.events_named("result"), read_note(run.folder), run.started.get("git", {})
    files = sorted(path.name for path in (run.folder / ARTIFACTS).glob("*") if path.is_file())
    dirty = " with changes" if git.get("dirty") else ""
    return {
        "best": str(results[-1].get("best", "")) if results else "",
        "data": "\n".join(map(_data_text, results[-1].get("inputs", ()) if results else ())),
        "versions": ", ".join(f"{name} {environment[name]}" for name in _VERSIONS if name in environment),
        "plugins": "\n".join(
            f"{part} of {plugin}"
            for part, plugin in started.get("plugins", {}).items()
            if not plugin.startswith("gradmix ")
        ),
        "machine": ", ".join(str(environment[name]) for name in ("machine", "processor") if environment.get(name)),
        "user": str(started.get("user", "")),
        "commit": f"{git['commit']}{dirty}" if git.get("commit") else "",
        "began": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.began)) if run.began else "",
        "took": measured(run.seconds, "s") if run.began else "",
        "command": command_of(run),
        "run key": run.run_key,
        "MLflow": f"run {note.run_id} in {without_user(note.uri)}" if note is not None and note.run_id else "",
        "files": ", ".join(files),
        "folder": shown(run.folder),
    }


def _metrics(run: Run) -> list[str]:
    """Return the names of the metrics: those that rank runs first, times last."""
    ranking = [*run.declared.meanings]
    place = {name: ranking.index(name) if name in ranking else len(ranking) for name in run.metrics}
    names = [
        name for name in run.metrics if run.kind == "run" or name != "best"
    ]  # the description of a sweep shows `best` with its job
    return sorted(names, key=lambda name: (name.startswith("time."), place[name]))


def _data_text(described: Mapping[str, Any]) -> str:
    """Describe a data set in a line: ``old_faithful, 272 rows of 2 columns``."""
    source = f" from {described['source']}" if described.get("source") else ""
    n_columns = len(described.get("columns", ()))
    return f"{described['name']}, {described['rows']} rows of {n_columns} columns{source}, digest {described['digest']}"


def _options(run: Run) -> list[str]:
    """Return the options that differ from the components' current defaults, or the overrides if these are unknown."""
    try:
        spec = spec_of(run)
    except GradmixError:
        return [str(each) for each in run.started.get("overrides", run.started.get("arguments", ()))]
    names = [f"{name}={value}" for name, value in run.params.items() if "." not in name]
    changed = [
        f"{path}={value}"
        for path, option, value in spec.options
        if not option.part and value != option.default and not (option.is_seed and value == spec.settings.seed)
    ]
    return [*names, *changed]
