"""Lending what a run has found to a component's code, which may read it, and not write into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@contextmanager
def read_only(values: Mapping[str, Any]) -> Iterator[None]:
    """Lend values: whoever writes into their arrays meanwhile is refused, so that all see the same.

    >>> import numpy as np
    >>> groups = np.array([0, 1])
    >>> with read_only({"groups": groups}):
    ...     groups[0] = 1
    Traceback (most recent call last):
        ...
    ValueError: assignment destination is read-only
    """
    arrays = [array for value in values.values() for array in _arrays(value) if array.flags.writeable]
    for array in arrays:
        array.flags.writeable = False
    try:
        yield
    finally:
        for array in arrays:
            array.flags.writeable = True


def _arrays(value: Any) -> Iterator[NDArray[Any]]:
    """An array itself, or those of a dataclass and of its parts."""
    if isinstance(value, np.ndarray):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            yield from _arrays(getattr(value, part.name, None))
