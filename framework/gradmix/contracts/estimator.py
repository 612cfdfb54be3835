"""Estimators: scikit-learn's interface for components that are fitted to rows."""

from __future__ import annotations

import copy
import warnings
from functools import reduce
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.component import Component, parameters_within
from gradmix.contracts.errors import DataError, UnknownNameError, did_you_mean, frames_of_gradmix, listing, not_fitted
from gradmix.contracts.preparation import Preparation
from gradmix.contracts.rows import Matrix, as_rows, feature_names_of


class Estimator(Component):
    """Base of components that are fitted to rows: their options are scikit-learn's parameters.

    As in scikit-learn, an estimator equals only itself, so it can be a key of a dict; compare options by `get_params`.
    """

    needs_labels: ClassVar[bool] = False
    """Whether it needs rows whose groups are known. If so, `fit` requires `y`, and a run a data set with labels."""

    model_: Any
    n_features_in_: int
    preparation_: Preparation | None = None
    """How the data set of its run prepared the rows, if the model was read from a file; new rows are treated alike."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for method in ("__eq__", "__hash__"):  # set in each class itself, where `dataclass` would define them
            if method not in vars(cls):
                setattr(cls, method, getattr(object, method))

    def predict(self, X: Any) -> NDArray[np.intp]:
        """Return the group of each row of `X`, shape (n,)."""
        return self.fitted("predict")(self.rows(X))  # type: ignore[no-any-return]

    def fitted(self, attribute: str) -> Any:
        """Return an attribute or method of the fitted model.

        Raises
        ------
        NotFittedError
            If `fit` has not been called.
        """
        if not self.__sklearn_is_fitted__():
            raise not_fitted(
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments before "
                "using this estimator."
            )
        return getattr(self.model_, attribute)

    def rows(self, X: Any) -> Matrix:
        """Check rows for a fitted model, and prepare them as in `fit`.

        Columns must have the same names and order as in `fit`, as in scikit-learn. A model that was read from a file
        finds the columns by their names instead.

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
            warnings.warn(
                f"X has feature names, but {name} was fitted without feature names", stacklevel=frames_of_gradmix()
            )
        elif fitted and not given:
            message = f"X does not have valid feature names, but {name} was fitted with feature names"
            warnings.warn(message, stacklevel=frames_of_gradmix())
        elif fitted != given:
            raise DataError(_different_names(fitted, given))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the options by name; if `deep`, also those of its parts, such as ``differentiator__method``."""
        return {name: value for name, value in parameters_within(self) if deep or "__" not in name}

    def set_params(self, **options: Any) -> Self:
        """Set options by the names that `get_params` returns.

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


def _different_names(fitted: tuple[str, ...], given: tuple[str, ...]) -> str:
    """Describe how feature names differ from those in ``fit``, in scikit-learn's words, with five names at most."""
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
