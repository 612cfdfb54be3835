"""Every topic: its config, its text, its numbers, and pictures that one can read."""

import re
from pathlib import Path

import numpy as np
import pytest

from gradmix.registry.registry import registry
from gradmix_datasets.mixture import Mixture
from gradmix_datasets.old_faithful import OldFaithful
from gradmix_lecture import TOPICS
from gradmix_lecture.gallery.drawing import formula_svg, in_style
from gradmix_lecture.gallery.page import Description, write_page
from gradmix_lecture.topic import Table
from gradmix_problems.diffusion import Diffusion
from gradmix_problems.kepler import Kepler
from gradmix_problems.robertson import Robertson
from gradmix_problems.rosenbrock import Rosenbrock
from gradmix_problems.rough import Noisy, Quantised
from looks import faults

CONFIGS = Path(__file__).parents[3] / "configs" / "experiment" / "lecture"

LINE = Mixture(n=40, weights=(0.5, 0.5), means=((-2.0,), (2.0,)), covariances=(1.0, 1.0), random_state=0)

QUICK = {
    "divided_difference_error": {"steps_per_decade": 1},
    "dual_numbers": {"n": 9},
    "two_components": {"n": 4},
    "program_and_dual_program": {"function": "distance"},
    "source_transformation": {"program": "heron"},
    "operator_overloading": {"lengths": (1, 100), "repeats": 1},
    "newton": {"iterations": 7},
    "jacobian_cost": {"entries": 16, "lengths": (2, 20), "sizes": (4, 12), "repeats": 1},
    "higher_derivatives": {"orders": 3, "sizes": (2, 6), "repeats": 1},
    "noisy_function": {"problem": Noisy(noise=1e-3, width=1e-3), "steps_per_decade": 2},
    "discrete_function": {"problem": Quantised(quantum=0.02), "steps_per_decade": 2},
    "symbolic": {"steps": 3, "repeats": 1},
    "applications": {
        "equations": Kepler(),
        "minimum": Rosenbrock(),
        "inverse": Diffusion(n=6),
        "stiff": Robertson(),
        "training": 20,
    },
    "software": {"tools": ("dual", "tape", "autograd"), "repeats": 1},
    "iterative_solver": {"iterations": (5, 10)},
    "forward_and_reverse": {"function": "decay", "seed": (0.5, -2.0)},
    "hard_assignments": {"dataset": Mixture(n=60, random_state=0), "random_state": 0},
    "generative_story": {"n": 30, "random_state": 0},
    "supervised": {"dataset": Mixture(n=60, random_state=0), "random_state": 0},
    "kmeans_as_hard_em": {"dataset": Mixture(n=60, random_state=0), "n_sigmas": 3},
    "local_optima": {"dataset": Mixture(n=60, random_state=0), "n_init": 4, "random_state": 0},
    "em_and_gradient_ascent": {"dataset": OldFaithful(), "differentiators": ("tape",), "random_state": 0},
    "scikit_learn": {"dataset": Mixture(n=60, random_state=0), "max_iter": 2, "random_state": 0},
    "means_only": {
        "dataset": LINE,
        "iterations": 4,
        "differentiator": registry().find("differentiator", "tape").load()(),
    },
    "lower_bound": {"dataset": LINE, "start": 4.0, "iterations": 4},
    "covariance_types": {"dataset": Mixture(n=60, random_state=0), "types": ("diag", "VEI"), "random_state": 0},
    "single_gaussian_and_mixture": {"dataset": OldFaithful(), "random_state": 0},
    "em_iterations": {"dataset": Mixture(n=60, random_state=0), "shown": (0, 1, 4)},
    "em_on_old_faithful": {"dataset": OldFaithful(), "shown": (0, 1, 4)},
}
"""Options with which a topic's numbers are there at once; its pictures must be right with any."""

topics = pytest.mark.parametrize("name", list(TOPICS))


@pytest.fixture(scope="module")
def made():
    """Topic and table by name, made once."""
    found = {}

    def get(name):
        if name not in found:
            topic = registry().find("topic", name).load()(**QUICK.get(name, {}))
            topic.check()
            found[name] = topic, Table(list(topic.rows()))
        return found[name]

    return get


def test_every_topic_has_an_experiment_and_every_experiment_a_topic():
    assert sorted(path.stem for path in CONFIGS.glob("*.yaml")) == sorted(TOPICS)


@topics
def test_the_experiment_chooses_the_topic(name):
    text = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8")
    assert f"- override /topic: {name}\n" in text
    assert len(text.splitlines()) <= 20


def test_the_documentation_lists_every_topic_in_the_lectures_order():
    text = (CONFIGS.parents[2] / "docs" / "lecture.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `lecture/(\w+)` \|", text, flags=re.M) == list(TOPICS)


@topics
def test_the_page_says_what_is_seen(name):
    description = Description.of(registry().find("topic", name).load())
    assert description.heading[0].isupper()
    assert len(description.text) == 1
    assert 1 <= description.text[0].count(". ") + 1 <= 4


@topics
def test_the_numbers_are_finite_and_declared(name, made):
    topic, table = made(name)
    assert len(table) > 0
    assert all(np.isfinite(value) for row in table.rows for value in row.values())
    summary = topic.summary(table)
    assert set(summary) <= {meaning.name for meaning in topic.metrics()}
    assert all(np.isfinite(value) for value in summary.values())


@topics
def test_the_formula_can_be_set(name):
    assert formula_svg(registry().find("topic", name).load().formula).startswith(b"<?xml")


@topics
def test_nothing_in_the_picture_is_empty_clipped_or_covered(name, made):
    topic, table = made(name)
    with in_style():
        assert faults(topic.plot(table)) == []


@topics
def test_neither_is_anything_in_its_frames(name, made):
    topic, table = made(name)
    with in_style():
        frames = list(topic.frames(table))
        shown = {i for i in (0, len(frames) // 2, len(frames) - 1) if frames}
        assert {label: faults(figure) for label, figure in (frames[i] for i in shown)} == {
            frames[i][0]: [] for i in shown
        }
    assert len({label for label, _ in frames}) == len(frames)
    assert len({tuple(figure.get_size_inches()) for _, figure in frames}) <= 1
    assert bool(frames) == bool(topic.counted)


@topics
def test_the_page_holds_all_that_it_needs(name, made, tmp_path):
    topic, table = made(name)
    topic.frames = lambda table: iter(())  # drawn in the test above
    write_page(tmp_path / "page.html", topic, table, topic.summary(table))
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert f"gradmix run experiment=lecture/{name}" in text
    assert "http" not in text.replace("data:image/svg+xml", "")
    for meaning in topic.metrics():
        assert meaning.meaning.replace("'", "&#39;").replace("<", "&lt;") in text
