"""The time limit of a check."""

from __future__ import annotations


class TimeIsUpError(BaseException):
    """Raised if a check takes too long. Not an Exception, so that a component's ``except Exception`` misses it."""
