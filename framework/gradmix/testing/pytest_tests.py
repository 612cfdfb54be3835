"""Checks as tests of pytest: one item for each check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from gradmix.testing.outcome import Outcome


def conformance_tests(kind: str, what: str | type[Any], /, **options: Any) -> Callable[..., None]:
    """Make a test that checks a component, with one item for each check.

    Parameters
    ----------
    kind
        Its kind.
    what
        Its registered name, ``path/to/file.py:Class``, ``package.module:Class``, or the class.
    **options
        Its options.

    Examples
    --------
    Three lines are a test file:

    >>> from gradmix.testing import conformance_tests
    >>> test_my_plugin = conformance_tests("clusterer", "kmeans", n_clusters=3)
    """
    import pytest

    from gradmix.testing.checking import checks_for
    from gradmix.testing.runner import Checker
    from gradmix.testing.subject import subject

    found = subject(what, kind, **options)
    checker = Checker(found)

    @pytest.mark.parametrize("check", checks_for(found), ids=lambda check: check.name)
    def test(check: Any) -> None:
        report(checker(check))

    return cast("Callable[..., None]", test)


def report(outcome: Outcome) -> None:
    """Fail or skip the current test according to the outcome."""
    import pytest

    if outcome.status == "not applicable":
        pytest.skip(outcome.reason)
    if outcome.failure is not None:
        pytest.fail(failure_text(outcome), pytrace=False)


def failure_text(outcome: Outcome) -> str:
    """Describe a failure in full, in several lines."""
    failure = outcome.failure
    if failure is None:
        return ""
    return "\n".join(
        [
            f"{outcome.check.name}: {outcome.check.promise}",
            f"expected: {failure.expected}",
            f"found:    {failure.found}",
            *([f"example:  {failure.example}"] if failure.example else []),
            "to see it in Python:",
            *("    " + line for line in failure.reproduction.splitlines()),
        ]
    )
