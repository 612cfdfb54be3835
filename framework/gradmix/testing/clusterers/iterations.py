"""Iterations: the iterations that a clusterer yields during a fit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st

from gradmix.contracts.clusterer import Clusterer
from gradmix.contracts.iteration import INERTIA, Iteration, Objective, last_of_each_start
from gradmix.contracts.model import Model
from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.clusterers.fits import (
    KNOWN_CODE,
    all_iterations,
    known_rows,
    overlapping_code,
    overlapping_rows,
    with_groups,
)
from gradmix.testing.counting import python_calls
from gradmix.testing.law import for_all
from gradmix.testing.subject import Subject
from gradmix.testing.values import are_close, plain_value, shown

_ROUNDING = 1e-9
_EXAMPLES = 12
_ROWS = (200, 2, 0)
_ENOUGH = 1000
_CLEARLY = 1e-3


def reports_its_objective(subject: Subject) -> None:
    """Every iteration has the metric that `objective` names, and its value is finite."""
    made = subject.make()
    objective = made.objective
    if not isinstance(objective, Objective):
        raise BrokenPromiseError("an Objective, such as gradmix.INERTIA", repr(objective), "objective")
    for iteration in all_iterations(made, known_rows()[0]):
        value = iteration.metrics.get(objective.metric)
        if value is None or not math.isfinite(value):
            where = f"start {iteration.start}, iteration {iteration.step}"
            raise BrokenPromiseError(f"a finite {objective.metric}", repr(value), where, _run(KNOWN_CODE))


def improves_its_objective(subject: Subject) -> None:
    """Within a start no iteration makes the objective worse, except by rounding; estimated objectives are exempt."""
    made = subject.make()
    if made.objective.is_estimated:
        raise NotApplicableError("its iterations estimate the objective from samples")
    sign = 1.0 if made.objective.maximise else -1.0

    def law(shape: tuple[int, int, int]) -> None:
        before: Iteration[Any] | None = None
        for iteration in all_iterations(made, overlapping_rows(*shape)):
            if before is not None and iteration.start == before.start:
                was, now = (each.metrics[made.objective.metric] for each in (before, iteration))
                if sign * (now - was) < -_ROUNDING * max(1.0, abs(was)):
                    raise BrokenPromiseError(
                        f"{made.objective.metric} {'≥' if sign > 0 else '≤'} {was!r} of iteration {before.step}",
                        f"{now!r} in iteration {iteration.step}",
                        f"{shape[0]} rows of {shape[1]} columns, seed {shape[2]}",
                        _run(overlapping_code(*shape)),
                    )
            before = iteration

    for_all(st.tuples(st.integers(30, 80), st.integers(1, 3), st.integers(0, 1000)), law, _EXAMPLES)


def numbers_its_iterations(subject: Subject) -> None:
    """Starts are numbered from 0, iterations of a start from 1; only the last of a start may have converged."""
    expected_start, expected_step, has_converged = 0, 1, False
    for iteration in all_iterations(subject.make(), known_rows()[0]):
        if iteration.start == expected_start + 1:
            expected_start, expected_step, has_converged = iteration.start, 1, False
        if (iteration.start, iteration.step) != (expected_start, expected_step):
            raise BrokenPromiseError(
                f"start {expected_start}, iteration {expected_step}",
                f"start {iteration.start}, iteration {iteration.step}",
                "known groups",
                _run(KNOWN_CODE),
            )
        if has_converged:
            raise BrokenPromiseError(
                "no iteration after convergence", f"iteration {iteration.step}", f"start {iteration.start}"
            )
        expected_step, has_converged = expected_step + 1, iteration.converged


def respects_max_iter(subject: Subject) -> None:
    """With `max_iter` 1, 2 or 3, no start makes more iterations than that."""
    _require_max_iter(subject)
    for most in (1, 2, 3):
        for last in last_of_each_start(_limited(subject, most).iterations(overlapping_rows(*_ROWS))):
            if _count(last) > most:
                found = f"{_count(last):g}, in start {last.start}"
                raise BrokenPromiseError(f"at most {most} iteration(s)", found, f"max_iter={most}", _limited_code(most))


def reports_convergence(subject: Subject) -> None:
    """A start that stops before `max_iter` reports convergence; a start that `max_iter=1` cuts off does not.

    A start counts as cut off if a second iteration would change the objective by more than a thousandth.
    """
    _require_max_iter(subject)
    for last in last_of_each_start(subject.make(max_iter=_ENOUGH).iterations(known_rows()[0])):
        if _count(last) < _ENOUGH and not last.converged:
            where = f"iteration {_count(last):g}, the last, with max_iter={_ENOUGH}"
            raise BrokenPromiseError("converged", "not converged", where, _run(KNOWN_CODE))
    X = overlapping_rows(*_ROWS)
    one, two = (next(last_of_each_start(_limited(subject, most).iterations(X))) for most in (1, 2))
    metric = subject.make().objective.metric
    was, now = one.metrics[metric], two.metrics[metric]
    if one.converged and abs(now - was) > _CLEARLY * abs(was):
        expected = f"not converged: {metric} {was!r} becomes {now!r} in iteration 2"
        raise BrokenPromiseError(expected, "converged", "max_iter=1", _limited_code(1))


def yields_at_least_one_iteration(subject: Subject) -> None:
    """A fit yields at least one iteration, whose estimate is a frozen `Model`."""
    iterations = all_iterations(subject.make(), known_rows()[0])
    if not iterations:
        raise BrokenPromiseError("an iteration", "none", "known groups", _run(KNOWN_CODE))
    if not isinstance(iterations[0].estimate, Model):
        raise BrokenPromiseError("a gradmix.Model", type(iterations[0].estimate).__name__, "iteration.estimate")


def leaves_earlier_estimates_alone(subject: Subject) -> None:
    """A yielded estimate never changes afterwards: each iteration makes a new one."""
    X = overlapping_rows(60, 2, 0)
    seen = [(iteration, plain_value(iteration.estimate)) for iteration in subject.make().iterations(X)]
    for iteration, before in seen:
        if plain_value(iteration.estimate) != before:
            raise BrokenPromiseError(
                shown(before),
                shown(iteration.estimate),
                f"the estimate of iteration {iteration.step}, after the last one",
            )


def keeps_its_centers_apart(subject: Subject) -> None:
    """If the objective is the inertia, no two centers coincide, as one of them would be wasted."""
    if subject.make().objective.metric != INERTIA.metric:
        raise NotApplicableError("its objective is not the inertia")
    for iteration in all_iterations(with_groups(subject), overlapping_rows(*_ROWS)):
        centers = getattr(iteration.estimate, "centers", None)
        if centers is None:
            raise NotApplicableError("its model has no centers")
        if len(np.unique(centers, axis=0)) < len(centers):
            where = f"start {iteration.start}, iteration {iteration.step}"
            raise BrokenPromiseError(f"{len(centers)} different centers", shown(centers), where)


def iterates_lazily(subject: Subject) -> None:
    """Iterations are computed lazily: the first one is yielded before the others are computed."""
    X = overlapping_rows(200, 2, 0)
    made = subject.make(**({"n_init": 1} if "n_init" in subject.defaults else {}))
    count = len(all_iterations(made, X))
    if count < 5:
        raise NotApplicableError(f"it has only {count} iteration(s)")
    first, whole = python_calls(lambda: _pull_one(made.iterations(X))), python_calls(lambda: all_iterations(made, X))
    if first > 0.7 * whole:
        code = _run(overlapping_code(200, 2, 0), "next(component.iterations(X))")
        raise BrokenPromiseError(
            f"fewer than the {whole} calls of all iterations", f"{first} calls", "the first iteration", code
        )


def keeps_the_best_start(subject: Subject) -> None:
    """`fit` keeps the model, objective, `n_iter_` and `converged_` of the start with the best final objective."""
    changes = {"n_init": 4} if "n_init" in subject.defaults else {}
    X, made = overlapping_rows(80, 2, 0), subject.make(**changes)
    best = made.objective.best(last_of_each_start(made.iterations(X)))
    made.fit(X)
    metric = made.objective.metric
    kept = {metric: getattr(made, f"{metric}_", None), "n_iter": made.n_iter_, "converged": made.converged_}
    wanted = {metric: best.metrics[metric], "n_iter": _count(best), "converged": best.converged}
    found, expected = (plain_value([*each]) for each in ((kept, made.model_), (wanted, best.estimate)))
    if not are_close(found, expected):  # `batch_of_starts` may round differently
        raise BrokenPromiseError(
            str(wanted), str(kept), "after fit", _run(overlapping_code(80, 2, 0), "component.fit(X)")
        )


def _require_max_iter(subject: Subject) -> None:
    if "max_iter" not in subject.defaults:
        raise NotApplicableError("it has no option max_iter")


def _limited(subject: Subject, most: int) -> Clusterer[Any]:
    return with_groups(subject, max_iter=most)


def _limited_code(most: int) -> str:
    call = f"component.set_params(max_iter={most})\n[(each.start, each.step, each.converged) for each in "
    return _run(overlapping_code(*_ROWS), f"{call}component.iterations(X)]")


def _count(last: Iteration[Any]) -> float:
    """Return how many iterations a start took, from its last one, which may report a count of inner iterations."""
    return last.metrics.get("n_iter", last.step)


def _pull_one(iterations: Iterator[Any]) -> None:
    next(iterations)


def _run(rows: str, call: str = "[dict(iteration.metrics) for iteration in component.iterations(X)]") -> str:
    return f"{rows}\n{call}"
