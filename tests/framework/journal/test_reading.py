import json
import shutil
from contextlib import closing

import pytest

from gradmix import StorageError
from gradmix.journal.reading import TimedRounds, read_run, read_runs, read_unchanged
from gradmix.journal.writing import Journal
from gradmix.sweeps.reading import read_sweep
from made_journals import edit, job, write_run, write_sweep


@pytest.mark.parametrize("status", ["finished", "failed", "killed"])
def test_the_ends_of_a_journal_say_the_same_as_all_of_it(tmp_path, status):
    write_run(tmp_path, {"seed": 1}, {"bic": 2.5}, status=status, curve=[1.0, 2.0, 3.0])
    run = read_run(tmp_path)
    assert run.status == status
    assert run.params == run.events[0]["params"] == {"seed": 1}
    assert run.metrics == ({"bic": 2.5} if status == "finished" else {})
    assert run.last_time == run.events[-1]["time"]
    assert run.iterations == run.events_named("iteration")


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
        (lambda text: text.replace('"event": "result"', '"evnt": "result"'), "line 2 .* not a valid event"),
        (lambda text: text.replace('"event": "result"', "event result"), "line 2 .* not a valid event"),
        (lambda text: text.replace('"format": 1', '"format": 99'), "newer gradmix"),
        (lambda text: "\n".join(text.splitlines()[1:]) + "\n", "not the start"),
        (lambda text: text.replace('"params": {}', '"params": 3'), "params must be a mapping"),
        (lambda text: "", "is empty"),
        (lambda text: "\0\0\0\n" + text, "line 1 .* not a valid event"),
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
    assert "job 2" in reading.warnings[0]


@pytest.mark.parametrize("value", ["text", None, [1.0]])
def test_a_metric_that_is_no_number_is_told_with_its_line(tmp_path, value):
    write_run(tmp_path, {}, {"a": value})
    with pytest.raises(StorageError, match=r"line 2 of the journal .* metrics must be a mapping of numbers"):
        read_run(tmp_path)


def test_numbers_of_any_kind_come_back_as_they_were(tmp_path):
    write_run(tmp_path, {}, {"a": 1e-300, "b": 0.1 + 0.2, "c": 7, "d": "nan", "e": "-inf"})
    metrics = read_run(tmp_path).metrics
    assert json.dumps(metrics) == '{"a": 1e-300, "b": 0.30000000000000004, "c": 7.0, "d": NaN, "e": -Infinity}'


def journalled(folder, *events):
    """A journal as the writer leaves it, checksum and all."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(Journal(folder)) as journal:
        journal.write("started", format=1, kind="run", run_id="r", name="x", label="l", params={"seed": 1})
        for event, content in events:
            journal.write(event, **content)
    return folder


RESULT = ("result", {"metrics": {"bic": 3799.0, "n_iter": 3}, "best_start": 0})
STEPS = [("iteration", {"start": 0, "step": step, "metrics": {"loss": float(-step)}}) for step in (1, 2, 3)]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("3799.0", "13799.0"),
        lambda text: text.replace('"seed": 1', '"seed": 2'),
        lambda text: "".join(line for line in text.splitlines(keepends=True) if '"step": 2' not in line),
        lambda text: text.replace('"step": 2', '"step": 9'),
    ],
    ids=["a metric", "a parameter", "a line gone", "a step"],
)
def test_a_journal_that_was_changed_after_its_end_is_noticed(tmp_path, change):
    journalled(tmp_path, *STEPS, RESULT, ("finished", {}))
    read_run(tmp_path).verify()
    path = tmp_path / "journal.jsonl"
    path.write_text(change(path.read_text()))
    with pytest.raises(StorageError, match="was changed"):
        read_run(tmp_path).verify()
    assert "was changed" in read_runs([tmp_path], read_unchanged).warnings[0]


def test_a_journal_of_version_0_1_has_no_checksum_and_is_believed(tmp_path):
    write_run(tmp_path, {}, {"bic": 1.0}, curve=[1.0, 2.0])
    read_run(tmp_path).verify()
    edit(tmp_path, lambda text: text.replace('{"log_likelihood": 2.0}}', "oops"))
    with pytest.raises(StorageError, match="line 3 of the journal"):
        read_run(tmp_path).verify()
    assert read_unchanged(tmp_path).metrics == {"bic": 1.0}


def test_a_journal_that_is_continued_has_a_checksum_of_all_before_its_new_end(tmp_path):
    journalled(tmp_path, ("finished", {}))
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write('{"event": "jo')
    with closing(Journal.reopen(tmp_path)) as journal:
        journal.write("resumed")
        assert read_run(tmp_path).status == "running"
        journal.write("failed", error="it broke")
    run = read_run(tmp_path)
    run.verify()
    assert (run.status, run.error, run.has_ended) == ("failed", "it broke", True)


@pytest.mark.parametrize("status", ["finished", "failed", "killed"])
@pytest.mark.parametrize("n_iterations", [0, 1, 5_000])
def test_the_end_is_found_whatever_the_length(tmp_path, status, n_iterations):
    more = {"timing": {"seconds": [0.5, 0.25], "block": "b"}} if status == "finished" else {}
    many = {f"metric_{number}": float(number) for number in range(2_000)}  # a result longer than what is read at first
    write_run(tmp_path, {"seed": 3}, many, status=status, curve=[float(step) for step in range(n_iterations)], **more)
    run = read_run(tmp_path)
    assert (run.status, run.params, len(run.iterations)) == (status, {"seed": 3}, n_iterations)
    assert run.metrics == (many if status == "finished" else {})
    assert run.timing == (TimedRounds((0.5, 0.25), "b") if status == "finished" else None)
    assert run.last_time == run.events[-1]["time"]


def test_what_comes_after_a_journal_was_read_is_no_part_of_it(tmp_path):
    with closing(Journal(tmp_path)) as journal:
        journal.write("started", format=1)
        run = read_run(tmp_path)
        journal.write("iteration", start=0, step=1, metrics={})
        assert [event["event"] for event in run.events] == ["started"]
        assert run.iterations == []


def test_a_sample_that_comes_after_the_end_does_not_hide_it(tmp_path):
    system = ("system", {"metrics": {"cpu": 1.0}})
    run = read_run(journalled(tmp_path, *STEPS, ("timed_out", {"error": "after 3 s"}), system))
    assert (run.status, run.error) == ("timed_out", "after 3 s")


def test_the_result_of_an_earlier_stretch_of_a_sweep_is_its_result_until_there_is_another(tmp_path):
    one, other = ({"event": "result", "metrics": {"done": number}} for number in (1, 2))
    write_sweep(tmp_path, [job(0), one, {"event": "finished"}, {"event": "resumed"}, job(1)], ended=False)
    assert (read_run(tmp_path).status, read_run(tmp_path).metrics) == ("killed", {"done": 1})
    shutil.rmtree(tmp_path)
    write_sweep(tmp_path, [job(0), one, {"event": "finished"}, {"event": "resumed"}, job(1), other])
    assert (read_run(tmp_path).status, read_run(tmp_path).metrics) == ("finished", {"done": 2})


def test_a_field_that_a_command_needs_and_that_is_missing_is_named(tmp_path):
    write_run(tmp_path)
    with pytest.raises(StorageError, match=r"line 1 of the journal .* has no arguments"):
        read_run(tmp_path).require("arguments")
