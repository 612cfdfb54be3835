"""`gradmix runs`: which runs there are, what differs, and how each ended."""

import csv
import io
import json
import os
import re
import sys
from pathlib import Path

import pytest

from gradmix.tracking.lookup import find_run
from made_journals import job, write_run, write_sweep

RUNS = Path("runs")
SWEEP = RUNS / "trial" / "2026-01-01_10-00-00-sweep"
DECLARED = {
    "seeds": ["seed", "clusterer.random_state"],
    "parts": {"clusterer": {"kind": "clusterer", "role": "algorithm"}, "dataset": {"kind": "dataset", "role": "given"}},
    "metrics": {"bic": {"better": "lower", "unit": "", "meaning": ""}},
    "ranking": ["bic"],
    "aliases": {"clusterer.n_components": "clusterer.k"},
}


def key(number):
    return f"{number:08x}" * 8


def made(folder, number, *, status="finished", dataset="iris", at=0.0, k=2, **started):
    """A run of `gmm` with two metrics."""
    params = {"clusterer": "gmm", "clusterer.n_components": k, "clusterer.tol": 1e-6, "clusterer.random_state": number}
    params |= {"dataset": dataset, "seed": number}
    metrics = {"n_iter": 7.0, "bic": 100.0 + number, "time.seconds": 0.25}
    identity = {"run_key": key(number), "run_id": f"{number + 100:08x}" * 4, **DECLARED, **started}
    return write_run(folder, params, metrics, status=status, at=at, name=folder.parts[1], started=identity)


@pytest.fixture
def runs(empty_folder):
    """A sweep of two runs, a newer one in another experiment that failed, and the newest, of other data."""
    for number in range(2):
        made(SWEEP / str(number), number, at=number)
    write_sweep(SWEEP, [job(0), job(1)])
    made(RUNS / "other" / "2026-01-02_10-00-00-gmm-iris", 2, status="failed", at=100.0)
    made(RUNS / "other" / "2026-01-03_10-00-00-gmm-wine", 3, dataset="wine", k=3, at=200.0)
    return empty_folder


def listed(main, *arguments):
    """The lines of the table, each split into words."""
    return [line.split() for line in main("runs", *arguments).out.splitlines() if line]


def test_the_newest_come_first_with_what_differs_and_the_main_metric(runs, gradmix_main):
    head, *rows = listed(gradmix_main)
    assert head == [
        "run",
        "dataset",
        "n_components",
        "seed",
        "bic",
        "status",
        "took",
        "began",
    ]  # tol is the same in all
    assert [row[0] for row in rows[:4]] == [key(number)[:8] for number in (3, 2, 1, 0)]
    assert rows[0][:6] == [key(3)[:8], "wine", "3", "3", "103", "finished"]
    assert rows[1][4] == "failed"
    assert rows[4] == [f"{key(2)[:8]}:", "it", "broke"]


def test_the_name_of_each_run_finds_it(runs, gradmix_main):
    retried = made(RUNS / "other" / "2026-01-04_10-00-00-gmm-iris", 2, at=300.0, run_id="ab" * 16)
    failed = RUNS / "other" / "2026-01-02_10-00-00-gmm-iris"
    by_status = {row[5 if len(row) > 7 else 4]: row[0] for row in listed(gradmix_main, "seed=2")[1:3]}
    assert {find_run(name, RUNS) for name in by_status.values()} == {retried, failed}


def test_mlflow_and_pandas_are_not_loaded(runs, gradmix_main, monkeypatch):
    for module in ("mlflow", "pandas"):
        monkeypatch.setitem(sys.modules, module, None)  # an import of it fails
    gradmix_main("runs")


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (["last"], [1, 0]),
        (["other"], [3, 2]),
        (["trial", "other", "trial"], [3, 2, 1, 0]),
        (["dataset=iris"], [2, 1, 0]),
        (["n_components=3,2", "seed=0,3"], [3, 0]),
        (["k=3"], [3]),
        (["clusterer.tol=0.000001", "other"], [3, 2]),
        (["--status", "failed"], [2]),
        (["--status", "failed", "finished", "--limit", "2"], [3, 2]),
        (["--limit", "0"], [3, 2, 1, 0]),
    ],
)
def test_runs_are_chosen_by_where_they_are_what_they_are_and_how_they_ended(runs, gradmix_main, arguments, numbers):
    names = [row[0] for row in listed(gradmix_main, *arguments)[1:] if len(row[0]) == 8]
    assert names == [key(number)[:8] for number in numbers]


def test_metrics_are_shown_as_asked_for(runs, gradmix_main):
    head, row, *_ = listed(gradmix_main, "last", "--metric", "n_iter", "time.seconds")
    assert head[2:4] == ["n_iter", "time.seconds"]
    assert row[2:5] == ["7", "250", "ms"]


def test_runs_of_several_metrics_name_each(runs, gradmix_main):
    write_run(RUNS / "other" / "2026-01-05_10-00-00-dual", {"differentiator": "dual"}, {"error": 0.5}, at=500.0)
    head, row, *_ = listed(gradmix_main)
    assert "metric" in head
    assert row[row.index("error") :][:2] == ["error", "0.5"]


def test_a_sweep_lists_the_results_that_it_took_from_another(runs, gradmix_main):
    later = RUNS / "trial" / "2026-01-09_10-00-00-sweep"
    write_sweep(later, [job(0, folder=f"../{SWEEP.name}/1", reused=True)], at=900.0)
    (row,) = listed(gradmix_main, "last")[1:]
    assert row[0] == key(1)[:8]
    assert "(reused)" in row


def test_sweeps_are_listed_instead(runs, gradmix_main):
    head, row = listed(gradmix_main, "--sweeps")
    assert head[0] == "sweep"
    assert row[0] == f"trial/{SWEEP.name}"


def test_json_has_all_of_each_run(runs, gradmix_main):
    found = json.loads(gradmix_main("runs", "--json").out)
    assert [run["run_key"] for run in found] == [key(number) for number in (3, 2, 1, 0)]
    assert found[0]["metrics"] == {"n_iter": 7.0, "bic": 103.0, "time.seconds": 0.25}
    assert found[0]["params"]["dataset"] == "wine"
    assert found[1]["error"] == "it broke"
    assert found[3]["folder"] == str(SWEEP / "0")


def test_csv_has_a_row_for_each(runs, gradmix_main):
    rows = list(csv.DictReader(io.StringIO(gradmix_main("runs", "--csv", "-").out)))
    assert [row["run_key"] for row in rows] == [key(number) for number in (3, 2, 1, 0)]
    assert rows[0]["began"] == "2023-11-14T22:16:40Z"
    gradmix_main("runs", "last", "--csv", "runs.csv")
    assert len(Path("runs.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["cluter=gmm"], "Did you mean clusterer?"),
        (["dataset=irsi"], "Did you mean iris? There are: iris, wine."),
        (["--status", "fail"], "Did you mean failed?"),
        (["--metric", "bik"], "Did you mean bic?"),
        (["trail"], "Did you mean trial?"),
        (["--status", "running"], "none of the 4 runs matches"),
        (["--limit", "-1"], "--limit must be 0 or more"),
        (["--runs-dir", "none"], "there are no runs in none"),
    ],
)
def test_what_matches_nothing_is_an_error_with_what_is_near(runs, gradmix_main, arguments, complaint):
    assert complaint in gradmix_main("runs", *arguments, code=2).err


def test_a_narrow_terminal_gets_what_differs_in_one_column(runs, gradmix_main, monkeypatch):
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    monkeypatch.setenv("COLUMNS", "60")
    lines = re.sub(r"\x1b\[[\d;]*m", "", gradmix_main("runs").out).splitlines()
    assert all(len(line) <= 60 for line in lines)
    assert "wine, n_components=3," in lines[1]


def test_of_a_thousand_journals_each_is_opened_as_few_times_as_for_one(empty_folder, gradmix_main, opened):
    for number in range(30):
        made(RUNS / "many" / f"{number}-gmm", number, at=number)
    opened.clear()
    gradmix_main("runs", "--limit", "1")
    journal = os.path.realpath(RUNS / "many" / "3-gmm" / "journal.jsonl")
    assert opened.count(journal) <= 2
