"""scikit-learn's mixture compared with ours: the same calls and the same numbers."""

from __future__ import annotations

import time
import tracemalloc
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import gradmix
from gradmix import ConfigError, Dataset, Meaning, PositiveInt, Seed, group_color, part
from gradmix_lecture.gallery.drawing import new_figure
from gradmix_lecture.topic import Table, Topic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gradmix.arrays import Array

_TYPES = ("full", "spherical", "diag", "tied")
"""Covariance types in the order of the lecture's slide."""

_OPTIONS = """
    n_components={k},
    covariance_type="full",
    max_iter={max_iter},
)
M.fit(X)
M.predict_proba(X)  # posterior probability of each component
M.predict(X)        # label of each row
M.means_, M.covariances_, M.weights_
"""

_SIDES = {"sklearn": "scikit-learn", "gradmix": "gradmix"}

_ROUNDS = 3


@dataclass
class ScikitLearn(Topic):
    """The calls and the numbers are scikit-learn's; time and memory are not.

    The clusterer gmm is a scikit-learn estimator with the options, attributes and methods of GaussianMixture. From the
    same start both perform the same iterations, so their estimates agree up to rounding. Ours processes the rows block
    by block in compiled code, so it needs less time and less memory.

    Parameters
    ----------
    dataset
        The rows.
    n_components
        Number of Gaussians.
    max_iter
        Number of EM iterations; both perform all of them.
    random_state
        Seed for choosing rows as initial means.
    """

    formula: ClassVar[str] = (
        r"P(Y_j = k \,|\, x_j, \lambda_t) \propto p_k^{(t)} P(x_j \,|\, \mu_k^{(t)}, \Sigma_k^{(t)})"
    )

    dataset: Dataset = part("mixture")
    n_components: PositiveInt = 3
    max_iter: PositiveInt = 20
    random_state: Seed = None

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield differences, times and memory peaks for each covariance type."""
        from sklearn.exceptions import ConvergenceWarning

        X = self.dataset.load().X
        if self.n_components > len(X):
            raise ConfigError(f"topic.n_components={self.n_components} exceeds the {len(X)} rows of the data set.")
        chosen = np.random.default_rng(self.random_state).choice(len(X), self.n_components, replace=False)
        for number, name in enumerate(_TYPES):
            makers = self._makers(name, X[chosen])
            with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # all iterations are intended
                ours, theirs = (make(X) for make in makers.values())
                row = {"type": float(number), **_differences(ours, theirs, X)}
                for side, make in makers.items():
                    row |= {f"seconds.{side}": _seconds(make, X), f"bytes.{side}": _peak(make, X)}
            yield row

    def _makers(self, covariance_type: str, means: Array) -> Mapping[str, Any]:
        """Return functions that fit ours and scikit-learn's."""
        from sklearn.mixture import GaussianMixture

        options = self._start(covariance_type, means)
        return {
            "gradmix": lambda X: gradmix.clusterer("gmm", reg_covar_is_relative=False, **options).fit(X),
            "sklearn": lambda X: GaussianMixture(**options).fit(X),
        }

    def _start(self, covariance_type: str, means: Array) -> Mapping[str, Any]:
        k, d = means.shape
        ones = {"full": np.array([np.eye(d)] * k), "tied": np.eye(d), "diag": np.ones((k, d)), "spherical": np.ones(k)}
        return {
            "n_components": k,
            "covariance_type": covariance_type,
            "tol": 0.0,
            "reg_covar": 1e-6,
            "max_iter": self.max_iter,
            "weights_init": np.full(k, 1 / k),
            "means_init": means,
            "precisions_init": ones[covariance_type],
        }

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of the largest difference and of the ratios of time and memory."""
        return (
            Meaning("largest_difference", "lower", "", "largest difference of any estimate or probability, all types"),
            Meaning("time_ratio", None, "", "time of scikit-learn / time of gradmix, full covariances", is_timing=True),
            Meaning("memory_ratio", None, "", "peak memory of scikit-learn / peak memory of gradmix, full covariances"),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Return the largest difference, and the ratios of time and memory for full covariances."""
        full = table.rows[0]
        return {
            "largest_difference": max(row[f"difference.{each}"] for row in table.rows for each in _COMPARED),
            "time_ratio": full["seconds.sklearn"] / full["seconds.gradmix"],
            "memory_ratio": full["bytes.sklearn"] / full["bytes.gradmix"],
        }

    def plot(self, table: Table) -> Figure:
        """Draw times, memory and differences by covariance type."""
        figure = new_figure()
        panels = figure.subplots(1, 3)
        at, names = np.arange(len(table)), _TYPES[: len(table)]
        for axes, what, scale, title in zip(
            panels, ("seconds", "bytes"), (1e3, 1e-6), ("processor time [ms]", "peak memory [MB]"), strict=False
        ):
            for side, offset, hatch in (("sklearn", -0.2, "//"), ("gradmix", 0.2, "")):
                color = group_color(1 if side == "sklearn" else 0)
                values = scale * table[f"{what}.{side}"]
                axes.bar(
                    at + offset,
                    values,
                    0.4,
                    color=color,
                    hatch=hatch,
                    edgecolor="white",
                    label={"sklearn": "scikit-learn", "gradmix": "gradmix"}[side],
                )
                for x, value in zip(at + offset, values, strict=True):
                    axes.annotate(
                        f"{value:.2g}" if value < 10 else f"{value:.0f}",
                        (x, value),
                        xytext=(0, 2),
                        textcoords="offset points",
                        ha="center",
                        fontsize=8,
                    )
            axes.set(title=title, xticks=at, xticklabels=names)
        for each, marker in zip(_COMPARED, "osD^", strict=True):
            panels[2].plot(at, np.maximum(table[f"difference.{each}"], 1e-17), marker, label=each, markersize=7)
        panels[2].set(title="largest difference", xticks=at, xticklabels=names, yscale="log", ylim=(1e-17, 1e-3))
        panels[2].legend(loc="upper left", ncols=2)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=2)
        return figure

    def texts(self) -> Mapping[str, str]:
        """Return the calls as a user would write them."""
        options = _OPTIONS.format(k=self.n_components, max_iter=self.max_iter)
        return {
            "scikit-learn": f"from sklearn.mixture import GaussianMixture\n\nM = GaussianMixture({options}",
            "gradmix": f'import gradmix\n\nM = gradmix.clusterer("gmm",{options}',
        }


_COMPARED = ("weights", "means", "covariances", "probabilities")


def _differences(ours: Any, theirs: Any, X: Array) -> Mapping[str, float]:
    """Return the largest differences between the estimates, and the log-likelihoods per row."""
    differences = {
        name: np.abs(getattr(ours, f"{name}_") - getattr(theirs, f"{name}_")).max() for name in _COMPARED[:3]
    }
    differences["probabilities"] = np.abs(ours.predict_proba(X) - theirs.predict_proba(X)).max()
    return {
        **{f"difference.{name}": float(value) for name, value in differences.items()},
        "score.gradmix": float(ours.score(X)),
        "score.sklearn": float(theirs.score(X)),
        "differing_labels": float(np.mean(ours.predict(X) != theirs.predict(X))),
    }


def _seconds(make: Any, X: Array) -> float:
    """Return the processor time of a fit, the median of several."""
    times = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        make(X)
        times.append(time.process_time() - began)
    return float(np.median(times))


def _peak(make: Any, X: Array) -> float:
    """Return the peak memory of a fit in bytes, in addition to the rows."""
    tracemalloc.start()
    try:
        make(X)
        return float(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
