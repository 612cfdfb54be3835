"""Conduct: side effects of a use on its surroundings."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradmix.testing.check import BrokenPromiseError
from gradmix.testing.component.watching import Deeds, watched
from gradmix.testing.subject import Subject
from gradmix.testing.table import use
from gradmix.testing.values import plain_value, shown

RANDOM = ("NumPy's global random numbers", "Python's global random numbers")
_SEED = 271828


def prints_nothing(subject: Subject) -> None:
    """A use writes nothing to the standard output, which belongs to the caller."""
    printed = _deeds(subject).printed
    if printed:
        raise BrokenPromiseError("no output", repr(printed[:200]), "one use")


def writes_no_files(subject: Subject) -> None:
    """A use makes, changes and removes no file in the working folder: files to keep are artifacts of a run."""
    written = _deeds(subject).written
    if written:
        raise BrokenPromiseError("no file touched", ", ".join(dict.fromkeys(written)), "one use")


def stays_in_its_folder(subject: Subject) -> None:
    """A use does not change the working folder, not even for a while: other threads share it."""
    moved = _deeds(subject).moved_to
    if moved:
        raise BrokenPromiseError("no change of folder", f"os.chdir({moved[0]!r})", "one use")


def leaves_global_random_numbers_alone(subject: Subject) -> None:
    """A use neither seeds nor draws from the global random numbers of NumPy and Python."""
    changed = [name for name in RANDOM if name in _deeds(subject).changed]
    if changed:
        raise BrokenPromiseError("the same state as before", f"{changed[0]} changed", "one use")


def ignores_global_random_numbers(subject: Subject) -> None:
    """A use gives the same result whatever the seeds of the global random numbers of NumPy and Python."""
    results = []
    for seed in (1, 2):
        with _seeded(seed):
            results.append(plain_value(use(subject.kind, subject.make())))
    if results[0] != results[1]:
        raise BrokenPromiseError(shown(results[0]), shown(results[1]), "np.random.seed(1) and np.random.seed(2)")


def leaves_the_process_as_it_was(subject: Subject) -> None:
    """A use changes no function of NumPy, no environment variable, and no other state of the process."""
    changed = {name: states for name, states in _deeds(subject).changed.items() if name not in RANDOM}
    for name, (before, after) in changed.items():
        raise BrokenPromiseError(f"{name} as before", f"changed: {_difference(before, after)}", "one use")


def _deeds(subject: Subject) -> Deeds:
    """Record the side effects of a second use; the first use imports modules, which may have side effects, too."""
    use(subject.kind, subject.make())
    component = subject.make()
    environment = dict(os.environ)
    with _seeded(_SEED):  # a use that seeds them changes this state, even if the first use did so, too
        try:
            with watched() as deeds:
                use(subject.kind, component)
        finally:
            os.environ.clear()
            os.environ.update(environment)
    return deeds


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the global random numbers, and restore their state at the end."""
    states = np.random.get_state(legacy=True), random.getstate()  # noqa: NPY002 - this state is what is meant
    np.random.seed(seed)  # noqa: NPY002 - this state is what is meant
    random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(states[0])  # noqa: NPY002 - this state is what is meant
        random.setstate(states[1])


def _difference(before: Any, after: Any) -> str:
    if isinstance(before, dict) and isinstance(after, dict):
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        return ", ".join(map(str, names[:5]))
    return f"{before!r} became {after!r}"
