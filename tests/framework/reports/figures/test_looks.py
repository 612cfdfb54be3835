"""Looks of groups: one meaning for a color, and the same in every figure."""

from dataclasses import replace

import pytest

from gradmix.reports.figures import figures
from gradmix.reports.figures.looks import OTHERS, Styles
from made_comparisons import COVARIANCES, DERIVATIVES, comparison_of


def looks(comparison):
    styles = Styles(comparison)
    return [(group.settings, styles.look(group)) for group in comparison.groups]


def test_one_choice_is_told_by_colors_and_another_by_markers(tmp_path):
    found = looks(comparison_of(tmp_path, COVARIANCES))
    assert len({look for _, look in found}) == 16
    for key, channel in {"clusterer.covariance_type": "color", "clusterer.n_components": "marker"}.items():
        meanings = {(settings[key], getattr(look, channel)) for settings, look in found}
        assert len(meanings) == len({value for value, _ in meanings}) == len({sign for _, sign in meanings}) == 4


def test_the_best_has_the_first_color(tmp_path):
    comparison = comparison_of(tmp_path, {"clusterer.n_components": [1, 2, 3]}, results=[30.0, 20.0, 10.0], seeds=1)
    assert [settings["clusterer.n_components"] for settings, _ in looks(comparison)] == [3, 2, 1]
    assert looks(comparison)[0][1].color == "#0072B2"


def test_of_many_values_of_a_single_choice_the_best_have_colors(tmp_path):
    found = looks(comparison_of(tmp_path, {"clusterer.n_components": list(range(1, 13))}, seeds=1))
    assert [look.color == OTHERS for _, look in found] == [False] * 8 + [True] * 4


@pytest.mark.parametrize("axes", [COVARIANCES, DERIVATIVES, {"clusterer.n_components": [1, 2, 3]}])
def test_every_point_of_a_group_has_its_look_in_all_figures(tmp_path, axes):
    comparison = comparison_of(tmp_path, axes)
    label = Styles(comparison).label
    expected = {label(group): Styles(comparison).look(group) for group in comparison.groups}
    seen = set()
    for figure in figures(comparison):
        for series in (series for view in figure.views for series in view.series if series.texts):
            (name,) = {name for name in expected if f"{name}:" in series.texts[0] or f"{name}, seed" in series.texts[0]}
            assert series.look == expected[name]
            seen.add((figure.name, name))
    assert len({name for _, name in seen}) == len(expected)


def test_the_legend_names_each_look_once(tmp_path):
    comparison = comparison_of(tmp_path, COVARIANCES)
    (cost,) = [figure for figure in figures(comparison) if figure.name == "cost"]
    texts = [entry.text for entry in cost.views[0].entries]
    assert {"full", "tied", "diag", "spherical"} == {*texts[:4]}
    assert texts[4:] == [f"n_components={k}" for k in (1, 2, 3, 4)]


def test_a_view_of_one_group_among_others_names_it(tmp_path):
    comparison = comparison_of(tmp_path, COVARIANCES)
    (cost,) = [figure for figure in figures(comparison) if figure.name == "cost"]
    alone = replace(cost.views[0], series=cost.views[0].series[:1])
    (entry,) = alone.entries
    assert entry.text in {"full", "tied", "diag", "spherical"}
    assert entry.look.color == alone.series[0].look.color
