"""What a user wants of a sweep besides running it: a plan only, or to resume an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Intent:
    """What the command line wants of a sweep."""

    arguments: tuple[str, ...] = ()  # of `gradmix run`, by which the sweep can be resumed
    typed: tuple[str, ...] = ()  # those of them that were typed now; the rest comes from a journal
    plan_only: bool = False
    resumed: Path | None = None  # folder of the sweep to resume
    stale: bool = False  # when resumed: rerun finished jobs, too, whose options, plugins or data changed since
    trusts_journal: bool = False  # when resumed: take code and addresses from the journal, as if they were typed
    left_out: frozenset[str] = frozenset()  # when resumed: keys of the journal that are not taken, for jobs neither


RUN_ALL = Intent()
"""A new sweep, run as it is."""
