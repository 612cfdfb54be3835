"""No secret that a user gives is left in a run's folder or in MLflow."""

from pathlib import Path

import pytest

from conftest import all_runs
from gradmix.cli.main import main

PLUGIN = '''
from dataclasses import dataclass
from typing import Annotated
import gradmix
from gradmix import Centers

@dataclass
class Remote(gradmix.Clusterer[Centers]):
    """A clusterer that logs in somewhere."""

    objective = gradmix.Objective("distance", maximise=False)
    api_key: str = ""
    address: Annotated[str, gradmix.SendsTo()] = ""
    fails: bool = False

    def iterate(self, X, rng):
        if self.fails:
            raise ValueError(f"{self.address} refused {self.api_key!r}")
        yield gradmix.Iteration(Centers(X[:1]), {"distance": 1.0}, converged=True)

@gradmix.hookimpl
def gradmix_components():
    return {"clusterer": {"remote": Remote}}
'''
SECRETS = ("key-7f3a", "hook-91bc")
ARGUMENTS = [
    *("plugins.files=[remote.py]", "clusterer=remote", "pictures=false", "clusterer.api_key=key-7f3a"),
    "clusterer.address=https://example.org/hook-91bc",
]


def everything(folder):
    """The content of all files, without the plugin itself."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".py"}


def assert_without_secrets(folder):
    for path, content in everything(folder).items():
        assert not [secret for secret in SECRETS if secret.encode() in content], path


@pytest.fixture
def with_plugin(folder_with_store, monkeypatch):
    (folder_with_store / "remote.py").write_text(PLUGIN)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    return folder_with_store


def test_neither_a_run_nor_its_failure_shows_them(with_plugin, gradmix_command, client):
    gradmix_command("run", *ARGUMENTS)
    gradmix_command("run", *ARGUMENTS, "clusterer.fails=true", code=1)
    assert_without_secrets(with_plugin)
    runs = {run.data.tags["gradmix.status"]: run for run in all_runs(client)}
    for run in runs.values():
        assert "clusterer.api_key=***" in run.data.tags["gradmix.command"]
        assert "clusterer.api_key=***" in run.data.tags["mlflow.note.content"]
    assert "refused '***'" in runs["failed"].data.tags["mlflow.note.content"]
    assert "refused '***'" in Path(client.download_artifacts(runs["failed"].info.run_id, "traceback.txt")).read_text()


def test_a_resumed_sweep_asks_for_them(with_plugin, gradmix_command):
    _, err = gradmix_command("run", "-m", *ARGUMENTS, "seed=0,1", "clusterer.fails=true", code=1)
    assert_without_secrets(with_plugin)
    _, err = gradmix_command("resume", "last", "--as-before", "--plan")
    assert "records no secrets" in err
    assert "clusterer.api_key=***" in err
    out, _ = gradmix_command("resume", "last", "--as-before", *ARGUMENTS[-2:], code=1)
    assert "2 failed before" in out
    assert_without_secrets(with_plugin)


def test_the_address_of_a_store_has_no_user(empty_folder, capsys):
    main(["run", "tracking.uri=http://me:pw-3a1c@127.0.0.1:9", "clusterer.max_iter=1", "clusterer.init_params=random"])
    out = capsys.readouterr()
    assert "pw-3a1c" not in out.out + out.err
    assert not [path for path, content in everything(empty_folder).items() if b"pw-3a1c" in content]
