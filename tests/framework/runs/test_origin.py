"""Who made a run, by which command, from which commit."""

import subprocess

import pytest

from conftest import journals
from gradmix.cli.main import main
from gradmix.journal.reading import read_run
from gradmix.runs.origin import GitState, Origin

FAST = ["tracking=none", "pictures=false", "clusterer.max_iter=1", "clusterer.init_params=random"]


def git(folder, *arguments):
    options = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *options, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(empty_folder):
    """A working folder with one commit."""
    git(empty_folder, "init", "-q", "-b", "trunk")
    (empty_folder / "notes.txt").write_text("one\n")
    git(empty_folder, "add", "notes.txt")
    git(empty_folder, "commit", "-qm", "first")
    return empty_folder


def test_the_commit_of_a_folder_and_whether_it_was_changed(repository):
    commit = git(repository, "rev-parse", "HEAD")
    assert GitState(repository).known() == {"commit": commit, "branch": "trunk", "dirty": False}
    (repository / "new.txt").write_text("not tracked\n")
    assert not GitState(repository).known()["dirty"]
    (repository / "notes.txt").write_text("two\n")
    assert GitState(repository).known()["dirty"]


def test_no_repository_no_commit_and_no_git_are_no_error(empty_folder, monkeypatch):
    assert GitState(empty_folder).known() == {}
    git(empty_folder, "init", "-q")
    assert GitState(empty_folder).known() == {}
    monkeypatch.setenv("PATH", str(empty_folder))
    assert GitState(empty_folder).known() == {}


def test_a_repositorys_monitor_is_not_run(repository):
    monitor = repository / "monitor"
    monitor.write_text("#!/bin/sh\ntouch ran\n")
    monitor.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(monitor))
    assert not GitState(repository).known()["dirty"]
    assert not (repository / "ran").exists()


def test_what_is_unknown_is_left_out():
    assert Origin().recorded(with_user=True) == {}
    origin = Origin(("seed=1",), "/work", "lovelace", {"commit": "1"})
    assert origin.recorded(with_user=False) == {
        "arguments": ("seed=1",),
        "working_folder": "/work",
        "git": {"commit": "1"},
    }


def test_a_runs_journal_begins_with_its_origin(repository, monkeypatch):
    monkeypatch.setenv("LOGNAME", "lovelace")
    assert main(["run", *FAST, "seed=3"]) == 0
    ((started, *_),) = journals()
    assert started["arguments"] == [*FAST, "seed=3"]
    assert started["user"] == "lovelace"
    assert started["working_folder"] == str(repository)
    assert started["git"] == {"commit": git(repository, "rev-parse", "HEAD"), "branch": "trunk", "dirty": False}
    assert main(["run", *FAST, "seed=4", "tracking.user=false", "name=private"]) == 0
    assert "lovelace" not in next((repository / "runs" / "private").glob("*/journal.jsonl")).read_text()


def test_each_job_has_the_command_of_its_own_run_and_git_is_asked_once(repository, monkeypatch):
    bin_folder = repository / "bin"
    bin_folder.mkdir()
    real = subprocess.run(["which", "git"], check=True, capture_output=True, text=True).stdout.strip()
    (bin_folder / "git").write_text(f'#!/bin/sh\necho "$@" >> {repository}/asked\nexec {real} "$@"\n')
    (bin_folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(bin_folder), prepend=":")
    arguments = ["-m", *FAST, "hydra/launcher=basic", "seed=0,1,2"]
    assert main(["run", *arguments]) == 0
    assert len((repository / "asked").read_text().splitlines()) == 2  # the commit, and whether it was changed
    folder = next((repository / "runs" / "cluster").iterdir())
    assert read_run(folder).started["arguments"] == arguments
    for number in range(3):
        job = read_run(folder / str(number)).started
        assert job["varies"] == ["seed"]
        assert job["git"]["branch"] == "trunk"
        assert [each for each in job["arguments"] if "seed" in each] == [f"seed={number}"]
        assert "-m" not in job["arguments"]
        assert main(["run", *job["arguments"], "name=alone"]) == 0
    keys = {read_run(folder / str(number)).run_key for number in range(3)}
    assert {started["run_key"] for started, *_ in journals(repository / "runs" / "alone")} == keys


def test_a_job_of_a_sweep_by_experiment_can_be_run_alone(empty_folder):
    (empty_folder / "conf" / "experiment").mkdir(parents=True)
    sweep = "{mode: MULTIRUN, sweeper: {params: {clusterer.n_components: '2,3'}}}"
    (empty_folder / "conf" / "experiment" / "mine.yaml").write_text(f"# @package _global_\nhydra: {sweep}\n")
    assert main(["run", "--config-dir=conf", "experiment=mine", *FAST, "hydra/launcher=basic"]) == 0
    job = next(each[0] for each in journals() if each[0]["kind"] == "run")
    assert "--config-dir=conf" in job["arguments"]
    assert main(["run", *job["arguments"], "name=alone"]) == 0
    ((alone, *_),) = journals(empty_folder / "runs" / "alone")
    assert (alone["kind"], alone["run_key"]) == ("run", job["run_key"])
