import csv
import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from gradmix.cli.compare import main
from gradmix.reports import comparison_table
from gradmix.reports.comparison import compare
from gradmix.sweeps.selection import select
from made_journals import job, write_run, write_seeds, write_sweep

RUNS = Path("runs")


@pytest.fixture
def sweep(empty_folder):
    """A sweep in which gmm is better by exactly ten, over eight seeds."""
    return write_seeds(
        RUNS / "exp" / "2026-01-01_00-00-00-sweep", {"kmeans": lambda s: 20.0 + s, "gmm": lambda s: 10.0 + s}
    )


def test_the_answer_comes_first(gradmix_main, sweep):
    out, err = gradmix_main("compare")
    assert err == ""
    lines = out.splitlines()
    assert lines[0].startswith("exp/2026-01-01_00-00-00-sweep · 16 runs: 16 finished, repeated over 8 values of seed")
    assert lines[1] == "all with task=cluster"
    assert "gmm is best by bic: 13.5, the median of 8 runs (lower is better)." in lines
    assert "Next: kmeans, +10 (worse, 8 pairs, the same in each)." in lines
    rows = [line.split() for line in lines if line.startswith(("1 ", "2 "))]
    assert rows[0] == ["1", "gmm", "8", "13.5", "[10,", "17]", "best"]
    assert rows[1] == ["2", "kmeans", "8", "23.5", "[20,", "27]", "+10", "worse"]


@pytest.mark.slow
def test_a_real_sweep_is_compared(gradmix_main, empty_folder):
    gradmix_main(
        *("run", "-m", "task=differentiate", "differentiator=dual,finite_difference", "problem=heron,cubic"),
        *("seed=range(2)", "pictures=false", "tracking=none", "hydra/launcher=basic"),
    )
    out, _ = gradmix_main("compare", "differentiate", "--html", "page.html")
    assert "dual is best, or level with the best, on 2 of 2 problems, by derivative_error (lower is better)." in out
    assert "The others: finite_difference on none of 2." in out
    assert Path("page.html").read_text(encoding="utf-8").count("<svg") >= 2


@pytest.mark.slow
def test_a_degenerate_mixture_is_never_the_best(gradmix_main, empty_folder):
    """On iris, BIC has its best value where a component has collapsed onto few rows; mclust chooses two components."""
    out, _ = gradmix_main(
        *("run", "-m", "dataset=iris", "clusterer.n_components=2,3,5", "clusterer.init_params=random_from_data"),
        *("seed=0", "pictures=false", "tracking=none", "hydra/launcher=basic"),
    )
    metrics = {
        path.parent.name: json.loads(line)["metrics"]
        for path in RUNS.rglob("[0-9]/journal.jsonl")
        for line in path.read_text().splitlines()
        if '"event": "result"' in line
    }
    assert metrics["2"]["n_collapsed"] == 1
    (marked,) = (line for line in out.splitlines() if "invalid" in line)
    assert re.match(r"3/3  clusterer.n_components=5  bic [\d.]+ \(invalid: n_collapsed 1\)  ", marked)
    assert metrics["2"]["bic"] < metrics["0"]["bic"]
    (sweep,) = (path for path in RUNS.rglob("journal.jsonl") if path.parent.name.endswith("sweep"))
    assert '"best": "bic 574.018: clusterer.n_components=2"' in sweep.read_text()
    out, _ = gradmix_main("compare", "--csv", "runs.csv")
    assert "n_components=2 is best by bic: 574.018" in out
    rows = list(csv.DictReader(io.StringIO(Path("runs.csv").read_text())))
    assert [float(row["bic"]) for row in rows] == [metrics[number]["bic"] for number in "012"]


def test_nothing_is_written_but_what_was_asked_for(gradmix_main, sweep):
    before = {path: path.stat().st_mtime_ns for path in RUNS.rglob("*")}
    gradmix_main("compare", "--html", "page.html", "--csv", "runs.csv")
    assert {path: path.stat().st_mtime_ns for path in RUNS.rglob("*")} == before
    assert sorted(path.name for path in Path().iterdir()) == ["page.html", "runs", "runs.csv"]


def test_csv_has_a_row_for_each_run_with_numbers_in_full(gradmix_main, empty_folder):
    folder = RUNS / "exp" / "2026-sweep"
    label = 'a "quoted", long\nlabel'
    write_run(folder / "0", {"seed": 0, "a": label}, {"bic": 0.1 + 0.2, "x": "nan"})
    mark = {"uri": "http://server:99/", "experiment_id": "3", "run_id": "abc"}
    (folder / "0" / "tracked.json").write_text(json.dumps(mark))
    write_run(folder / "1", {"seed": 1, "a": "b", "c": None}, status="failed")
    write_sweep(folder, [job(0), job(1, status="failed", error="it broke")])
    out, _ = gradmix_main("compare", "--csv", "-")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (rows[0]["a"], float(rows[0]["bic"]), rows[0]["x"]) == (label, 0.1 + 0.2, "nan")
    assert rows[0]["mlflow"] == "http://server:99/#/experiments/3/runs/abc"
    assert (rows[1]["status"], rows[1]["error"], rows[1]["bic"]) == ("failed", "it broke", "")
    assert rows[1]["folder"] == str(folder / "1")


def test_damaged_journals_are_named_and_cost_only_themselves(gradmix_main, sweep):
    for number, (old, new) in enumerate([('"format": 1', '"format": 7'), ('"event": "result"', '"event" "result"')]):
        path = sweep / str(number) / "journal.jsonl"
        path.write_text(path.read_text().replace(old, new))
    cut = sweep / "2" / "journal.jsonl"
    cut.write_bytes(cut.read_bytes()[:-5])
    out, err = gradmix_main("compare")
    assert "14 finished, 2 unreadable" in out
    assert f"{sweep}/0/journal.jsonl was written by a newer gradmix (format 7)" in err
    assert f"line 2 of the journal {sweep}/1/journal.jsonl is not a valid event" in err
    assert "gmm is best" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["exq"], 2, "Did you mean exp?"),
        (["--metric", "bik"], 2, "no run has a metric 'bik'. Did you mean bic?"),
        (["--by", "clusterers"], 2, "no run has a parameter 'clusterers'. Did you mean clusterer?"),
        (["--over", "sed"], 2, "Did you mean seed?"),
        (["--runs-dir", "nowhere"], 2, "there are no runs in nowhere"),
        (["--html", "exists/page.html"], 1, "cannot read or write exists"),
        (["--nonsense"], 2, "unrecognized arguments"),
    ],
)
def test_errors_are_one_clear_message(gradmix_main, sweep, arguments, code, message):
    Path("exists").touch()
    _, err = gradmix_main("compare", *arguments, code=code)
    assert message in err


def test_a_sweep_over_nothing_is_told(gradmix_main, empty_folder):
    write_sweep(RUNS / "exp" / "2026-sweep", [], n_planned=3, ended=False)
    _, err = gradmix_main("compare", code=2)
    assert "nothing to compare" in err


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_number_is_cut_at_any_width(empty_folder, width, monkeypatch):
    metrics = {"bic": 12345.678, "log_likelihood": -1234.56, "time.seconds": 0.0123, "n_iter": 17.0}
    for number in range(16):
        params = {"clusterer": f"algorithm_{number % 4}", "clusterer.n_components": 1 + number % 2, "seed": number // 4}
        write_run(
            RUNS / "exp" / "2026-sweep" / str(number), params, {name: value + number for name, value in metrics.items()}
        )
    write_sweep(RUNS / "exp" / "2026-sweep", [job(number) for number in range(16)])
    console = Console(width=width, record=True, force_terminal=True, file=io.StringIO())
    monkeypatch.setattr(comparison_table, "make_console", lambda: console)
    comparison_table.print_comparison(compare(select([], RUNS).runs), "title")
    text = re.sub(r"\x1b\[[0-9;]*m", "", console.export_text())
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for group in range(4):
        assert f"algorithm_{group}" in text
    assert f"{12345.678 + 6:.6g}" in text


def test_a_reader_that_went_away_is_not_taken_for_a_page_that_cannot_be_written(sweep, monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            if "page.html" in text:
                raise BrokenPipeError
            return super().write(text)

    monkeypatch.setattr("sys.stdout", Gone())
    with pytest.raises(BrokenPipeError):
        main(["--html", "page.html"])
    assert Path("page.html").exists()


def test_help_has_examples(gradmix_main):
    out, _ = gradmix_main("compare", "--help")
    assert "gradmix compare --metric loss:lower" in out
    assert "2 if nothing could be compared" in out


def test_each_journal_is_opened_as_often_however_many_there_are(gradmix_main, empty_folder, opened):
    counts = []
    for n_runs in (20, 80):
        folder = RUNS / "exp" / f"2026-{n_runs}-sweep"
        for number in range(n_runs):
            params = {"clusterer": "gmm", "clusterer.n_components": number % 5, "seed": number // 5}
            write_run(
                folder / str(number), params, {"bic": float(number)}, curve=[-1.0 / step for step in range(1, 11)]
            )
        write_sweep(folder, [job(number) for number in range(n_runs)])
        opened.clear()
        gradmix_main("compare", str(folder), "--html", "page.html")
        counts.append(
            max(opened.count(str((folder / str(number) / "journal.jsonl").resolve())) for number in range(n_runs))
        )
    assert 1 <= counts[0] == counts[1] <= 3
