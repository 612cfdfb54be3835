"""The task ``differentiate``: have a differentiator solve a problem, and measure error and cost."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from gradmix import Differentiator, NumericalError, PositiveInt, Problem, Result, Steps, Task, part

if TYPE_CHECKING:
    from pathlib import Path

    from gradmix.typing import Array


@dataclass
class Differentiate(Task):
    """Differentiate a problem's function as it asks, and measure error, function evaluations and time.

    Parameters
    ----------
    differentiator
        The differentiator.
    problem
        The problem.
    repeats
        How often to time it, after one warm-up; the medians are reported.
    """

    differentiator: Differentiator = part("dual")
    problem: Problem = part("lecture")
    repeats: PositiveInt = 5

    def run(self) -> Steps:
        """Differentiate, compare with the exact answer, time it."""
        yield from ()
        point = self.problem.point()
        counted = Counted(self.problem.function)
        differentiate = getattr(self.differentiator, self.problem.operator)
        computed = differentiate(counted, point)
        exact = self.problem.exact()
        seconds = self._median_seconds(lambda: differentiate(self.problem.function, point))
        plain = self._median_seconds(lambda: self.problem.function(point))
        metrics = {
            **({} if exact is None else errors(computed, exact)),
            "function_evaluations": float(counted.calls),
            "time.seconds": seconds,
            "time.ratio_to_function": seconds / plain,
        }
        answer = {"point": point, "computed": computed, "exact": exact}
        return Result(metrics=metrics, artifacts={self.problem.operator + ".json": partial(_write, answer=answer)})

    def _median_seconds(self, work: Callable[[], Any]) -> float:
        """Median time of one call, each repeat long enough for the clock."""
        work()
        calls = 1
        while (elapsed := _elapsed(work, calls)) < 1e-3:
            calls *= 2
        timings = [elapsed, *(_elapsed(work, calls) for _ in range(self.repeats - 1))]
        return statistics.median(timings) / calls


def _elapsed(work: Callable[[], Any], calls: int) -> float:
    begin = time.perf_counter()
    for _ in range(calls):
        work()
    return time.perf_counter() - begin


class Counted:
    """A function that counts its calls.

    Parameters
    ----------
    function
        The function.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function, self.calls = function, 0

    def __call__(self, x: Any) -> Any:
        """Count, and call."""
        self.calls += 1
        return self.function(x)


def errors(computed: Any, exact: Any) -> Mapping[str, float]:
    """The error of a computed derivative, relative to max(|exact|, 1), and in units in the last place.

    Raises
    ------
    NumericalError
        If the two differ in shape.

    Examples
    --------
    >>> errors([3.0, 1.5], [3.0, 1.0])["derivative_error"]
    0.5
    """
    import numpy as np

    got, truth = np.asarray(computed, dtype=float), np.asarray(exact, dtype=float)
    if got.shape != truth.shape:
        raise NumericalError(f"the derivative has the shape {got.shape}, but the exact one {truth.shape}.")
    difference = np.abs(got - truth)
    return {
        "derivative_error": float(np.max(difference / np.maximum(np.abs(truth), 1), initial=0.0)),
        "derivative_error_ulp": float(np.max(difference / _ulp(truth), initial=0.0)),
    }


def _ulp(x: Array) -> Array:
    import numpy as np

    return np.spacing(np.abs(x))


def _write(path: Path, answer: Mapping[str, Any]) -> None:
    import json

    import numpy as np

    plain = {name: None if value is None else np.asarray(value).tolist() for name, value in answer.items()}
    path.write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")
