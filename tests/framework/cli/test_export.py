"""`gradmix export`: files for a paper, chosen as for a comparison."""

from pathlib import Path

import pytest

from made_journals import write_seeds

SWEEP = Path("runs") / "trial" / "2026-01-01_10-00-00-sweep"


@pytest.fixture
def sweep(empty_folder):
    """A sweep over two clusterers and seeds."""
    return write_seeds(SWEEP, {"gmm": float, "kmeans": lambda seed: seed + 3.0})


def test_several_files_of_a_selection_are_written_and_named(sweep, gradmix_main):
    out = gradmix_main("export", "a.tex", "sub/b.csv", "c.svg", "trial", "--metric", "bic:higher").out
    assert out.splitlines() == ["a.tex", "sub/b.csv", "c.svg"]
    assert r"\textbf{6.50 {[}3.00, 10.00{]}}" in Path("a.tex").read_text()  # k-means is best if higher is better
    assert Path("sub/b.csv").read_text().startswith("clusterer,rank,metric")


def test_runs_are_a_row_each(sweep, gradmix_main):
    gradmix_main("export", "runs.csv", "--runs")
    assert len(Path("runs.csv").read_text().splitlines()) == 17


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(["a.doc"], "must end in one of"), (["a.tex", "trail"], "Did you mean trial?"), ([], "FILE")],
)
def test_what_cannot_be_exported_is_an_error(sweep, gradmix_main, arguments, complaint):
    assert complaint in gradmix_main("export", *arguments, code=2).err
