"""Densities: one Gaussian, a mixture of several, and the types of covariances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import gradmix
from gradmix import ConfigError, Data, Dataset, Meaning, NameOf, PositiveFloat, PositiveInt, Seed, group_color, part
from gradmix_lecture.gallery.drawing import new_figure, with_minus
from gradmix_lecture.topic import Table, Topic
from gradmix_lecture.topics.mixtures import (
    check_components,
    check_covariances,
    gaussians,
    mixture_of,
    plane_mixture,
    row_of,
    row_of_fit,
    rows_of,
)
from gradmix_lecture.topics.plane import blended, draw_gaussians, draw_rows, grid, limits, name_axes, scale_alike

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gradmix.arrays import Array

_CONTOURS = 7


@dataclass
class CovarianceTypes(Topic):
    """The covariance type says how ellipses may differ: more freedom fits better, and BIC asks what it costs.

    Spheres have one variance each, diagonal matrices one for each axis, and full matrices may also be rotated; tied
    ones are the same for all components. More freedom can only raise the log-likelihood. BIC adds log m for every
    parameter; the type with the lowest BIC balances fit and cost best.

    Parameters
    ----------
    dataset
        Data set with two columns.
    n_components
        Number of Gaussians.
    types
        Covariance types, at most 14: the lecture's four, or mclust's.
    n_init
        Number of starts of each fit.
    random_state
        Seed of the starts.
    """

    formula: ClassVar[str] = r"""
        P(X = x_j) = \dfrac{1}{(2\pi)^{m/2} \|\Sigma\|^{1/2}} \exp\left[-\frac{1}{2}(x_j - \mu)^T \Sigma^{-1} (x_j - \mu)\right]
        \mathrm{BIC} = -2 \log L + p \log n
    """  # noqa: E501
    counted: ClassVar[str] = "covariance type"

    dataset: Dataset = part("mixture")
    n_components: PositiveInt = 3
    types: Annotated[tuple[str, ...], NameOf("covariance")] = ("spherical", "diag", "tied", "full")
    n_init: PositiveInt = 5
    random_state: Seed = None

    def check(self) -> None:
        """Check that there are types, and that none is repeated."""
        super().check()
        if not 1 <= len(set(self.types)) == len(self.types) <= 14:
            raise ConfigError(f"topic.types must be 1 to 14 different types; given: {', '.join(self.types) or 'none'}.")

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the fit of each type, in the given order."""
        X = rows_of(self.dataset, 2).X
        for number, name in enumerate(self.types):
            fitted = gradmix.clusterer(
                "gmm",
                n_components=self.n_components,
                covariance_type=name,
                n_init=self.n_init,
                random_state=self.random_state,
            ).fit(X)
            yield {"type": float(number), **row_of_fit(fitted.model_, X)}

    def metrics(self) -> Sequence[Meaning]:
        """Return the meaning of each type's BIC."""
        return [Meaning(f"bic.{name}", "lower", "", f"BIC of {name}") for name in self.types]

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the BIC of each type."""
        return {f"bic.{name}": float(bic) for name, bic in zip(self.types, table["bic"], strict=False)}

    def plot(self, table: Table) -> Figure:
        """Draw a panel for each type."""
        data, figure, n = self.dataset.load(), new_figure(), len(table)
        n_columns = n if n < 4 else 2 if n == 4 else 5 if n > 8 else 4
        panels = figure.subplots(-(-n // n_columns), n_columns, squeeze=False).ravel()
        for axes, row in zip(panels, table.rows, strict=False):
            self._draw(axes, row, data)
            axes.set_title(self._title(row, table, n > 4), fontsize=8.5 if n > 4 else 10.5)
            if n <= 4:
                name_axes(axes, data)
            axes.locator_params(nbins=5, integer=True)
            axes.label_outer()
        for axes in panels[n:]:
            axes.remove()
        return figure

    def _title(self, row: Mapping[str, float], table: Table, in_short: bool) -> str:
        name = self.types[int(row["type"])]
        bic = f"BIC {row['bic']:.1f}{' (lowest)' if row['bic'] == table['bic'].min() else ''}"
        if in_short:
            return f"{name}: {bic}"
        counted = f"{row['n_parameters']:.0f} parameters"
        return with_minus(f"{name}: log L {row['log_likelihood']:.1f}, {bic}, {counted}")

    def _draw(self, axes: Axes, row: Mapping[str, float], data: Data) -> None:
        mixture = mixture_of(row)
        draw_rows(axes, data.X, blended(mixture.predict_proba(data.X)), 2.6)
        draw_gaussians(axes, mixture)
        scale_alike(axes, data.X)

    def frames(self, table: Table) -> Iterator[tuple[str, Figure]]:
        """Yield, for each type, the components and its BIC next to the others'."""
        data, best = self.dataset.load(), table["bic"].min()
        for row in table.rows:
            number, figure = int(row["type"]), new_figure()
            plane, bars = figure.subplots(1, 2, width_ratios=(3, 2))
            self._draw(plane, row, data)
            name_axes(plane, data)
            plane.set_title(f"{self.types[number]}, {row['n_parameters']:.0f} parameters")
            colors = [group_color(0) if i == number else "0.75" for i in range(len(table))]
            bars.barh(self.types[: len(table)], table["bic"] - best, color=colors)
            bars.invert_yaxis()
            bars.set_title(with_minus(f"BIC − lowest BIC ({best:.1f})"))
            values = f"log-likelihood {row['log_likelihood']:.2f}, BIC {row['bic']:.2f}"
            yield with_minus(f"{self.types[number]}: {values}"), figure


@dataclass
class SingleGaussianAndMixture(Topic):
    """One Gaussian puts its peak where there are hardly any points; a mixture of two follows both groups.

    Old Faithful has short eruptions after short waits and long ones after long waits. A single Gaussian has to cover
    both groups, and its density is highest in the gap between them. Two components need six more parameters, but the
    gain in likelihood is worth many times their cost.

    Parameters
    ----------
    dataset
        Data set with two columns.
    n_components
        Number of Gaussians of the mixture.
    random_state
        Seed of the mixture's start.
    """

    formula: ClassVar[str] = r"p(\mathbf{x}) = \sum_{k=1}^{K} \pi_k \, \mathcal{N}(\mathbf{x} \,|\, \mu_k, \Sigma_k)"

    dataset: Dataset = part("old_faithful")
    n_components: PositiveInt = 2
    random_state: Seed = None

    def check(self) -> None:
        """Check that the mixture has several components."""
        super().check()
        if self.n_components == 1:
            raise ConfigError("topic.n_components must be at least 2: a mixture of 1 is the single Gaussian.")

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the fit of one Gaussian, and the fit of the mixture."""
        X = rows_of(self.dataset, 2).X
        for k in (1, self.n_components):
            fitted = gradmix.clusterer("gmm", n_components=k, n_init=5, random_state=self.random_state).fit(X)
            yield {"n_components": float(k), **row_of_fit(fitted.model_, X)}

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of both log-likelihoods and BICs."""
        return (
            Meaning("log_likelihood.single", None, "nats", "log-likelihood of the single Gaussian"),
            Meaning("log_likelihood.mixture", None, "nats", "log-likelihood of the mixture"),
            Meaning("bic.single", "lower", "", "BIC of the single Gaussian"),
            Meaning("bic.mixture", "lower", "", "BIC of the mixture"),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the log-likelihood and BIC of both."""
        return {
            f"{metric}.{name}": float(value)
            for metric in ("log_likelihood", "bic")
            for name, value in zip(("single", "mixture"), table[metric], strict=False)
        }

    def plot(self, table: Table) -> Figure:
        """Draw both densities, with the rows."""
        data, figure = self.dataset.load(), new_figure()
        panels = figure.subplots(1, len(table), sharey=True, squeeze=False)[0]
        for axes, row in zip(panels, table.rows, strict=True):
            mixture = mixture_of(row)
            draw_density(axes, mixture, *limits(data.X, 0.25))
            draw_rows(axes, data.X, "0.25", 2.8)
            draw_gaussians(axes, mixture)
            k = int(row["n_components"])
            name = "single Gaussian" if k == 1 else f"mixture of {k}"
            axes.set_title(with_minus(f"{name}: {row['log_likelihood']:.1f} nats"))
            name_axes(axes, data)
            axes.label_outer()
        return figure


@dataclass
class MixtureDensity(Topic):
    """A mixture's density is the sum of its weighted components; peaks that are close to each other merge.

    The thin curves are the components times their weights, and the area under each is its weight. Their sum is a
    density again, with a shape that no single Gaussian has. Two components do not always give two peaks: equal ones
    give two only if their distance is more than 2σ.

    Parameters
    ----------
    weights
        Mixing coefficients, one for each component; they are scaled to sum to 1.
    means, sigmas
        Means and standard deviations of the mixture in one dimension.
    means_2d
        Means of the mixture in the plane.
    covariances_2d
        Variances and covariance of the mixture in the plane: Σ₁₁, Σ₂₂ and Σ₁₂ of each component.
    farthest
        Largest distance of the two equal components on the slider, in units of σ.
    """

    formula: ClassVar[str] = r"""
        p(\mathbf{x}) = \sum_{k=1}^{K} \pi_k \, \mathcal{N}(\mathbf{x} \,|\, \mu_k, \Sigma_k)
        \forall k : \pi_k \geq 0, \quad \sum_{k=1}^{K} \pi_k = 1
    """
    counted: ClassVar[str] = "distance"

    weights: tuple[PositiveFloat, ...] = (0.5, 0.3, 0.2)
    means: tuple[float, ...] = (-2.0, 0.5, 3.0)
    sigmas: tuple[PositiveFloat, ...] = (0.8, 1.2, 0.6)
    means_2d: tuple[tuple[float, float], ...] = ((-1.2, 1.0), (0.8, 0.4), (0.6, -1.6))
    covariances_2d: tuple[tuple[float, float, float], ...] = ((0.8, 0.5, 0.4), (0.7, 0.7, -0.4), (1.2, 0.3, 0.2))
    farthest: PositiveFloat = 4.0

    def check(self) -> None:
        """Check that all lists have equal length, and that the matrices are covariances."""
        super().check()
        names = ("weights", "means", "sigmas", "means_2d", "covariances_2d")
        check_components(**{name: getattr(self, name) for name in names})
        check_covariances("covariances_2d", self.covariances_2d)

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield both mixtures; then, for each distance, the number of peaks of two equal components."""
        line, plane = self._mixtures()
        yield {"dimensions": 1.0, **row_of(line)}
        yield {"dimensions": 2.0, **row_of(plane)}
        for distance in np.linspace(0.0, self.farthest, 17):
            yield {"distance": float(distance), "peaks": float(_count_peaks(_pair(float(distance))))}

    def _mixtures(self) -> tuple[Any, Any]:
        weights = np.array(self.weights) / sum(self.weights)
        line = gaussians(weights, np.array(self.means)[:, None], np.array(self.sigmas)[:, None, None] ** 2)
        return line, plane_mixture(self.weights, self.means_2d, self.covariances_2d)

    def metrics(self) -> Sequence[Meaning]:
        """Return the meaning of the largest distance at which two components have one peak."""
        return (Meaning("largest_hidden_distance", None, "σ", "largest distance on the slider that has one peak"),)

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the largest distance at which two components have one peak."""
        return {"largest_hidden_distance": float(table["distance"][table["peaks"] == 1].max(initial=0.0))}

    def plot(self, table: Table) -> Figure:
        """Draw components and sum: on a line, and in the plane with components on the left, the sum on the right."""
        figure = new_figure()
        line, plane = (mixture_of(table.where("dimensions", d).rows[0]) for d in (1, 2))
        left, middle, right = figure.subplots(1, 3, width_ratios=(5, 4, 4))
        _draw_line(left, line)
        left.set_title("components, and their sum (black)")
        across, up = _around(plane)
        draw_gaussians(middle, plane)
        for weight, mean in zip(plane.weights, plane.means, strict=True):
            middle.annotate(f"{weight:.2g}", mean, xytext=(7, -3), textcoords="offset points", fontsize=9)
        middle.set_title("components and weights")
        draw_density(right, plane, across, up)
        right.set_title("their sum")
        for axes in (middle, right):
            axes.set(xlim=across, ylim=up, xlabel="$x_1$")
        middle.set_ylabel("$x_2$")
        right.tick_params(labelleft=False)
        return figure

    def frames(self, table: Table) -> Iterator[tuple[str, Figure]]:
        """Yield two equal components and their sum at each distance."""
        for row in table.having("peaks").rows:
            figure = new_figure()
            axes = figure.subplots()
            reach = self.farthest / 2 + 3
            _draw_line(axes, _pair(row["distance"]), np.linspace(-reach, reach, 201), named=False)
            axes.set_ylim(0, 0.42)
            axes.set_title(r"two components of weight ½ with $\sigma = 1$, and their sum")
            yield f"distance {row['distance']:.2f} σ: {row['peaks']:.0f} peak{'s' * (row['peaks'] > 1)}", figure


def draw_density(axes: Axes, mixture: Any, across: tuple[float, float], up: tuple[float, float]) -> None:
    """Draw filled contours of a density; each level is three fifths of the next."""
    xs, ys, points = grid(across, up, 60)
    heights = np.exp(mixture.score_samples(points)).reshape(xs.shape)
    levels = heights.max() * 0.6 ** np.arange(_CONTOURS, -1, -1)
    axes.contourf(xs, ys, heights, levels=levels, cmap="Blues", alpha=0.7)
    axes.contour(xs, ys, heights, levels=levels, colors="0.45", linewidths=0.5)
    axes.grid(visible=False)
    axes.set(xlim=across, ylim=up)


def _draw_line(axes: Axes, mixture: Any, at: Array | None = None, named: bool = True) -> None:
    """Draw the weighted components of a mixture on a line, and their sum."""
    if at is None:
        reach = 3.5 * np.sqrt(mixture.matrices[:, 0, 0])
        at = np.linspace((mixture.means[:, 0] - reach).min(), (mixture.means[:, 0] + reach).max(), 241)
    parts = np.exp(mixture.log_joint(mixture.center(at[:, None])))
    for k, values in enumerate(parts):
        axes.fill_between(at, values, color=group_color(k), alpha=0.3, linewidth=0)
        axes.plot(at, values, color=group_color(k), linewidth=1.2)
        if named:
            top, name = int(values.argmax()), rf"$\pi_{k + 1} \mathcal{{N}}_{k + 1}$"
            axes.annotate(name, (at[top], values[top] / 2), ha="center", fontsize=10)
    axes.plot(at, parts.sum(axis=0), color="black", linewidth=2.2)
    axes.set(xlabel="x", ylabel="p(x)")
    axes.set_ylim(bottom=0)


def _around(mixture: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return ranges of both axes that show each component up to three standard deviations."""
    reach = 3 * np.sqrt(np.einsum("kii->ki", mixture.matrices))
    (left, bottom), (right, top) = (mixture.means - reach).min(axis=0), (mixture.means + reach).max(axis=0)
    return (float(left), float(right)), (float(bottom), float(top))


def _pair(distance: float) -> Any:
    """Return two components of equal weight with σ = 1."""
    return gaussians([0.5, 0.5], [[-distance / 2], [distance / 2]], np.ones((2, 1, 1)))


def _count_peaks(mixture: Any) -> int:
    """Count the local maxima of a density on a line, on a fine grid over the means."""
    low, high = mixture.means.min() - 1.0, mixture.means.max() + 1.0
    heights = mixture.score_samples(np.linspace(low, high, 4001)[:, None])
    return int(np.sum((heights[1:-1] > heights[:-2]) & (heights[1:-1] >= heights[2:])))
