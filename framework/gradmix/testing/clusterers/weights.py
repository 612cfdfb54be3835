"""Weights: a row of weight two counts like the same row twice."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.clusterers.fits import known_rows, patient, require_partition
from gradmix.testing.subject import Subject


def weight_of_two_equals_two_rows(subject: Subject) -> None:
    """Weights 1 and 2 give the groups of rows that occur once and twice and, unless estimated, their objective."""
    _require_weights(subject)
    X, _ = known_rows()
    weights = np.where(np.arange(len(X)) % 4 == 0, 2.0, 1.0)
    weighted: Any = patient(subject)
    weighted.fit(X, sample_weight=weights)
    twice = patient(subject).fit(np.repeat(X, weights.astype(int), axis=0))
    require_partition(twice.predict(X), weighted.predict(X), "weights of 1 and 2")
    if weighted.objective.is_estimated:  # the samples differ
        return
    metric = weighted.objective.metric
    expected, found = getattr(twice, f"{metric}_"), getattr(weighted, f"{metric}_")
    if abs(expected - found) > 1e-6 * max(1.0, abs(expected)):
        raise BrokenPromiseError(f"{metric} {expected!r}", f"{found!r}", "weights of 1 and 2")


def equal_weights_make_no_difference(subject: Subject) -> None:
    """If `fit` takes `sample_weight`, weights of 1 give the same result as no weights."""
    _require_weights(subject)
    X, _ = known_rows()
    weighted: Any = patient(subject)
    require_partition(patient(subject).fit(X).labels_, weighted.fit(X, sample_weight=np.ones(len(X))).labels_, "ones")


def _require_weights(subject: Subject) -> None:
    fit: Any = subject.component.fit  # type: ignore[attr-defined]
    if "sample_weight" not in inspect.signature(fit).parameters:
        raise NotApplicableError("its fit takes no sample_weight")
