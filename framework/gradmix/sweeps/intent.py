"""What a person wants of a sweep besides running it: a plan only, or an earlier one taken up again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Intent:
    """What the command line wants of a sweep.

    Parameters
    ----------
    arguments
        The arguments of ``gradmix run``, by which the sweep can be taken up again.
    typed
        Of these, what a person has typed now, where the rest comes from a journal.
    plan_only
        Say what would run, and run nothing.
    resumed
        Folder of the sweep that is taken up again; None for a new one.
    stale
        When resumed: make those runs anew, too, that finished but are not what would be computed today.
    trusts_journal
        When resumed: take code and addresses that the journal names, as if they were typed.
    left_out
        When resumed: keys of the journal's arguments that are not taken, for its jobs neither.
    """

    arguments: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    plan_only: bool = False
    resumed: Path | None = None
    stale: bool = False
    trusts_journal: bool = False
    left_out: frozenset[str] = frozenset()


_intent: ContextVar[Intent | None] = ContextVar("gradmix_intent", default=None)


def intent() -> Intent:
    """What is wanted here and now."""
    return _intent.get() or Intent()


@contextmanager
def intending(wanted: Intent) -> Iterator[None]:
    """Want something, as long as the context lasts."""
    token = _intent.set(wanted)
    try:
        yield
    finally:
        _intent.reset(token)
