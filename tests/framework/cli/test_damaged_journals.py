"""Whatever is wrong with a journal, every command names the file and the line, and none ends in a traceback."""

import json
from pathlib import Path

import pytest

from conftest import command
from made_journals import job, write_run, write_sweep

compare, resume, sync = map(command, ("compare", "resume", "sync"))
SWEEP = Path("runs/exp/2026-01-01_00-00-00-sweep")
STARTED = {
    "event": "started",
    "time": 1.7e9,
    "format": 1,
    "kind": "sweep",
    "run_id": "s",
    "name": "exp",
    "label": "sweep",
    "varies": ["seed"],
    "jobs": [["seed=0"], ["seed=1"]],
    "arguments": ["-m", "seed=0,1"],
    "working_folder": ".",
}


def first_line(**changes):
    changed = {**STARTED, **changes}
    return json.dumps({name: value for name, value in changed.items() if value is not ...}).encode()


DAMAGED = {
    "no arguments": first_line(arguments=...),
    "arguments of integers": first_line(arguments=[1]),
    "arguments that are a text": first_line(arguments="seed=0"),
    "no working folder": first_line(working_folder=...),
    "a working folder that is a mapping": first_line(working_folder={}),
    "parameters that are not a mapping": first_line(params=[1]),
    "jobs that are not lists": first_line(jobs="ab"),
    "a later format": first_line(format=99),
    "NUL bytes": b"\0" * 512,
    "nesting": b'{"event": "started", "time": 1, "params": ' + b"[" * 100_000,
    "a number without end": first_line(time=1).replace(b'"time": 1', b'"time": 1' + b"0" * 6000),
    "nonsense": b"nonsense",
    "a list": b"[]",
    "not UTF-8": first_line(label="caf#").replace(b"#", b"\xe9"),
}


@pytest.fixture(params=DAMAGED)
def damaged(request, empty_folder):
    """A sweep of two jobs whose own journal has a damaged first line."""
    for number in (0, 1):
        write_run(SWEEP / str(number), {"seed": number}, {"bic": float(number)})
    journal = write_sweep(SWEEP, [job(0), job(1)]) / "journal.jsonl"
    lines = journal.read_bytes().splitlines()
    journal.write_bytes(b"\n".join([DAMAGED[request.param], *lines[1:]]) + b"\n")
    return request.param


@pytest.mark.parametrize("plan", [["--plan"], []])
def test_resume_names_the_line(damaged, capsys, plan):
    assert resume(["last", *plan]) == 2
    assert f"line 1 of the journal {SWEEP.absolute()}/journal.jsonl" in capsys.readouterr().err


def test_compare_shows_the_jobs_all_the_same(damaged, capsys):
    assert compare([]) == 0
    out, err = capsys.readouterr()
    assert "bic" in out
    if damaged not in ("no arguments", "no working folder"):
        assert f"line 1 of the journal {SWEEP}/journal.jsonl" in err


@pytest.mark.parametrize("line", [DAMAGED["NUL bytes"], DAMAGED["nesting"], DAMAGED["a later format"], b"nonsense"])
def test_of_a_damaged_run_only_that_run_is_left_out(empty_folder, capsys, line):
    for number in (0, 1):
        write_run(SWEEP / str(number), {"seed": number}, {"bic": float(number)})
    write_sweep(SWEEP, [job(0), job(1)])
    (SWEEP / "1" / "journal.jsonl").write_bytes(line + b"\n")
    assert compare(["--csv", "-"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert f"line 1 of the journal {SWEEP}/1/journal.jsonl" in err


def test_sync_names_every_damaged_journal_and_brings_in_the_others(folder_with_store, capsys):
    write_run(SWEEP / "0", {"seed": 0}, {"bic": 0.0})
    damaged = {name: line for name, line in DAMAGED.items() if name not in ("no arguments", "no working folder")}
    for number, line in enumerate(damaged.values(), start=1):
        write_run(SWEEP / str(number))
        (SWEEP / str(number) / "journal.jsonl").write_bytes(line + b"\n")
    assert sync([]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("1 journal(s)")
    assert f"{len(damaged)} not" in out
    for number in range(1, 1 + len(damaged)):
        assert f"line 1 of the journal {SWEEP}/{number}/journal.jsonl" in err
