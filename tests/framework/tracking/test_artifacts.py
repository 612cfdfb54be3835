"""Only what is in a run's own folder reaches MLflow."""

import os
from pathlib import Path

import pytest

from conftest import all_runs
from gradmix.config.spec import Tracking
from gradmix.tracking.ingest import sync
from made_journals import write_run

RUNS = Path("runs")
MODEL = '{"clusterer": {"name": "kmeans"}, "model": {"centers": [[1.0]]}}'


@pytest.fixture
def artifacts(client, tmp_path_factory):
    """A run's artifacts, one of them its own; a stranger's files are elsewhere."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "secret.txt").write_text("secret")
    (elsewhere / "model.json").write_text(MODEL)
    folder = write_run(RUNS / "curves" / "one") / "artifacts"
    (folder / "below").mkdir(parents=True)
    (folder / "own.txt").write_text("own")
    return folder, elsewhere


def uploaded():
    return {
        str(path.relative_to(RUNS / "mlflow-artifacts")).partition("artifacts/")[2]
        for path in (RUNS / "mlflow-artifacts").rglob("*")
        if path.is_file()
    }


LINKS = {
    "a file": lambda folder, elsewhere: (folder / "stolen.txt").symlink_to(elsewhere / "secret.txt"),
    "a file below": lambda folder, elsewhere: (folder / "below" / "stolen.txt").symlink_to(elsewhere / "secret.txt"),
    "a relative link": lambda folder, elsewhere: (folder / "s").symlink_to(
        os.path.relpath(elsewhere / "secret.txt", folder)
    ),
    "a folder": lambda folder, elsewhere: (folder / "stolen").symlink_to(elsewhere),
    "a link to a link": lambda folder, elsewhere: [
        (folder.parent / "step").symlink_to(elsewhere / "secret.txt"),
        (folder / "stolen.txt").symlink_to(folder.parent / "step"),
    ],
    "the model": lambda folder, elsewhere: (folder / "model.json").symlink_to(elsewhere / "model.json"),
    "a circle": lambda folder, elsewhere: (folder / "below" / "again").symlink_to(folder),
    "nothing": lambda folder, elsewhere: (folder / "dangling").symlink_to(elsewhere / "nothing"),
    "a pipe": lambda folder, elsewhere: os.mkfifo(folder / "pipe"),
}


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_what_leads_elsewhere_is_left_out_with_a_remark(artifacts, link):
    link(*artifacts)
    tally = sync(RUNS, Tracking())
    assert (len(tally.brought), tally.errors, len(tally.remarks)) == (1, [], 1)
    assert uploaded() == {"own.txt"}


def test_artifacts_that_are_a_link_are_left_out(artifacts, client):
    folder, elsewhere = artifacts
    folder.rename(folder.with_name("own"))
    folder.symlink_to(elsewhere)
    tally = sync(RUNS, Tracking())
    assert len(tally.remarks) == 1
    (run,) = all_runs(client)
    assert client.list_artifacts(run.info.run_id) == []
    assert sync(RUNS, Tracking()).brought == []


def test_a_link_to_a_file_of_the_run_is_followed(artifacts):
    folder, _ = artifacts
    (folder / "best.txt").symlink_to("own.txt")
    assert sync(RUNS, Tracking()).remarks == []
    assert uploaded() == {"own.txt", "best.txt"}


def test_a_picture_that_is_drawn_later_joins_the_artifacts(artifacts):
    folder, _ = artifacts
    sync(RUNS, Tracking())
    assert uploaded() == {"own.txt"}
    (folder / "fit.png").write_text("a picture")
    assert sync(RUNS, Tracking()).brought == [folder.parent]
    assert uploaded() == {"own.txt", "fit.png"}
    assert sync(RUNS, Tracking()).brought == []
