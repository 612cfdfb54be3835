"""The description of a run on its page in MLflow, in Markdown: error, commands that repeat the run, versions."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from itertools import dropwhile
from typing import Any

from gradmix.contracts.markdown import escaped, table
from gradmix.contracts.secrets import MASK, masked_argument, masked_text
from gradmix.journal.events import TERMINAL_EVENTS
from gradmix.journal.reading import Run

TRACEBACK = "traceback.txt"
"""Artifact of a run that failed."""

_LONGEST = 4900
"""Longest description in characters; older versions of MLflow, too, accept 5,000 in a tag."""

_LONGEST_ERROR, _LONGEST_TRACEBACK = 1000, 2500
_DIGITS = 12  # of a key or a commit, enough to find it
_VERSIONS = ("python", "gradmix", "numpy", "scipy", "numba", "blas", "libc")


def command_of(run: Run) -> str:
    """Return the shell command that made a run or a sweep; empty if the journal does not record it."""
    arguments = run.started.get("arguments")
    return "" if arguments is None else shlex.join(["gradmix", "run", *map(masked_argument, arguments)])


def traceback_of(run: Run) -> str:
    """Return the traceback of the error that ended a run; empty if there is none."""
    if run.status not in ("failed", "timed_out", "out_of_memory"):
        return ""
    ends = [event for event in run.events if event["event"] in TERMINAL_EVENTS]
    return masked_text(str(ends[-1].get("traceback", ""))) if ends else ""


def described(run: Run) -> str:
    """Return the description of a run or a sweep; empty if its journal records no error, origin or versions.

    The most important parts come first; parts that do not fit are left out.
    """
    parts = [*_failure(run), *_reproduction(run), *_versions(run)]
    text = ""
    for part in parts:
        if len(text) + len(part) + 2 <= _LONGEST:
            text += f"\n\n{part}" if text else part
    return text


def _failure(run: Run) -> Iterator[str]:
    if run.error and run.status != "finished":
        error = run.error if len(run.error) <= _LONGEST_ERROR else f"{run.error[:_LONGEST_ERROR]}…"
        yield f"**{run.status.replace('_', ' ').capitalize()}:** {escaped(error)}"
    if trace := traceback_of(run):
        yield _block(_shortened_traceback(_without_runner(trace)), "pytb")


def _reproduction(run: Run) -> Iterator[str]:
    """Yield the commands that repeat a run, in the first lines: MLflow shows the others only on request."""
    command, started = command_of(run), run.started
    if not command:
        return
    again = f"gradmix reproduce {(run.run_key or str(run.require('run_id')))[:_DIGITS]}  # as journalled, and compare"
    lines = [command, f"gradmix resume {run.folder.name}  # what is missing" if run.kind == "sweep" else again]
    yield _block("\n".join(lines), "sh")
    yield " ".join(_circumstances(started, command))


def _circumstances(started: Mapping[str, Any], command: str) -> Iterator[str]:
    git = started.get("git", {})
    if folder := started.get("working_folder"):
        yield f"Run in {_code(str(folder))}"
        if commit := git.get("commit"):
            changes = ", with changes that were not committed" if git.get("dirty") else ""
            yield f"at the git commit {_code(str(commit)[:_DIGITS])} of {_code(str(git.get('branch')))}{changes}"
    if MASK in command:
        yield "with secrets that are not recorded (`***`)"


def _versions(run: Run) -> Iterator[str]:
    started = run.started
    environment, plugins = started.get("environment", {}), started.get("plugins", {})
    params = run.params
    rows = [
        (f"{path} {params[path]}" if isinstance(params.get(path), str) else path, identity)
        for path, identity in plugins.items()
        if path != "gradmix"
    ]
    if rows:
        yield table(("part", "plugin"), [[*map(escaped, row)] for row in rows])
    if environment:
        versions = [f"{name} {environment[name]}" for name in _VERSIONS if environment.get(name)]
        machine = [str(environment[name]) for name in ("processor", "machine") if environment.get(name)]
        yield escaped(f"{', '.join(versions)}; on {', '.join(machine) or 'an unknown machine'}.")


def _block(text: str, language: str) -> str:
    """Return a Markdown block of code, with a fence longer than any in the text."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


def _without_runner(trace: str) -> str:
    """Return a traceback without the first calls, in gradmix's runner, which are the same for every run."""
    head, *calls = re.split(r'(?m)^(?=  File ")', trace)
    others = list(dropwhile(lambda call: "/gradmix/runs/" in call.partition("\n")[0].replace("\\", "/"), calls))
    return head + "".join(others) if others else trace


def _shortened_traceback(trace: str) -> str:
    """Return the end of a traceback, which has the call that raised the error; it starts at the beginning of a call."""
    if len(trace) <= _LONGEST_TRACEBACK:
        return trace
    tail = trace[-_LONGEST_TRACEBACK:]
    begin = tail.find('\n  File "')
    return f"… (all of it is in the artifact {TRACEBACK})\n{tail[begin + 1 :] if begin >= 0 else tail}"
