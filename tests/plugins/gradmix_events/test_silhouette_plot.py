"""The picture of silhouettes: drawn where there are groups, reported where there are none."""

import pytest

import gradmix
from gradmix.config.spec import read_spec
from gradmix.runs.events import watched_by
from gradmix.runs.runner import Order, execute

PNG = b"\x89PNG\r\n\x1a\n"


class Listener:
    def __init__(self):
        self.problems = []

    @gradmix.hookimpl
    def problem(self, message):
        self.problems.append(message)


def run(folder, n_components, **options):
    config = {
        "name": "trial",
        "task": {"name": "cluster"},
        "clusterer": {"name": "gmm", "n_components": n_components, "random_state": 0},
        "dataset": {"name": "old_faithful"},
        "events": {"silhouette_plot": {"name": "silhouette_plot", **options}},
    }
    listener = Listener()
    with watched_by(listener):
        outcome = execute(Order(read_spec(config), folder))
    return outcome, listener.problems


@pytest.mark.parametrize("options", [{}, {"sample_size": 50, "random_state": 1}])
def test_it_is_drawn_beside_the_tasks_own(tmp_path, options):
    outcome, problems = run(tmp_path, 2, **options)
    assert outcome.status == "finished"
    assert problems == []
    assert (tmp_path / "artifacts" / "silhouettes.png").read_bytes().startswith(PNG)
    assert (tmp_path / "artifacts" / "fit.png").exists()


def test_one_group_has_none(tmp_path):
    outcome, problems = run(tmp_path, 1)
    assert outcome.status == "finished"
    assert "silhouettes.png could not be written" in problems[0]
    assert "there are 1" in problems[0]
