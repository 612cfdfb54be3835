"""Figures as drawn: readable, with ticks that fit, and the same points for whoever points at them."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from gradmix.reports.figures import figures
from gradmix.reports.figures.drawing import draw
from gradmix.reports.figures.strips import draw_strips
from gradmix.reports.figures.svg import drawn
from looks import faults
from made_comparisons import COVARIANCES, DERIVATIVES, comparison_of

LONG = {
    "clusterer": ["a_clusterer_with_a_long_name_of_its_own", "$x^2$ & <b>_{another}$"],
    "clusterer.n_components": [1, 2, 3],
}
CASES = {
    "covariances": (COVARIANCES, {}),
    "one choice": ({"clusterer.n_components": [1, 2, 3, 5, 8]}, {"seeds": 8, "lengths": (4, 6)}),
    "derivatives": (DERIVATIVES, {"metric": "derivative_error", "results": [0.0, 3e-16, 2e-9, 1e-16], "lengths": (0,)}),
    "exact or one error": (DERIVATIVES, {"metric": "derivative_error", "results": [0.0, 3e-16], "lengths": (0,)}),
    "long names": (LONG, {"seconds": 1e-6}),
}


@pytest.fixture(params=CASES, ids=str)
def comparison(request, tmp_path):
    axes, options = CASES[request.param]
    return comparison_of(tmp_path, axes, **options)


def views(comparison):
    return [(figure.name, view) for figure in figures(comparison) for view in figure.views]


def test_no_picture_has_a_text_that_is_cut_or_covered_or_a_line_without_a_name(comparison):
    found = {f"{name} {view.name}": faults(draw(view)) for name, view in views(comparison)}
    found["strips"] = faults(draw_strips(comparison))
    assert {name: each for name, each in found.items() if each} == {}
    assert len(found) >= 3


def test_iterations_have_whole_numbers(tmp_path):
    comparison = comparison_of(tmp_path, {"clusterer.n_components": [1, 2]}, lengths=(2, 3))
    (view, *_) = [view for name, view in views(comparison) if name == "curves"]
    assert [tick for tick in draw(view).axes[0].get_xticks() if 1 <= tick <= 3] == [1, 2, 3]


def test_times_have_si_prefixes(tmp_path):
    comparison = comparison_of(tmp_path, {"clusterer.n_components": [1, 2]}, seconds=1e-4)
    (view, *_) = [view for name, view in views(comparison) if name == "cost"]
    axes = draw(view).axes[0]
    assert {label.get_text().split()[1] for label in axes.get_xticklabels()} <= {"ns", "µs", "ms", "s"}


def test_exact_results_are_drawn_beside_inexact_ones_and_called_zero(tmp_path):
    comparison = comparison_of(tmp_path, *CASES["derivatives"][:1], **CASES["derivatives"][1])
    (view, *_) = [view for name, view in views(comparison) if name == "cost"]
    axes = draw(view).axes[0]
    assert axes.get_yscale() == "log"
    (place,) = [tick.get_position()[1] for tick in axes.get_yticklabels() if tick.get_text() == "0"]
    assert sum(place in line.get_ydata() for line in axes.get_lines()) >= 1


def test_points_are_where_the_image_shows_them(comparison):
    for _, view in views(comparison):
        image, found = drawn(view, "p-")
        root = ElementTree.fromstring(image)
        for index, (series, points) in enumerate(zip(view.series, found["series"], strict=False)):
            if series.joined:
                continue
            places = [
                [
                    axis["start"] + axis["slope"] * (np.log10(value) if axis["log"] else value)
                    for axis, value in zip((found["x"], found["y"]), point, strict=True)
                ]
                for point in zip(points["x"], points["y"], strict=True)
                if found["within"][0] <= point[1] <= found["within"][1]
            ]
            group = root.find(f".//*[@id='p-series-{index}-points']")
            shown = [
                [float(use.get("x")), float(use.get("y"))] for use in group.iter("{http://www.w3.org/2000/svg}use")
            ]
            np.testing.assert_allclose(sorted(shown), sorted(places), atol=0.05)


def test_identifiers_of_two_images_differ_and_point_into_their_own(comparison):
    images = [drawn(view, f"v{number}-")[0] for number, (_, view) in enumerate(views(comparison))]
    for number, image in enumerate(images):
        identifiers = re.findall(r'\bid="([^"]*)"', image)
        assert len({*identifiers}) == len(identifiers)
        assert all(each.startswith(f"v{number}-") for each in identifiers)
        assert {*re.findall(r'(?:href="|url\()#([^")]*)', image)} <= {*identifiers}


def test_what_a_script_is_told_is_plain_json(comparison):
    for _, view in views(comparison):
        json.dumps(drawn(view, "")[1], allow_nan=False)


def test_results_on_different_problems_are_shaded_by_how_far_they_are_from_the_best_of_their_own(tmp_path):
    results = [1e-16, 1e-16, 1e-9, 1e-3, 2e-3, 1.0]  # two problems, three differentiators
    comparison = comparison_of(tmp_path, DERIVATIVES, metric="derivative_error", results=results, seeds=1, lengths=(0,))
    (grid,) = [view.grid for name, view in views(comparison) if name == "heat"]
    shades = {(x, y): grid.shades[j][i] for i, x in enumerate(grid.across) for j, y in enumerate(grid.down)}
    assert shades["dual", "lecture"] == shades["tape", "lecture"] == shades["dual", "rosenbrock"] == 0
    assert 0 < shades["tape", "rosenbrock"] < shades["finite_difference", "rosenbrock"] == pytest.approx(3 / 7)
    assert shades["finite_difference", "lecture"] == 1
    assert {text for _, text in grid.ticks} >= {"1", "1000000"}


def test_of_many_runs_each_group_has_the_line_of_its_median(tmp_path):
    results = [30.0, 10.0, 20.0]
    comparison = comparison_of(tmp_path, {"clusterer.n_components": list(range(1, 31))}, results=results, seeds=3)
    (view, *_) = [view for name, view in views(comparison) if name == "curves"]
    assert len(view.series) == 30
    assert {round(-series.y[-1] - 10 / series.x[-1], 9) for series in view.series} == {20.0}


def test_what_is_near_the_best_has_a_view_of_its_own(tmp_path):
    comparison = comparison_of(tmp_path, COVARIANCES, results=[10.0, 11.0, 12.0, 13.0, 14.0, 500.0, 15.0], seeds=1)
    (view,) = [view for name, view in views(comparison) if name == "option" and view.name == "bic, near the best"]
    low, high = draw(view).axes[0].get_ylim()
    assert low < 10 < 15 < high < 500


def test_a_heat_map_has_a_scale_and_no_two_medians_the_same_shade(tmp_path):
    comparison = comparison_of(tmp_path, COVARIANCES, results=[2314.3, 2320.1, 2607.6, 4024.7, 2333.0], seeds=1)
    (grid,) = [view.grid for name, view in views(comparison) if name == "heat"]
    pairs = {
        (text, shade)
        for texts, shades in zip(grid.texts, grid.shades, strict=True)
        for text, shade in zip(texts, shades, strict=True)
    }
    assert len({shade for _, shade in pairs}) == len({text for text, _ in pairs}) == 5
    assert len(grid.ticks) >= 3
    assert {text for _, text in grid.ticks} == {
        text.get_text() for text in draw(next(v for n, v in views(comparison) if n == "heat")).axes[1].get_yticklabels()
    }
