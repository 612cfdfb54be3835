"""Assessments: a differentiator's own estimate of how accurate its results are."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from gradmix.contracts.errors import PluginError, frames_of_gradmix


class UnreliableDerivativeWarning(UserWarning):
    """A derivative may be less accurate than usual for its method, as the function is noisy or not smooth there."""


@dataclass(frozen=True)
class Assessment:
    """The accuracy of a result, as estimated by its differentiator.

    Parameters
    ----------
    error
        Largest estimated error of an entry, relative to the entry, or absolute if the entry is smaller than 1.
    status
        What limits the accuracy: ``converged``, ``limited by rounding``, ``a jump or a kink of the function``.
    is_reliable
        Whether the result is as accurate as can be expected for a smooth function; if not, `status` states why.
    """

    error: float
    status: str
    is_reliable: bool = True


_collected: ContextVar[list[Assessment] | None] = ContextVar("assessments", default=None)


@contextmanager
def assessments() -> Iterator[list[Assessment]]:
    """Collect the assessments of all derivatives that this thread computes within the context, in order.

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
    """Report the accuracy of a result.

    The assessment is added to the list of an enclosing `assessments`. Without one, an unreliable result causes a
    warning. A differentiator that estimates errors calls this for each of its results.
    """
    if not isinstance(assessment, Assessment):
        raise PluginError(f"gradmix.assess takes a gradmix.Assessment; given: {assessment!r}.")
    found = _collected.get()
    if found is not None:
        found.append(assessment)
    elif not assessment.is_reliable:
        warnings.warn(
            f"the derivative may be wrong: {assessment.status}; estimated error {assessment.error:.2g}.",
            UnreliableDerivativeWarning,
            stacklevel=frames_of_gradmix(),
        )
