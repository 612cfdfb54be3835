"""Laws: statements that must hold for all inputs; hypothesis finds the smallest input that breaks one."""

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
    """Test a law on many inputs, the same ones each time.

    Parameters
    ----------
    inputs
        The strategy that generates inputs.
    law
        Function that raises an exception if the law does not hold for an input.
    examples
        Number of inputs.

    Raises
    ------
    BrokenPromiseError
        Or any other exception of `law`, for the smallest input found that raises it.
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
        raise error from causes[id(error)]  # hypothesis removes the cause
    except TimeIsUpError:
        if broken:  # hypothesis was shrinking an input that breaks the law
            raise broken[-1] from None
        raise


@contextmanager
def _nothing_left_behind() -> Iterator[None]:
    """Keep hypothesis' files out of the working folder."""
    with TemporaryDirectory() as folder:
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)
