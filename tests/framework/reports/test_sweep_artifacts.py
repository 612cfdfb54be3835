import csv

from gradmix.reports.sweep_artifacts import write_sweep_artifacts
from made_journals import write_run, write_seeds, write_sweep


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
