"""Laws: what must hold for all inputs, and the smallest one for which it does not (hypothesis finds it)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from gradmix.testing.check import BrokenPromiseError
from gradmix.testing.limit import TimeIsUpError

Input = TypeVar("Input")


def for_all(inputs: st.SearchStrategy[Input], law: Callable[[Input], None], examples: int = 20) -> None:
    """Try a law on many inputs, the same ones each time.

    Parameters
    ----------
    inputs
        Where inputs come from.
    law
        Raises where it does not hold.
    examples
        How many inputs are tried.

    Raises
    ------
    BrokenPromiseError
        Or whatever else `law` raises, for the smallest input for which it does.
    """
    broken: list[BrokenPromiseError] = []
    causes: dict[int, BaseException | None] = {}

    def attempt(each: Input) -> None:
        try:
            law(each)
        except BrokenPromiseError as error:
            broken.append(error)
            causes[id(error)] = error.__cause__
            raise

    search = settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    test: Any = search(given(inputs)(attempt))
    try:
        with _nothing_left_behind():
            test()
    except BrokenPromiseError as error:
        raise error from causes[id(error)]  # which hypothesis takes away
    except TimeIsUpError:
        if broken:  # it was being made smaller
            raise broken[-1] from None
        raise


@contextmanager
def _nothing_left_behind() -> Iterator[None]:
    """Have hypothesis keep its notes elsewhere than in the working folder."""
    with TemporaryDirectory() as folder:
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)
