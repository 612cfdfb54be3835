"""The description of a peer's library, which `tracer` needs to run functions with its values."""

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
"""NumPy's functions for which the values of every peer have operators."""


ARCS = ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")
"""Functions whose inverses NumPy calls ``arcsin`` etc. and others ``asin`` etc."""


@dataclass(frozen=True)
class Tool:
    """A peer's library: where its functions are, and how its values are made and inspected.

    Parameters
    ----------
    label
        Name of the library, as shown to users.
    namespace
        Namespace with the library's functions, under NumPy's names.
    concrete
        Function that returns the number or array that one of the library's values has at the point. None if values are
        symbols: then NumPy computes the numbers alongside the symbols, so that comparisons and loops can be followed.
    constant
        Function that converts a plain number or array to one of the library's values.
    own
        NumPy's name → function, if `namespace` lacks this name or uses it for another function.
    is_entrywise
        Whether the library's values are only scalars; arrays are then NumPy arrays of these scalars.
    """

    label: str
    namespace: Any
    concrete: Callable[[Any], Any] | None = None
    constant: Callable[[Any], Any] = lambda x: x
    own: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    is_entrywise: bool = False

    def find(self, name: str) -> Callable[..., Any] | None:
        """Return its function for one of NumPy's, such as ``sin`` or ``linalg.norm``; None if there is none."""
        known = self.own.get(name) or ARITHMETIC.get(name)
        return known or reduce(lambda place, part: getattr(place, part, None), name.split("."), self.namespace)


def flat_index(shape: tuple[int, ...], index: Any) -> Any:
    """Return the indices of ``x[index]``'s entries in ``x.ravel()``, for peers that do not support this index."""
    return np.array(np.arange(int(np.prod(shape))).reshape(shape)[index])


def is_forward_slice(index: Any) -> bool:
    """Check whether an index consists of integers and slices that do not run backwards."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        isinstance(part, int | np.integer) or (isinstance(part, slice) and (part.step is None or part.step > 0))
        for part in parts
    )
