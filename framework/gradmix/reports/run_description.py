"""One run in a few lines: status, options that differ from the defaults, metrics or error, folder."""

from __future__ import annotations

from gradmix.contracts.errors import GradmixError
from gradmix.contracts.terminal import visible
from gradmix.journal.events import TERMINAL_EVENTS
from gradmix.journal.reading import Run
from gradmix.reports.console import make_console, print_table
from gradmix.reports.wording import measured, metric_text, shown
from gradmix.runs.artifacts import spec_of


def print_run(run: Run) -> None:
    """Print what a journal, of a run or a sweep, says in short."""
    console = make_console()
    ends = [event for event in run.events if event["event"] in TERMINAL_EVENTS]
    is_interrupted = run.status == "killed" and bool(ends) and ends[-1]["event"] == "interrupted"
    rows = {run.kind: run.label, "status": "interrupted" if is_interrupted else run.status}
    if run.error and not is_interrupted:
        rows["error"] = run.error
    if run.stopped_by:
        rows["stopped by"] = run.stopped_by
    rows["options"] = "\n".join(_options(run)) or "the defaults"
    rows |= {name: metric_text(name, value) for name, value in run.metrics.items()} | dict(run.remarks)
    rows |= {"took": measured(run.seconds, "s"), "folder": shown(run.folder)}
    is_whole = run.is_finished and not run.metrics.get("failed")
    if run.kind == "sweep" and run.status != "running" and not is_whole:
        rows["go on"] = f"gradmix resume {run.folder.name}"
    print_table(console, rows)
    if ends and (trace := str(ends[-1].get("traceback", ""))):
        console.print(f"\n{visible(trace.rstrip())}", soft_wrap=True)


def _options(run: Run) -> list[str]:
    """Options that differ from the defaults of today's components; what was asked for if these cannot be had."""
    asked = [str(each) for each in run.started.get("overrides", run.started.get("arguments", ()))]
    if run.kind != "run":
        return asked
    try:
        spec = spec_of(run)
    except GradmixError:
        return asked
    names = [f"{name}={value}" for name, value in run.params.items() if "." not in name]
    changed = [
        f"{path}={value}"
        for path, option, value in spec.options
        if not option.part and value != option.default and not (option.is_seed and value == spec.settings.seed)
    ]
    return [*names, *changed]
