"""Clusterers: a generator of iterations, and everything that follows from it."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar, cast, get_args

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.component import Component, parameters_within
from gradmix.contracts.errors import (
    DataError,
    NumericalError,
    PluginError,
    UnknownNameError,
    did_you_mean,
    listing,
    not_fitted,
)
from gradmix.contracts.folds import Rows
from gradmix.contracts.iteration import COLLAPSED, Iteration, Objective, Trace, best_trace, last_of_each_start
from gradmix.contracts.meaning import Meaning
from gradmix.contracts.options import options_of
from gradmix.contracts.preparation import Preparation
from gradmix.contracts.role import Role
from gradmix.contracts.rows import Matrix, as_rows, feature_names_of


class Model(ABC):
    """A fitted model of groups in data: a frozen dataclass whose fields are arrays."""

    @abstractmethod
    def predict(self, X: Matrix) -> NDArray[np.intp]:
        """Group of each row, shape (n,)."""

    def scores(self, X: Matrix) -> Mapping[str, float]:
        """Metrics of the fit on `X`, by name: ``bic``, ``aic`` and the like; `Clusterer.metrics` declares them."""
        return {}


ModelT = TypeVar("ModelT", bound=Model)


BIC = Meaning(
    "bic",
    "lower",
    "",
    "Bayesian information criterion: fit, with a price for each parameter",
    spoiled_by=COLLAPSED.name,
)
AIC = Meaning("aic", "lower", "", "Akaike's information criterion", spoiled_by=COLLAPSED.name)


def _different_names(fitted: tuple[str, ...], given: tuple[str, ...]) -> str:
    """Say how the names of features differ from those in ``fit``, in scikit-learn's words: of five names at most."""
    lines = ["The feature names should match those that were passed during fit."]
    for heading, names in (
        ("Feature names unseen at fit time:", sorted(set(given) - set(fitted))),
        ("Feature names seen at fit time, yet now missing:", sorted(set(fitted) - set(given))),
    ):
        shown = [*names[:5], *["..."][: len(names) > 5]]
        lines += [heading, *(f"- {name}" for name in shown)] if names else []
    if len(lines) == 1:
        lines.append("Feature names must be in the same order as they were in fit.")
    return "\n".join(lines) + "\n"


def _warn_of_collapse(name: str, collapsed: int, why: str) -> None:
    from sklearn.exceptions import ConvergenceWarning

    warnings.warn(
        f"every start of {name} ended in a degenerate estimate; in the best of them {collapsed} component(s) have "
        + (
            f"no spread in some direction. {why}"
            if why
            else "collapsed onto too few different rows. Ask for fewer components, try more starts (n_init), or a "
            "covariance type with fewer parameters."
        ),
        ConvergenceWarning,
        stacklevel=4,
    )


def _warn_of_break_down(start: int, error: NumericalError) -> None:
    warnings.warn(f"start {start} broke down: {error}", RuntimeWarning, stacklevel=3)


def _seed_sequence(random_state: Any) -> np.random.SeedSequence:
    """Where the seeds of all starts come from; a generator is moved on, so that the next fit has others."""
    if isinstance(random_state, np.random.Generator):
        return np.random.SeedSequence(random_state.integers(2**32, size=4).tolist())
    if isinstance(random_state, np.random.RandomState):
        return np.random.SeedSequence(random_state.randint(2**32, size=4, dtype=np.uint64).tolist())
    return np.random.SeedSequence(random_state)


def _warn_that_it_did_not_converge() -> None:
    from sklearn.exceptions import ConvergenceWarning

    warnings.warn(
        "Best performing initialization did not converge. Try different init parameters, or increase max_iter, tol, or "
        "check for degenerate data.",
        ConvergenceWarning,
        stacklevel=4,
    )


class Clusterer(Component, ABC, Generic[ModelT]):
    """Base of all clusterers: a dataclass of options with an `iterate` that yields one start's iterations.

    It is at once a scikit-learn estimator: `fit` returns self and sets only attributes that end in an underscore. As
    there, a clusterer equals only itself, so that it can be a key of a dict; compare options by `get_params`.

    Examples
    --------
    >>> import gradmix
    >>> X = [[0.0], [0.1], [5.0], [5.2]]
    >>> gradmix.clusterer("kmeans", n_clusters=2, random_state=0).fit(X).model_.centers.tolist()
    [[5.1], [0.05]]
    """

    kind: ClassVar[str] = "clusterer"
    role: ClassVar[Role] = Role.ALGORITHM
    objective: ClassVar[Objective]
    """The metric that each iteration improves."""

    needs_labels: ClassVar[bool] = False
    """Whether it is fitted to rows whose groups are known: `fit` then needs `y`, and a run a data set with labels."""

    random_state: Any
    n_init: int | Literal["auto"]
    preparation_: Preparation | None = None
    """What the data set of its run did to the rows, if it was read from a file; new rows are treated likewise."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for method in ("__eq__", "__hash__"):  # in each class itself, where a dataclass would put its own
            if method not in vars(cls):
                setattr(cls, method, getattr(object, method))

    @abstractmethod
    def iterate(self, X: Matrix, rng: np.random.Generator) -> Iterator[Iteration[ModelT]]:
        """Yield the iterations of one start.

        Parameters
        ----------
        X
            Shape (n, d); checked already.
        rng
            The only source of random numbers.
        """

    def check_rows(self, X: Matrix) -> None:
        """Check that rows can be clustered with these options, before the first iteration and when a sweep is planned.

        There must be at least as many as each option of the type `GroupCount` asks for.

        Raises
        ------
        DataError
            If the rows cannot be clustered.
        """
        for option in options_of(type(self)):
            asked = getattr(self, option.name) if option.freedom and option.freedom.needs_rows else None
            if isinstance(asked, int) and len(X) < asked:
                raise DataError(f"{len(X)} rows are fewer than {option.name}={asked}.")

    def check_labels(self, labels: Any) -> None:
        """Check that there are labels if it needs them, before the first iteration and when a sweep is planned.

        Raises
        ------
        DataError
            If there are none.
        """
        if self.needs_labels and labels is None:
            raise DataError(
                f"{type(self).__name__} requires y to be passed, but the target y is None: it is fitted to rows whose "
                "groups are known. Call fit(X, y); in a run, choose a data set that has labels."
            )

    def compile_for(self, rows: Rows) -> None:
        """Compile what a fit to these rows needs; unless overridden, nothing.

        A run calls it before the first iteration, and its time is part of the run's ``time.compile``.
        """

    def _checked_rows(self, X: Any, sample_weight: Any = None) -> Rows:
        """Check the options, and rows to fit to."""
        self.check()
        rows = X if isinstance(X, Rows) and sample_weight is None else Rows(X, sample_weight)
        self.check_labels(rows.labels)
        self.check_rows(rows.array)
        return rows

    def _iterations_of_one_start(self, rows: Rows, rng: np.random.Generator) -> Any:
        """Iterations of one start."""
        return self.iterate(self._unweighted(rows), rng)

    def _unweighted(self, rows: Rows) -> Matrix:
        """All rows in an array; DataError if they have weights, which an array cannot hold."""
        if rows.weights is not None:
            raise DataError(f"{type(self).__name__} cannot weigh rows; leave the sample weights out.")
        return rows.array

    def metrics(self) -> tuple[Meaning, ...]:
        """Metrics of its iterations and of its models' scores, in the order in which they rank results.

        Unless overridden, the objective.
        """
        return (self.objective.meaning,)

    @classmethod
    def model_class(cls) -> type[ModelT]:
        """Class of its models, needed to read a saved one; ``Clusterer[Centers]`` states it."""
        for base in getattr(cls, "__orig_bases__", ()):
            for named in get_args(base):
                if isinstance(named, type) and issubclass(named, Model) and named is not Model:
                    return cast("type[ModelT]", named)
        raise PluginError(f"{cls.__name__} does not say how its models are read again: it has no model_class()")

    def iterations(self, X: Any, sample_weight: Any = None) -> Iterator[Iteration[ModelT]]:
        """Check options and data, then yield the iterations of all starts, numbered.

        Start i draws its random numbers from a stream of its own, the same for any `n_init`. `X` may be `Rows`, which
        have their own weights.
        """
        rows = self._checked_rows(X, sample_weight)
        seeds = self._seeds()
        failures: list[NumericalError] = []
        for start, seed in enumerate(seeds):
            last: Iteration[ModelT] | None = None
            try:
                for last in self._checked_and_numbered(
                    start, self._iterations_of_one_start(rows, np.random.default_rng(seed))
                ):
                    yield last
            except NumericalError as error:
                failures.append(error)
                if len(seeds) > 1:
                    _warn_of_break_down(start, error)
                if last is not None and len(failures) < len(seeds):  # its last estimate is on the way to nowhere
                    yield dataclasses.replace(last, step=last.step + 1, converged=False, collapsed=1)
        if len(failures) == len(seeds):
            raise failures[-1]

    def _seeds(self) -> list[np.random.SeedSequence]:
        """Seed of each start."""
        return _seed_sequence(getattr(self, "random_state", None)).spawn(self.n_starts())

    def _checked_and_numbered(self, start: int, iterations: Any) -> Iterator[Iteration[ModelT]]:
        """Iterations of one start, checked and numbered."""
        if not isinstance(iterations, Iterable):
            raise PluginError(f"{type(self).__name__}.iterate must yield; it returned {iterations!r}.")
        step = 0
        for step, iteration in enumerate(iterations, start=1):
            self._check_iteration(iteration)
            yield dataclasses.replace(iteration, start=start, step=step)
        if not step:
            raise PluginError(f"{type(self).__name__}.iterate ended without an iteration; it must yield some.")

    def why_collapsed(self, rows: Rows) -> str:
        """Say why every start ended in a degenerate estimate, if the rows leave no other; empty if they do."""
        return ""

    def n_starts(self) -> int:
        """Number of starts: the option `n_init`, 1 without one."""
        return int(getattr(self, "n_init", 1))

    def _check_iteration(self, iteration: Any) -> None:
        must = f"{type(self).__name__}.iterate must"
        if not isinstance(iteration, Iteration):
            raise PluginError(f"{must} yield gradmix.Iteration; it yielded {iteration!r}.")
        if self.objective.metric not in iteration.metrics:
            raise PluginError(
                f"{must} give its objective, {self.objective.metric}, in the metrics of every iteration; "
                f"it gave {listing(iteration.metrics)}."
            )
        for name, value in iteration.metrics.items():
            if isinstance(value, str | bytes) or not hasattr(value, "__float__"):
                raise PluginError(f"{must} give numbers as metrics; {name} is {value!r}.")
        if not isinstance(iteration.estimate, Model):
            raise PluginError(
                f"{must} yield estimates of a gradmix.Model, such as gradmix.Centers; "
                f"it yielded one of the type {type(iteration.estimate).__name__}."
            )

    def exhaust(self, X: Any) -> None:
        """Do all the work of a fit, without keeping anything; this is what is timed."""
        deque(self.iterations(X), maxlen=0)

    def fit(self, X: Any, y: object = None) -> Self:
        """Fit the model to `X`, shape (n, d), and keep the best start.

        Sets ``model_``, ``labels_``, ``n_iter_``, ``converged_``, ``n_features_in_``, the objective as
        ``log_likelihood_``, ``inertia_``, …, its values in each iteration of the start that was kept as ``trace_`` and,
        for a data frame, ``feature_names_in_``.

        Raises
        ------
        ConfigError
            If an option is wrong.
        DataError
            If the data cannot be clustered.
        """
        return self._keep(X, *self._best_of(self.iterations(self._rows_with_labels(X, y))))

    def _rows_with_labels(self, X: Any, y: object, sample_weight: Any = None) -> Any:
        """The rows with their labels, where labels are needed and given."""
        return Rows(X, sample_weight, labels=y) if self.needs_labels and y is not None else X

    def _best_of(self, iterations: Iterator[Iteration[ModelT]]) -> tuple[Iteration[ModelT], NDArray[np.float64]]:
        """Last iteration of the best start, and its objective by iteration."""
        traces: defaultdict[int, list[float]] = defaultdict(list)

        def traced() -> Iterator[Iteration[ModelT]]:
            for each in iterations:
                traces[each.start].append(float(each.metrics[self.objective.metric]))
                yield each

        best = self.objective.best(last_of_each_start(traced()))
        return best, np.array(traces[best.start])

    def _keep(self, X: Any, best: Iteration[ModelT], trace: NDArray[np.float64]) -> Self:
        """Keep the best start, by its last iteration, and what else an estimator has after a fit to `X`."""
        self.trace_ = trace
        if best.collapsed:
            rows = X if isinstance(X, Rows) else Rows(X)
            _warn_of_collapse(type(self).__name__, best.collapsed, self.why_collapsed(rows))
        elif not best.converged and best.step == getattr(self, "max_iter", None):
            _warn_that_it_did_not_converge()
        self.model_, self.n_iter_, self.converged_ = best.estimate, best.step, best.converged
        self.n_features_in_, self.preparation_ = (X if hasattr(X, "shape") else np.asarray(X)).shape[1], None
        vars(self).pop("feature_names_in_", None)  # without names there is no such attribute, as in scikit-learn
        if names := feature_names_of(X):
            self.feature_names_in_ = np.array(names, dtype=object)
        for metric, value in best.metrics.items():
            setattr(self, f"{metric}_", value)
        is_known = best.labels is not None and type(self).predict is Clusterer.predict
        self.labels_ = cast(NDArray[Any], best.labels).astype(np.intp) if is_known else self.predict(X)
        return self

    def fit_predict(self, X: Any, y: object = None) -> NDArray[np.intp]:
        """Fit to `X`, then return the group of each row, shape (n,)."""
        return self.fit(X, y).labels_

    def predict(self, X: Any) -> NDArray[np.intp]:
        """Group of each row of `X`, shape (n,)."""
        return self.fitted("predict")(self.rows(X))  # type: ignore[no-any-return]

    def fitted(self, attribute: str) -> Any:
        """An attribute or method of the fitted model.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        if not self.__sklearn_is_fitted__():
            raise not_fitted(
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments before "
                "using this estimator."
            )
        return getattr(self.model_, attribute)

    def rows(self, X: Any) -> Matrix:
        """Check rows for a fitted model, and prepare them like those that it was fitted to.

        Columns must have the names and the order that they had in `fit`, as in scikit-learn. A model that was read from
        a file finds the columns by their names instead.

        Raises
        ------
        DataError
            If there are too few or too many columns, or their names differ.
        """
        preparation = self.preparation_
        if preparation is None:
            self._check_feature_names(X)
        rows = as_rows(X if preparation is None else preparation.select(X))
        if rows.shape[1] != self.n_features_in_:
            name, expected = type(self).__name__, self.n_features_in_
            raise DataError(f"X has {rows.shape[1]} features, but {name} is expecting {expected} features as input.")
        return rows if preparation is None else preparation.apply(rows)

    def _check_feature_names(self, X: Any) -> None:
        fitted, given = tuple(getattr(self, "feature_names_in_", ())), feature_names_of(X)
        name = type(self).__name__
        if given and not fitted:
            warnings.warn(f"X has feature names, but {name} was fitted without feature names", stacklevel=4)
        elif fitted and not given:
            message = f"X does not have valid feature names, but {name} was fitted with feature names"
            warnings.warn(message, stacklevel=4)
        elif fitted != given:
            raise DataError(_different_names(fitted, given))

    # What scikit-learn asks of an estimator: the options are the parameters.

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Options by name; if `deep`, also those of the components that it holds: ``differentiator__method``."""
        return {name: value for name, value in parameters_within(self) if deep or "__" not in name}

    def set_params(self, **options: Any) -> Self:
        """Set options by the names that `get_params` gives.

        Raises
        ------
        UnknownNameError
            If there is no such option.
        """
        for name, value in sorted(options.items(), key=lambda item: item[0].count("__")):
            known = self.get_params()
            if name not in known:
                raise UnknownNameError(
                    f"{type(self).__name__} has no option {name!r}.{did_you_mean(name, known)} "
                    f"It has: {listing(known)}."
                )
            *holders, option = name.split("__")
            setattr(reduce(getattr, holders, self), option, value)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_clone__(self) -> Self:
        return type(self)(**copy.deepcopy(self.get_params(deep=False)))

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags

        return Tags(
            estimator_type="clusterer",
            target_tags=TargetTags(required=self.needs_labels),
            input_tags=InputTags(),
        )


class FoldingClusterer(Clusterer[ModelT]):
    """Base of clusterers that compute by folds over rows: a dataclass of options with an `iterate_rows`.

    Their rows may have weights, and are computed wherever the rows' engine does it. If one has an option `warm_start`
    that is true, a fit goes on from the model of the last one.
    """

    @abstractmethod
    def iterate_rows(
        self, rows: Rows, rng: np.random.Generator, state: ModelT | None = None
    ) -> Iterator[Iteration[ModelT]]:
        """Yield the iterations of one start.

        Parameters
        ----------
        rows
            Checked already. Whatever needs all of them is a `Rows.fold` or a `Rows.map`.
        rng
            The only source of random numbers.
        state
            The model of an earlier iteration, from which to go on; None to begin.
        """

    def whole_start(self, rows: Rows) -> Callable[[np.random.Generator], Trace[ModelT]] | None:
        """What computes a whole start at once, where that is much faster; None, unless overridden, where it is not.

        `fit` uses it. A run, which journals each iteration, and `iterations` do without; their results may differ from
        it by rounding. Rows are checked only before the first start: here, their shape may be looked at.
        """
        return None

    def iterate(self, X: Matrix, rng: np.random.Generator) -> Iterator[Iteration[ModelT]]:
        """Yield the iterations of one start, on an array."""
        return self.iterate_rows(Rows(X), rng)

    def _iterations_of_one_start(self, rows: Rows, rng: np.random.Generator) -> Any:
        """Iterations of one start; by `iterate` if a derived class has replaced that one."""
        own = next(cls for cls in type(self).__mro__ if {"iterate", "iterate_rows"} & vars(cls).keys())
        if "iterate_rows" not in vars(own):
            return super()._iterations_of_one_start(rows, rng)
        state = self._model_to_go_on_from(rows)
        return self.iterate_rows(rows, rng) if state is None else self.iterate_rows(rows, rng, state)

    def _own_whole_start(self, rows: Rows) -> Callable[[np.random.Generator], Trace[ModelT]] | None:
        """`whole_start`, unless a derived class has replaced the iterations that it stands for."""
        replaceable = {"iterate", "iterate_rows", "whole_start"}
        own = next(cls for cls in type(self).__mro__ if replaceable & vars(cls).keys())
        return self.whole_start(rows) if "whole_start" in vars(own) else None

    def _whole_start_of_fit(self, rows: Rows) -> Callable[[np.random.Generator], Trace[ModelT]] | None:
        """What computes the whole starts of a fit, unless it goes on from a model; rows and options are checked."""
        self.check()
        whole = None if self._model_to_go_on_from(rows) is not None else self._own_whole_start(rows)
        if whole is not None:
            self.check_rows(rows.array)
        return whole

    def _model_to_go_on_from(self, rows: Rows) -> ModelT | None:
        """The model of the last fit if the option `warm_start` asks for it; None before the first fit."""
        if not (getattr(self, "warm_start", False) and self.__sklearn_is_fitted__()):
            return None
        if self.preparation_ is not None:
            raise DataError("warm_start cannot go on from a model that was read from a file; fit it once without.")
        if rows.shape[1] != self.n_features_in_:
            raise DataError(
                f"X has {rows.shape[1]} features, but warm_start goes on from a fit to {self.n_features_in_}."
            )
        return self.model_

    def fit(self, X: Any, y: object = None, sample_weight: Any = None) -> Self:
        """Fit the model to `X`, shape (n, d), and keep the best start; see `Clusterer.fit`.

        Parameters
        ----------
        X
            Shape (n, d), or `Rows`.
        y
            Label of each row, shape (n,), if the clusterer needs labels; else not used.
        sample_weight
            Shape (n,), not negative: a row of weight 2 counts as two rows. None if each row counts once. Their sum is
            ``total_weight_``.
        """
        rows = self._rows_with_labels(X, y, sample_weight)
        if rows is X and not (isinstance(X, Rows) and sample_weight is None):
            rows = Rows(X, sample_weight)
        whole = None if getattr(self, "verbose", 0) else self._whole_start_of_fit(rows)
        if whole is None:
            self._keep(X, *self._best_of(self.iterations(rows)))
        else:
            traces = [whole(np.random.default_rng(seed)) for seed in self._seeds()]
            for start, trace in enumerate(traces):
                if trace.error is not None and len(traces) > 1:
                    _warn_of_break_down(start, trace.error)
            best = best_trace(self.objective, traces)
            self._keep(X, best, traces[best.start].values)
        weights = X.weights if isinstance(X, Rows) else sample_weight
        self.total_weight_ = float(len(self.labels_) if weights is None else np.asarray(weights, dtype=float).sum())
        return self
