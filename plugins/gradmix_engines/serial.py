"""The engine ``serial``: one block after the other, in the thread that asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from gradmix import Block, Engine

T = TypeVar("T")


@dataclass
class Serial(Engine):
    """One block after the other, in one thread."""

    def each(self, function: Callable[[Block], T], blocks: Iterable[Block]) -> Iterator[T]:
        """What a function returns for each block."""
        return map(function, blocks)
