"""Labels: checks of clusterers that are fitted to labelled rows."""

from __future__ import annotations

import numpy as np

from gradmix.contracts.errors import DataError
from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.clusterers.fits import GROUP_SIZE, known_rows, require_partition
from gradmix.testing.subject import Subject

_CODE = "from gradmix.testing.clusterers.fits import known_rows\nX, y = known_rows()\n"


def refuses_rows_without_labels(subject: Subject) -> None:
    """If the clusterer needs labels, `fit(X)` raises a `DataError`."""
    _require_labels(subject)
    try:
        subject.make().fit(known_rows()[0])
    except DataError:
        return
    raise BrokenPromiseError("a DataError", "a fit without an error", "rows without labels", f"{_CODE}component.fit(X)")


def learns_the_labels(subject: Subject) -> None:
    """If the clusterer needs labels, `fit(X, y)` finds groups that are far apart, whatever the labels are."""
    _require_labels(subject)
    X, y = known_rows()
    for what, labels in {"integers": y, "strings": np.array(["c", "a", "b"])[y]}.items():
        made = subject.make().fit(X, labels)
        require_partition(y, made.labels_, what, f"{_CODE}component.fit(X, y).labels_")
        require_partition(y, made.predict(X), what, f"{_CODE}component.fit(X, y).predict(X)")


def follows_the_labels(subject: Subject) -> None:
    """If the clusterer needs labels, two groups with the same label become one group."""
    _require_labels(subject)
    X, y = known_rows()
    sizes = sorted(np.bincount(subject.make().fit(X, np.minimum(y, 1)).labels_).tolist())
    if sizes != [GROUP_SIZE, 2 * GROUP_SIZE]:
        raise BrokenPromiseError(
            f"groups of {GROUP_SIZE} and {2 * GROUP_SIZE} rows",
            str(sizes),
            "y = min(y, 1)",
            f"{_CODE}component.fit(X, y)",
        )


def _require_labels(subject: Subject) -> None:
    if not subject.component.needs_labels:  # type: ignore[attr-defined]
        raise NotApplicableError("it does not need labels")
