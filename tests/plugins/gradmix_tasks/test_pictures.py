"""Pictures of fits and of derivatives, as drawn: readable, in the right units, and of what was computed."""

from functools import partial

import matplotlib
import numpy as np
import pytest

import gradmix
from gradmix import FinishedRun, Iteration
from gradmix_tasks.derivative_picture import draw_derivative
from gradmix_tasks.pictures import draw_fit
from gradmix_tasks.solve_picture import draw_convergence, draw_steps
from looks import faults

LINES = ("precision of float64", "estimated by the differentiator")
LIKELIHOOD = gradmix.Meaning("log_likelihood", unit="nats")


@pytest.fixture
def drawn(monkeypatch):
    """What was drawn, instead of files; with its style, as texts are measured later."""
    figures = []
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda figure, path: figures.append(figure))
    with matplotlib.rc_context(gradmix.PICTURE_STYLE):
        yield figures


def fit(data, **options):
    clusterer = gradmix.clusterer("gmm", random_state=0, **options)
    iterations = list(clusterer.iterations(data.X))
    curves = {}
    for each in iterations:
        curves.setdefault(each.start, []).append(each.metrics["log_likelihood"])
    model = iterations[-1].estimate
    draw_fit(None, LIKELIHOOD, curves, iterations[-1].start, model, model.predict(data.X), data, clusterer)


def normal(n, d, scale=1.0, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)) * scale


def separated(n, d, seed=0):
    return normal(n, d, seed=seed) + 3.5 * (np.arange(n) % 3)[:, None]


@pytest.mark.parametrize(
    ("X", "options"),
    [
        (normal(300, 2), {"n_components": 3, "n_init": 3}),
        (normal(300, 4), {"n_components": 2}),
        (normal(300, 1), {"n_components": 2}),
        (normal(300, 2), {"n_components": 1}),
        (normal(300, 1), {"n_components": 1}),
        (normal(300, 2, [1.0, 1e6]), {"n_components": 9, "max_iter": 3}),
        (normal(300, 2, [1e6, 1e7]), {"n_components": 3}),
        (separated(300, 4), {"n_components": 3}),  # the likelihood grows by little, so its axis has long numbers
        (separated(300, 4, seed=6), {"n_components": 3}),
        (separated(300, 1) + 1e5, {"n_components": 3}),
    ],
)
def test_no_fit_has_a_text_that_is_cut_or_covered(drawn, X, options):
    fit(gradmix.Data(X), **options)
    assert faults(drawn[0]) == []


def test_the_picture_says_what_was_reached_in_which_unit(drawn):
    fit(gradmix.Data(normal(200, 2)), n_components=2, max_iter=3)
    curve, plane = drawn[0].axes
    reached, after = curve.get_title(loc="left").splitlines()
    assert reached.startswith("log-likelihood \N{MINUS SIGN}")
    assert reached.endswith(" nats")
    assert after == "after 3 iterations"
    assert [tick for tick in curve.get_xticks() if 0.5 <= tick <= 3.5] == [1, 2, 3]
    assert plane.get_aspect() == 1.0


def test_a_fit_of_one_iteration_has_no_curve(drawn):
    fit(gradmix.Data(normal(200, 2)), n_components=1)
    (plane,) = drawn[0].axes
    assert "nats\nafter 1 iteration;" in plane.get_title(loc="left")
    assert len(plane.collections[0].get_offsets()) == 200


def test_features_of_unlike_scales_are_not_squeezed(drawn):
    fit(gradmix.Data(normal(200, 2, [1.0, 100.0])), n_components=2)
    assert drawn[0].axes[1].get_aspect() == "auto"


def test_many_features_are_drawn_by_their_principal_components(drawn):
    X = normal(300, 3, [1.0, 10.0, 5.0])
    fit(gradmix.Data(X), n_components=1)
    (plane,) = drawn[0].axes
    points = plane.collections[0].get_offsets()
    assert "of variance" in plane.get_xlabel()
    largest = np.sort(np.linalg.eigvalsh(np.cov(X, rowvar=False)))[:0:-1]
    np.testing.assert_allclose(np.var(points, axis=0, ddof=1), largest, rtol=1e-8)
    widths = [ellipse.width for ellipse in plane.patches]
    assert widths[0] == pytest.approx(2 * np.sqrt(largest[0]), rel=0.01)


def test_one_feature_is_drawn_with_its_density(drawn):
    X = np.concatenate([normal(300, 1), normal(300, 1, seed=1) + 9])
    fit(gradmix.Data(X), n_components=2)
    histogram = drawn[0].axes[-1]
    (density,) = histogram.get_lines()
    assert sum(bar.get_height() for bar in histogram.patches) == 600
    x, y = density.get_data()
    width = histogram.patches[0].get_width()
    assert np.trapezoid(y, x) == pytest.approx(600 * width, rel=0.05)


def test_groups_are_named_with_their_rows(drawn):
    X = np.concatenate([normal(30, 2), normal(70, 2) + 20])
    fit(gradmix.Data(X), n_components=2)
    named = {text.get_text().splitlines()[1] for text in drawn[0].axes[-1].get_legend().get_texts()}
    assert named == {"30 rows", "70 rows"}


def colors_by_place(picture):
    """Color of each cloud, from left to right."""
    clouds = picture.axes[-1].collections
    return [tuple(each.get_facecolor()[0]) for each in sorted(clouds, key=lambda each: each.get_offsets()[:, 0].mean())]


def test_two_fits_of_the_same_data_color_the_same_group_alike(drawn):
    data = gradmix.dataset("iris").load()
    for seed in range(4):
        clusterer = gradmix.clusterer("kmeans", n_clusters=3, random_state=seed)
        model = clusterer.fit(data.X).model_
        draw_fit(None, LIKELIHOOD, {0: [1.0]}, 0, model, model.predict(data.X), data, clusterer)
    assert len({tuple(colors_by_place(picture)) for picture in drawn}) == 1


def derivative(computed, exact, **metrics):
    answer = {"point": np.ones(np.size(computed)), "computed": computed, "exact": exact}
    metrics = {"function_evaluations": 5.0, "time.ratio_to_function": 12345.0, **metrics}
    draw_derivative(None, FinishedRun(metrics, (), 0, lambda: answer))


@pytest.mark.parametrize(
    "draw",
    [
        partial(derivative, 1.0, 1.0),
        partial(derivative, [1.0, 2.0, 3.0], [1.0, 2.0 + 1e-13, 3.0], estimated_error=1e-11),
        partial(derivative, np.full((30, 30), 2.0), np.full((30, 30), 1.0)),
        partial(derivative, [1.0, np.nan], [1.0, 2.0]),
        partial(derivative, [1.0, 2.0], None),
        partial(derivative, [np.nan], [1.0], function_evaluations=0.0),
    ],
)
def test_no_picture_of_a_derivative_has_a_text_that_is_cut_or_covered(drawn, draw):
    draw()
    assert [each for each in faults(drawn[0]) if "has no points" not in each] == []


def test_each_entry_has_its_error_and_exact_ones_are_called_so(drawn):
    derivative([1.0, 2.0, 30.0], [1.0, 2.0 + 4e-13, 30.0 - 3e-9])
    entries, costs = drawn[0].axes
    inexact, exact = entries.get_lines()[:2]
    assert inexact.get_xdata().tolist() == [2, 3]
    np.testing.assert_allclose(inexact.get_ydata(), [2e-13, 1e-10], rtol=1e-3)
    assert exact.get_xdata().tolist() == [1]
    (place,) = [tick.get_position()[1] for tick in entries.get_yticklabels() if tick.get_text() == "exact"]
    assert exact.get_ydata().tolist() == [place]
    assert entries.get_title(loc="left") == "largest error 1e-10"
    assert [bar.get_x() + bar.get_width() for bar in costs.patches] == [5, 12345]
    assert "n + 1 = 4" in costs.get_legend().get_texts()[0].get_text()


@pytest.mark.parametrize("estimated_error", [1e-16, 1e-12, 1e-5])
def test_lines_keep_clear_of_the_legend_and_numbers_stay_beside_their_bars(drawn, estimated_error):
    metrics = {"estimated_error": estimated_error, "time.ratio_to_function": 115_000.0}
    derivative([1.0, 2.0 + 1e-6], [1.0, 2.0], **metrics)
    entries, costs = drawn[0].axes
    drawn[0].draw_without_rendering()
    legend = entries.get_legend().get_window_extent()
    heights = [line.get_ydata()[0] for line in entries.get_lines() if line.get_label() in LINES]
    assert len(heights) == 2
    assert all(entries.transData.transform((1, height))[1] < legend.y0 for height in heights)
    edge = costs.get_window_extent().x1
    assert all(text.get_window_extent().x1 <= edge for text in costs.texts)


@pytest.mark.parametrize("n", [8, 1000])
@pytest.mark.parametrize("draw", [draw_convergence, draw_steps])
def test_no_picture_of_a_solution_has_a_text_that_is_cut_or_covered(drawn, draw, n):
    values = {"error": 1e-4, "residual": 0.0, "t": 1e-3, "time_step": 1e-6}
    iterations = tuple(Iteration(None, {k: v / i for k, v in values.items()}, start=0, step=i) for i in range(1, n + 1))
    draw(None, FinishedRun({**values, "converged": 1.0, "n_iter": n}, iterations, 0, dict))
    assert faults(drawn[0]) == []
    assert "error 0.0001, residual 0" in drawn[0].axes[0].get_title(loc="left")
    assert drawn[0].axes[0].get_xlim() == (0.5, n + 0.5)
