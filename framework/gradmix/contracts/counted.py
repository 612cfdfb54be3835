"""A function that counts its calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Counted:
    """A function that counts its calls.

    A differentiator that reads source code reads the source of `f`, and counts each evaluation in `calls`.

    Parameters
    ----------
    f
        The function.

    Examples
    --------
    >>> counted = Counted(abs)
    >>> counted(-1.0), counted.calls
    (1.0, 1)
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f, self.calls = f, 0

    def __call__(self, *arguments: Any) -> Any:
        """Count the call and return f(…)."""
        self.calls += 1
        return self.f(*arguments)
