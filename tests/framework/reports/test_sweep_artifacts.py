import csv

import pytest

from gradmix.config.spec import read_spec
from gradmix.reports.sweep_artifacts import write_sweep_artifacts
from gradmix.runs.runner import Order, execute
from made_journals import job, write_run, write_seeds, write_sweep


def test_a_sweep_gets_its_comparison_as_table_data_and_picture(tmp_path):
    sweep = write_seeds(tmp_path / "2026-sweep", {"gmm": lambda s: 10.0 + s, "kmeans": lambda s: 20.0 + s})
    before = (sweep / "journal.jsonl").read_bytes()
    write_sweep_artifacts(sweep)
    text = (sweep / "artifacts" / "comparison.md").read_text()
    assert "gmm is best by bic" in text
    with (sweep / "artifacts" / "comparison.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["bic"]) for row in rows] == [*(10.0 + s for s in range(8)), *(20.0 + s for s in range(8))]
    assert (sweep / "artifacts" / "comparison.png").read_bytes().startswith(b"\x89PNG")
    assert (sweep / "journal.jsonl").read_bytes() == before


@pytest.fixture
def sweep_of_fits(tmp_path):
    """A sweep of two clusterers on two data sets with two settings each, whose jobs drew nothing."""
    folder = tmp_path / "2026-sweep"
    jobs = []
    for dataset in ("old_faithful", "mixture"):
        for clusterer, k in (("gmm", "n_components"), ("kmeans", "n_clusters")):
            for groups in (2, 3):
                config = {
                    "name": "trial",
                    "task": {"name": "cluster"},
                    "clusterer": {"name": clusterer, k: groups, "random_state": 0},
                    "dataset": {"name": dataset},
                }
                place = folder / str(len(jobs))
                place.mkdir(parents=True)
                outcome = execute(Order(read_spec(config), place, sweep="abc"))
                assert outcome.status == "finished", outcome.error
                jobs.append(job(len(jobs)))
    write_sweep(folder, jobs)
    return folder


def test_the_best_run_of_each_algorithm_on_each_input_is_drawn(sweep_of_fits):
    write_sweep_artifacts(sweep_of_fits)
    drawn = {int(path.parents[1].name) for path in sweep_of_fits.glob("*/artifacts/fit.png")}
    assert (sweep_of_fits / "artifacts" / "comparison.png").exists()  # although one data set has no true groups
    gallery = sweep_of_fits / "artifacts" / "pictures"
    assert {path.name for path in gallery.iterdir()} == {f"{number}-fit.png" for number in drawn}
    assert [sum(number in pair for number in drawn) for pair in ((0, 1), (2, 3), (4, 5), (6, 7))] == [1, 1, 1, 1]


def test_a_picture_that_is_there_is_not_drawn_again(sweep_of_fits):
    write_sweep_artifacts(sweep_of_fits)
    (first, *_) = sorted(sweep_of_fits.glob("*/artifacts/fit.png"))
    first.write_text("my own")
    write_sweep_artifacts(sweep_of_fits)
    assert first.read_text() == "my own"


def test_at_most_eight_runs_are_drawn(sweep_of_fits, monkeypatch):
    monkeypatch.setattr("gradmix.reports.sweep_artifacts._MOST_RUNS_DRAWN", 3)
    write_sweep_artifacts(sweep_of_fits)
    assert len(list(sweep_of_fits.glob("*/artifacts/fit.png"))) == 3


def test_what_cannot_be_drawn_is_reported_and_costs_nothing_else(sweep_of_fits):
    for model in sweep_of_fits.glob("*/artifacts/model.json"):
        model.unlink()
    write_sweep_artifacts(sweep_of_fits)
    assert (sweep_of_fits / "artifacts" / "comparison.md").exists()
    assert not list(sweep_of_fits.glob("*/artifacts/fit.png"))


def test_pictures_are_left_out_if_nobody_wants_them(tmp_path):
    sweep = write_seeds(tmp_path / "2026-sweep", {"gmm": float, "kmeans": float})
    write_sweep_artifacts(sweep, pictures=False)
    assert sorted(path.name for path in (sweep / "artifacts").iterdir()) == ["comparison.csv", "comparison.md"]


def test_sweeps_without_a_result_are_no_error(tmp_path):
    empty = write_sweep(tmp_path / "empty-sweep", [], n_planned=3)
    write_sweep_artifacts(empty)
    write_run(tmp_path / "failed-sweep" / "0", {"seed": 0}, status="failed")
    failed = write_sweep(tmp_path / "failed-sweep", [])
    write_sweep_artifacts(failed)
    assert not (failed / "artifacts" / "comparison.png").exists()


def test_labels_cannot_break_the_table(tmp_path):
    sweep = write_seeds(tmp_path / "2026-sweep", {"a|b": lambda s: 1.0 + s, "<i>c\n": lambda s: 2.0 + s})
    write_sweep_artifacts(sweep)
    for table in (sweep / "artifacts" / "comparison.md").read_text().split("## "):
        rows = [line for line in table.splitlines() if line.startswith("|")]
        assert len({row.replace("\\|", "").count("|") for row in rows}) == 1
