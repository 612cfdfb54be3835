"""scikit-learn's metadata routing: whether pipelines and searches pass sample weights on."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, Self

from gradmix.contracts.estimator import Estimator

Request = bool | str | None
"""True or False: requested or not; a string: requested under that name; None: passing weights is an error."""


class WeightRouting(Estimator):
    """Base of estimators whose `fit` takes ``sample_weight``: they state which methods request the weights.

    See scikit-learn's user guide, *Metadata Routing*. It takes effect if ``enable_metadata_routing`` is set.
    """

    _requests: ClassVar[dict[str, Request]] = {}
    """Method → its request; an instance replaces this with its own requests."""

    def set_fit_request(self, *, sample_weight: Request) -> Self:
        """Set whether meta-estimators pass ``sample_weight`` to `fit`."""
        return self.request_weights(fit=sample_weight)

    def request_weights(self, **by_method: Request) -> Self:
        """Set to which methods meta-estimators pass ``sample_weight``."""
        vars(self)["_requests"] = {**self._requests, **by_method}
        return self

    def get_metadata_routing(self) -> Any:
        """Return scikit-learn's ``MetadataRequest``."""
        from sklearn.utils.metadata_routing import MetadataRequest

        made = MetadataRequest(owner=self)
        for method in ("fit", "score"):
            if "sample_weight" in inspect.signature(getattr(self, method, dict)).parameters:
                getattr(made, method).add_request(param="sample_weight", alias=self._requests.get(method))
        return made

    def __sklearn_clone__(self) -> Self:
        return super().__sklearn_clone__().request_weights(**self._requests)
