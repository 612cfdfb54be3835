"""Notifications: what is posted, to a server of this test's own; and what happens when nobody answers."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import gradmix
from gradmix import ConfigError
from gradmix.config.spec import read_spec
from gradmix.config.trust import check_trust
from gradmix.runs.events import watched_by
from gradmix.runs.runner import Order, execute

CONFIG = {
    "name": "trial",
    "task": {"name": "cluster"},
    "clusterer": {"name": "gmm", "random_state": 0},
    "dataset": {"name": "old_faithful"},
    "pictures": False,
}


class Board(HTTPServer):
    """Takes what is posted."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Clerk)
        self.notes, self.answer = [], 200

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook"


class Clerk(BaseHTTPRequestHandler):
    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.notes.append((self.headers["Content-Type"], json.loads(content)))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def board(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    board = Board()
    thread = threading.Thread(target=board.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield board
    board.shutdown()
    thread.join()
    board.server_close()


class Listener:
    def __init__(self):
        self.problems = []

    @gradmix.hookimpl
    def problem(self, message):
        self.problems.append(message)


def run(folder, url, about="all", **config):
    events = {"notify": {"name": "notify", "url": url, "about": about, "timeout": 5.0}}
    listener = Listener()
    with watched_by(listener):
        outcome = execute(Order(read_spec({**CONFIG, **config, "events": events}), folder))
    return outcome, listener.problems


def test_a_run_that_finished_is_told_of_with_its_metrics(tmp_path, board):
    outcome, problems = run(tmp_path, board.url)
    assert outcome.status == "finished"
    assert problems == []
    ((kind, note),) = board.notes
    assert kind.startswith("application/json")
    assert note["text"].startswith(
        "trial (task cluster, clusterer gmm, dataset old_faithful, engine serial, seed 0) finished. "
    )
    assert "log_likelihood -1130.26" in note["text"]


def test_a_run_that_failed_is_told_of_with_its_reason(tmp_path, board):
    run(tmp_path, board.url, about="failed", dataset={"name": "file", "path": "a<b>&c.csv"})
    ((_, note),) = board.notes
    assert "failed: DataError" in note["text"]
    assert "a&lt;b&gt;&amp;c.csv" in note["text"]


def test_only_failures_if_so_asked(tmp_path, board):
    run(tmp_path, board.url, about="failed")
    assert board.notes == []


def test_nobody_there_costs_the_run_nothing(tmp_path, board):
    board.answer = 500
    outcome, problems = run(tmp_path, board.url)
    assert outcome.status == "finished"
    assert "events.notify raised in run_finished" in problems[0]
    assert "500" in problems[0]


def test_the_address_is_no_part_of_what_is_computed_and_nowhere_in_the_journal(tmp_path, board):
    outcome, _ = run(tmp_path, board.url)
    assert outcome.run.run_key == read_spec(CONFIG).run_key
    for file in (tmp_path / "journal.jsonl", tmp_path / "artifacts" / "config.yaml"):
        assert board.url not in file.read_text()


@pytest.mark.parametrize("url", ["ftp://example.org", "file:///etc/passwd", "example.org"])
def test_only_addresses_of_the_web_are_taken(url):
    with pytest.raises(ConfigError, match=r"events\.notify\.url must begin with http"):
        read_spec({**CONFIG, "events": {"notify": {"name": "notify", "url": url}}})


def test_a_config_file_cannot_say_where_to_send():
    url = "https://example.org/hook"
    spec = read_spec({**CONFIG, "events": {"notify": {"name": "notify", "url": url}}})
    with pytest.raises(ConfigError, match=r"events\.notify\.url: .* you did not set it"):
        check_trust(spec, ["events=[notify]", "seed=3"])
    check_trust(spec, ["events=[notify]", f"events.notify.url={url}"])
