"""Clusterers: a generator of iterations, and everything that follows from it."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections import deque
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cache
from typing import Any, ClassVar, Generic, Self, cast, get_args

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.errors import DataError, PluginError, frames_of_gradmix
from gradmix.contracts.estimator import Estimator
from gradmix.contracts.folds import Rows
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.iterative import IterativeAlgorithm
from gradmix.contracts.model import Model, ModelT
from gradmix.contracts.options import options_of
from gradmix.contracts.returned import as_groups, groups_of
from gradmix.contracts.role import Role
from gradmix.contracts.rows import Matrix


class Clusterer(IterativeAlgorithm[ModelT], Estimator, Generic[ModelT]):
    """Base of all clusterers: a dataclass of options with a method `iterate` that yields the iterations of one start.

    A clusterer is also a scikit-learn estimator: `fit` returns self and sets only attributes that end in an underscore.

    Examples
    --------
    >>> import gradmix
    >>> X = [[0.0], [0.1], [5.0], [5.2]]
    >>> gradmix.clusterer("kmeans", n_clusters=2, random_state=0).fit(X).model_.centers.tolist()
    [[5.1], [0.05]]
    """

    kind: ClassVar[str] = "clusterer"
    role: ClassVar[Role] = Role.ALGORITHM
    model_: ModelT

    @abstractmethod
    def iterate(self, X: Matrix, rng: np.random.Generator) -> Iterator[Iteration[ModelT]]:
        """Yield the iterations of one start.

        Parameters
        ----------
        X
            The rows, shape (n, d), already checked.
        rng
            The only source of random numbers.
        """

    def check_rows(self, X: Matrix) -> None:
        """Check that rows can be clustered with these options.

        It is called before the first iteration and when a sweep is planned. The number of rows must be at least the
        value of each option of type `GroupCount`.

        Raises
        ------
        DataError
            If the rows cannot be clustered.
        """
        for name in _options_that_need_rows(type(self)):
            asked = getattr(self, name)
            if isinstance(asked, int) and len(X) < asked:
                raise DataError(f"{len(X)} rows are fewer than {name}={asked}.")

    def check_labels(self, labels: Any) -> None:
        """Check that labels are given if the clusterer needs them.

        It is called before the first iteration and when a sweep is planned.

        Raises
        ------
        DataError
            If labels are needed and missing.
        """
        if self.needs_labels and labels is None:
            raise DataError(
                f"{type(self).__name__} requires y to be passed, but the target y is None: it is fitted to rows whose "
                "groups are known. Call fit(X, y); in a run, choose a data set that has labels."
            )

    def compile_for(self, rows: Rows) -> None:
        """Compile the code that a fit to these rows needs. The default does nothing.

        A run calls it before the first iteration and counts its time in ``time.compile``.
        """

    def _checked_rows(self, X: Any, sample_weight: Any = None) -> Rows:
        """Check the options and the rows, and return the rows."""
        self.check()
        rows = self._rows_of(X, sample_weight=sample_weight)
        self.check_labels(rows.labels)
        self.check_rows(rows.array)
        if not rows.shape[0]:
            raise DataError(f"Found array with 0 sample(s) (shape={rows.shape}) while a minimum of 1 is required.")
        return rows

    def _rows_of(self, X: Any, y: object = None, sample_weight: Any = None) -> Rows:
        """Convert the arguments of a fit to `Rows`, with labels only if the clusterer needs them."""
        labels = y if self.needs_labels else None
        if not isinstance(X, Rows):
            return Rows(X, sample_weight, labels=labels)
        if sample_weight is None and labels is None:
            return X
        return Rows(X, X.weights if sample_weight is None else sample_weight, X.engine, labels)

    def _iterations_of_one_start(self, rows: Rows, rng: np.random.Generator) -> Any:
        """Return the iterations of one start."""
        return self.iterate(self._unweighted(rows), rng)

    def _unweighted(self, rows: Rows) -> Matrix:
        """Return all rows as an array; raise DataError if they have weights, which an array cannot hold."""
        if rows.weights is not None:
            raise DataError(f"{type(self).__name__} does not support sample weights; leave them out.")
        return rows.array

    @classmethod
    def model_class(cls) -> type[ModelT]:
        """Return the class of its models, needed to read a saved one; a base ``Clusterer[Centers]`` states it."""
        for base in getattr(cls, "__orig_bases__", ()):
            for named in get_args(base):
                if isinstance(named, type) and issubclass(named, Model) and named is not Model:
                    return cast("type[ModelT]", named)
        raise PluginError(f"{cls.__name__} must define model_class(), so that its models can be read from a file.")

    def iterations(self, X: Any, sample_weight: Any = None) -> Iterator[Iteration[ModelT]]:
        """Check options and data, then yield the iterations of all starts, numbered.

        Start i has a separate stream of random numbers, which does not depend on `n_init`. `X` may also be `Rows`,
        which can contain weights.
        """
        rows = self._checked_rows(X, sample_weight)
        return self._all_starts(lambda rng: self._iterations_of_one_start(rows, rng))

    def why_collapsed(self, rows: Rows) -> str:
        """Explain why every start ended in a degenerate estimate, if these rows allow no other; empty otherwise.

        The text continues a sentence that begins "2 component(s) have". Sentences with advice may follow.
        """
        return ""

    def _check_iteration(self, iteration: Any) -> None:
        super()._check_iteration(iteration)
        if not isinstance(iteration.estimate, Model):
            raise PluginError(
                f"{type(self).__name__}.iterate must yield estimates of a gradmix.Model, such as gradmix.Centers; "
                f"it yielded one of the type {type(iteration.estimate).__name__}."
            )
        if not is_dataclass(iteration.estimate):
            raise PluginError(
                f"{type(self).__name__}.iterate must yield models that are dataclasses, so that they can be saved; "
                f"{type(iteration.estimate).__name__} is not one: write @dataclass(frozen=True) above it."
            )

    def exhaust(self, X: Any) -> None:
        """Do all the work of a fit without keeping its result; timings measure this method."""
        deque(self.iterations(X), maxlen=0)

    def fit(self, X: Any, y: object = None) -> Self:
        """Fit the model to `X`, shape (n, d), and keep the best start.

        Sets ``model_``, ``labels_``, ``n_iter_``, ``converged_`` and ``n_features_in_``; the objective as
        ``log_likelihood_``, ``inertia_``, …; the objective after each iteration of the best start as ``trace_``; and,
        for a data frame, ``feature_names_in_``.

        Raises
        ------
        ConfigError
            If an option is wrong.
        DataError
            If the data cannot be clustered.
        """
        rows = self._rows_of(X, y)
        return self._keep(X, rows, *self._best_of(self.iterations(rows)))

    def _keep(self, X: Any, rows: Rows, best: Iteration[ModelT], trace: NDArray[np.float64]) -> Self:
        """Set the attributes of a fitted estimator from the last iteration of the best start."""
        self.trace_ = trace
        if best.collapsed:
            _warn_of_collapse(self, best.collapsed, self.why_collapsed(rows))
        elif not best.converged and best.step == getattr(self, "max_iter", None):
            _warn_that_it_did_not_converge()
        self.model_, self.n_iter_, self.converged_ = best.estimate, best.step, best.converged
        self.n_features_in_, self.preparation_ = rows.shape[1], None
        vars(self).pop("feature_names_in_", None)  # without names there is no such attribute, as in scikit-learn
        if rows.feature_names:
            self.feature_names_in_ = np.array(rows.feature_names, dtype=object)
        for metric, value in best.metrics.items():
            setattr(self, f"{metric}_", value)
        if type(self).predict is not Clusterer.predict:
            self.labels_ = self.predict(X)
        else:
            method = f"{type(self).__name__}.iterate, whose iterations have labels,"
            known = None if best.labels is None else as_groups(method, best.labels, rows.shape[0])
            self.labels_ = groups_of(self.model_, rows.array) if known is None else known
        return self

    def fit_predict(self, X: Any, y: object = None) -> NDArray[np.intp]:
        """Fit to `X`, then return the group of each row, shape (n,)."""
        return self.fit(X, y).labels_


@cache
def _options_that_need_rows(clusterer: type[Any]) -> tuple[str, ...]:
    options = options_of(clusterer)
    return tuple(option.name for option in options if option.freedom and option.freedom.needs_rows)


def _warn_of_collapse(clusterer: Clusterer[Any], collapsed: int, why: str) -> None:
    from sklearn.exceptions import ConvergenceWarning

    name, has_starts = type(clusterer).__name__, hasattr(clusterer, "n_init")
    ended = f"every start of {name} ended in a degenerate estimate; in the best one," if has_starts else f"in {name},"
    group = "cluster" if hasattr(clusterer, "n_clusters") else "component"
    warnings.warn(
        f"{ended} {collapsed} {group}(s) have "
        + (why or f"collapsed onto too few different rows.{_advice_on_collapse(clusterer)}"),
        ConvergenceWarning,
        stacklevel=frames_of_gradmix(),
    )


def _advice_on_collapse(clusterer: Clusterer[Any]) -> str:
    """Return a sentence on which options may prevent a collapse; empty if there are none."""
    advice = {
        **{option: f"lower {option}" for option in _options_that_need_rows(type(clusterer))},
        "n_init": "try more starts (n_init)",
        "covariance_type": "choose a covariance_type with fewer parameters",
    }
    offered = [text for option, text in advice.items() if hasattr(clusterer, option)]
    return f" {', or '.join(offered).capitalize()}." if offered else ""


def _warn_that_it_did_not_converge() -> None:
    from sklearn.exceptions import ConvergenceWarning

    warnings.warn(
        "Best performing initialization did not converge. Try different init parameters, or increase max_iter, tol, or "
        "check for degenerate data.",
        ConvergenceWarning,
        stacklevel=frames_of_gradmix(),
    )
