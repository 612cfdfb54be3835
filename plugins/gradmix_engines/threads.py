"""The engine ``threads``: blocks in the threads of one process, for functions that release Python's global lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from threading import Condition
from typing import Generic, TypeVar

from gradmix import Block, Engine, PositiveInt

T = TypeVar("T")


@dataclass
class Threads(Engine):
    """Compute blocks in parallel, in threads of this process.

    Parameters
    ----------
    n_threads
        Number of threads; null for as many as the run may use. More than these are never used.
    """

    n_threads: PositiveInt | None = None

    def each(self, function: Callable[[Block], T], blocks: Iterable[Block]) -> Iterator[T]:
        """Yield the function's result for each block, in order; only a few blocks are computed ahead."""
        threads = min(self.n_threads or self.most_threads, self.most_threads)
        return map(function, blocks) if threads == 1 else _Shared(function, blocks, threads).results()


class _Shared(Generic[T]):
    """Blocks that several threads take one after the other; the thread that wants the results computes blocks, too.

    A block may take only some tenths of a millisecond. Handing each block to another thread, and waiting for the
    result, would add a tenth to this time.
    """

    def __init__(self, function: Callable[[Block], T], blocks: Iterable[Block], threads: int) -> None:
        self._function, self._blocks, self._threads = function, enumerate(blocks), threads
        self._most_ahead = 4 * threads
        self._changed = Condition()
        self._made: dict[int, T | _Failure] = {}
        self._requested = self._taken = self._helpers = 0
        self._is_closed = False

    def results(self) -> Iterator[T]:
        """Yield the function's result for each block, in order; raise a block's error when its turn comes."""
        try:
            for number in count():
                self._requested = number
                if not self._wait_for(number):
                    return
                made = self._made.pop(number)
                if isinstance(made, _Failure):
                    raise made.error
                yield made
        finally:
            self._is_closed = True

    def _wait_for(self, number: int) -> bool:
        """Compute blocks until the result of block `number` is ready; False if no blocks are left."""
        while number not in self._made:
            self._call_helpers()
            if self._compute_one():
                continue
            with self._changed:
                if self._is_closed and number >= self._taken:
                    return False
                self._changed.wait_for(lambda: number in self._made)
        return True

    def _call_helpers(self) -> None:
        """Restart the helper threads, which stop when there is nothing to do."""
        pool = _pool(self._threads - 1, os.getpid())
        while self._helpers < self._threads - 1 and not self._is_closed:
            with self._changed:
                self._helpers += 1
            pool.submit(self._help)

    def _help(self) -> None:
        while self._compute_one():
            pass
        with self._changed:
            self._helpers -= 1

    def _compute_one(self) -> bool:
        """Compute the next block; False if no block is left, or if enough blocks are computed ahead."""
        with self._changed:
            if self._is_closed or self._taken - self._requested >= self._most_ahead:
                return False
            try:
                taken = next(self._blocks, None)
            except BaseException as error:  # raised when its turn comes, as below
                taken, self._made[self._taken] = None, _Failure(error)
                self._taken += 1
            if taken is None:
                self._is_closed = True
                self._changed.notify_all()
                return False
            self._taken += 1
        number, block = taken
        try:
            made: T | _Failure = self._function(block)
        except BaseException as error:  # raised when its turn comes
            made = _Failure(error)
        with self._changed:
            self._made[number] = made
            self._changed.notify_all()
        return True


@dataclass(frozen=True)
class _Failure:
    error: BaseException


@lru_cache(maxsize=2)
def _pool(helpers: int, process: int) -> ThreadPoolExecutor:
    """Return the threads of a process; a forked process gets new ones, as it does not inherit its parent's."""
    return ThreadPoolExecutor(helpers, thread_name_prefix="gradmix-fold")
