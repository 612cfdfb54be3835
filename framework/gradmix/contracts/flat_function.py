"""A wrapper that presents a user's function to the hooks of differentiators as a function of flat vectors."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from numbers import Real
from typing import Any

import numpy as np

from gradmix.contracts.errors import DifferentiationError
from gradmix.contracts.points import (
    Structure,
    flattened,
    flattened_together,
    holds_traced,
    is_list_of_numbers,
    is_traced,
    joined,
    of_one_array,
    stacked_entries,
)

ArgNums = int | Sequence[int]
"""The position of the argument to differentiate by, or the positions of several, counted from 0."""

may_be_complex: ContextVar[bool] = ContextVar("may_be_complex", default=False)
"""Whether a function is being evaluated at a complex point, so that all values within may be complex."""


class FlatFunction:
    """A function of numbers, arrays and containers, presented as a map from ℝⁿ to ℝᵐ.

    Two instances with the same function and structure are equal, so that code compiled for one can be used for the
    other. An instance with constant arguments equals only itself.

    Parameters
    ----------
    f
        The function.
    args
        Its arguments. Each call replaces those that it is differentiated by.
    argnums
        The positions of the replaced arguments.
    argument
        The structure of the replaced arguments.
    """

    __slots__ = ("argnums", "args", "argument", "f", "result")

    def __init__(
        self, f: Callable[..., Any], args: Sequence[Any], argnums: int | tuple[int, ...], argument: Structure
    ) -> None:
        self.f, self.args, self.argnums, self.argument = f, args, argnums, argument
        self.result: Structure | None = None
        """The structure of the result of the last call; None before the first."""

    def __call__(self, x: Any) -> Any:
        """Return f(x) as a flat vector of float64, or as a traced vector. It is complex only if x is."""
        is_plain = type(x) is np.ndarray
        value = self.argument.arrange(x.copy() if is_plain else x)  # f may write into its argument
        token = may_be_complex.set(True) if is_plain and x.dtype.kind == "c" else None
        try:
            return self.flat(
                self.f(value) if len(self.args) == 1 and self.argnums == 0 else self.f(*self.arguments(value))
            )
        finally:
            if token is not None:
                may_be_complex.reset(token)

    def flat(self, y: Any) -> Any:
        """Convert a return value of the function to a flat vector, and store its structure in `result`."""
        vector, self.result = flat_result(y)
        return vector

    def arguments(self, value: Any) -> list[Any]:
        """Return all arguments, with `value` in place of those that it is differentiated by."""
        arguments = list(self.args)
        if isinstance(self.argnums, tuple):
            for place, each in zip(self.argnums, value, strict=True):
                arguments[place] = each
        else:
            arguments[self.argnums] = value
        return arguments

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FlatFunction) or len(self.args) > 1 or len(other.args) > 1:
            return self is other
        return bool((self.f, self.argnums, self.argument) == (other.f, other.argnums, other.argument))

    def __hash__(self) -> int:
        return hash((self.f, self.argument))


def at_point(f: Callable[..., Any], args: Sequence[Any], argnums: ArgNums = 0) -> tuple[FlatFunction, Any]:
    """Return the function as one of flat vectors, and its arguments as a flat point.

    Raises
    ------
    DifferentiationError
        If `argnums` names an argument that does not exist or that does not consist of real numbers.
    """
    places = _places(argnums, len(args))
    if isinstance(places, tuple):
        x, argument = flattened_together([args[place] for place in places])
    else:
        x, argument = flattened(args[places], shares=True)
    return FlatFunction(f, args, places, argument), x


def _places(argnums: ArgNums, count: int) -> int | tuple[int, ...]:
    if argnums == 0 and count:
        return 0
    several = isinstance(argnums, Sequence)
    given = list(argnums) if isinstance(argnums, Sequence) else [argnums]
    try:
        places = tuple(range(count)[operator.index(each)] for each in given)
    except (IndexError, TypeError):
        raise DifferentiationError(
            f"argnums={argnums!r} must be positions of arguments, counted from 0; the number of arguments is {count}."
        ) from None
    if len(set(places)) < len(places) or not places:
        raise DifferentiationError(f"argnums={argnums!r} must name at least one argument, and each only once.")
    return places if several else places[0]


def flat_result(y: Any) -> tuple[Any, Structure]:
    """Convert a function's return value to a flat vector; return the vector and its structure.

    Raises
    ------
    DifferentiationError
        If the value is anything but real numbers, arrays of real numbers, or containers of these.
    """
    if type(y) is float:
        return np.array([y]), of_one_array(())
    if is_traced(y):
        return y if len(y.shape) == 1 else y.as_vector(), of_one_array(y.shape)
    if isinstance(y, list | tuple | dict) and not is_list_of_numbers(y):
        import optree

        leaves, tree = optree.tree_flatten(y, is_leaf=is_list_of_numbers, none_is_leaf=True)  # type: ignore[arg-type]
        parts = [_numbers(leaf) for leaf in leaves]
        return joined(parts), Structure(tuple(map(np.shape, parts)), tree)
    numbers = _numbers(y)
    return joined([numbers]), of_one_array(np.shape(numbers))


def _numbers(y: Any) -> Any:
    if is_traced(y):
        return y
    try:
        if isinstance(y, list | tuple | np.ndarray) and holds_traced(y):
            return stacked_entries(y)
        array = np.array(y)
    except ValueError as error:
        raise DifferentiationError(
            f"the function returned a list of parts of different shapes ({error}); it must return one array, or a "
            "tuple or dict of arrays."
        ) from error
    if array.dtype == object and all(isinstance(each, Real) for each in array.flat):
        array = array.astype(np.float64)  # NumPy chooses dtype object if traced and plain numbers are mixed
    if array.dtype.kind not in ("biufc" if may_be_complex.get() else "biuf") and array.size:
        raise DifferentiationError(f"the function returned {y!r}; it must return real numbers.")
    return array if array.dtype.kind == "c" else array.astype(np.float64, copy=False)
