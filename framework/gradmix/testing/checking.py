"""Functions that run all checks of a component, or one of them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from gradmix.contracts.errors import PluginError, UnknownNameError, did_you_mean, listing
from gradmix.testing.check import Check
from gradmix.testing.outcome import Report
from gradmix.testing.subject import Subject, subject

_NEEDED = ("hypothesis", "mpmath")


def conformance(kind: str, what: str | type[Any], /, only: Sequence[str] = (), **options: Any) -> Report:
    """Check a component.

    Parameters
    ----------
    kind
        Its kind.
    what
        Its registered name, ``path/to/file.py:Class``, ``package.module:Class``, or the class.
    only
        Names of the checks to run; all by default.
    **options
        Its options.

    Raises
    ------
    GradmixError
        If there is no such component, option or check, or a package is missing.
    """
    from gradmix.testing.runner import outcomes

    found = subject(what, kind, **options)
    return Report(found.kind, found.name, dict(options), tuple(outcomes(found, checks_for(found, only))))


def run_check(name: str, kind: str, what: str | type[Any], /, **options: Any) -> None:
    """Run one check without catching exceptions, so that a debugger or traceback shows them in full.

    Parameters
    ----------
    name
        Name of the check.
    kind, what, **options
        The component to check, as for `conformance`.

    Raises
    ------
    BrokenPromiseError
        If the component breaks its promise.
    NotApplicableError
        If the check does not apply to the component.
    """
    found = subject(what, kind, **options)
    for check in checks_for(found, [name]):
        check.function(found)


def checks_for(found: Subject, only: Sequence[str] = ()) -> tuple[Check, ...]:
    """Return the checks of a component: all of its kind, or those named.

    Raises
    ------
    UnknownNameError
        If there is no such check; the message suggests similar names.
    PluginError
        If packages that the checks need are not installed.
    """
    missing = [package for package in _NEEDED if find_spec(package) is None]
    if missing:
        raise PluginError(f"checks need {listing(missing)}: pip install 'gradmix[check]'.")
    from gradmix.testing.table import checks_of

    checks = {check.name: check for check in checks_of(found.kind)}
    for name in only:
        if name not in checks:
            raise UnknownNameError(
                f"a {found.kind} has no check {name!r}.{did_you_mean(name, checks)} There are: {listing(checks)}."
            )
    return tuple(check for check in checks.values() if not only or check.name in only)
