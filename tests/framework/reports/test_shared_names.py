"""Options of different components with one meaning are compared under the alias that they share."""

import csv
import io
from pathlib import Path

import pytest

from gradmix import UnknownNameError
from gradmix.journal.reading import Run
from gradmix.notebook.results import table_of
from gradmix.reports.comparison import compare
from gradmix.reports.run_rows import run_records, save_csv
from gradmix.reports.sentences import headline
from gradmix.tracking.view import _params

OWN = {"gmm": "n_components", "kmeans": "n_clusters"}


def run(clusterer, k, seed=0, bic=None):
    own = f"clusterer.{OWN[clusterer]}"
    started = {
        "params": {"clusterer": clusterer, own: k, "seed": seed},
        "parts": {"clusterer": {"kind": "clusterer", "role": "algorithm"}},
        "seeds": ["seed"],
        "metrics": {"bic": {"better": "lower"}},
        "aliases": {own: "clusterer.k"},
        "label": f"{clusterer} {k}",
    }
    value = (100.0 if clusterer == "gmm" else 110.0) + 5 * k + seed
    return Run(Path("x"), "finished", started, {"bic": value if bic is None else bic})


RUNS = [run(clusterer, k, seed) for clusterer in OWN for k in (2, 3) for seed in range(6)]


def test_a_grid_over_two_components_is_compared_at_the_same_k():
    comparison = compare(RUNS)
    assert comparison.factors.choices == ("clusterer", "clusterer.k")
    assert headline(comparison)[0].startswith("gmm, k=2 is best")
    effects = {each.factor: each.difference for each in comparison.effects}
    assert effects.keys() == {"clusterer", "clusterer.k"}
    assert effects["clusterer"].n_conditions == 2  # at each of the two values of k
    assert effects["clusterer"].estimate.median == pytest.approx(10.0)
    assert [group.settings["clusterer.k"] for group in comparison.groups].count(2) == 2


def test_a_name_that_all_runs_have_stays():
    runs = [each for each in RUNS if each.params["clusterer"] == "gmm"]
    assert compare(runs).factors.choices == ("clusterer.n_components",)


@pytest.mark.parametrize("key", ["k", "clusterer.k", "n_components", "clusterer.n_clusters"])
def test_each_name_of_an_option_finds_it(key):
    assert compare(RUNS, by=[key]).factors.choices == ("clusterer.k",)
    one = [each for each in RUNS if each.params["clusterer"] == "gmm"]
    if "clusters" not in key:
        assert compare(one, by=[key]).factors.choices == ("clusterer.n_components",)
    with pytest.raises(UnknownNameError, match="no run has a parameter"):
        compare(RUNS, by=["kk"])


def test_tables_have_the_alias_beside_the_options_own_names(tmp_path):
    table = table_of(RUNS)
    assert {"clusterer.k", "clusterer.n_components", "clusterer.n_clusters"} < set(table.columns)
    assert table["clusterer.k"].tolist() == [each.params[f"clusterer.{OWN[each.params['clusterer']]}"] for each in RUNS]
    assert table.pivot_table(index="clusterer.k", columns="clusterer", values="bic").shape == (2, 2)
    save_csv(run_records(RUNS), tmp_path / "runs.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "runs.csv").read_text())))
    assert [row["clusterer.k"] for row in rows] == [str(k) for k in table["clusterer.k"]]
    assert {row["clusterer.n_clusters"] for row in rows} == {"", "2", "3"}


def test_mlflow_has_the_alias_of_an_option_that_was_given_by_it():
    job = run("kmeans", 3)
    assert "clusterer.k" not in _params(job)
    job = Run(job.folder, job.status, {**job.started, "overrides": ["clusterer=kmeans", "clusterer.k=3"]})
    assert _params(job) == {**job.params, "clusterer.k": 3}
