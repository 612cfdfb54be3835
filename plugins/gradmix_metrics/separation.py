"""Scores of the separation of groups, without the true groups, as in scikit-learn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gradmix import Data, Metric, PositiveInt, Seed

if TYPE_CHECKING:
    from gradmix.arrays import Array, IntArray


@dataclass
class Silhouette(Metric):
    """Mean silhouette: how much nearer rows are to their own group than to the next group, from -1 to 1.

    NaN if there are fewer than two groups, or as many as rows.

    Parameters
    ----------
    sample_size
        Number of rows in a random sample; null takes all rows. The work grows with the square of this number.
    random_state
        Seed of the sample.

    Notes
    -----
    Source: Rousseeuw, J. Comput. Appl. Math. 20 (1987) 53-65.
    """

    maximise = True

    sample_size: PositiveInt | None = None
    random_state: Seed = None

    def measure(self, data: Data, groups: IntArray) -> float:
        """Return the mean silhouette of all rows, or of a sample."""
        from sklearn.metrics import silhouette_score

        X = _in_units_of_its_spread(data.X)
        if self.sample_size is not None and self.sample_size < len(X):
            chosen = np.random.default_rng(self.random_state).permutation(len(X))[: self.sample_size]
            X, groups = X[chosen], groups[chosen]
        return float(silhouette_score(X, groups)) if _are_comparable(groups) else math.nan


@dataclass
class DaviesBouldin(Metric):
    """Davies–Bouldin index: mean over the groups of the worst ratio of widths to the distance of two groups; 0 is best.

    NaN if there are fewer than two groups, or as many as rows.

    Notes
    -----
    Source: Davies & Bouldin, IEEE Trans. Pattern Anal. Mach. Intell. 1 (1979) 224-227.
    """

    maximise = False

    def measure(self, data: Data, groups: IntArray) -> float:
        """Return the index."""
        from sklearn.metrics import davies_bouldin_score

        return (
            float(davies_bouldin_score(_in_units_of_its_spread(data.X), groups))
            if _are_comparable(groups)
            else math.nan
        )


@dataclass
class CalinskiHarabasz(Metric):
    """Caliński–Harabasz index: ratio of the variance between groups to that within groups, per degree of freedom.

    NaN if there are fewer than two groups, or as many as rows.

    Notes
    -----
    Source: Caliński & Harabasz, Commun. Stat. 3 (1974) 1-27.
    """

    maximise = True

    def measure(self, data: Data, groups: IntArray) -> float:
        """Return the index."""
        from sklearn.metrics import calinski_harabasz_score

        return (
            float(calinski_harabasz_score(_in_units_of_its_spread(data.X), groups))
            if _are_comparable(groups)
            else math.nan
        )


def _in_units_of_its_spread(X: Array) -> Array:
    """Divide by a power of two, which is exact, so that the widest column spans about 1.

    No index depends on the unit, but scikit-learn's do: squares of small numbers underflow, and it takes distances
    below 1e-8 for zero.
    """
    _, exponent = np.frexp(np.max(X.max(axis=0) / 2 - X.min(axis=0) / 2))
    scaled: Array = np.ldexp(X, -exponent)
    return scaled


def _are_comparable(groups: IntArray) -> bool:
    return 2 <= len(np.unique(groups)) < len(groups)
