from pathlib import Path

import pytest

from gradmix import StorageError, UnknownNameError
from gradmix.sweeps.selection import select
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
    return [str(run.folder.resolve().relative_to(RUNS.resolve())) for run in select(names, RUNS).runs]


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


def test_a_run_is_named_too(runs):
    assert folders("2026-01-03_12") == ["covariances/2026-01-03_12-00-00-gmm-iris"]


def test_what_means_several_is_told_with_them(runs):
    with pytest.raises(UnknownNameError, match=r"means 2 sweeps or runs(.|\n)*gmm-iris"):
        select(["gmm-iris"], RUNS)


def test_an_unknown_name_is_told_with_the_nearest(runs):
    with pytest.raises(UnknownNameError, match=r"Did you mean covariances\? Experiments there: covariances, other"):
        select(["covariance-types"], RUNS)


def test_of_the_same_work_done_twice_the_newer_counts(runs):
    write_run(RUNS / "other" / "2026-01-04_00-00-00-again", {"seed": 5}, {"bic": 3.0}, started={"run_key": "k"})
    write_run(RUNS / "other" / "2026-01-05_00-00-00-again", {"seed": 5}, {"bic": 3.5}, started={"run_key": "k"})
    write_run(RUNS / "other" / "2026-01-06_00-00-00-again", {"seed": 5}, status="failed", started={"run_key": "k"})
    selection = select(["other"], RUNS)
    assert [run.folder.name[:10] for run in selection.runs] == ["2026-01-03", "2026-01-05"]
    assert "2 older run(s)" in selection.warnings[0]


def test_nothing_to_compare_is_an_error(empty_folder):
    with pytest.raises(StorageError, match="there is no run in runs"):
        select([], RUNS)
    write_run(RUNS / "x" / "single", {}, {"bic": 1.0})
    with pytest.raises(StorageError, match="no sweep in runs; name an experiment, to compare its runs: x"):
        select([], RUNS)
    write_sweep(RUNS / "x" / "2026-01-01-sweep", [], n_planned=3, ended=False)
    with pytest.raises(StorageError, match="no run was journalled"):
        select([], RUNS)


def test_reused_results_are_found_where_all_runs_were_moved_to(empty_folder):
    first, second = (RUNS / "trial" / f"2026-01-0{day}_00-00-00-sweep" for day in (1, 2))
    single = write_run(RUNS / "trial" / "single", {"seed": 1}, {"bic": 2.0})
    write_run(first / "0", {"seed": 0}, {"bic": 1.0})
    write_sweep(first, [job(0)])
    absolute = [str(folder.absolute()) for folder in (first / "0", single)]  # as version 0.1 wrote them
    write_sweep(second, [job(number, folder=place, reused=True) for number, place in enumerate(absolute)], at=9.0)
    RUNS.rename("archive")
    runs = select([], Path("archive")).runs
    assert [run.metrics["bic"] for run in runs] == [1.0, 2.0]
