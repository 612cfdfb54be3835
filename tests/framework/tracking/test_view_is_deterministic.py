"""The same journals give the same store, to the last cell of every table."""

import dataclasses
import sqlite3
from pathlib import Path

from gradmix.config.spec import Tracking, read_spec
from gradmix.journal.reading import read_run
from gradmix.journal.writing import Journal
from gradmix.runs.runner import Order, execute
from gradmix.tracking.ingest import Ingester, sync
from tracked import brought

RUNS = Path("runs")
TRACKING = Tracking()


def run(folder, sweep=None, **config):
    folder.mkdir(parents=True)
    spec = read_spec(
        {
            "name": "trial",
            "task": {"name": "cluster"},
            "clusterer": {"name": "gmm", "n_init": 2, "random_state": 0},
            "dataset": {"name": "old_faithful", "standardise": True},
            "tracking": {"system_metrics": True},
            **config,
        }
    )
    return execute(Order(spec, folder, sweep))


def journals_of_every_kind():
    sweep = RUNS / "trial" / "sweep"
    sweep.mkdir(parents=True)
    book = Journal(sweep)
    book.write("started", format=1, run_id="sweep", name="trial", label="sweep", kind="sweep")
    run(sweep / "0", sweep="sweep")
    run(sweep / "1", sweep="sweep", clusterer={"name": "kmeans", "random_state": 0})
    book.write("result", metrics={"done": 2})
    book.write("finished")
    book.close()
    run(RUNS / "trial" / "single")
    run(RUNS / "trial" / "failed", clusterer={"name": "gmm", "n_components": 300})
    killed = RUNS / "trial" / "killed"
    killed.mkdir()
    book = Journal(killed)
    book.write("started", format=1, run_id="killed", name="trial", label="killed")
    book.write("iteration", start=0, step=1, metrics={"log_likelihood": -3.0})
    book.close()


def dump(path=RUNS / "mlflow.db"):
    """Every row of every table."""
    with sqlite3.connect(path) as store:
        names = [name for (name,) in store.execute("select name from sqlite_master where type = 'table'")]
        names.remove("experiment_tags")  # has the time of the last ingestion
        return {name: sorted(map(repr, store.execute(f"select * from {name}"))) for name in names}


def files(folder=RUNS / "mlflow-artifacts"):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def forget():
    for mark in RUNS.rglob("tracked.json"):
        mark.unlink()


def test_ingesting_again_with_the_marks_deleted_changes_no_cell_and_no_file(client):
    journals_of_every_kind()
    assert brought(RUNS, TRACKING) == (5, [])  # two of six computed the same
    before, files_before = dump(), files()
    filled = {"runs", "metrics", "latest_metrics", "params", "tags", "inputs", "datasets", "input_tags"}
    assert all(before[name] for name in filled)
    assert files_before
    forget()
    assert brought(RUNS, TRACKING) == (0, [])
    after = dump()
    assert {name for name in before if after[name] != before[name]} == set()
    assert files() == files_before


def test_every_time_of_a_run_is_the_journals(client):
    journals_of_every_kind()
    sync(RUNS, TRACKING)
    with sqlite3.connect(RUNS / "mlflow.db") as store:
        columns = {"runs": "start_time", "runs ": "end_time", "metrics": "timestamp", "latest_metrics": "timestamp"}
        shown = {
            time for table, column in columns.items() for (time,) in store.execute(f"select {column} from {table}")
        }
    records = [read_run(path.parent) for path in RUNS.rglob("journal.jsonl")]
    assert shown <= {round(1000 * event["time"]) for record in records for event in record.events}
    assert len(shown) > len(records)


def test_a_run_without_a_note_is_found(client):
    run(RUNS / "trial" / "single")
    sync(RUNS, TRACKING)
    forget()
    Ingester(TRACKING).bring_in(RUNS / "trial" / "single")
    assert len(dump()["runs"]) == 1


def test_a_run_that_was_seen_running_and_then_killed_is_closed(client):
    folder = RUNS / "trial" / "live"
    folder.mkdir(parents=True)
    book = Journal(folder)
    book.write("started", format=1, run_id="live", name="trial", label="live")
    book.write("iteration", start=0, step=1, metrics={"log_likelihood": -3.0})
    sync(RUNS, TRACKING)
    (seen,) = client.search_runs([client.get_experiment_by_name("trial").experiment_id])
    assert seen.info.status == "RUNNING"
    book.close()  # its process has gone, and left no end
    sync(RUNS, TRACKING)
    (seen,) = client.search_runs([client.get_experiment_by_name("trial").experiment_id])
    assert (seen.info.status, seen.data.tags["gradmix.status"]) == ("KILLED", "killed")
    assert seen.info.end_time == round(1000 * read_run(folder).last_time)
    assert brought(RUNS, TRACKING) == (0, [])


def test_a_running_run_becomes_whole_when_it_ends(client):
    folder = RUNS / "trial" / "live"
    folder.mkdir(parents=True)
    book = Journal(folder)
    book.write("started", format=1, run_id="live", name="trial", label="live", sweep="s")
    sync(RUNS, TRACKING)
    (folder / "artifacts").mkdir()
    (folder / "artifacts" / "model.json").write_text('{"clusterer": {}, "model": {}}')
    book.write("result", metrics={"bic": 1.0}, inputs=[dataclasses.asdict(told())])
    book.write("finished")
    book.close()
    sync(RUNS, TRACKING)
    (seen,) = client.search_runs([client.get_experiment_by_name("trial").experiment_id])
    assert seen.info.status == "FINISHED"
    assert "mlflow.log-model.history" in seen.data.tags
    assert [each.dataset.name for each in seen.inputs.dataset_inputs] == ["own.csv"]
    assert [file.path for file in client.list_artifacts(seen.info.run_id)] == ["model", "model.json"]


def told():
    from gradmix import Input

    return Input("own.csv", "abc", 3, (("a", "float64"),), "/data/own.csv")
