"""A grid over components with different options."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradmix import UnknownNameError
from gradmix.config.aliases import component_at, path_of_override
from gradmix.config.grid import ComponentGrid


def component_of(override):
    return component_at(path_of_override(override), override.partition("=")[2])


def grid_of(**choices):
    """A grid of the choices; ``__`` is a dot, ``___`` a slash."""
    keys = [key.replace("___", "/").replace("__", ".") for key in choices]
    found = {key: [f"{key}={value}" for value in values] for key, values in zip(keys, choices.values(), strict=True)}
    return ComponentGrid(found, component_of), [*itertools.product(*found.values())]


def jobs_of(**choices):
    grid, combinations = grid_of(**choices)
    return [" ".join(job) for job in dict.fromkeys(map(grid.applying, filter(grid.has, combinations)))]


def test_an_option_applies_to_the_components_that_have_it_and_equal_jobs_become_one():
    assert jobs_of(clusterer=["gmm", "kmeans"], clusterer__covariance_type=["full", "tied"], seed=[1]) == [
        "clusterer=gmm clusterer.covariance_type=full seed=1",
        "clusterer=gmm clusterer.covariance_type=tied seed=1",
        "clusterer=kmeans seed=1",
    ]


def test_an_alias_applies_to_every_component_that_shares_it():
    grid, combinations = grid_of(clusterer=["gmm", "kmeans"], clusterer__k=[2, 3])
    assert list(map(grid.applying, combinations)) == combinations
    assert grid.left_out == []


def test_the_options_of_a_part_that_is_left_out_are_not_listed():
    grid, _ = grid_of(
        clusterer=["gmm_gradient", "kmeans"],
        clusterer___differentiator=["tape", "source"],
        clusterer__differentiator__mode=["forward", "reverse"],
    )
    assert grid.left_out == [
        "clusterer.differentiator is left out for kmeans, which has no such option",
        "clusterer.differentiator.mode is left out for tape, which has no such option",
    ]


def test_what_is_left_out_is_said_with_the_name_that_would_apply():
    grid, _ = grid_of(clusterer=["gmm", "kmeans", "sklearn_hdbscan"], clusterer__n_components=[2, 3], seed=[1])
    (said,) = grid.left_out
    assert said.startswith("clusterer.n_components is left out for kmeans, sklearn_hdbscan, which have no such option")
    assert "clusterer.k is the name that they share" in said


def test_components_inside_others_and_tasks_are_owners_too():
    solver = {"solver": ["newton", "gradient_descent"], "solver___differentiator": ["dual", "finite_difference"]}
    jobs = jobs_of(**solver, solver__differentiator__step=[1e-5, 1e-6])
    assert len(jobs) == 2 * (1 + 2)
    assert jobs_of(task=["cluster", "solve"], clusterer=["gmm", "kmeans"], clusterer__k=[2, 3], solver=["newton"]) == [
        *(f"task=cluster clusterer={name} clusterer.k={k}" for name in ("gmm", "kmeans") for k in (2, 3)),
        "task=solve solver=newton",
    ]


def test_options_of_events_apply_where_these_are_chosen():
    assert jobs_of(events=["[patience]", "[]"], events__patience__rounds=[2, 3]) == [
        "events=[patience] events.patience.rounds=2",
        "events=[patience] events.patience.rounds=3",
        "events=[]",
    ]


@pytest.mark.parametrize("values", [[2], [2, 3]])
def test_an_option_that_no_component_has_is_an_error_once(values):
    with pytest.raises(UnknownNameError) as caught:
        grid_of(clusterer=["gmm", "kmeans"], clusterer__n_clutsers=values)
    assert str(caught.value).count("n_clutsers") == 1
    assert "Did you mean clusterer.n_clusters? Options of clusterer gmm or kmeans:" in str(caught.value)


def test_a_choice_that_a_component_does_not_have_is_left_out_for_it():
    mixtures = {"clusterer": ["gmm", "gmm_gradient", "kmeans"], "clusterer__covariance_type": ["full", "EEI", "VEI"]}
    assert jobs_of(**mixtures) == [
        *(f"clusterer=gmm clusterer.covariance_type={each}" for each in ("full", "EEI", "VEI")),
        "clusterer=gmm_gradient clusterer.covariance_type=full",
        "clusterer=kmeans",
    ]
    assert grid_of(**mixtures)[0].left_out == [
        "clusterer.covariance_type is left out for kmeans, which has no such option",
        "clusterer.covariance_type=EEI,VEI is left out for gmm_gradient, which has no such choice",
    ]


@pytest.mark.parametrize(
    "choices",
    [
        {"clusterer__covariance_type": ["full", "ful"]},  # no component has it: a mistake
        {"clusterer__covariance_type": ["EEI", "VEI"]},  # nothing would be left of gmm_gradient
        {"clusterer__covariance_type": ["EEI"]},
        {"clusterer__tol": ["0", "-1"]},  # a number is no choice
    ],
)
@pytest.mark.parametrize("others", [[], ["sklearn_gmm"], ["kmeans"]])
def test_values_that_are_mistakes_are_left_to_the_jobs(choices, others):
    grid, combinations = grid_of(clusterer=["gmm", "gmm_gradient", *others], **choices)
    assert all(map(grid.has, combinations))
    assert not any("such choice" in each for each in grid.left_out)


def test_options_that_files_set_are_removed_for_the_components_that_lack_them():
    keys = {"name", "n_init", "covariance_type", "init", "nonsense"}  # nonsense is a mistake, which each job reports
    choices = {"clusterer": ["clusterer=gmm", "clusterer=kmeans"], "clusterer.init": ["clusterer.init=random"]}
    grid = ComponentGrid(choices, component_of, lambda override: keys)
    gmm, kmeans = map(grid.applying, itertools.product(*choices.values()))
    assert gmm == ("clusterer=gmm", "~clusterer.init")
    assert kmeans == ("clusterer=kmeans", "clusterer.init=random", "~clusterer.covariance_type")
    assert grid.applying(kmeans) == kmeans  # as when it is resumed
    assert sorted(grid.left_out) == [
        "clusterer.covariance_type is left out for kmeans, which has no such option",
        "clusterer.init is left out for gmm, which has no such option",
    ]


def test_an_option_of_no_component_with_the_meaning_of_another_one_is_explained():
    with pytest.raises(UnknownNameError, match=r"clusterer\.k is the alias of both"):
        grid_of(clusterer=["kmeans", "sklearn_kmeans"], clusterer__n_components=[2, 3])


def test_what_is_unknown_or_not_swept_is_left_to_the_job():
    for choices in (
        {"clusterer": ["gmm", "no_such"], "clusterer__n_init": [1, 2]},  # its own job says so
        {"clusterer": ["kmeans"], "clusterer__n_components": [1, 2]},
        {"events": ["[patience]", "[]"], "events__other__rounds": [2, 3]},
    ):
        grid, combinations = grid_of(**choices)
        assert list(map(grid.applying, combinations)) == combinations


OPTIONS = {
    "k": [2, 3],
    "n_components": [4, 5],
    "n_clusters": [6],
    "init": ["a"],
    "tol": [0, 1],
    "covariance_type": ["b"],
}


@given(
    st.lists(st.sampled_from(["gmm", "kmeans", "sklearn_gmm", "sklearn_hdbscan"]), min_size=2, unique=True),
    st.sets(st.sampled_from([*OPTIONS]), max_size=4),
)
def test_each_component_has_the_grid_over_the_options_that_it_has(names, options):
    has = {name: component_of(f"clusterer={name}").__dataclass_fields__.keys() | {"k"} for name in names}
    has = {name: each - ({"k"} if name == "sklearn_hdbscan" else set()) for name, each in has.items()}
    choices = {"clusterer": names, **{f"clusterer__{option}": OPTIONS[option] for option in options}}
    if any(all(option not in each for each in has.values()) for option in options):
        with pytest.raises(UnknownNameError):
            grid_of(**choices)
        return
    jobs = jobs_of(**choices)
    for name in names:
        expected = math.prod(len(OPTIONS[option]) for option in options if option in has[name])
        assert sum(job.startswith(f"clusterer={name} ") or job == f"clusterer={name}" for job in jobs) == expected
