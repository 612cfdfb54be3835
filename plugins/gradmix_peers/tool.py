"""What handing a function over needs to know of a peer: one row."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "float_power": operator.pow,
    "matmul": operator.matmul,
    "negative": operator.neg,
    "positive": lambda x: x,
    "conjugate": lambda x: x,
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1.0 / x,
    "getitem": operator.getitem,
}
"""NumPy's functions that every peer's values have operators for."""


ARCS = ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")
"""Inverse functions that NumPy calls ``arcsin`` and others ``asin``."""


@dataclass(frozen=True)
class Tool:
    """A peer: where its functions are, and how its values are made and looked at.

    Parameters
    ----------
    label
        What people call it.
    namespace
        Has its functions, by NumPy's names.
    concrete
        The number or array that a value of its stands for at the point. None where values are symbols: then NumPy
        computes them beside the symbols, so that the function's comparisons and loops can be followed.
    constant
        Makes what it can compute with of a plain number or array.
    own
        NumPy's name → function, where `namespace` has none of that name, or another one's.
    is_entrywise
        Whether its values are scalars only; arrays are then NumPy's, of such scalars.
    """

    label: str
    namespace: Any
    concrete: Callable[[Any], Any] | None = None
    constant: Callable[[Any], Any] = lambda x: x
    own: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    is_entrywise: bool = False

    def find(self, name: str) -> Callable[..., Any] | None:
        """Its function for one of NumPy's, such as ``sin`` or ``linalg.norm``; None if it has none."""
        known = self.own.get(name) or ARITHMETIC.get(name)
        return known or reduce(lambda place, part: getattr(place, part, None), name.split("."), self.namespace)


def flat_index(shape: tuple[int, ...], index: Any) -> Any:
    """Where the entries of ``x[index]`` are in ``x.ravel()``, for peers that know no such index."""
    return np.array(np.arange(int(np.prod(shape))).reshape(shape)[index])


def is_forward_slice(index: Any) -> bool:
    """Whether an index is made of integers and slices that do not run backwards."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        isinstance(part, int | np.integer) or (isinstance(part, slice) and (part.step is None or part.step > 0))
        for part in parts
    )
