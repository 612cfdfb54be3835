"""The picture of silhouettes: drawn where there are groups, reported where there are none."""

import matplotlib
import numpy as np
import pytest

import gradmix
from gradmix.config.spec import read_spec
from gradmix.runs.events import watched_by
from gradmix.runs.runner import Order, execute
from gradmix_events.silhouette_plot import SilhouettePlot
from looks import faults

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


@pytest.mark.parametrize("n_groups", [2, 3, 9, 30])
def test_groups_are_named_beside_their_bars_and_no_text_is_covered(monkeypatch, n_groups):
    drawn = []
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda figure, path: drawn.append(figure))
    groups = np.arange(300) % n_groups - (n_groups == 3)  # of three, one is noise
    X = np.random.default_rng(0).normal(size=(300, 2)) + 9.0 * groups[:, None]
    with matplotlib.rc_context(gradmix.PICTURE_STYLE):
        SilhouettePlot().pictures(gradmix.Data(X), groups)["silhouettes.png"](None)
        assert faults(drawn[0]) == []
    named = [text.get_text() for text in drawn[0].axes[0].get_yticklabels()]
    assert len(named) == (n_groups if n_groups <= 9 else 0)
    assert ("noise\n100 rows" in named) == (n_groups == 3)
