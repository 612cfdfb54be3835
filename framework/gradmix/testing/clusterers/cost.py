"""Cost: memory and calls, counted, as the rows grow."""

from __future__ import annotations

from collections.abc import Callable

from gradmix.testing.check import BrokenPromiseError
from gradmix.testing.clusterers.fits import overlapping_code, overlapping_rows
from gradmix.testing.counting import peak_bytes, python_calls
from gradmix.testing.subject import Subject

_FEW, _MANY = 500, 4000
_SLACK = 2.0
_ALLOWANCE = 4_000_000


def takes_memory_in_proportion_to_the_rows(subject: Subject) -> None:
    """The first iteration of eight times as many rows holds about eight times as much memory, not 64 times."""
    few, many = (peak_bytes(_first_iteration(subject, n)) for n in (_FEW, _MANY))
    most = _SLACK * _MANY / _FEW * few + _ALLOWANCE
    if many > most:
        raise BrokenPromiseError(
            f"at most {most:,.0f} bytes, from {few:,} for {_FEW} rows", f"{many:,}", f"{_MANY} rows", _code()
        )


def makes_calls_in_proportion_to_the_rows(subject: Subject) -> None:
    """The first iteration of eight times as many rows makes at most about eight times as many calls."""
    few, many = (python_calls(_first_iteration(subject, n)) for n in (_FEW, _MANY))
    most = _SLACK * _MANY / _FEW * few
    if many > most:
        raise BrokenPromiseError(
            f"at most {most:,.0f} calls, from {few:,} for {_FEW} rows", f"{many:,}", f"{_MANY} rows", _code()
        )


def _first_iteration(subject: Subject, n: int) -> Callable[[], object]:
    made, X = subject.make(), overlapping_rows(n, 2, 0)
    next(iter(made.iterations(X)))  # the first call imports and compiles: it is not counted
    return lambda: next(iter(made.iterations(X)))


def _code() -> str:
    return f"{overlapping_code(_MANY, 2, 0)}\nnext(component.iterations(X))"
