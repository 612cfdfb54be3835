"""Derivatives of a user's function by emitted code, created once per function and kind of point, and cached."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock
from typing import Any

import numpy as np

from gradmix import FlatFunction
from gradmix_autodiff.source.arrangement import NODE, constants_key, flattened_bars, placed, things, written_function
from gradmix_autodiff.source.forms import Value
from gradmix_autodiff.source.program import Program, program
from gradmix_autodiff.source.refusal import RefusalError

_KEPT = 256
_UNLIKE_FLOATS = (ArithmeticError, ValueError, TypeError, AttributeError)
"""Errors that Python floats raise where NumPy numbers give an infinity or NaN, or have a method."""


class Programs:
    """Programs by function, kind of point, and mode; the least recently used ones are dropped."""

    def __init__(self) -> None:
        self.kept: OrderedDict[Any, Program] = OrderedDict()
        self.lock = Lock()

    def get(self, key: Any, make: Callable[[], Program]) -> Program:
        """Return the program of a key; create it if it is missing or no longer valid."""
        with self.lock:
            found = self.kept.get(key)
            if found is not None and found.is_current():
                self.kept.move_to_end(key)
                return found
            made = self.kept[key] = make()
            if len(self.kept) > _KEPT:
                self.kept.popitem(last=False)
            return made


PROGRAMS = Programs()


class Transformed:
    """The derivatives of a function by emitted code.

    Parameters
    ----------
    f
        The function, with the arrangement of its arguments.
    is_compiled
        Whether first derivatives are compiled, for functions of numbers and arrays.
    """

    def __init__(self, f: FlatFunction, is_compiled: bool = False) -> None:
        self.f, self.is_compiled = f, is_compiled
        self.function, self.counter = written_function(f)
        self.found: dict[tuple[str, ...], Program] = {}
        self.key = (_hashable(self.function), f.argnums, f.argument, constants_key(f))

    def program(self, *modes: str) -> Program:
        """Return the program of a mode, or of several modes, each a derivative of the one before."""
        found = self.found.get(modes)  # looked up once in an operator
        if found is None:
            found = self.found[modes] = PROGRAMS.get((self.key, self.is_compiled, modes), lambda: self._made(modes))
        return found

    def _made(self, modes: tuple[str, ...]) -> Program:
        arguments = things(self.f)
        place = f"source of {getattr(self.function, '__name__', type(self.function).__name__)}"
        made = program(self.function, arguments, modes[0], place, self.is_compiled and len(modes) == 1)
        count = len(self.f.args)
        for done, mode in enumerate(modes[1:], start=1):
            extra = {count + k: Value(NODE, False, leaf_ndim) for k, leaf_ndim in enumerate(self._extra(modes[:done]))}
            inner = program(made.function, {**arguments, **extra}, mode, place)
            inner.captures.found.update({(id(made), *key): each for key, each in made.captures.found.items()})
            made = inner
        return made

    def _extra(self, modes: tuple[str, ...]) -> list[int | None]:
        """Return the dimensions of the tangents and cotangents that a program takes after the arguments."""
        places = self.f.argnums if isinstance(self.f.argnums, tuple) else (self.f.argnums,)
        arguments = things(self.f)
        tangents = [getattr(arguments[place], "ndim", None) for place in places]
        return [ndim for mode in modes for ndim in (tangents if mode == "forward" else [0])]

    def push(self, x: Any, v: Any) -> tuple[Any, Any]:
        """Return f(x) and J(x)·v."""
        y, change = self._run(self.program("forward"), x, lambda is_scalar: self._tangents(v, is_scalar))
        return self.f.flat(y), _flat(change, self.f)

    def value_and_gradient(self, x: Any) -> tuple[Any, Any]:
        """Return f(x) and ∇f(x) of a function with one value."""
        y, bars = self._run(self.program("reverse"), x, lambda _: [1.0])
        return self.f.flat(y), flattened_bars(self.f, bars)

    def pulled(self, x: Any, w: Any) -> Any:
        """Return w·J(x); the arrangement of f(x) must be known."""
        assert self.f.result is not None
        cotangent = self.f.result.arrange(w)
        _, bars = self._run(self.program("reverse"), x, lambda _: [cotangent])
        return flattened_bars(self.f, bars)

    def has_one_value(self, x: Any) -> bool:
        """Return whether f(x) is one number; f is called if the code does not tell."""
        result = self.program("reverse").result
        if isinstance(result, Value) and result.ndim == 0:
            return True
        if self.f.result is None:
            self.f(x)
        assert self.f.result is not None
        return self.f.result.is_scalar

    def product(self, x: Any, v: Any) -> Any:
        """Return H(x)·v of a function with one value, by pushing its gradient."""
        try:
            made = self.program("reverse", "forward")
        except RefusalError:  # due to the reverse code, which writes into arrays more often than the function
            return self._product_by_entries(x, v)
        (y, _), (_, change) = self._run(made, x, lambda is_scalar: [1.0, *self._tangents(v, is_scalar)])
        self.f.flat(y)
        return flattened_bars(self.f, change)

    def _product_by_entries(self, x: Any, v: Any) -> Any:
        """Return H(x)·v by the forward code, transformed again in forward mode: once for each variable."""
        made = self.program("forward", "forward")
        entries = []
        for each in np.eye(len(x)):
            directions = partial(self._along, (v, each))
            (y, _), (_, second) = self._run(made, x, directions)
            self.f.flat(y)
            entries.append(second)
        return np.array(entries, dtype=np.float64)

    def derivatives(self, x: Any, v: Any, order: int) -> list[Any]:
        """Return f(x) and the derivatives of t ↦ f(x + t v) at 0, of orders 1 and up, by nested forward code."""
        nested = self._run(self.program(*["forward"] * order), x, partial(self._along, [v] * order))
        highest_first = []
        for k in range(order, 0, -1):  # code of order k returns the results of order k - 1, and their tangents
            change = nested
            for _ in range(k):
                change = change[1]
            highest_first.append(change)
            nested = nested[0]
        y = self.f.flat(nested)
        return [y, *(_flat(each, self.f) for each in reversed(highest_first))]

    def _along(self, directions: Sequence[Any], is_scalar: bool) -> list[Any]:
        return [each for v in directions for each in self._tangents(v, is_scalar)]

    def _tangents(self, v: Any, is_scalar: bool) -> list[Any]:
        arguments = placed(self.f, v, is_scalar)
        places = self.f.argnums if isinstance(self.f.argnums, tuple) else (self.f.argnums,)
        return [arguments[place] for place in places]

    def _run(self, made: Program, x: Any, extra: Callable[[bool], list[Any]]) -> Any:
        """Call a program with Python floats if possible, else with NumPy numbers, which never raise."""
        if self.counter is not None:
            self.counter.calls += 1
        if self.is_compiled and not made.takes_floats:  # machine code does not warn
            return made.function(*placed(self.f, x, False), *extra(False))
        with np.errstate(all="ignore"):
            if made.takes_floats:
                try:
                    found = made.function(*placed(self.f, x, True), *extra(True))
                except _UNLIKE_FLOATS:
                    return made.function(*placed(self.f, x, False), *extra(False))
                return found
            return made.function(*placed(self.f, x, False), *extra(False))


def _flat(change: Any, f: FlatFunction) -> Any:
    """Return a change of the result as a vector, without affecting the noted arrangement of the result."""
    noted = f.result
    vector = f.flat(change)
    f.result = noted
    return vector


def _hashable(function: Any) -> Any:
    try:
        hash(function)
    except TypeError:
        return id(function), function.__class__
    return function
