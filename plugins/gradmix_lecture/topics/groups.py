"""Groups of rows: hard and soft assignments, generated rows, and fits with and without labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import gradmix
from gradmix import (
    ConfigError,
    Data,
    DataError,
    Dataset,
    Meaning,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Seed,
    group_color,
    part,
)
from gradmix_lecture.gallery.drawing import new_figure, with_minus
from gradmix_lecture.topic import Table, Topic
from gradmix_lecture.topics.mixtures import (
    check_components,
    check_covariances,
    gaussians,
    mixture_of,
    plane_mixture,
    row_of,
    rows_of,
)
from gradmix_lecture.topics.plane import blended, draw_gaussians, draw_rows, grid, name_axes, scale_alike

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gradmix.arrays import IntArray

_LEAST_DISTANCE = 1e-17
"""Value at which a distance of 0 is drawn, as a logarithmic axis has no 0."""


def labelled(dataset: Dataset) -> tuple[Data, IntArray, int]:
    """Return rows in the plane, the group number of each row, and the number of groups."""
    data = rows_of(dataset, 2)
    if data.labels is None:
        raise DataError("topic.dataset must have labels, which define the true groups.")
    names, labels = np.unique(data.labels, return_inverse=True)
    return data, labels, len(names)


def numbering(groups: IntArray, truth: IntArray, k: int) -> IntArray:
    """Renumber groups so that as many rows as possible have the same number as in the truth."""
    from scipy.optimize import linear_sum_assignment

    together = np.zeros((k, k))
    np.add.at(together, (groups, truth), 1)
    found: IntArray = linear_sum_assignment(-together)[1]
    return found


@dataclass
class HardAssignments(Topic):
    """Distances can be deceiving: k-means cuts off part of a wide cluster beside a narrow one, a mixture does not.

    k-means gives each point to the nearest center, so the border between two clusters is halfway, however wide they
    are. A Gaussian mixture learns the widths. Its border bends around the narrow cluster, and points that may belong to
    either have a blended colour.

    Parameters
    ----------
    dataset
        Data set with two columns and labels, which are the truth for the comparison.
    random_state
        Seed of the starts.
    """

    formula: ClassVar[str] = r"""
        \delta(Y_j = k, x_j) = 1 \quad \mathrm{if\ } \mu_k \mathrm{\ is\ nearest\ to\ } x_j
        P(Y_j = k \,|\, x_j) \propto p_k \, P(x_j \,|\, \mu_k, \Sigma_k)
    """

    dataset: Dataset = part("mixture")
    random_state: Seed = None

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield both fits with their agreement with the truth; then each row's groups."""
        from sklearn.metrics import adjusted_rand_score

        data, truth, k = labelled(self.dataset)
        kmeans = gradmix.clusterer("kmeans", n_clusters=k, n_init=10, random_state=self.random_state).fit(data.X)
        gmm = gradmix.clusterer("gmm", n_components=k, n_init=10, random_state=self.random_state).fit(data.X)
        numbers = {name: numbering(fitted.labels_, truth, k) for name, fitted in (("kmeans", kmeans), ("mixture", gmm))}
        groups = {"kmeans": numbers["kmeans"][kmeans.labels_], "mixture": numbers["mixture"][gmm.labels_]}
        order, mixture = np.argsort(numbers["mixture"]), gmm.model_
        centers = {
            f"center.{c}.{i}": float(kmeans.model_.centers[c - 1, i - 1]) for c in range(1, k + 1) for i in (1, 2)
        }
        yield {
            **{f"n_wrong.{name}": float(np.sum(found != truth)) for name, found in groups.items()},
            **{f"ari.{name}": float(adjusted_rand_score(truth, found)) for name, found in groups.items()},
            **centers,
            **row_of(gaussians(mixture.weights[order], mixture.means[order], mixture.matrices[order])),
        }
        for row, true in enumerate(truth):
            yield {"truth": float(true), **{name: float(found[row]) for name, found in groups.items()}}

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of both agreements with the truth."""
        return (
            Meaning("n_wrong.kmeans", "lower", "", "points that k-means assigns to the wrong cluster"),
            Meaning("n_wrong.mixture", "lower", "", "points that the mixture assigns to the wrong cluster"),
            Meaning("ari.kmeans", "higher", "", "adjusted Rand index of k-means: 1 is perfect, 0 is random"),
            Meaning("ari.mixture", "higher", "", "adjusted Rand index of the mixture: 1 is perfect, 0 is random"),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the agreement of both with the truth."""
        return {meaning.name: float(table[meaning.name][0]) for meaning in self.metrics()}

    def plot(self, table: Table) -> Figure:
        """Draw the truth and the groups of k-means and of the mixture; points in a wrong group have a ring."""
        data, figure = self.dataset.load(), new_figure()
        fit, truth = table.rows[0], table["truth"].astype(int)
        mixture, n = mixture_of(fit), len(truth)
        centers = np.array([[fit[f"center.{c}.{i}"] for i in (1, 2)] for c in range(1, len(mixture.means) + 1)])
        colors = np.eye(len(centers))
        true_panel, kmeans_panel, mixture_panel = figure.subplots(1, 3)
        draw_rows(true_panel, data.X, blended(colors[truth]))
        true_panel.set_title("the truth")
        draw_rows(kmeans_panel, data.X, blended(colors[table["kmeans"].astype(int)]))
        kmeans_panel.plot(*centers.T, "X", color="black", markeredgecolor="white", markersize=10)
        draw_rows(mixture_panel, data.X, blended(mixture.predict_proba(data.X)))
        draw_gaussians(mixture_panel, mixture)
        for axes, name, label in ((kmeans_panel, "kmeans", "k-means"), (mixture_panel, "mixture", "mixture")):
            wrong = data.X[table[name].astype(int) != truth]
            axes.plot(wrong[:, 0], wrong[:, 1], "o", color="black", fillstyle="none", markersize=6, markeredgewidth=0.9)
            axes.set_title(f"{label}: {len(wrong)} of {n} wrong, ARI {fit[f'ari.{name}']:.2f}")
        for axes in (true_panel, kmeans_panel, mixture_panel):
            scale_alike(axes, data.X)
            name_axes(axes, data)
            axes.label_outer()
        figure.draw_without_rendering()  # sets the ranges of the axes
        _draw_border(kmeans_panel, lambda X: -np.square(X[:, None] - centers).sum(axis=2))
        _draw_border(mixture_panel, lambda X: mixture.log_joint(mixture.center(X)).T)
        return figure


def _draw_border(axes: Axes, scores: Any) -> None:
    """Draw lines on which the two highest scores are equal."""
    across, up = axes.get_xlim(), axes.get_ylim()
    xs, ys, points = grid(across, up, 120)
    found = scores(points)
    for c in range(found.shape[1] - 1):
        lead = (found[:, c] - np.delete(found, c, axis=1).max(axis=1)).reshape(xs.shape)
        axes.contour(xs, ys, lead, levels=[0.0], colors="0.2", linewidths=1.0, linestyles="--")
    axes.set(xlim=across, ylim=up)


@dataclass
class KMeansAsHardEM(Topic):
    """As σ shrinks, responsibilities become zeros and ones, and EM becomes k-means.

    Here all components have the same weight and the variance σ², and EM moves only their means. With a large σ all
    components share every point. With a small σ each point belongs to its nearest mean alone, so the M-step averages
    the same points as k-means does. From the same start, both then reach the same end.

    Parameters
    ----------
    dataset
        Data set with two columns.
    n_components
        Number of components.
    widest, narrowest
        The range of σ.
    n_sigmas
        Number of values of σ.
    start_seed
        Seed for choosing rows as initial means, which are the same for all values of σ and for k-means.
    """

    formula: ClassVar[str] = r"""
        P(Y_j = k \,|\, x_j, \mu_1 \ldots \mu_K) \propto \exp\left(-\dfrac{1}{2\sigma^2} \|x_j - \mu_k\|^2\right)
        \mu_k = \dfrac{\sum_{j=1}^m \delta(Y_j = k, x_j)\, x_j}{\sum_{j=1}^m \delta(Y_j = k, x_j)} \quad (\sigma \rightarrow 0)
    """  # noqa: E501
    counted: ClassVar[str] = "σ"

    dataset: Dataset = part("mixture")
    n_components: PositiveInt = 3
    widest: PositiveFloat = 2.0
    narrowest: PositiveFloat = 0.05
    n_sigmas: PositiveInt = 12
    start_seed: NonNegativeInt = 0

    def check(self) -> None:
        """Check that the range of σ is not empty."""
        super().check()
        if self.narrowest >= self.widest or self.n_sigmas < 3:
            raise ConfigError(
                "topic.narrowest must be below topic.widest, and n_sigmas at least 3; given: "
                f"{self.narrowest:g}, {self.widest:g} and {self.n_sigmas}."
            )

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the centers of k-means; then, for each σ, EM's means and the hardness of its assignment."""
        X, k = rows_of(self.dataset, 2).X, self.n_components
        if k > len(X):
            raise ConfigError(f"topic.n_components={k} is more than the {len(X)} rows of the data set.")
        start = X[np.random.default_rng(self.start_seed).choice(len(X), k, replace=False)]
        kmeans = gradmix.clusterer("kmeans", n_clusters=k, init=start, n_init=1, tol=0.0).fit(X)
        centers = kmeans.model_.centers
        yield {f"center.{c}.{i}": float(centers[c - 1, i - 1]) for c in range(1, k + 1) for i in (1, 2)}
        for sigma in np.geomspace(self.widest, self.narrowest, self.n_sigmas):
            em = gradmix.clusterer(
                "gmm", n_components=k, update="means", sigma=float(sigma), means_init=start, tol=0.0, max_iter=2000
            )
            *_, last = em.iterations(X)
            means, shares = last.estimate.means, last.estimate.predict_proba(X)
            yield {
                "sigma": float(sigma),
                "distance": float(np.linalg.norm(means - centers, axis=1).max()),
                "shared": float(np.mean(shares.max(axis=1) < 0.99)),
                "differing": float(np.mean(shares.argmax(axis=1) != kmeans.labels_)),
                **{f"mean.{c}.{i}": float(means[c - 1, i - 1]) for c in range(1, k + 1) for i in (1, 2)},
            }

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of EM's distances from k-means at both ends of the range."""
        return (
            Meaning("distance.widest", None, "", "largest distance of a mean from k-means' center, widest σ"),
            Meaning("distance.narrowest", "lower", "", "largest distance of a mean from k-means' center, narrowest σ"),
            Meaning("shared.widest", None, "", "share of points with no responsibility above 99 %, widest σ"),
            Meaning("shared.narrowest", "lower", "", "share of points with no responsibility above 99 %, narrowest σ"),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return EM's distances from k-means at both ends of the range."""
        return {
            f"{name}.{end}": float(table[name][place])
            for name in ("distance", "shared")
            for end, place in (("widest", 0), ("narrowest", -1))
        }

    def plot(self, table: Table) -> Figure:
        """Draw three values of σ, and EM's distance from k-means against σ."""
        figure, fits = new_figure(), table.having("sigma").rows
        panels = figure.subplots(2, 2).ravel()
        between = min(fits[1:-1], key=lambda row: abs(row["shared"] - 0.3))
        shown = (fits[0], between, fits[-1])
        for number, (axes, row) in enumerate(zip(panels, shown, strict=False)):
            self._draw(axes, table, row)
            axes.set_title(f"σ = {row['sigma']:.2g}: {row['shared']:.0%} of the points shared")
            if number != 1:
                name_axes(axes, self.dataset.load())
        self._draw_curve(panels[3], table)
        return figure

    def _draw(self, axes: Axes, table: Table, row: Mapping[str, float]) -> None:
        X, k = self.dataset.load().X, self.n_components
        means, centers = (
            np.array([[of[f"{name}.{c}.{i}"] for i in (1, 2)] for c in range(1, k + 1)])
            for of, name in ((row, "mean"), (table.rows[0], "center"))
        )
        mixture = gaussians(np.full(k, 1 / k), means, np.array([np.eye(2) * row["sigma"] ** 2] * k))
        draw_rows(axes, X, blended(mixture.predict_proba(X)), 3.0)
        draw_gaussians(axes, mixture)
        axes.plot(*centers.T, "x", color="black", markersize=9, markeredgewidth=2)
        scale_alike(axes, X)

    def _draw_curve(self, axes: Axes, table: Table, row: Mapping[str, float] | None = None) -> None:
        distances = np.maximum(table["distance"], _LEAST_DISTANCE)
        axes.loglog(table["sigma"], distances, "-o", color="0.35")
        if row is not None:
            axes.plot(row["sigma"], max(row["distance"], _LEAST_DISTANCE), "o", color=group_color(1), markersize=10)
        axes.invert_xaxis()
        axes.xaxis.set_minor_formatter("")
        axes.set(xlabel="σ", title="distance of EM's means from k-means' centers (×)")

    def frames(self, table: Table) -> Iterator[tuple[str, Figure]]:
        """Yield a picture for each value of σ."""
        for row in table.having("sigma").rows:
            figure = new_figure()
            plane, curve = figure.subplots(1, 2, width_ratios=(3, 2))
            self._draw(plane, table, row)
            name_axes(plane, self.dataset.load())
            plane.set_title("EM's components, and k-means' centers (×)")
            self._draw_curve(curve, table, row)
            curve.set_title("distance to k-means")
            yield f"σ = {row['sigma']:.3f}: {row['shared']:.0%} shared, distance {row['distance']:.1e}", figure


@dataclass
class GenerativeStory(Topic):
    """A mixture describes how each point is generated: choose a component, then draw from its Gaussian.

    The component is chosen with its probability, and the point is drawn from the Gaussian with its mean and covariance.
    The data contain only the points. EM has to estimate which component generated which point.

    Parameters
    ----------
    weights
        Probability of each component; they are scaled to sum to 1.
    means
        Mean of each component.
    covariances
        Variances and covariance of each component: Σ₁₁, Σ₂₂ and Σ₁₂.
    n
        Number of points.
    random_state
        Seed of the draw.
    """

    formula: ClassVar[str] = r"""
        y \sim P(y = i)
        x \,|\, y = i \;\sim\; N(\mu_i, \Sigma_i)
    """
    counted: ClassVar[str] = "point"

    weights: tuple[PositiveFloat, ...] = (0.5, 0.3, 0.2)
    means: tuple[tuple[float, float], ...] = ((0.0, 0.0), (4.0, 1.0), (-1.0, 4.0))
    covariances: tuple[tuple[float, float, float], ...] = ((1.0, 1.0, 0.0), (0.5, 2.0, 0.0), (1.0, 1.0, 0.7))
    n: PositiveInt = 200
    random_state: Seed = None

    def check(self) -> None:
        """Check that all lists have equal length, and that the matrices are covariances."""
        super().check()
        check_components(weights=self.weights, means=self.means, covariances=self.covariances)
        check_covariances("covariances", self.covariances)

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the mixture; then each point and its component, counted from 1."""
        mixture = plane_mixture(self.weights, self.means, self.covariances)
        yield row_of(mixture)
        X, labels = mixture.sample(self.n, np.random.default_rng(self.random_state))
        for x, label in zip(X, labels, strict=True):
            yield {"y": float(label + 1), "x.1": float(x[0]), "x.2": float(x[1])}

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of the components' frequencies."""
        return [
            Meaning(f"share.{k}", None, "", f"share of points from component {k}")
            for k in range(1, len(self.weights) + 1)
        ]

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return how often each component was chosen."""
        return {f"share.{k}": float(np.mean(table["y"] == k)) for k in range(1, len(self.weights) + 1)}

    def plot(self, table: Table) -> Figure:
        """Draw the choice, the draw, and the points without their components."""
        figure, n = new_figure(), len(table["y"])
        bars, drawn, seen = figure.subplots(1, 3, width_ratios=(2, 3, 3))
        self._draw_choice(bars, table, n)
        self._draw_points(drawn, table, n)
        X = np.column_stack([table["x.1"], table["x.2"]])
        draw_rows(seen, X, "0.3")
        scale_alike(seen, X)
        seen.set(title="the observed data: y = ??", xlabel="$x_1$")
        return figure

    def frames(self, table: Table) -> Iterator[tuple[str, Figure]]:
        """Yield pictures point by point, then in larger steps."""
        n = len(table["y"])
        for count in sorted({each for each in (*range(1, 11), 20, 50, 100, 200, 500, 1000) if each < n} | {n}):
            figure = new_figure()
            bars, drawn = figure.subplots(1, 2, width_ratios=(2, 3))
            chosen = table.having("y").rows[count - 1]
            self._draw_choice(bars, table, count, int(chosen["y"]))
            self._draw_points(drawn, table, count)
            drawn.plot(chosen["x.1"], chosen["x.2"], "o", color="black", fillstyle="none", markersize=14)
            at = f"x = ({chosen['x.1']:.2f}, {chosen['x.2']:.2f})"
            yield with_minus(f"point {count}: y = {chosen['y']:.0f}, {at}"), figure

    def _draw_choice(self, axes: Axes, table: Table, count: int, chosen: int = 0) -> None:
        y, mixture = table["y"][:count], mixture_of(table.rows[0])
        for k, weight in enumerate(mixture.weights):
            share = float(np.mean(y == k + 1))
            color = group_color(k)
            axes.bar(k + 1, share, color=color, alpha=1.0 if chosen in (0, k + 1) else 0.35)
            axes.plot([k + 0.55, k + 1.45], [weight, weight], color="black", linewidth=2.2)
        axes.set(xlabel="component i", xticks=range(1, len(mixture.weights) + 1), title="1. choose $y = i$")
        axes.set_ylim(0, 1.04 if chosen else None)
        axes.set_ylabel(r"share of the points; black: $P(y = i)$")

    def _draw_points(self, axes: Axes, table: Table, count: int) -> None:
        X, mixture = np.column_stack([table["x.1"], table["x.2"]]), mixture_of(table.rows[0])
        groups = table["y"][:count].astype(int) - 1
        draw_rows(axes, X[:count], blended(np.eye(len(mixture.weights))[groups]))
        draw_gaussians(axes, mixture)
        scale_alike(axes, X)
        axes.set(xlabel="$x_1$", ylabel="$x_2$", title=r"2. draw $x \sim N(\mu_i, \Sigma_i)$")


@dataclass
class Supervised(Topic):
    """With labels one step is enough; without them EM gets close to the same fit.

    If the Gaussian of each point is known, the maximum-likelihood estimates are the mean and covariance of each group.
    Without labels, EM maximises the marginal likelihood instead. It reaches a higher value than the fit with labels, as
    it may move points between groups, and its ellipses differ most where the groups overlap.

    Parameters
    ----------
    dataset
        Data set with two columns and labels, which EM does not use.
    n_init
        Number of EM's starts.
    random_state
        Seed of EM's starts.
    """

    formula: ClassVar[str] = r"""
        \mu_{ML}^k = \dfrac{1}{n} \sum_{j=1}^{n} x_j \qquad \Sigma_{ML}^k = \dfrac{1}{n} \sum_{j=1}^{n} (\mathbf{x}_j - \mu_{ML}^k)(\mathbf{x}_j - \mu_{ML}^k)^T
        \arg\max_\theta \prod_j P(y_j, x_j) \quad \mathrm{against} \quad \arg\max_\theta \prod_j \sum_{k=1}^{K} P(Y_j = k, x_j)
    """  # noqa: E501

    dataset: Dataset = part("mixture")
    n_init: PositiveInt = 5
    random_state: Seed = None

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the fit with labels, and the fit without."""
        data, labels, k = labelled(self.dataset)
        supervised = gradmix.clusterer("gaussian").fit(data.X, labels).model_
        em = gradmix.clusterer("gmm", n_components=k, n_init=self.n_init, random_state=self.random_state).fit(data.X)
        for has_labels, model in ((1.0, supervised), (0.0, em.model_)):
            yield {
                "has_labels": has_labels,
                "log_likelihood": model.log_likelihood(data.X),
                **row_of(model if has_labels else _matched(model, supervised)),
            }

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of the log-likelihoods and of the difference between the fits."""
        return (
            Meaning("log_likelihood.labels", None, "nats", "marginal log-likelihood of the fit with labels"),
            Meaning("log_likelihood.em", None, "nats", "marginal log-likelihood of the fit without labels"),
            Meaning("distance", "lower", "", "largest distance between a mean with and without labels"),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the log-likelihoods, and the difference between the fits."""
        labels, em = (mixture_of(row) for row in table.rows)
        return {
            "log_likelihood.labels": float(table["log_likelihood"][0]),
            "log_likelihood.em": float(table["log_likelihood"][1]),
            "distance": float(np.linalg.norm(labels.means - em.means, axis=1).max()),
        }

    def plot(self, table: Table) -> Figure:
        """Draw labelled points with their Gaussians, and unlabelled points with EM's Gaussians."""
        data, labels, k = labelled(self.dataset)
        figure = new_figure()
        left, right = figure.subplots(1, 2)
        supervised, em = (mixture_of(row) for row in table.rows)
        draw_rows(left, data.X, blended(np.eye(k)[labels]))
        draw_gaussians(left, supervised)
        draw_rows(right, data.X, blended(em.predict_proba(data.X)))
        draw_gaussians(right, supervised, ["0.35"] * k, "--")
        draw_gaussians(right, em)
        names = ("with labels", "EM without labels (dashed: with labels)")
        for axes, name, row in zip((left, right), names, table.rows, strict=True):
            axes.set_title(with_minus(f"{name}: {row['log_likelihood']:.1f} nats"))
            scale_alike(axes, data.X)
            name_axes(axes, data)
            axes.label_outer()
        return figure


def _matched(mixture: Any, other: Any) -> Any:
    """Number the components of a mixture like the nearest ones of another mixture."""
    from scipy.optimize import linear_sum_assignment

    distances = np.linalg.norm(other.means[:, None] - mixture.means[None], axis=2)
    order = linear_sum_assignment(distances)[1]
    return gaussians(mixture.weights[order], mixture.means[order], mixture.matrices[order])
