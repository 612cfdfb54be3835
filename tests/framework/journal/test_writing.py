import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradmix import StorageError
from gradmix.journal.folder import find_journals
from gradmix.journal.reading import read_run
from gradmix.journal.writing import Journal, encode


def write(folder, *events):
    journal = Journal(folder)
    journal.write("started", format=1, run_id="r", name="x", label="l")
    for event, content in events:
        journal.write(event, **content)
    journal.close()
    return folder / "journal.jsonl"


def test_what_is_written_is_read_back(tmp_path):
    write(
        tmp_path,
        ("iteration", {"step": 1, "start": 0, "metrics": {"a": 1.5}}),
        ("result", {"metrics": {"b": 2}}),
        ("finished", {}),
    )
    run = read_run(tmp_path)
    assert [event["event"] for event in run.events] == ["started", "iteration", "result", "finished"]
    assert run.iterations[0]["metrics"] == {"a": 1.5}
    assert run.status == "finished"
    assert run.metrics == {"b": 2}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_comes_back_as_it_was(value):
    assert json.loads(json.dumps(encode({"a": value})))["a"] == value


def test_numbers_that_are_not_finite_become_text():
    values = {"a": float("nan"), "b": np.float64("-inf"), "c": [float("inf")], "d": np.array([1.0, np.nan])}
    assert encode(values) == {"a": "nan", "b": "-inf", "c": ["inf"], "d": [1.0, "nan"]}
    json.dumps(encode(values), allow_nan=False)


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_last_line_that_was_cut_off_is_left_out(tmp_path, cut):
    path = write(tmp_path, ("iteration", {"step": 1, "start": 0, "metrics": {}}))
    path.write_bytes(path.read_bytes()[:-cut])
    assert [event["event"] for event in read_run(tmp_path).events] == ["started"]


@pytest.mark.parametrize("line", ["{not json}", "3", '{"time": 1}', '{"event": "iteration"}', ""])
def test_a_line_in_the_middle_that_is_no_event_is_named(tmp_path, line):
    path = write(tmp_path, ("finished", {}))
    first, last = path.read_text().splitlines()
    path.write_text("\n".join([first, line, last]) + "\n")
    with pytest.raises(StorageError, match="line 2 of the journal"):
        _ = read_run(tmp_path).events


def test_a_journal_of_a_newer_gradmix_is_not_misread(tmp_path):
    path = write(tmp_path)
    path.write_text(path.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(StorageError, match="newer gradmix"):
        read_run(tmp_path)


def test_an_empty_or_missing_journal_is_an_error(tmp_path):
    with pytest.raises(StorageError, match="cannot read"):
        read_run(tmp_path)
    (tmp_path / "journal.jsonl").touch()
    with pytest.raises(StorageError, match="is empty"):
        read_run(tmp_path)


def test_a_folder_with_a_journal_is_never_written_over(tmp_path):
    before = write(tmp_path).read_bytes()
    with pytest.raises(StorageError, match="File exists"):
        Journal(tmp_path)
    assert (tmp_path / "journal.jsonl").read_bytes() == before


def test_a_full_disk_leaves_whole_lines_and_says_so(tmp_path, monkeypatch):
    journal = Journal(tmp_path)
    journal.write("started", format=1)

    def half(descriptor, line):
        real(descriptor, line[: len(line) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    real = os.write
    monkeypatch.setattr(os, "write", half)
    with pytest.raises(StorageError, match="No space left"):
        journal.write("iteration", step=1)
    monkeypatch.undo()
    journal.close()
    text = (tmp_path / "journal.jsonl").read_text()
    assert text.count("\n") == 1
    assert text.endswith("\n")


def test_a_clock_that_is_set_back_does_not_turn_events_around(tmp_path, monkeypatch):
    import time

    journal = Journal(tmp_path)
    journal.write("started", format=1)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 10_000)
    journal.write("finished")
    journal.close()
    first, last = read_run(tmp_path).events
    assert first["time"] <= last["time"]


WRITER = """
import sys, time
from pathlib import Path
from gradmix.journal.writing import Journal
Journal(Path(sys.argv[1])).write("started", format=1)
print("ready", flush=True)
time.sleep(600)
"""


def test_a_journal_is_running_while_its_process_lives_and_killed_when_it_has_gone(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    assert read_run(tmp_path).status == "running"
    process.kill()
    process.wait()
    assert read_run(tmp_path).status == "killed"


def test_journals_are_found_a_sweep_before_its_jobs(tmp_path):
    for folder in ("b/0", "b", "a"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        write(tmp_path / folder)
    found = [str(folder.relative_to(tmp_path)) for folder in find_journals(tmp_path)]
    assert found == ["a", "b", "b/0"]


class Clock:
    """A clock that only a test moves."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_no_event_waits_longer_than_a_second_for_the_disk_while_others_follow(tmp_path, monkeypatch):
    clock, synced = Clock(), []
    monkeypatch.setattr("time.monotonic", clock)
    monkeypatch.setattr("os.fsync", lambda descriptor: synced.append(clock.now))
    journal = Journal(tmp_path)
    written = []
    for number in range(40):
        clock.now += 0.3
        journal.write("iteration", start=0, step=number, metrics={})
        written.append(clock.now)
    for each in written[:-5]:
        assert any(each <= at <= each + 1.0 + 0.3 + 1e-6 for at in synced)
    assert len(synced) < len(written) / 2  # and not at every event, which would cost a run its speed


@pytest.mark.parametrize("event", ["finished", "failed", "interrupted"])
def test_the_end_is_on_the_disk_at_once(tmp_path, monkeypatch, event):
    synced = []
    journal = Journal(tmp_path)
    monkeypatch.setattr("os.fsync", synced.append)
    journal.write(event)
    assert synced
