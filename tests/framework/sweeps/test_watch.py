import os
from contextlib import closing

from gradmix.journal.writing import Journal
from gradmix.sweeps.watch import JobWatch
from made_journals import write_run


def watching(sweep, numbers):
    """A watch that looks when it is told to, and what it reports."""
    heard = []
    return JobWatch(sweep, numbers, lambda number, run: heard.append((number, run.folder.name, run.status))), heard


def test_each_attempt_that_ends_is_reported_once(tmp_path):
    watch, heard = watching(tmp_path, range(3))
    write_run(tmp_path / "0", status="failed")
    (tmp_path / "1").mkdir()
    watch._look()
    watch._look()
    assert heard == [(0, "0", "failed")]
    write_run(tmp_path / "0-2")
    write_run(tmp_path / "1")
    watch._look()
    watch._look()
    assert sorted(heard[1:]) == [(0, "0-2", "finished"), (1, "1", "finished")]


def test_what_was_there_before_and_what_is_no_job_of_the_sweep_is_passed_over(tmp_path):
    write_run(tmp_path / "0")
    watch, heard = watching(tmp_path, [0])
    for name in ("artifacts", "7", "0-2-3"):
        write_run(tmp_path / name)
    watch._look()
    assert heard == []


def test_a_run_whose_process_has_gone_is_reported_at_the_second_look(tmp_path):
    watch, heard = watching(tmp_path, [0])
    write_run(tmp_path / "0", status="killed")
    watch._look()
    assert heard == []
    watch._look()
    assert heard == [(0, "0", "killed")]


def test_a_run_that_is_under_way_is_looked_at_until_it_ends(tmp_path):
    watch, heard = watching(tmp_path, [0])
    (tmp_path / "0").mkdir()
    with closing(Journal(tmp_path / "0")) as journal:
        journal.write("started", format=1)
        for _ in range(3):
            watch._look()
        assert heard == []
        journal.write("finished")
    watch._look()
    assert heard == [(0, "0", "finished")]


def test_running_jobs_are_reported_with_their_last_iteration_at_each_look(tmp_path):
    heard = []
    watch = JobWatch(tmp_path, range(2), lambda number, run: None, heard.append)
    watch._look()
    (tmp_path / "0").mkdir()
    with closing(Journal(tmp_path / "0")) as journal:
        journal.write("started", format=1)
        watch._look()
        for step in (1, 2):
            journal.write("iteration", start=1, step=step, metrics={})
        watch._look()
        journal.write("finished")
    watch._look()
    assert [[(run.folder.name, run.iteration) for run in each] for each in heard] == [
        [],
        [("0", None)],
        [("0", (1, 2))],
        [],
    ]


def test_jobs_that_have_not_begun_are_not_looked_for_one_by_one(tmp_path, monkeypatch):
    asked = []
    watch, _ = watching(tmp_path, range(10_000))
    monkeypatch.setattr(os, "stat", lambda *arguments, **options: asked.append(arguments))
    monkeypatch.setattr(os, "listdir", lambda path: asked.append(path) or [])
    watch._look()
    assert len(asked) == 1
