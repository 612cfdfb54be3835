import json

import pytest
from omegaconf import OmegaConf

from gradmix import ConfigError
from gradmix.runs.folder import fresh_folder
from gradmix.runs.sweep import expand, run_sweep

BASE = {
    "name": "trial",
    "task": {"name": "cluster"},
    "clusterer": {"name": "gmm", "random_state": 0},
    "dataset": {"name": "old_faithful"},
    "tracking": {"uri": None},
}


def compose(overrides):
    return OmegaConf.merge(OmegaConf.create(BASE), OmegaConf.from_dotlist(list(overrides)))


def test_every_combination_in_order():
    choices = {"a": ["a=1", "a=2"], "b": ["b=3"], "c": ["c=4", "c=5"]}
    assert expand(choices) == [(a, "b=3", c) for a in ("a=1", "a=2") for c in ("c=4", "c=5")]
    assert expand({}) == [()]


def test_all_are_checked_before_the_first_one_starts(empty_folder):
    launched = []
    choices = {"k": ["clusterer.n_components=2", "clusterer.n_components=two", "clusterer.n_components=0"]}
    with pytest.raises(ConfigError) as caught:
        run_sweep(choices, compose, lambda jobs, folder: launched.append(jobs) or [])
    assert not launched
    assert not list(empty_folder.iterdir())
    assert "2 of the 3 combinations" in str(caught.value)
    assert "'two'" in str(caught.value)
    assert "given: 0" in str(caught.value)


def test_a_sweep_has_a_journal_of_its_own(empty_folder):
    seen = []

    def launch(jobs, folder):
        seen.append((jobs, folder))
        return []

    choices = {"clusterer.n_components": ["clusterer.n_components=2", "clusterer.n_components=3"], "seed": ["seed=1"]}
    run_sweep(choices, compose, launch)
    ((jobs, folder),) = seen
    assert len(jobs) == 2
    first, result, last = map(json.loads, (folder / "journal.jsonl").read_text().splitlines())
    assert first["kind"] == "sweep"
    assert first["varies"] == ["clusterer.n_components"]
    assert result["metrics"] == {"done": 0, "failed": 0}
    assert last["event"] == "finished"


@pytest.mark.parametrize(("error", "event"), [(KeyboardInterrupt(), "interrupted"), (RuntimeError("x"), "failed")])
def test_a_launcher_that_fails_leaves_a_whole_journal(empty_folder, error, event):
    def launch(jobs, folder):
        raise error

    with pytest.raises(type(error)):
        run_sweep({"seed": ["seed=1"]}, compose, launch)
    (path,) = empty_folder.rglob("journal.jsonl")
    assert json.loads(path.read_text().splitlines()[-1])["event"] == event


def test_no_two_runs_share_a_folder(tmp_path):
    folders = {fresh_folder(tmp_path, "gmm") for _ in range(20)}
    assert len(folders) == 20
