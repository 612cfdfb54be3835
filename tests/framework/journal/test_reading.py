import json
import shutil

import pytest

from gradmix import StorageError
from gradmix.journal.journal import Journal, read_journal
from gradmix.journal.reading import read_run, read_runs
from gradmix.sweeps.reading import read_sweep
from made_journals import job, write_run, write_sweep


def edit(folder, change):
    path = folder / "journal.jsonl"
    path.write_text(change(path.read_text()))


@pytest.mark.parametrize("status", ["finished", "failed", "killed"])
def test_a_run_is_read_as_the_full_reader_reads_it(tmp_path, status):
    write_run(tmp_path, {"seed": 1}, {"bic": 2.5}, status=status, curve=[1.0, 2.0, 3.0])
    run, record = read_run(tmp_path), read_journal(tmp_path)
    assert run.status == record.status == status
    assert run.params == record.started["params"]
    assert run.metrics == record.result.get("metrics", {})
    assert [event["step"] for event in run.iterations] == [event["step"] for event in record.iterations]


def test_what_the_journal_writes_is_read(tmp_path):
    journal = Journal(tmp_path)
    journal.write("started", format=1, kind="run", params={"seed": 0})
    journal.write("iteration", start=0, step=1, metrics={"log_likelihood": float("nan")})
    journal.write("timing", seconds=[0.5, 0.25], block="b", peak_bytes=1)
    journal.write("result", metrics={"bic": float("inf"), "time.seconds": 0.3}, best_start=0)
    assert read_run(tmp_path).status == "running"  # its process holds the lock
    journal.write("finished")
    journal.close()
    run = read_run(tmp_path)
    assert run.status == "finished"
    assert run.metrics == {"bic": float("inf"), "time.seconds": 0.3}
    assert run.samples("time.seconds") == (0.5, 0.25)
    assert run.timing.block == "b"
    assert len(run.iterations) == 1


def test_only_the_start_that_counts_is_a_curve(tmp_path):
    write_run(tmp_path, curve=[1.0, 2.0])
    edit(tmp_path, lambda text: text.replace('"start": 0, "step": 1', '"start": 1, "step": 1'))
    assert [event["step"] for event in read_run(tmp_path).iterations] == [2]


def test_a_last_line_that_was_cut_off_costs_only_that_line(tmp_path):
    write_run(tmp_path, {}, {"bic": 1.0})
    edit(tmp_path, lambda text: text[:-10])
    run = read_run(tmp_path)
    assert (run.status, run.metrics) == ("killed", {"bic": 1.0})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace('"event": "result"', '"evnt": "result"'), "line 2 .* no event"),
        (lambda text: text.replace('"event": "result"', "event result"), "line 2 .* no event"),
        (lambda text: text.replace('"format": 1', '"format": 99'), "newer gradmix"),
        (lambda text: "\n".join(text.splitlines()[1:]) + "\n", "no start"),
        (lambda text: text.replace('"params": {}', '"params": 3'), "no parameters"),
        (lambda text: "", "no start"),
        (lambda text: "\0\0\0\n" + text, "line 1 .* no event"),
    ],
)
def test_an_edited_journal_is_named_and_left_out(tmp_path, change, message):
    write_run(tmp_path / "good")
    write_run(tmp_path / "bad", {}, {"bic": 1.0})
    edit(tmp_path / "bad", change)
    before = (tmp_path / "bad" / "journal.jsonl").read_bytes()
    with pytest.raises(StorageError, match=message):
        read_run(tmp_path / "bad")
    reading = read_runs([tmp_path / "bad", tmp_path / "good"])
    assert [run.folder.name for run in reading.runs] == ["good"]
    assert reading.n_unreadable == 1
    assert str(tmp_path / "bad") in reading.warnings[0]
    assert (tmp_path / "bad" / "journal.jsonl").read_bytes() == before


def test_an_edited_iteration_costs_only_itself(tmp_path):
    write_run(tmp_path, curve=[1.0, 2.0, 3.0])
    edit(tmp_path, lambda text: text.replace('{"log_likelihood": 2.0}}', "oops"))
    assert [event["step"] for event in read_run(tmp_path).iterations] == [1, 3]


def test_a_sweep_has_the_jobs_that_its_journal_names_and_the_last_word_counts(tmp_path):
    sweep, elsewhere = tmp_path / "sweep", tmp_path / "earlier" / "5"
    write_run(sweep / "0", {"seed": 0}, {"bic": 1.0})
    write_run(elsewhere, {"seed": 1}, {"bic": 2.0, "time.seconds": 3.0, "memory.peak_bytes": 9.0})
    write_run(sweep / "2", {"seed": 2}, status="killed")
    write_run(sweep / "2-2", {"seed": 2}, {"bic": 4.0})
    jobs = [
        job(0),
        job(1, folder=str(elsewhere), reused=True, timings=False),
        job(2, status="killed"),
        job(2, folder="2-2"),
        job(3, status="out_of_memory", error="more than 1 GiB"),
    ]
    write_sweep(sweep, jobs, n_planned=6)
    reading = read_sweep(sweep)
    assert [run.status for run in reading.runs] == ["finished", "finished", "finished", "out_of_memory"]
    assert [run.metrics for run in reading.runs[:3]] == [{"bic": 1.0}, {"bic": 2.0}, {"bic": 4.0}]
    assert [run.is_reused for run in reading.runs] == [False, True, False, False]
    assert reading.runs[3].error == "more than 1 GiB"
    assert reading.n_missing == 2


def test_the_status_that_the_sweep_tells_is_the_one_that_counts(tmp_path):
    write_run(tmp_path / "0", status="killed")
    write_sweep(tmp_path, [job(0, status="timed_out", error="after 3 s")])
    (run,) = read_sweep(tmp_path).runs
    assert (run.status, run.error) == ("timed_out", "after 3 s")


def test_jobs_that_a_killed_sweep_does_not_name_are_found_by_their_folders(tmp_path):
    write_run(tmp_path / "0", {}, {"bic": 1.0})
    write_run(tmp_path / "1", {}, status="killed")
    write_run(tmp_path / "1-2", {}, {"bic": 2.0})
    write_run(tmp_path / "1-3", {}, status="killed")
    write_run(tmp_path / "2", {}, status="failed")
    write_run(tmp_path / "2-2", {}, status="killed")
    (tmp_path / "artifacts").mkdir()
    write_sweep(tmp_path, [job(0)], n_planned=5, ended=False)
    reading = read_sweep(tmp_path)
    assert [run.folder.name for run in reading.runs] == ["0", "1-2", "2-2"]
    assert reading.n_missing == 2


def test_a_sweep_whose_own_journal_is_damaged_still_has_its_jobs(tmp_path):
    write_run(tmp_path / "0", {}, {"bic": 1.0})
    write_sweep(tmp_path, [job(0)])
    edit(tmp_path, lambda text: text.replace('"event": "job"', '"event" "job"'))
    reading = read_sweep(tmp_path)
    assert [run.metrics for run in reading.runs] == [{"bic": 1.0}]
    assert "sweep's own journal" in reading.warnings[0]


def test_a_finished_job_whose_folder_is_gone_is_told(tmp_path):
    write_run(tmp_path / "0", {}, {"bic": 1.0})
    write_run(tmp_path / "1", {}, {"bic": 1.0})
    write_sweep(tmp_path, [job(0), job(1)])
    shutil.rmtree(tmp_path / "1")
    reading = read_sweep(tmp_path)
    assert len(reading.runs) == reading.n_unreadable == 1
    assert "job 1" in reading.warnings[0]


@pytest.mark.parametrize("value", ["text", None, [1.0]])
def test_a_metric_that_is_no_number_is_told_with_its_line(tmp_path, value):
    write_run(tmp_path, {}, {"a": value})
    with pytest.raises(StorageError, match=r"line 2 of the journal .* has a=.*, which is no number; was it edited\?"):
        read_run(tmp_path)


def test_numbers_of_any_kind_come_back_as_they_were(tmp_path):
    write_run(tmp_path, {}, {"a": 1e-300, "b": 0.1 + 0.2, "c": 7, "d": "nan", "e": "-inf"})
    metrics = read_run(tmp_path).metrics
    assert json.dumps(metrics) == '{"a": 1e-300, "b": 0.30000000000000004, "c": 7.0, "d": NaN, "e": -Infinity}'
