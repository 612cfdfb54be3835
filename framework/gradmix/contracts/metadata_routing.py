"""scikit-learn's metadata routing: whether pipelines and searches hand sample weights on."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, Self

from gradmix.contracts.estimator import Estimator

Request = bool | str | None
"""True and False: wanted or not; a string: wanted, under that name; None: an error if there are any."""


class WeightRouting(Estimator):
    """Base of estimators whose `fit` takes ``sample_weight``: meta-estimators ask them who wants the weights.

    See scikit-learn's user guide, *Metadata Routing*. It takes effect where ``enable_metadata_routing`` is set.
    """

    _requests: ClassVar[dict[str, Request]] = {}
    """What was asked for, by method; an instance's own replace it."""

    def set_fit_request(self, *, sample_weight: Request) -> Self:
        """Say whether `fit` is to be handed ``sample_weight``."""
        return self.request_weights(fit=sample_weight)

    def request_weights(self, **by_method: Request) -> Self:
        """Say which methods are to be handed ``sample_weight``."""
        vars(self)["_requests"] = {**self._requests, **by_method}
        return self

    def get_metadata_routing(self) -> Any:
        """scikit-learn's ``MetadataRequest``."""
        from sklearn.utils.metadata_routing import MetadataRequest

        made = MetadataRequest(owner=self)
        for method in ("fit", "score"):
            if "sample_weight" in inspect.signature(getattr(self, method, dict)).parameters:
                getattr(made, method).add_request(param="sample_weight", alias=self._requests.get(method))
        return made

    def __sklearn_clone__(self) -> Self:
        return super().__sklearn_clone__().request_weights(**self._requests)
