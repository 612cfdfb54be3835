"""Inputs: everything that users may pass as a point or a direction."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from gradmix.contracts.differentiator import Differentiator
from gradmix.testing.differentiators.points import differentiator_with, first_tolerance, require_close
from gradmix.testing.scenarios import SCENARIOS
from gradmix.testing.subject import Subject


def takes_integers(subject: Subject) -> None:
    """Integers, alone and in arrays, are treated as floats: the derivative of x² at 3 is 6.0."""
    _require_scalars(subject, 3, np.int32(3))
    _require_vectors(subject, np.array([2, 1]))


def takes_lists(subject: Subject) -> None:
    """Lists and tuples are treated as arrays."""
    _require_vectors(subject, [2.0, 1.0], (2.0, 1.0), [2, 1])


def takes_arrays_of_no_dimension(subject: Subject) -> None:
    """NumPy scalars and arrays of dimension 0 are treated as numbers."""
    _require_scalars(subject, np.float64(3), np.array(3.0))


def takes_single_precision(subject: Subject) -> None:
    """Points in float32 are converted to float64: results are as accurate as for any other point."""
    _require_scalars(subject, np.float32(3))
    _require_vectors(subject, np.array([2, 1], dtype=np.float32))


def takes_any_memory_layout(subject: Subject) -> None:
    """Strided, reversed, read-only and Fortran-ordered arrays give the same result."""
    fixed = np.array([2.0, 1.0])
    fixed.flags.writeable = False
    _require_vectors(subject, np.array([2.0, 0.0, 1.0, 0.0])[::2], np.array([1.0, 2.0])[::-1], fixed)
    matrix = np.asfortranarray([[1.0, 2.0, 0.5], [0.25, 1.5, 1.0]])
    _require(differentiator_with(subject), "gradient", "form", [matrix])


def takes_directions_like_points(subject: Subject) -> None:
    """Directions may be integers and lists, too."""
    made = differentiator_with(subject, "jvp")
    scenario, x = SCENARIOS["product"], np.array([2.0, 1.0])
    exact = scenario.first(x) @ np.array([1.0, 3.0])
    for v in ([1, 3], (1.0, 3.0), np.array([1, 3])):
        tolerance, compute = 4 * first_tolerance(made), partial(made.jvp, scenario.f, x, v)
        require_close("jvp(f, x, v)", compute, exact, tolerance, scenario, {"x": x, "v": v})


def _require(made: Differentiator, operator: str, name: str, xs: Iterable[Any]) -> None:
    scenario = SCENARIOS[name]
    for x in xs if operator not in made.lacks else ():
        compute = partial(getattr(made, operator), scenario.f, x)
        exact = scenario.first(np.asarray(x, dtype=float)[()])
        require_close(f"{operator}(f, x)", compute, exact, first_tolerance(made), scenario, {"x": x})


def _require_scalars(subject: Subject, *numbers: Any) -> None:
    _require(differentiator_with(subject), "derivative", "wave", numbers)


def _require_vectors(subject: Subject, *vectors: Any) -> None:
    _require(differentiator_with(subject), "gradient", "product", vectors)
