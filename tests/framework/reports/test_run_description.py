"""`gradmix show`: what a journal says of one run, on a page."""

import json
from pathlib import Path

import pytest

from gradmix.journal.reading import read_run
from gradmix.reports.run_description import print_run
from made_journals import job, write_run, write_sweep

RUN = Path("runs") / "trial" / "2026-01-01_10-00-00-a"
SAID = {
    "run_key": "ab" * 32,
    "plugins": {"task": "gradmix 0.2.0 (1)", "clusterer": "nearest-median 1.5 (2)"},
    "environment": {"gradmix": "0.2.0", "python": "3.11.7", "numpy": "2.4.6", "machine": "Linux x86_64"},
    "metrics": {"bic": {"better": "lower", "unit": "", "meaning": ""}},
    "ranking": ["bic"],
    "overrides": ["clusterer=nearest_median"],
    "arguments": ["clusterer=nearest_median", "dataset=my data"],
    "user": "ada",
    "git": {"commit": "c0ffee", "branch": "main", "dirty": True},
}
INPUTS = [{"name": "flowers", "digest": "d1", "rows": 9, "columns": [["a", "float64"]], "source": "flowers.csv"}]


@pytest.fixture
def shown(empty_folder, capsys, monkeypatch):
    """Name → value of the rows that are printed for a run or a sweep."""
    monkeypatch.setenv("COLUMNS", "200")

    def show(folder):
        print_run(read_run(folder))
        return dict(line.strip().split("  ", 1) for line in capsys.readouterr().out.splitlines() if "  " in line)

    return lambda folder: {name: value.strip() for name, value in show(folder).items()}


def test_a_run_says_what_it_computed_with_what_and_where(shown):
    write_run(RUN, {"seed": 1}, {"time.seconds": 0.5, "n_iter": 7.0, "bic": 12.5}, started=SAID)
    (RUN / "artifacts").mkdir()
    (RUN / "artifacts" / "fit.png").touch()
    (RUN / "tracked.json").write_text(json.dumps({"uri": "sqlite:///s.db", "run_id": "77", "size": 1, "time": 1.0}))
    rows = shown(RUN)
    assert rows["run key"] == "ab" * 32
    assert rows["status"] == "finished"
    assert rows["options"] == "clusterer=nearest_median"  # as asked for: the plugin is not here to say its defaults
    assert [name for name in rows if name in ("bic", "n_iter", "time.seconds")] == ["bic", "n_iter", "time.seconds"]
    assert rows["versions"] == "gradmix 0.2.0, python 3.11.7, numpy 2.4.6"
    assert rows["plugins"] == "clusterer of nearest-median 1.5 (2)"
    assert rows["user"] == "ada"
    assert rows["commit"] == "c0ffee with changes"
    assert rows["command"] == "gradmix run clusterer=nearest_median 'dataset=my data'"
    assert rows["files"] == "fit.png"
    assert rows["MLflow"] == "run 77 in sqlite:///s.db"
    assert rows["began"].startswith("2023-11-1")


def test_its_data_are_named_with_their_size_and_digest(shown):
    write_run(RUN, {"seed": 1}, status="killed", result={"metrics": {"bic": 1.0}, "inputs": INPUTS}, started=SAID)
    assert shown(RUN)["data"] == "flowers, 9 rows of 1 columns from flowers.csv, digest d1"


def test_an_old_journal_has_fewer_rows(shown):
    write_run(RUN, {"seed": 1}, {"bic": 1.0})
    assert not {"user", "commit", "command", "MLflow", "versions", "data"} & shown(RUN).keys()


def test_a_sweep_says_how_many_are_done_and_what_is_best(shown):
    sweep = RUN.with_name("2026-01-01_10-00-00-sweep")
    write_sweep(
        sweep, [job(0), {"event": "result", "metrics": {"done": 1, "failed": 0, "best": 2.5}, "best": "bic 2.5: a"}]
    )
    rows = shown(sweep)
    assert (rows["done"], rows["failed"], rows["best"]) == ("1", "0", "bic 2.5: a")
    assert "options" not in rows
