"""What tests share: an empty folder to work in, the command, and a store of MLflow that was made once."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

from gradmix.contracts.errors import NotInstalledError

HANGS = 600
"""Seconds after which something is taken to hang. No test asks how fast anything is: `tests/benchmarks` do."""

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def _store_of_its_own(_nobodys_settings):
    """MLflow sets its variable in the process that names a store; the next test must not inherit it."""
    yield
    os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture(scope="session", autouse=True)
def _nobodys_settings(tmp_path_factory):
    """Neither the config file nor the environment of whoever runs the tests says where runs go."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


PROCESSES = {"gradmix_command", "store_template"}
"""Fixtures whose tests start processes or open MLflow's store."""

LONGEST = ("test_wheel.py", "test_plugin_projects.py")
"""Files whose tests install packages: begun last, they would keep all workers but one waiting at the end."""


def pytest_collection_modifyitems(items):
    for item in items:
        if PROCESSES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.processes)
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session")
def store_template(tmp_path_factory, shared_folder):
    """A fresh MLflow store. Its migrations take seconds, so one worker of pytest-xdist makes it for all."""
    from gradmix.config.spec import Tracking
    from gradmix.tracking.store import open_client

    path = shared_folder / "mlflow.db"
    with (shared_folder / "mlflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            fresh = tmp_path_factory.mktemp("store") / "mlflow.db"
            open_client(Tracking(uri=f"sqlite:///{fresh}")).search_experiments()
            shutil.copy(fresh, path)
    return path


@pytest.fixture
def quick_stores(monkeypatch, store_template):
    """A new store is a copy of one that is ready: MLflow's migrations take seconds."""
    monkeypatch.setattr("gradmix.tracking.store._make", lambda path: shutil.copy(store_template, path))


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """A folder that all workers of pytest-xdist share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture
def folder_with_store(empty_folder, store_template):
    """An empty working folder, but for a store that is ready."""
    (empty_folder / "runs").mkdir()
    shutil.copy(store_template, empty_folder / "runs" / "mlflow.db")
    return empty_folder


@pytest.fixture
def client(folder_with_store):
    """MLflow's own client on that store."""
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{folder_with_store}/runs/mlflow.db")


class Command:
    """The command ``gradmix``, as a process of its own."""

    def start(self, *arguments, **options):
        """Start it; both outputs are piped."""
        return subprocess.Popen(
            [sys.executable, "-m", "gradmix", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "COLUMNS": "200", **options.pop("env", {})},
            **options,
        )

    def __call__(self, *arguments, code=0, **options):
        """Run it to its end, and check the exit code."""
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=HANGS)
        assert process.returncode == code, f"exit code {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err, err
        return out, err


def moved_clock(monkeypatch, module):
    """A clock that a test moves, as a module's ``time``."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def end(process):
    """End a command and the processes that it started: MLflow 3.8 leaves its server behind."""
    for each in [*psutil.Process(process.pid).children(recursive=True), process]:
        with suppress(psutil.NoSuchProcess):
            each.terminate()
    process.communicate(timeout=HANGS)


@pytest.fixture(scope="session")
def gradmix_command():
    """The command."""
    return Command()


_OPENED = []
_WATCHES_FILES = False


def _note_file(event, arguments):
    if _WATCHES_FILES and event == "open" and isinstance(arguments[0], str):
        _OPENED.append(os.path.realpath(arguments[0]))


@pytest.fixture
def opened(monkeypatch):
    """Paths of the files that this process opens from now on, each as often as it does."""
    if not hasattr(sys, "_gradmix_watches_files"):  # a hook cannot be taken away again
        sys.addaudithook(_note_file)
        sys._gradmix_watches_files = True
    monkeypatch.setattr(sys.modules[__name__], "_WATCHES_FILES", True)
    _OPENED.clear()
    return _OPENED


@pytest.fixture
def gradmix_main(capsys, monkeypatch):
    """The command in this process, which saves a second where the process is not the point; both outputs."""
    from gradmix.cli.main import main

    def call(*arguments, code=0):
        capsys.readouterr()
        try:
            ended = main(arguments)
        except SystemExit as error:  # argparse has answered
            ended = error.code
        assert ended == code, capsys.readouterr()
        return capsys.readouterr()

    monkeypatch.setenv("COLUMNS", "200")
    return call


def command(name):
    """A command in this process, as a function of its arguments that returns the exit code."""
    from gradmix.cli.main import main

    return lambda arguments: main([name, *arguments])


def all_runs(client):
    """Every run of every experiment of a store."""
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return list(client.search_runs(experiments))


def journals(folder=Path("runs")):
    """Events of every journal under a folder, a list each."""
    return [
        [json.loads(line) for line in path.read_text().splitlines()] for path in sorted(folder.rglob("journal.jsonl"))
    ]


@pytest.fixture
def installed():
    """Loads a component's class; the test is left out if a peer's package is not installed."""

    def load(entry):
        try:
            return entry.load()
        except NotInstalledError as error:
            pytest.skip(str(error))

    return load
