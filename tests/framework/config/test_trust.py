"""What runs code or names a place outside comes from the user: the command line, the environment, their own file."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from conftest import journals
from gradmix import ConfigError
from gradmix.cli.main import main
from gradmix.config.composer import composing
from gradmix.config.composition import plain_config
from gradmix.config.source import Request
from gradmix.config.spec import read_spec
from gradmix.config.trust import check_trust
from gradmix.config.user_file import default_tracking, user_file

GLOBAL = "# @package _global_\n"


@pytest.fixture
def own_file(tmp_path, monkeypatch):
    """Writes the user's own config file."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))

    def write(text):
        user_file().parent.mkdir(parents=True)
        user_file().write_text(text)
        return user_file()

    return write


def experiment(body, name="experiment/x.yaml", header=GLOBAL):
    path = Path("conf", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + body)
    return path


def checked(*typed, config_dir=None):
    """Compose, and check where the values come from; the run's specification."""
    with composing(Request(typed, config_dir=config_dir)) as composer:
        spec = read_spec(plain_config(composer.compose()))
    check_trust(spec, typed)
    return spec


PYTHON = "defaults: [{override /task: differentiate}, {override /problem: python}]\n"
NOTIFY = "defaults: [{override /events: [notify]}]\n"

DANGERS = {
    "where runs are sent": ("tracking: {uri: 'http://evil.example.org'}", "tracking.uri"),
    "a store elsewhere": ("tracking: {uri: 'sqlite:////tmp/evil.db'}", "tracking.uri"),
    "where artifacts go": ("tracking: {artifacts: /tmp/evil}", "tracking.artifacts"),
    "where runs are written": ("runs_dir: ../..", "runs_dir"),
    "a function": (PYTHON + "problem: {path: 'evil:f'}", "problem.path"),
    "another function": (PYTHON + "problem: {path: 'math:sin', derivative: 'evil:f'}", "problem"),
    "where a message goes": (NOTIFY + "events: {notify: {url: 'https://evil.example.org'}}", "events.notify.url"),
    "plugins": ("plugins: {files: [evil.py]}", "plugins.files"),
}


@pytest.mark.parametrize(("body", "path"), DANGERS.values(), ids=DANGERS)
def test_a_config_file_cannot_set_it(empty_folder, body, path):
    file = experiment(body)
    with pytest.raises(ConfigError) as caught:
        checked("experiment=x", config_dir="conf")
    message = str(caught.value)
    assert message.startswith(path)
    assert str(file.absolute()) in message
    assert f"add '{path}" in message
    assert str(user_file()) in message


SWEPT = {
    "tracking.uri": ("", "'http://a.example.org,http://b.example.org'"),
    "runs_dir": ("", "a,b"),
    "problem.path": (PYTHON, "'evil:f,evil:g'"),
    "events.notify.url": (NOTIFY, "'https://a.example.org,https://b.example.org'"),
}


@pytest.mark.parametrize("path", SWEPT)
def test_nor_by_sweeping_over_it(empty_folder, capsys, path):
    defaults, values = SWEPT[path]
    experiment(f"{defaults}hydra: {{mode: MULTIRUN, sweeper: {{params: {{{path}: {values!r}}}}}}}".replace('"', ""))
    assert main(["run", "--config-dir", "conf", "experiment=x", "tracking=none", "hydra/launcher=basic"]) == 2
    assert "you did not set it" in capsys.readouterr().err
    assert journals() == []


def test_a_group_of_a_strangers_cannot_set_it_either(empty_folder):
    experiment("uri: http://evil.example.org\nartifacts: null", "tracking/mine.yaml", "")
    with pytest.raises(ConfigError, match=r"mine\.yaml"):
        checked("tracking=mine", config_dir="conf")


@pytest.mark.parametrize("choice", ["default", "local", "none", "server"])
def test_a_config_file_chooses_among_our_own_tracking(empty_folder, choice):
    experiment(f"defaults: [{{override /tracking: {choice}}}]")
    assert checked("experiment=x", "runs_dir=elsewhere", config_dir="conf").settings.runs_dir == "elsewhere"


@pytest.mark.parametrize("typed", ["tracking.uri=sqlite:///x.db", "tracking={uri:sqlite:///x.db}"])
def test_what_is_typed_is_taken(empty_folder, typed):
    experiment("tracking: {uri: 'http://evil.example.org'}")
    assert checked("experiment=x", typed, config_dir="conf").settings.tracking.uri == "sqlite:///x.db"


@pytest.mark.slow
def test_no_request_and_no_token_reaches_a_strangers_server(empty_folder, monkeypatch, gradmix_command):
    seen = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers.get("Authorization"))
            self.send_error(404)

        do_POST = do_GET  # noqa: N815 (the name that the server looks for)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    experiment(f"tracking: {{uri: 'http://127.0.0.1:{server.server_port}'}}")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "token")
    gradmix_command("run", "--config-dir=conf", "experiment=x", code=2)
    gradmix_command("run", "-m", "--config-dir=conf", "experiment=x", "seed=1,2", code=2)
    server.shutdown()
    assert seen == []


def test_the_users_own_file_holds_for_every_run(empty_folder, own_file):
    own_file(
        "runs_dir: ${oc.env:HOME}/runs\ntracking: {uri: 'sqlite:///${runs_dir}/mine.db', models: false}\n"
        "pictures: false\nlimits: {seconds: 60}\nhydra: {launcher: {workers: 2}}\n"
    )
    settings = checked().settings
    home = str(Path.home())
    assert settings.runs_dir == f"{home}/runs"
    assert settings.tracking.uri == f"sqlite:///{home}/runs/mine.db"
    assert not settings.tracking.models
    assert not settings.pictures
    assert settings.limits.seconds == 60
    with composing(Request(())) as composer:
        assert composer.compose().hydra.launcher.workers == 2


def test_the_command_line_and_what_it_chooses_win_over_the_users_own_file(empty_folder, own_file):
    own_file("tracking: {uri: 'http://mine.example.org'}\npictures: false\nhydra: {launcher: {workers: 2}}\n")
    assert checked("tracking=none", "pictures=true").settings.tracking.uri is None
    assert checked("tracking=local").settings.tracking.uri == "sqlite:///runs/mlflow.db"
    assert checked("tracking.uri=null").settings.tracking.uri is None
    assert checked("pictures=true").settings.pictures
    with composing(Request(("hydra/launcher=joblib",))) as composer:
        assert "workers" not in composer.compose().hydra.launcher


def test_an_experiment_wins_over_the_users_own_file(empty_folder, own_file):
    own_file("tracking: {uri: 'http://mine.example.org'}\nlimits: {seconds: 60}\n")
    experiment("defaults: [{override /tracking: none}]\nlimits: {seconds: 5}")
    settings = checked("experiment=x", config_dir="conf").settings
    assert (settings.tracking.uri, settings.limits.seconds) == (None, 5)


def test_the_environment_says_where_mlflow_is(empty_folder, own_file, monkeypatch):
    own_file("tracking: {uri: 'http://mine.example.org'}\n")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5999")
    assert checked().settings.tracking.uri == "http://127.0.0.1:5999"
    assert checked("tracking=none").settings.tracking.uri is None


@pytest.mark.parametrize(
    ("text", "variable", "is_tracked"),
    [
        ("limits: {seconds: 60}", None, True),
        ("tracking: {artifacts: there}", None, True),
        ("tracking: {uri: null}", None, False),
        ("tracking: {uri: null}", "http://mlflow.example.org", True),
    ],
)
def test_mlflow_is_loaded_ahead_unless_the_users_own_file_turns_it_off(
    own_file, monkeypatch, text, variable, is_tracked
):
    if variable:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", variable)
    own_file(text)
    assert (default_tracking()["uri"] is not None) is is_tracked
    with composing(Request(())) as composer:
        assert (read_spec(plain_config(composer.compose())).settings.tracking.uri is not None) is is_tracked


def test_a_strangers_value_is_refused_though_the_users_own_file_has_one(empty_folder, own_file):
    own_file("tracking: {uri: 'sqlite:///${runs_dir}/mine.db'}\n")
    experiment("tracking: {uri: 'sqlite:///elsewhere.db'}")
    with pytest.raises(ConfigError, match=r"tracking\.uri"):
        checked("experiment=x", config_dir="conf")


def test_the_users_own_file_gives_a_webhook_its_address_where_it_is_chosen(empty_folder, own_file):
    own_file("events: {notify: {url: 'https://hooks.example.org/1'}}\n")
    assert checked().events.components == {}
    assert checked("events=notify").events.components["notify"].url == "https://hooks.example.org/1"


def test_the_users_own_file_chooses_plugins_and_a_folder_of_runs_for_every_command(own_file, tmp_path, gradmix_command):
    gradmix_command("new", "clusterer", "mine", "--file", cwd=tmp_path)
    own_file(f"plugins: {{files: ['{tmp_path}/mine.py']}}\nruns_dir: {tmp_path}/elsewhere\ntracking: {{uri: null}}\n")
    gradmix_command("run", "clusterer=mine", "pictures=false", cwd=tmp_path)
    assert len(journals(tmp_path / "elsewhere")) == 1
    out, _ = gradmix_command("compare", "--help", cwd=tmp_path)
    assert f"{tmp_path}/elsewhere" in "".join(out.split())


WRONG = {
    "an unknown setting": ("trackin: {}", "unknown setting trackin. Did you mean tracking?"),
    "an option of a component": ("clusterer: {n_init: 2}", "unknown setting clusterer"),
    "no YAML": ("a: [", "it is not valid YAML"),
    "no mapping": ("3", "a config file must be a mapping"),
    "a string": ("words", "a config file must be a mapping of keys to values, not a string"),
    "a section that is an address": ("tracking: http://here", "tracking must be a mapping of keys to values"),
    "a metric's options": ("metric: {silhouette: 5}", "metric.silhouette must be a mapping of keys to values"),
    "plugins": ("plugins: {files: {}}", "plugins.files must be a list of strings"),
    "a folder of runs": ("runs_dir: {}", "runs_dir must be a string"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_the_users_own_file_is_one_error(empty_folder, own_file, capsys, text, message):
    file = own_file(text)
    assert main(["run"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"gradmix run: {file}: ")
    assert message in error
    assert len(error.splitlines()) == 1
