"""Tables and pictures for papers: LaTeX compiles, numbers are whole, every median stands with n and its interval."""

import csv
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pyarrow import parquet

from conftest import HANGS
from gradmix import ConfigError, StorageError, UnknownNameError
from gradmix.notebook import compare
from gradmix.reports.paper_table import PaperTable, as_latex, as_markdown
from made_journals import job, write_run, write_seeds, write_sweep

RUNS = Path("runs")
SWEEP = RUNS / "trial" / "2026-01-01_10-00-00-sweep"
ODD = r"a&b_c%d#e$f{g}h~i^j\k<l>m|n[o]p"


@pytest.fixture
def sweep(empty_folder):
    """Two clusterers with eight seeds each; the name of one has all signs that LaTeX takes for its own."""
    return write_seeds(SWEEP, {"gmm": lambda seed: 1234.5678 + seed / 10, ODD: lambda seed: -1e-7 * (1 + seed)})


def exported(suffix, **options):
    return compare(runs_dir=RUNS).export(f"table{suffix}", **options)


def test_latex_is_a_tabular_of_booktabs_with_all_signs_escaped(sweep):
    lines = exported(".tex").read_text().splitlines()
    assert r"% \usepackage{booktabs}" in lines
    body = [line for line in lines if not line.startswith("%")]
    assert body[0].startswith(r"\begin{tabular}")
    assert body[-1] == r"\end{tabular}"
    assert [line for line in body if line.endswith("rule")] == [r"\toprule", r"\midrule", r"\bottomrule"]
    rows = [line for line in body if line.endswith(r"\\")]
    letters = re.search(r"@\{\}([lr]+)@", body[0])[1]
    assert {len(re.split(r"(?<!\\)&", row)) for row in rows} == {len(letters)}
    assert r"a\&b\_c\%d\#e\$f\{g\}h\textasciitilde{}i\textasciicircum{}j\textbackslash{}k" in rows[1]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX is not installed")
@pytest.mark.processes
@pytest.mark.parametrize("options", [{}, {"runs": True}], ids=["groups", "runs"])
def test_latex_compiles(sweep, options):
    exported(".tex", **options)
    Path("paper.tex").write_text(
        "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n\\input{table}\n\\end{document}\n"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=HANGS, check=False)
    assert ended.returncode == 0, ended.stdout
    assert "Missing character" not in Path("paper.log").read_text(errors="replace")


def test_every_median_stands_with_n_and_its_interval_in_digits_that_this_bears_out(sweep):
    table = exported(".tex").read_text()
    assert r" & 8 & 1234.918 {[}1234.568, 1235.268{]} & " in table  # the width is 0.7
    assert r"\textbf{$-$4.50$\times$10$^{-7}$ {[}$-$8.00$\times$10$^{-7}$, $-$1.00$\times$10$^{-7}${]}}" in table
    assert "[ ] 95 % interval of the median" in table


def test_a_median_of_other_than_one_value_a_run_says_of_how_many(empty_folder):
    for number in range(3):
        metrics = {"bic": 1.0 + number, "error": 2.0} if number else {"bic": 1.0}
        write_run(SWEEP / str(number), {"seed": number, "clusterer": "gmm"}, metrics)
    write_sweep(SWEEP, [job(number) for number in range(3)])
    assert "2 (n = 2)" in compare(runs_dir=RUNS, metrics=["bic", "error"]).export("t.md").read_text()


def test_markdown_is_a_table_of_text(sweep):
    lines = exported(".md").read_text().splitlines()
    assert lines[1].count("---") == lines[0].count("|") - 1
    assert r"a&b\_c%d#e$f{g}h\~i^j\\k&lt;l&gt;m\|n\[o\]p" in lines[2]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_numbers_are_written_in_full_with_n_and_both_ends(sweep, suffix):
    path = exported(suffix)
    if suffix == ".csv":
        rows = [row | {"n": int(row["n"])} for row in csv.DictReader(path.open())]
    else:
        rows = parquet.read_table(path).to_pylist()
    (row,) = [row for row in rows if row["clusterer"] == "gmm"]
    assert (row["metric"], row["n"], row["interval"]) == ("bic", 8, "95 %")
    assert float(row["median"]) == pytest.approx(1234.9178, abs=1e-12)
    assert [float(row[end]) for end in ("low", "high")] == pytest.approx([1234.5678, 1235.2678], abs=1e-12)


def test_parquet_of_runs_keeps_types_and_takes_mixed_values_as_text(empty_folder):
    for number, value in enumerate([1, "auto", None, [2, 3]]):
        write_run(SWEEP / str(number), {"seed": number, "clusterer.mixed": value}, {"bic": 0.1 + number})
    write_sweep(SWEEP, [job(number) for number in range(4)])
    table = parquet.read_table(exported(".parquet", runs=True)).to_pydict()
    assert table["clusterer.mixed"] == ["1", "auto", None, "[2, 3]"]
    assert table["seed"] == [0, 1, 2, 3]
    assert table["bic"] == [0.1, 1.1, 2.1, 3.1]
    assert set(table["status"]) == {"finished"}


@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<?xml"), (".pdf", b"%PDF"), (".png", b"\x89PNG")])
def test_pictures_are_drawn_and_the_same_each_time(sweep, suffix, start):
    first = exported(suffix).read_bytes()
    assert first.startswith(start)
    assert exported(suffix).read_bytes() == first


def test_another_figure_of_the_page_is_drawn(empty_folder):
    write_seeds(SWEEP, {"gmm": float, "kmeans": float}, curve=(-3.0, -2.0, -1.0))
    assert exported(".svg", figure="curves").read_bytes().startswith(b"<?xml")
    with pytest.raises(UnknownNameError, match=r"no figure 'curvs' of these runs\. Did you mean curves\?"):
        exported(".pdf", figure="curvs")


def test_what_cannot_be_written_is_an_error(sweep):
    with pytest.raises(ConfigError, match=r"must end in one of \.tex, \.md, \.csv, \.parquet, \.svg, \.pdf, \.png"):
        exported(".docx")
    with pytest.raises(ConfigError, match=r"file must end in one of \.svg, \.pdf, \.png"):
        exported(".tex", figure="curves")
    write_run(RUNS / "other" / "single", {"seed": 1}, {}, at=9.0)
    with pytest.raises(StorageError, match="nothing to draw"):
        compare("single", runs_dir=RUNS).export("none.pdf")


def test_a_table_of_any_text_keeps_its_cells_apart():
    table = PaperTable([("a", "text"), ("b", "number")], [[["x\ny", "-1e-05"], ["[z]", ""]]])
    assert as_latex(table, "two\nlines").splitlines()[-4:-2] == [r"x y & $-$1$\times$10$^{-5}$ \\", r"{[}z{]} &  \\"]
    assert as_markdown(table, "").splitlines()[2] == "| x y | -1e-05 |"
