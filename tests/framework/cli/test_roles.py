"""Roles, seen from the command line: what is compared, what was given, and kinds that a plugin adds."""

import json
from pathlib import Path

import pytest

from conftest import journals

FILE = Path(__file__).parents[2] / "plugin_with_parts.py"
WITH = (f"plugins.files=[{FILE}]", "tracking=none", "pictures=false")


def test_data_under_any_name_are_given_and_never_ranked_and_compare_needs_no_plugin(gradmix_command, empty_folder):
    arguments = ("run", "-m", "task=predict", "train=iris,wine", "train.standardise=true", "clusterer.n_clusters=2,3")
    gradmix_command(*arguments, *WITH)
    out, _ = gradmix_command("compare", "predict")
    assert "n_clusters=3 is best, or level with the best, on 2 of 2 datasets, by rmse (lower is better)." in out
    assert "rmse always improves with n_clusters" in out
    assert "iris is best" not in out
    assert "iris has a lower rmse" not in out
    again, _ = gradmix_command(*arguments, *WITH)
    assert "4 jobs: 4 done" in again  # the same work has the same identity


def test_a_plugins_kinds_are_compared_paired_and_listed_as_our_own(gradmix_command, empty_folder):
    gradmix_command(
        *(
            "run",
            "-m",
            "task=find_root",
            "root_finder=tangents,bisection",
            "left.n=2,3",
            "root_finder.differentiator=tape",
        ),
        *("timing.paired=true", "timing.repeats=2", *WITH),
        *("strict=true", "--plan"),
        code=2,
    )  # bisection holds none
    gradmix_command(
        *("run", "-m", "task=find_root", "root_finder=tangents,bisection", "left.n=2,3"),
        *("timing.paired=true", "timing.repeats=2", *WITH),
    )
    runs = [events for events in journals() if events[0]["kind"] == "run"]
    blocks = {}
    for events in runs:
        (timing,) = [event for event in events if event["event"] == "timing"]
        blocks.setdefault(timing["block"], set()).add(
            (events[0]["params"]["root_finder"], events[0]["params"]["left.n"])
        )
    assert sorted(map(sorted, blocks.values())) == [
        [("bisection", 2), ("tangents", 2)],
        [("bisection", 3), ("tangents", 3)],
    ]
    assert runs[0][0]["parts"]["left"] == {"kind": "equation", "role": "given"}
    out, _ = gradmix_command("compare", "find_root")
    assert "tangents is best, or level with the best, on 2 of 2" in out


def test_a_nested_component_is_a_factor_of_a_sweep(gradmix_command, empty_folder):
    gradmix_command(
        *("run", "-m", "clusterer=descent", "clusterer.differentiator=dual,finite_difference", "seed=range(2)"),
        *("clusterer.slope=tape", *WITH),
    )
    runs = [events[0] for events in journals() if events[0]["kind"] == "run"]
    assert {run["params"]["clusterer.differentiator"] for run in runs} == {"dual", "finite_difference"}
    assert {run["params"]["clusterer.slope"] for run in runs} == {"tape"}
    assert all(run["seeds"] == ["seed", "clusterer.random_state"] for run in runs)
    out, _ = gradmix_command("compare", "cluster")
    assert "finite_difference" in out
    assert "repeated over 2 values of seed" in out
    gradmix_command("resume", "last", *WITH[:1])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "task=predict", "train=iriss"), "Did you mean iris?"),
        (("run", "task=predict", "trian=iris"), "Did you mean train?"),
        (("run", "task=predict", "train.foo=1"), "drop_constant, standardise"),
        (("run", "task=find_root", "root_finder=tangens"), "Did you mean tangents?"),
        (("run", "clusterer=descent", "clusterer.differentiator=dul"), "Did you mean dual?"),
        (("run", "clusterer=descent", "clusterer.slope=dul"), "Did you mean dual?"),
        (("new", "root_finder", "mine"), "the kind root_finder has no template"),
    ],
)
def test_a_slip_is_answered_by_the_nearest_name(gradmix_command, empty_folder, arguments, said):
    _, err = gradmix_command(*arguments, WITH[0], code=2)
    assert said in err


def test_listings_and_help_have_the_kinds_of_plugins(gradmix_command, empty_folder):
    listed, _ = gradmix_command("plugins", WITH[0])
    assert "\nroot_finder" in listed
    shown, _ = gradmix_command("plugins", "tangents", WITH[0])
    assert "root_finder.differentiator = dual   the name of a differentiator" in shown
    assert "gradmix run task=find_root root_finder=tangents" in shown
    assert "root_finder: bisection, tangents" in gradmix_command("run", "--help", WITH[0])[0]


def test_a_component_of_a_plugins_kind_gets_the_checks_of_any_component(gradmix_command, empty_folder):
    out, _ = gradmix_command("check", "tangents", WITH[0])
    assert "root_finder tangents" in out
    assert " 0 failed" in out


def test_the_old_spelling_of_a_field_is_understood(gradmix_command, empty_folder):
    gradmix_command("run", "task=predict", "dataset@train=wine", *WITH)
    (events,) = journals()
    assert json.loads(json.dumps(events[0]["params"]))["train"] == "wine"
