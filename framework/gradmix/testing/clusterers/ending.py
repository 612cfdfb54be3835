"""Ending: a fit comes to an end."""

from __future__ import annotations

from gradmix.testing.check import NoEndError
from gradmix.testing.clusterers.fits import KNOWN_CODE, known_rows
from gradmix.testing.limit import TimeIsUpError
from gradmix.testing.subject import Subject

_MOST_ITERATIONS = 100_000


def ends(subject: Subject) -> None:
    """With the default options, a fit to 120 rows in three groups ends."""
    made, yielded, converged = subject.make(), 0, 0
    try:
        for iteration in made.iterations(known_rows()[0]):
            yielded, converged = yielded + 1, converged + iteration.converged
            if yielded == _MOST_ITERATIONS:
                break
        else:
            return
    except TimeIsUpError:
        pass
    found = f"iterate yielded {yielded:,} iterations, {converged or 'none'} converged, and did not end"
    raise NoEndError("an end", found, "known groups", f"{KNOWN_CODE}\ncomponent.fit(X)")
