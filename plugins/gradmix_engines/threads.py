"""The engine ``threads``: blocks in the threads of one process, for functions that let go of Python's lock."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from gradmix import Block, Engine, PositiveInt

T = TypeVar("T")


@dataclass
class Threads(Engine):
    """Blocks side by side, in threads of this process.

    Parameters
    ----------
    n_threads
        Number of threads; null for as many as the run may use. It never uses more than those.
    """

    n_threads: PositiveInt | None = None

    def each(self, function: Callable[[Block], T], blocks: Iterable[Block]) -> Iterator[T]:
        """What a function returns for each block, in order; few blocks are ahead of the one that is asked for."""
        count = min(self.n_threads or self.most_threads, self.most_threads)
        pool = _pool(count, os.getpid())
        ahead: deque[Future[T]] = deque()
        try:
            for block in blocks:
                ahead.append(pool.submit(function, block))
                if len(ahead) > 4 * count:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


@lru_cache(maxsize=2)
def _pool(count: int, process: int) -> ThreadPoolExecutor:
    """Threads of a process: a fork does not inherit its parent's, so it has a pool of its own."""
    return ThreadPoolExecutor(count, thread_name_prefix="gradmix-fold")
