"""A run is drawn from what it has left: its journal and its artifacts."""

from dataclasses import dataclass, replace

import pytest

from gradmix import ConfigError, StorageError
from gradmix.config.spec import read_spec
from gradmix.config.trust import check_trust
from gradmix.runs.artifacts import pictures_later
from gradmix.runs.runner import Order, execute

CONFIG = {
    "name": "trial",
    "task": {"name": "cluster"},
    "clusterer": {"name": "gmm", "n_init": 2, "random_state": 0},
    "dataset": {"name": "old_faithful"},
}


def make(folder, **changes):
    outcome = execute(Order(read_spec({**CONFIG, **changes}), folder))
    assert outcome.status == "finished", outcome.error


def test_a_run_that_drew_nothing_is_drawn_later_as_it_would_have_been(tmp_path):
    at_once, later = tmp_path / "at_once", tmp_path / "later"
    for folder, wanted in ((at_once, True), (later, False)):
        folder.mkdir()
        make(folder, pictures=wanted)
    assert not (later / "artifacts" / "fit.png").exists()
    for name, write in pictures_later(later).items():
        write(later / "artifacts" / name)
    assert (later / "artifacts" / "fit.png").read_bytes() == (at_once / "artifacts" / "fit.png").read_bytes()


def test_events_that_draw_are_known_later(tmp_path):
    make(tmp_path, pictures=False, events={"silhouette_plot": {"name": "silhouette_plot"}})
    assert list(pictures_later(tmp_path)) == ["fit.png", "silhouettes.png"]


def test_a_run_without_a_result_is_not_drawn(tmp_path):
    execute(Order(read_spec({**CONFIG, "dataset": {"name": "file", "path": "none.csv"}}), tmp_path))
    with pytest.raises(StorageError, match="its status is failed"):
        pictures_later(tmp_path)


def test_code_that_a_journal_names_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("def f(x):\n    return x * x\n")
    problem = {"name": "python", "path": "mine.py:f", "x": 2.0}
    config = {
        "name": "trial",
        "task": {"name": "differentiate"},
        "differentiator": {"name": "dual"},
        "problem": problem,
    }
    assert execute(Order(read_spec(config), tmp_path)).status == "finished"
    with pytest.raises(ConfigError, match="is code that would run"):
        pictures_later(tmp_path, lambda spec: check_trust(spec, ()))


def test_a_task_sees_all_its_iterations_and_reads_its_answer_only_if_it_asks(tmp_path):
    seen = []

    @dataclass
    class Task(type(read_spec(CONFIG).task)):
        def draw(self, run):
            seen.append(run)
            return {}

        def recall(self, artifacts):
            raise AssertionError("nobody has asked")

    spec = read_spec(CONFIG)
    task = Task(clusterer=spec.task.clusterer, dataset=spec.task.dataset, engine=spec.task.engine)
    assert execute(Order(replace(spec, task=task), tmp_path)).status == "finished"
    (run,) = seen
    curves = run.curves("log_likelihood")
    assert sorted(curves) == [0, 1]
    assert curves[run.best_start][-1] == run.metrics["log_likelihood"]
