import os
import shutil
from pathlib import Path

import pytest

from gradmix import StorageError, UnknownNameError
from gradmix.sweeps.selection import select
from gradmix.tracking.lookup import find_all
from made_journals import job, write_run, write_sweep

RUNS = Path("runs")


@pytest.fixture
def runs(empty_folder):
    """Two experiments: one with two sweeps and a single run, one with a single run."""
    for day, at in (("2026-01-01_10-00-00-sweep", 0.0), ("2026-01-02_11-00-00-sweep", 1000.0)):
        folder = RUNS / "covariances" / day
        write_run(folder / "0", {"seed": 0}, {"bic": 1.0}, started={"run_key": day})
        write_sweep(folder, [job(0)], at=at)
    write_run(RUNS / "covariances" / "2026-01-03_12-00-00-gmm-iris", {"seed": 5}, {"bic": 1.0}, at=9000.0)
    write_run(RUNS / "other" / "2026-01-03_13-00-00-gmm-iris", {"seed": 5}, {"bic": 1.0})
    return empty_folder


def folders(*names):
    return [str(run.folder.resolve().relative_to(RUNS.resolve())) for run in select(find_all(names, RUNS), RUNS).runs]


def test_without_a_name_it_is_the_newest_sweep(runs):
    assert folders() == ["covariances/2026-01-02_11-00-00-sweep/0"]


@pytest.mark.parametrize(
    "name",
    [
        "2026-01-01_10-00-00-sweep",
        "2026-01-01",
        "10-00-00-sweep",
        "covariances/2026-01-01_10-00-00-sweep",
        "runs/covariances/2026-01-01_10-00-00-sweep",
    ],
)
def test_a_sweep_is_named_by_its_path_its_folder_or_enough_of_it(runs, name):
    assert folders(name) == ["covariances/2026-01-01_10-00-00-sweep/0"]


@pytest.mark.parametrize("damage", [lambda path: path.write_text('{"event": "star'), Path.unlink], ids=["cut", "lost"])
def test_a_sweep_whose_own_journal_is_damaged_or_lost_is_found_with_its_jobs(empty_folder, damage):
    folder = RUNS / "trial" / "2026-01-01_10-00-00-sweep"
    write_run(folder / "0", {"seed": 0}, {"bic": 1.0})
    write_sweep(folder, [job(0)])
    damage(folder / "journal.jsonl")
    assert folders() == folders("2026-01") == ["trial/2026-01-01_10-00-00-sweep/0"]
    assert "the sweep's own journal cannot be used" in select([], RUNS).warnings[0]


def test_an_experiment_is_all_its_sweeps_and_runs(runs):
    assert len(folders("covariances")) == 3
    assert len(folders("covariances", "other", "covariances")) == 4  # each once


def test_a_run_is_named_by_its_key_too_and_a_job_by_its_number(runs):
    folder = RUNS / "other" / "2026-01-04_00-00-00-again"
    write_run(folder, {"seed": 7}, {"bic": 3.0}, started={"run_key": "abcdef" * 10})
    assert folders("abcdef") == ["other/2026-01-04_00-00-00-again"]
    assert folders("2026-01-01/1") == ["covariances/2026-01-01_10-00-00-sweep/0"]


def test_a_run_is_named_too(runs):
    assert folders("2026-01-03_12") == ["covariances/2026-01-03_12-00-00-gmm-iris"]


def test_what_means_several_is_told_with_them(runs):
    with pytest.raises(UnknownNameError, match=r"matches 2 sweeps or runs(.|\n)*gmm-iris"):
        find_all(["gmm-iris"], RUNS)


def test_an_unknown_name_is_told_with_the_nearest(runs):
    with pytest.raises(UnknownNameError, match=r"Did you mean covariances\? Experiments there: covariances, other"):
        find_all(["covariance-types"], RUNS)


def test_of_the_same_work_done_twice_the_newer_counts(runs):
    write_run(RUNS / "other" / "2026-01-04_00-00-00-again", {"seed": 5}, {"bic": 3.0}, started={"run_key": "k"})
    write_run(RUNS / "other" / "2026-01-05_00-00-00-again", {"seed": 5}, {"bic": 3.5}, started={"run_key": "k"})
    write_run(RUNS / "other" / "2026-01-06_00-00-00-again", {"seed": 5}, status="failed", started={"run_key": "k"})
    selection = select([RUNS / "other"], RUNS)
    assert [run.folder.name[:10] for run in selection.runs] == ["2026-01-03", "2026-01-05"]
    assert "2 older run(s)" in selection.warnings[0]


def test_nothing_to_compare_is_an_error(empty_folder):
    with pytest.raises(StorageError, match="there are no runs in runs"):
        select([], RUNS)
    write_run(RUNS / "x" / "single", {}, {"bic": 1.0})
    with pytest.raises(StorageError, match="no sweep in runs; name an experiment, to compare its runs: x"):
        select([], RUNS)
    write_sweep(RUNS / "x" / "2026-01-01-sweep", [], n_planned=3, ended=False)
    with pytest.raises(StorageError, match="no run was journalled"):
        select([], RUNS)


FIRST, SECOND = (RUNS / "trial" / f"2026-01-0{day}_00-00-00-sweep" for day in (1, 2))


@pytest.fixture
def reused(empty_folder):
    """Write a sweep that has reused the results of another sweep's job and of a single run, by the given paths."""

    def write(place=lambda folder: os.path.relpath(folder, SECOND), ids=("", "")):
        single = RUNS / "trial" / "single"
        write_run(single, {"seed": 1}, {"bic": 2.0}, started={"run_key": "b", "run_id": "right"})
        write_run(FIRST / "0", {"seed": 0}, {"bic": 1.0}, started={"run_key": "a"})
        write_sweep(FIRST, [job(0)])
        jobs = [
            job(number, folder=place(folder), reused=True, run_key="ab"[number], run_id=ids[number])
            for number, folder in enumerate((FIRST / "0", single))
        ]
        write_sweep(SECOND, jobs, at=9.0)

    return write


def values(sweep, runs_dir=RUNS):
    return [run.metrics["bic"] for run in select([sweep], runs_dir).runs]


def test_reused_results_are_found_where_all_runs_were_moved_to(reused):
    reused(lambda folder: str(folder.absolute()))  # as version 0.1 wrote them
    RUNS.rename("archive")
    assert values(Path("archive", *SECOND.parts[1:]), Path("archive")) == [1.0, 2.0]


@pytest.mark.parametrize(
    "move",
    [
        lambda: FIRST.rename(FIRST.with_name("renamed")),
        lambda: FIRST.rename(RUNS / "elsewhere"),
        lambda: (RUNS / "trial" / "single").rename(RUNS / "trial" / "the-one"),
        lambda: (RUNS / "new").mkdir() or SECOND.rename(RUNS / "new" / SECOND.name),
    ],
    ids=["renamed", "moved", "single", "the other"],
)
def test_reused_results_are_found_after_one_folder_was_renamed_or_moved(reused, move):
    reused()
    move()
    (sweep,) = RUNS.rglob(SECOND.name)
    assert values(sweep) == [1.0, 2.0]


def test_of_several_results_of_the_same_work_the_one_that_was_reused_is_found(reused):
    reused(ids=("", "right"))
    (RUNS / "trial" / "single").rename(RUNS / "trial" / "the-one")
    write_run(RUNS / "trial" / "later", {"seed": 1}, {"bic": 3.0}, at=20.0, started={"run_key": "b"})
    assert values(SECOND) == [1.0, 2.0]


def test_a_reused_result_that_was_deleted_is_left_out(reused):
    reused()
    shutil.rmtree(FIRST)
    selection = select([SECOND], RUNS)
    assert [run.metrics["bic"] for run in selection.runs] == [2.0]
    assert "no longer exists; was the folder deleted?" in selection.warnings[0]
