"""The time limit of a check."""

from __future__ import annotations


class TimeIsUpError(BaseException):
    """A check took too long. Not an Exception, so that a component does not take it for one of its own."""
