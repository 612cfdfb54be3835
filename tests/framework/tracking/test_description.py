"""What MLflow calls a run, and how its page describes it."""

import pytest

from gradmix.journal.reading import read_run
from gradmix.tracking.description import described
from gradmix.tracking.names import run_name
from gradmix.tracking.view import view_of
from made_journals import write_events

GIT = {"commit": "4db341c3fa0dd1c2d426c4717ba77f6d4863ce45", "branch": "trunk", "dirty": True}


def run(folder, *events, **started):
    first = {
        "event": "started",
        "format": 1,
        "kind": "run",
        "run_id": "r",
        "run_key": "0123456789abcdef",
        "name": "trial",
    }
    return read_run(write_events(folder, [{**first, "label": "gmm on iris", **started}, *events]))


def finished(folder, **started):
    return run(folder, {"event": "result", "metrics": {"bic": 1.0}}, {"event": "finished"}, **started)


JOB = {"sweep": "s", "label": "clusterer.n_components=3"}


@pytest.mark.parametrize(
    ("started", "name"),
    [
        ({}, "gmm on iris"),
        ({"overrides": ["clusterer=gmm", "tracking=none", "name=x"]}, "gmm on iris"),
        (
            {"overrides": ["clusterer.n_components=3", "seed=4"], "params": {"clusterer.n_components": 3, "seed": 4}},
            "3, 4 (n_components, seed): gmm on iris",
        ),
        (
            {**JOB, "overrides": ["a.b.tol=1e-9", "clusterer=gmm", "x=1"], "varies": ["clusterer", "a.b.tol"]},
            "gmm, 1e-9 (clusterer, tol)",
        ),
        (
            {**JOB, "overrides": ["a.n=2", "b/n='x'"], "varies": ["a.n", "b/n"]},
            "2, x (a.n, b.n)",
        ),
        ({**JOB, "overrides": ["reg=0.000123456789"], "varies": ["reg"]}, "0.000123457 (reg)"),
        ({**JOB, "overrides": ["clusterer.n_components=3"]}, "clusterer.n_components=3"),  # journal of version 0.1
        (
            {
                "kind": "sweep",
                "varies": ["clusterer.n_components", "seed"],
                "arguments": ["-m", "seed=1,2", "dataset=iris"],
            },
            "n_components × seed sweep, iris (dataset)",
        ),
        (
            {
                "kind": "sweep",
                "varies": ["seed"],
                "arguments": ["-m", "seed=1,2", "events.notify.url='***'", "events=notify"],
            },
            "seed sweep, notify (events)",
        ),
        ({"kind": "sweep", "label": "sweep", "varies": [], "arguments": ["-m", "tracking=none"]}, "sweep"),
    ],
)
def test_names_begin_with_the_values_that_differ(tmp_path, started, name):
    assert run_name(finished(tmp_path, **started)) == name


def test_a_page_says_who_made_the_run_from_which_commit_and_how(tmp_path):
    started = {
        "arguments": ["dataset=file", "dataset.path=my data.csv"],
        "user": "ada",
        "git": GIT,
        "working_folder": "/w",
    }
    tags = view_of(finished(tmp_path, **started)).tags
    assert tags["mlflow.user"] == "ada"
    assert tags["mlflow.source.git.commit"] == GIT["commit"]
    assert tags["mlflow.source.git.branch"] == "trunk"
    assert tags["mlflow.source.git.dirty"] == "true"
    assert tags["gradmix.command"] == "gradmix run dataset=file 'dataset.path=my data.csv'"
    text = tags["mlflow.note.content"]
    assert "\ngradmix run dataset=file 'dataset.path=my data.csv'\n" in text
    assert "gradmix reproduce 0123456789ab" in text
    assert "not committed" in text


def test_a_page_lists_each_plugins_version(tmp_path):
    started = {"plugins": {"clusterer": "nearest 1.2", "gradmix": "gradmix 9"}, "params": {"clusterer": "near_est"}}
    text = described(finished(tmp_path, **started, environment={"python": "3.11.1", "processor": "P|1"}))
    assert "| clusterer near\\_est | nearest 1.2 |" in text
    assert "python 3.11.1" in text
    assert "P\\|1" in text


def test_an_older_journal_has_no_command_and_no_user(tmp_path):
    tags = view_of(finished(tmp_path)).tags
    assert not [name for name in tags if name.startswith("mlflow.")]
    assert "gradmix.command" not in tags


OURS = '  File "/site-packages/gradmix/runs/runner.py", line 1, in attempt\n    stage()\n'
THEIRS = '  File "/home/ada/my.py", line {}, in fit\n    call(`x`)\n'


def failed(folder, calls):
    trace = f"Traceback (most recent call last):\n{OURS}{calls}ValueError: ``` and <b>\n"
    return run(folder, {"event": "failed", "error": "ValueError: <b>\n*x*", "traceback": trace}, arguments=[])


def test_a_failed_run_shows_its_traceback_from_the_first_call_that_is_not_of_the_runner(tmp_path):
    seen = failed(tmp_path, THEIRS.format(1))
    text = described(seen)
    assert text.startswith("**Failed:** ValueError: &lt;b&gt; \\*x\\*")
    assert "my.py" in text
    assert "runner.py" not in text
    assert "````pytb\nTraceback" in text  # longer than the backticks in it
    assert "runner.py" in view_of(seen).traceback
    assert "gradmix run\n" in text


def test_of_a_long_traceback_the_end_is_shown_and_the_description_fits(tmp_path):
    seen = failed(tmp_path, "".join(THEIRS.format(number) for number in range(1, 200)))
    text = described(seen)
    assert "line 199," in text
    assert "line 1," not in text
    assert "traceback.txt" in text
    assert "gradmix reproduce" in text
    assert len(text) < 5000
    assert text.count("````") % 2 == 0


def test_a_secret_of_an_older_journal_is_not_shown(tmp_path):
    seen = view_of(finished(tmp_path, arguments=["a.token=xyz"], params={"a.token": "xyz"}))
    assert "xyz" not in str(seen)
    assert "gradmix run 'a.token=***'" in seen.tags["mlflow.note.content"]
