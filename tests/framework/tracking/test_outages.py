"""A store that cannot be used costs a run nothing but a warning, and `gradmix sync` brings all in later."""

import logging
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import mlflow
import pytest

from conftest import HANGS, all_runs
from gradmix import StorageError
from gradmix.config.spec import Tracking
from gradmix.tracking.ingest import Ingester
from gradmix.tracking.store import import_mlflow, open_client
from gradmix.tracking.trouble import explain
from made_journals import edit
from tracked import brought

RUNS = Path("runs")
STORE = RUNS / "mlflow.db"


def run(gradmix_command, *overrides):
    """One run, which must complete; what it says of the tracking."""
    out, err = gradmix_command("run", "pictures=false", *overrides)
    assert "tracking            incomplete" in out
    return err


def change(statement):
    with sqlite3.connect(STORE) as store:
        store.execute(statement)


@contextmanager
def locked():
    """The store, held by somebody else."""
    holder = sqlite3.connect(STORE)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        holder.close()


def test_a_locked_store_loses_nothing(client, gradmix_command):
    with locked():
        assert "another process has locked it" in run(gradmix_command)
    assert brought(RUNS, Tracking()) == (1, [])
    (seen,) = all_runs(client)
    assert seen.info.status == "FINISHED"


@pytest.mark.parametrize("revision", ["abcdef012345", "c48cb773bb87"], ids=["newer", "older"])
def test_a_store_of_another_mlflow_is_left_alone_with_advice(journalled, revision):
    with sqlite3.connect(STORE) as store:
        (own,) = store.execute("select version_num from alembic_version").fetchone()
    change(f"update alembic_version set version_num = '{revision}'")
    tries = revision == "c48cb773bb87" and mlflow.__version__.startswith("3.8.")  # it upgrades the store, and fails
    advice = "cannot be opened" if tries else f"{revision}.*upgrade MLflow.*mlflow db upgrade"
    with pytest.raises(StorageError, match=f"{advice}.*`gradmix sync`"):
        Ingester(Tracking()).open()
    change(f"update alembic_version set version_num = '{own}'")
    assert brought(RUNS, Tracking()) == (1, [])


def test_an_error_that_nobody_has_met_is_told_in_its_first_line():
    assert explain(ValueError("one.\ntwo"), "") == "one"
    assert explain(ValueError(), "") == "ValueError"


def test_a_store_that_answers_no_more_is_asked_once_and_not_for_every_journal(client, journalled, monkeypatch):
    for number in range(5):
        copied = shutil.copytree(journalled, RUNS / "trial" / str(number))
        edit(copied, lambda text, number=number: text.replace('"run_key": "', f'"run_key": "{number} ', 1))
    asked = []

    def refuse(*arguments, **options):
        asked.append(arguments)
        raise ConnectionError("Connection refused")

    from mlflow import MlflowClient

    monkeypatch.setattr(MlflowClient, "create_run", refuse)
    answers = iter(["at first it is there"])
    monkeypatch.setattr(
        MlflowClient, "search_experiments", lambda *arguments, **options: next(answers, None) or refuse()
    )
    count, errors = brought(RUNS, Tracking())
    assert (count, len(errors)) == (0, 1)
    assert "no server answers there" in errors[0]
    assert len(asked) == 2


@pytest.fixture
def journalled(folder_with_store):
    """A run's folder."""
    from gradmix.config.spec import read_spec
    from gradmix.runs.runner import Order, execute

    folder = RUNS / "trial" / "one"
    folder.mkdir(parents=True)
    task = {"name": "differentiate"}
    parts = {"differentiator": {"name": "dual"}, "problem": {"name": "cubic"}}
    execute(Order(read_spec({"name": "trial", "task": task, **parts}), folder))
    return folder


@contextmanager
def server(port, folder):
    """A server of MLflow's on the loopback address."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination",
        f"{folder}/artifacts",
    ]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={
            **os.environ,
            "PATH": path,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        },
        start_new_session=True,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process)
        yield
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def _wait_for(address, process):
    for _ in range(10 * HANGS):
        assert process.poll() is None, "the server has ended"
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


@pytest.mark.slow
def test_a_server_that_is_stopped_in_the_middle_loses_nothing(
    empty_folder, store_template, gradmix_command, gradmix_main
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tracking = Tracking(uri=f"http://127.0.0.1:{port}")
    shutil.copy(store_template, empty_folder / "mlflow.db")
    there = f"tracking.uri={tracking.uri}"
    with server(port, empty_folder):
        gradmix_command("run", "seed=7", "pictures=false", "tracking=server", there)
        assert len(all_runs(open_client(tracking))) == 1
    warning = run(gradmix_command, "tracking=server", there)
    assert "no server answers there" in warning
    assert f"Nothing is lost: `gradmix sync {there}`" in warning
    with server(port, empty_folder):
        out, _ = gradmix_main("sync", there)
        assert "1 journal(s) imported into" in out
        client = open_client(tracking)
        runs = all_runs(client)
        assert [each.info.status for each in runs] == ["FINISHED"] * 2
        for each in runs:
            assert len(each.inputs.dataset_inputs) == 1
            files = {file.path for file in client.list_artifacts(each.info.run_id)}
            assert files >= {"config.yaml", "model.json", "model"}
        for mark in RUNS.rglob("tracked.json"):
            mark.unlink()
        assert gradmix_main("sync", there)[0].startswith("0 journal(s)")
        assert len(all_runs(client)) == 2
    shutil.copy(store_template, empty_folder / "mlflow.db")
    with server(port, empty_folder):  # it has lost everything
        assert gradmix_main("sync", there)[0].startswith("2 journal(s)")
        assert [each.info.status for each in all_runs(client)] == ["FINISHED"] * 2
        assert gradmix_main("sync", there)[0].startswith("0 journal(s)")


def test_mlflow_is_quiet_although_its_import_sets_a_level(tmp_path, monkeypatch):
    (tmp_path / "mlflow.py").write_text("import logging\nlogging.getLogger('mlflow').setLevel(logging.INFO)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "mlflow", None)  # so that its present state is restored at the end
    monkeypatch.delitem(sys.modules, "mlflow")
    import_mlflow()
    assert sys.modules["mlflow"].__file__ == str(tmp_path / "mlflow.py")
    assert logging.getLogger("mlflow").level == logging.WARNING
