"""Models: the result of a clusterer, and the information criteria that penalise its parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.iteration import COLLAPSED
from gradmix.contracts.meaning import Meaning
from gradmix.contracts.rows import Matrix


class Model(ABC):
    """A fitted model of groups in data: a frozen dataclass whose fields are arrays."""

    @abstractmethod
    def predict(self, X: Matrix) -> NDArray[np.intp]:
        """Return the group of each row, shape (n,)."""

    def scores(self, X: Matrix) -> Mapping[str, float]:
        """Return metrics of the fit on `X` by name, such as ``bic`` and ``aic``; `Clusterer.metrics` declares them."""
        return {}

    def check(self) -> None:  # noqa: B027
        """Check the values of a model that was read from a file. The default does nothing.

        Raises
        ------
        DataError
            If the values cannot be the result of a fit.
        """


ModelT = TypeVar("ModelT", bound=Model)

BIC = Meaning(
    "bic",
    "lower",
    "",
    "Bayesian information criterion: fit, with a penalty for each parameter",
    is_criterion=True,
    spoiled_by=COLLAPSED.name,
)
AIC = Meaning("aic", "lower", "", "Akaike's information criterion", is_criterion=True, spoiled_by=COLLAPSED.name)
