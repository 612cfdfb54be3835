"""The saved view of an experiment: the metrics that matter are columns of its list of runs."""

import json
from urllib.parse import parse_qs

from gradmix.config.spec import Tracking
from gradmix.journal.reading import read_run
from gradmix.tracking.columns import TAG, VIEW, columns_of, path_to, with_columns
from gradmix.tracking.ingest import sync
from made_journals import write_run, write_sweep

DECLARED = {
    "parts": {
        "clusterer": {"kind": "clusterer", "role": "algorithm"},
        "dataset": {"kind": "dataset", "role": "given"},
        "engine": {"kind": "engine", "role": "engine"},
    },
    "metrics": {
        "bic": {"better": "lower"},
        "n_iter": {},
        "adjusted_rand_index": {"better": "higher"},
        "time.seconds": {"better": "lower", "is_cost": True},
    },
    "ranking": ["adjusted_rand_index", "bic", "n_iter"],
}
METRICS = {"bic": 1.0, "adjusted_rand_index": 0.5, "n_iter": 3.0, "time.seconds": 0.1, "time.load": 0.1}
COLUMNS = [
    "metrics.`adjusted_rand_index`",
    "metrics.`bic`",
    "metrics.`time.seconds`",
    "params.`clusterer`",
    "params.`dataset`",
]


def columns(view):
    return json.loads(json.loads(view)["state"])["selectedColumns"]


def test_what_runs_are_ranked_by_their_time_and_their_components_are_seen(tmp_path):
    assert sorted(columns_of(read_run(write_run(tmp_path / "a", metrics=METRICS, started=DECLARED)))) == COLUMNS
    assert not columns_of(read_run(write_run(tmp_path / "b", status="failed", started=DECLARED)))
    assert not columns_of(read_run(write_sweep(tmp_path / "x" / "c", [])))


def test_columns_are_added_in_any_order_and_a_view_of_the_users_own_stays():
    both = with_columns(with_columns("", ["b"]), ["a"])
    assert both == with_columns(with_columns("", ["a"]), ["b", "a"])
    assert columns(both) == ["a", "b"]
    for own in ('{"name": "mine", "state": "deflate;eJw="}', "deflate;eJw="):
        assert with_columns(own, ["a"]) == own


def test_an_experiment_has_the_view_once_a_run_is_in(folder_with_store, client):
    write_run(folder_with_store / "runs" / "curves" / "a", {"clusterer": "gmm"}, METRICS, started=DECLARED)
    assert not sync(folder_with_store / "runs", Tracking()).errors
    tags = client.get_experiment_by_name("curves").tags
    assert columns(tags[TAG]) == COLUMNS
    assert json.loads(tags[TAG])["name"] == "results"


def test_the_address_of_an_experiment_opens_the_view_of_runs_with_its_columns():
    _, _, query = path_to("7").partition("?")
    assert parse_qs(query) == {"workflowType": ["machine_learning"], "viewStateShareKey": [VIEW]}
