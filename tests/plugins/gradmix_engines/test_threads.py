"""Blocks in several threads: in order, side by side, and with errors where it is their turn."""

from itertools import islice
from threading import Barrier, get_ident

import numpy as np
import pytest

from gradmix import Block
from gradmix.contracts.folds import THREADS
from gradmix_engines.threads import Threads


@pytest.fixture(autouse=True)
def _three_threads():
    token = THREADS.set(3)
    yield
    THREADS.reset(token)


def blocks(n):
    return (Block(np.full((1, 1), float(number)), None, number) for number in range(n))


def number_of(block):
    return block.start


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 2, 3, 200])
def test_results_are_in_the_order_of_the_blocks(threads, n):
    assert [*Threads(n_threads=threads).each(number_of, blocks(n))] == [*range(n)]


def test_blocks_are_computed_at_the_same_time():
    together = Barrier(3)

    def meet(block):
        together.wait(timeout=60)  # no thread passes before three are there
        return get_ident()

    assert len({*Threads(n_threads=3).each(meet, blocks(3))}) == 3


def test_an_error_is_raised_where_it_is_its_turn():
    def fail_at_five(block):
        if block.start >= 5:
            raise ValueError(f"block {block.start}")
        return block.start

    found = Threads(n_threads=3).each(fail_at_five, blocks(50))
    assert [*islice(found, 5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="block 5"):
        next(found)


def test_an_error_of_the_blocks_is_no_early_end():
    def broken():
        yield from blocks(7)
        raise OSError("the file is gone")

    found = Threads(n_threads=3).each(number_of, broken())
    assert [*islice(found, 7)] == [*range(7)]
    with pytest.raises(OSError, match="the file is gone"):
        next(found)


def test_few_blocks_are_ahead_of_the_one_that_is_asked_for():
    taken = []

    def counted():
        for block in blocks(1000):
            taken.append(block.start)
            yield block

    found = Threads(n_threads=3).each(number_of, counted())
    for number in islice(found, 500):
        assert taken[-1] - number <= 13
    found.close()
    assert len(taken) < 520


def test_a_function_may_have_blocks_computed_itself():
    engine = Threads(n_threads=3)

    def inner(block):
        return sum(engine.each(number_of, blocks(block.start)))

    assert [*engine.each(inner, blocks(30))] == [number * (number - 1) // 2 for number in range(30)]
