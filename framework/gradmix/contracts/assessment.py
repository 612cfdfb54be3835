"""Assessments: what a differentiator itself knows of how good its results are."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from gradmix.contracts.errors import frames_of_gradmix


class UnreliableDerivativeWarning(UserWarning):
    """A derivative may be wrong by more than its method suggests: the function is noisy, or not smooth there."""


@dataclass(frozen=True)
class Assessment:
    """How good a result is, as far as its differentiator can tell.

    Parameters
    ----------
    error
        Largest estimated error of an entry, relative to the entry or to 1 if that is more.
    status
        What limits it, in a few words: ``converged``, ``limited by rounding``, ``a jump or a kink of the function``.
    is_reliable
        Whether the result is as good as can be expected of a smooth function; if not, `status` says why.
    """

    error: float
    status: str
    is_reliable: bool = True


_collected: ContextVar[list[Assessment] | None] = ContextVar("assessments", default=None)


@contextmanager
def assessments() -> Iterator[list[Assessment]]:
    """Collect the assessments of whatever is differentiated meanwhile in this thread, in order.

    Examples
    --------
    >>> import gradmix
    >>> with gradmix.assessments() as found:
    ...     slope = gradmix.differentiator("finite_difference").derivative(abs, 0.0)
    >>> found[0].status, found[0].is_reliable
    ('a jump or a kink of the function', False)
    """
    found: list[Assessment] = []
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)


def assess(assessment: Assessment) -> None:
    """Report how good a result is: to whoever collects assessments, else by a warning if it is not reliable.

    A differentiator that estimates errors calls this for each result that it gives.
    """
    found = _collected.get()
    if found is not None:
        found.append(assessment)
    elif not assessment.is_reliable:
        warnings.warn(
            f"the derivative may be wrong: {assessment.status}; estimated error {assessment.error:.2g}.",
            UnreliableDerivativeWarning,
            stacklevel=frames_of_gradmix(),
        )
