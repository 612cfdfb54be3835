"""The base class of clusterers that compute by folds over rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from functools import cache
from typing import Any, Self

import numpy as np

from gradmix.contracts.clusterer import Clusterer
from gradmix.contracts.errors import DataError
from gradmix.contracts.folds import Rows
from gradmix.contracts.iteration import BatchOfStarts, Iteration, Trace, best_trace
from gradmix.contracts.metadata_routing import WeightRouting
from gradmix.contracts.model import ModelT
from gradmix.contracts.returned import unlike
from gradmix.contracts.rows import Matrix


class FoldingClusterer(WeightRouting, Clusterer[ModelT]):
    """Base of clusterers that compute by folds over rows: a dataclass of options with a method `iterate_rows`.

    The rows may have weights, and their engine decides where the folds are computed. If the clusterer has an option
    `warm_start` and it is true, a fit continues from the model of the last fit.
    """

    @abstractmethod
    def iterate_rows(
        self, rows: Rows, rng: np.random.Generator, state: ModelT | None = None
    ) -> Iterator[Iteration[ModelT]]:
        """Yield the iterations of one start.

        Parameters
        ----------
        rows
            The rows, already checked. Use `Rows.fold` or `Rows.map` to compute over all of them.
        rng
            The only source of random numbers.
        state
            The model of an earlier iteration from which to continue; None for a new start.
        """

    def batch_of_starts(self, rows: Rows) -> BatchOfStarts[ModelT] | None:
        """Return a function that computes several starts at once, if this is much faster; otherwise None, the default.

        Only `fit` uses it. `iterations`, and a run, which journals each iteration, do not; their results may differ
        from it by rounding errors. The rows are not checked yet when this method is called: it may use only their
        shape.
        """
        return None

    def iterate(self, X: Matrix, rng: np.random.Generator) -> Iterator[Iteration[ModelT]]:
        """Yield the iterations of one start on an array."""
        return self.iterate_rows(Rows(X), rng)

    def _iterations_of_one_start(self, rows: Rows, rng: np.random.Generator) -> Any:
        """Return the iterations of one start; from `iterate` if a derived class overrides that method."""
        if "iterate_rows" not in _latest(type(self), "iterate", "iterate_rows"):
            return super()._iterations_of_one_start(rows, rng)
        state = self._model_to_go_on_from(rows)
        return self.iterate_rows(rows, rng) if state is None else self.iterate_rows(rows, rng, state)

    def _whole_starts(self, rows: Rows) -> list[Trace[ModelT]] | None:
        """Return the starts of a fit, computed at once; None if they have to be iterated.

        They have to be iterated, for example, if a derived class overrides the iterations but not `batch_of_starts`.
        """
        is_replaced = "batch_of_starts" not in _latest(type(self), "iterate", "iterate_rows", "batch_of_starts")
        if is_replaced or getattr(self, "verbose", False) or self._model_to_go_on_from(rows) is not None:
            return None
        self.check()
        compute = self.batch_of_starts(rows)
        if compute is None:
            return None
        self.check_labels(rows.labels)
        self.check_rows(rows.array)
        method = f"{type(self).__name__}.batch_of_starts"
        if not callable(compute):
            raise unlike(method, "a function that computes starts, or None", compute)
        traces = compute(self._streams())
        if traces is not None and not all(isinstance(trace, Trace) for trace in traces):
            raise unlike(f"the function that {method} returns", "a list of gradmix.Trace, or None", traces)
        return traces

    def _model_to_go_on_from(self, rows: Rows) -> ModelT | None:
        """Return the model of the last fit if the option `warm_start` is true; None before the first fit."""
        if not (getattr(self, "warm_start", False) and self.__sklearn_is_fitted__()):
            return None
        if self.preparation_ is not None:
            raise DataError("warm_start cannot continue from a model that was read from a file; fit once without it.")
        if rows.shape[1] != self.n_features_in_:
            raise DataError(f"X has {rows.shape[1]} features, but warm_start continues a fit to {self.n_features_in_}.")
        return self.model_

    def fit(self, X: Any, y: object = None, sample_weight: Any = None) -> Self:
        """Fit the model to `X`, shape (n, d), and keep the best start; see `Clusterer.fit`.

        Parameters
        ----------
        X
            The rows, shape (n, d), or `Rows`.
        y
            The label of each row, shape (n,), if the clusterer needs labels; ignored otherwise.
        sample_weight
            The weight of each row, shape (n,), not negative: a row of weight 2 counts as two rows. None if each row
            counts once. Their sum becomes ``total_weight_``.
        """
        rows = self._rows_of(X, y, sample_weight)
        traces = self._whole_starts(rows)
        if traces is None:
            self._keep(X, rows, *self._best_of(self.iterations(rows)))
        else:
            best = best_trace(self.objective, traces)
            self._keep(X, rows, best, traces[best.start].values)
        self.total_weight_ = rows.total_weight
        return self


@cache
def _latest(clusterer: type[Any], *methods: str) -> frozenset[str]:
    """Return which of the methods are defined in the most derived class that defines any of them."""
    return next(frozenset(found) for cls in clusterer.__mro__ if (found := {*methods} & vars(cls).keys()))
