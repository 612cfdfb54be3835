"""Helpers for checks of clusterers: rows with known groups, fits to them, and comparisons of partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.clusterer import Clusterer
from gradmix.contracts.errors import GradmixError
from gradmix.contracts.iteration import Iteration, last_of_each_start
from gradmix.contracts.options import options_of
from gradmix.contracts.rows import Matrix
from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.subject import Subject

NUMBER_OF_GROUPS = ("n_components", "n_clusters")
"""Names of options that set the number of groups."""

CENTERS = np.array([[0.0, 0.0], [12.0, 2.0], [-3.0, 14.0]])
"""Means of the known groups."""

IN_EIGHT_COLUMNS = 10.0 * ((np.arange(3)[:, None] + np.arange(8)) % 3)
"""Means of three groups that differ in every column."""

SIX_CENTERS = 30.0 * np.array([[i % 3, i // 3] for i in range(6)])
"""Means of six groups in the plane."""

GROUP_SIZE = 40
_STARTS = 5
_MANY_GROUPS = 6


def use(clusterer: Clusterer[Any]) -> Any:
    """Fit to rows with known groups."""
    X, y = known_rows()
    clusterer.fit(X, y if clusterer.needs_labels else None)
    return clusterer.labels_, clusterer.model_


def known_rows() -> tuple[Matrix, NDArray[np.intp]]:
    """Return three groups of 40 rows in the plane, about 1 wide and at least 12 apart, and the group of each row."""
    return rows_around(CENTERS, GROUP_SIZE)


def rows_around(centers: Matrix, size: int) -> tuple[Matrix, NDArray[np.intp]]:
    """Return equally large groups of rows around centers, about 1 wide, in random order, and the group of each row."""
    rng = np.random.default_rng(1)
    n = len(centers) * size
    labels = np.repeat(np.arange(len(centers)), size)[rng.permutation(n)]
    return centers[labels] + rng.normal(size=(n, centers.shape[1])), labels


KNOWN_CODE = "from gradmix.testing.clusterers.fits import known_rows\nX = known_rows()[0]"
"""Python that makes the known rows."""


def overlapping_rows(n: int, d: int, seed: int) -> Matrix:
    """Return rows of one heavy-tailed cloud, to which a fit takes several iterations."""
    return np.random.default_rng(seed).standard_t(4, size=(n, d))


def overlapping_code(n: int, d: int, seed: int) -> str:
    """Python that makes the overlapping rows."""
    return f"import numpy as np\nX = np.random.default_rng({seed}).standard_t(4, size=({n}, {d}))"


def group_option(subject: Subject) -> str:
    """Return the name of the option that sets the number of groups.

    Raises
    ------
    NotApplicableError
        If the clusterer has no such option.
    """
    if name := number_of_groups(subject):
        return name
    raise NotApplicableError("it has no option of the type gradmix.GroupCount, and finds the number of groups itself")


def number_of_groups(subject: Subject) -> str:
    """Find the option that sets the number of groups, by its name or its type; return "" if there is none."""
    of_type = [each.name for each in options_of(subject.component) if each.freedom and each.freedom.needs_rows]
    return next((name for name in (*NUMBER_OF_GROUPS, *of_type) if name in subject.defaults), "")


def looking_for(subject: Subject, k: int, **changes: Any) -> Clusterer[Any]:
    """Make the clusterer with k groups."""
    made: Clusterer[Any] = subject.make(**{group_option(subject): k}, **changes)
    return made


def with_groups(subject: Subject, **changes: Any) -> Clusterer[Any]:
    """Make the clusterer with so many groups, if it has an option for that, that a fit takes several iterations."""
    name = number_of_groups(subject)
    groups = {name: _MANY_GROUPS} if name else {}
    made: Clusterer[Any] = subject.make(**{**groups, **changes})
    return made


def patient(subject: Subject) -> Clusterer[Any]:
    """Make the clusterer so that it finds the three known groups: several starts, and k = 3 if k is an option."""
    starts = {"n_init": max(_STARTS, _starts(subject))} if "n_init" in subject.defaults else {}
    name = number_of_groups(subject)
    made: Clusterer[Any] = subject.make(**({name: 3} if name else {}), **starts)
    return made


def models_of_starts(subject: Subject, X: Matrix, k: int, most: int) -> Iterator[Any]:
    """Yield models of k groups: one for each start or, without the option `n_init`, one for each seed."""
    if "n_init" in subject.defaults:
        made = looking_for(subject, k, n_init=most)
        yield from (last.estimate for last in last_of_each_start(made.iterations(X)))
        return
    seeds: list[dict[str, Any]] = [{subject.seed: seed} for seed in range(most)] if subject.seed else [{}]
    yield from (looking_for(subject, k, **seed).fit(X).model_ for seed in seeds)


def _starts(subject: Subject) -> int:
    given = subject.options.get("n_init", subject.defaults["n_init"])
    return given if isinstance(given, int) else _STARTS


def all_iterations(clusterer: Clusterer[Any], X: Any) -> list[Iteration[Any]]:
    """Return every iteration of a fit."""
    return list(clusterer.iterations(X))


def canonical(labels: Any) -> list[int]:
    """Renumber the groups of a partition in the order of their first rows, so that equal partitions have equal labels.

    >>> canonical([7, 7, 2, 7])
    [0, 0, 1, 0]
    """
    numbers: dict[int, int] = {}
    return [numbers.setdefault(int(label), len(numbers)) for label in labels]


def require_partition(expected: Any, found: Any, example: str, code: str = "") -> None:
    """Require that two labellings are the same partition of the rows.

    Raises
    ------
    BrokenPromiseError
        If they differ; the message has the number of rows that differ, and the first of them.
    """
    wanted, got = canonical(expected), canonical(found)
    wrong = [row for row, pair in enumerate(zip(wanted, got, strict=True)) if pair[0] != pair[1]]
    if wrong:
        raise BrokenPromiseError(
            f"the same groups: sizes {_sizes(wanted)}",
            f"sizes {_sizes(got)}; {len(wrong)} of {len(got)} rows are in other groups, first row {wrong[0]}",
            example,
            code,
        )


def _sizes(labels: list[int]) -> list[int]:
    return [int(size) for size in np.bincount(labels)]


def answer_or_refusal(compute: Callable[[], Any], expected: str, example: str, code: str = "") -> Any:
    """Return the computed result, or the `GradmixError` that refuses to compute it.

    Raises
    ------
    BrokenPromiseError
        If anything else is raised.
    """
    try:
        return compute()
    except GradmixError as refusal:
        return refusal
    except Exception as error:
        raise BrokenPromiseError(expected, f"{type(error).__name__}: {error}", example, code) from error
