"""The engine ``serial``: one block after the other, in the calling thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from gradmix import Block, Engine

T = TypeVar("T")


@dataclass
class Serial(Engine):
    """Compute one block after the other, in the calling thread."""

    def each(self, function: Callable[[Block], T], blocks: Iterable[Block]) -> Iterator[T]:
        """Yield the function's result for each block."""
        return map(function, blocks)
