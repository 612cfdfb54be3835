"""Seeds: the same seed gives the same result."""

from __future__ import annotations

from typing import Any

from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.clusterers.fits import all_iterations, overlapping_code, overlapping_rows, with_groups
from gradmix.testing.subject import Subject
from gradmix.testing.values import plain_value

_ROWS = (100, 2, 0)


def repeats_with_the_same_seed(subject: Subject) -> None:
    """Two fits with the same seed are equal in every iteration, to the last bit; so is a refit of one clusterer."""
    X, made = overlapping_rows(*_ROWS), subject.make()
    first = [_content(iteration) for iteration in all_iterations(made, X)]
    for who, other in (("a refit", made), ("another component", subject.make())):
        _require_equal(first, [_content(iteration) for iteration in all_iterations(other, X)], who)


def starts_do_not_depend_on_their_number(subject: Subject) -> None:
    """Start i does not depend on the number of starts: the first start of `n_init=3` is that of `n_init=1`."""
    if "n_init" not in subject.defaults:
        raise NotApplicableError("it has no option n_init")
    X = overlapping_rows(*_ROWS)
    one = [_content(each) for each in all_iterations(subject.make(n_init=1), X)]
    three = [_content(each) for each in all_iterations(subject.make(n_init=3), X) if each.start == 0]
    _require_equal(one, three, "start 0 of n_init=3")


def respects_n_init(subject: Subject) -> None:
    """`n_init=3` makes three starts."""
    if "n_init" not in subject.defaults:
        raise NotApplicableError("it has no option n_init")
    starts = {each.start for each in all_iterations(subject.make(n_init=3), overlapping_rows(*_ROWS))}
    if starts != {0, 1, 2}:
        raise BrokenPromiseError("starts 0, 1 and 2", str(sorted(starts)), "n_init=3", _code("n_init=3"))


def starts_differ(subject: Subject) -> None:
    """Starts draw different random numbers, if the clusterer has the options `n_init` and a seed."""
    if "n_init" not in subject.defaults or not subject.seed:
        raise NotApplicableError("it has no option n_init, or none of the type gradmix.Seed")
    X, made = overlapping_rows(*_ROWS), with_groups(subject, n_init=4)
    firsts = {str(_content(each)) for each in all_iterations(made, X) if each.step == 1}
    if len(firsts) == 1:
        raise BrokenPromiseError("different starts", "four equal starts", "n_init=4", _code("n_init=4"))


def _content(iteration: Any) -> Any:
    return plain_value(dict(iteration.metrics)), plain_value(iteration.estimate)


def _require_equal(first: list[Any], other: list[Any], who: str) -> None:
    if len(first) != len(other):
        raise BrokenPromiseError(f"{len(first)} iterations", str(len(other)), who, _code())
    for step, (was, now) in enumerate(zip(first, other, strict=True), start=1):
        if was != now:
            raise BrokenPromiseError(str(was[0]), str(now[0]), f"iteration {step} of {who}", _code())


def _code(option: str = "") -> str:
    change = f"component.set_params({option})\n" if option else ""
    call = "[(each.start, each.step, dict(each.metrics)) for each in component.iterations(X)]"
    return f"{overlapping_code(*_ROWS)}\n{change}{call}"
