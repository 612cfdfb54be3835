"""A differentiator for one function: it runs programs, records a new one if none fits, or calls the plain one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import RLock
from typing import IO, Any

import numpy as np

from gradmix import DifferentiationError, Differentiator, Pullback, VectorFunction
from gradmix_autodiff.program.captured import Captured, marks_of
from gradmix_autodiff.program.derivatives import COMPUTE, is_long
from gradmix_autodiff.program.node import NotRecordableError, TooLargeError
from gradmix_autodiff.program.path import Path, recorded
from gradmix_autodiff.program.program import OTHER_PATH, UNBOUNDED
from gradmix_autodiff.program.saved import read, write
from gradmix_autodiff.program.shortcuts import shortcut
from gradmix_autodiff.program.simplify import FLOAT

MOST_PATHS = 8
"""Largest number of programs for one derivative, one for each path through the function."""
MOST_RECORDINGS = 64
"""Largest number of recordings of a function that keeps changing the values it reads."""
MOST_FAILURES = 3
"""Number of failures after which a derivative is no longer recorded."""


@dataclass(eq=False)
class PreparedDifferentiator(Differentiator):
    """The result of `prepare`: derivatives of one function by a tracing differentiator, as programs.

    Parameters
    ----------
    plain
        The differentiator.
    function
        The function.
    is_compiled
        Whether loops are compiled.
    """

    plain: Differentiator
    function: Any
    is_compiled: bool = True

    def __post_init__(self) -> None:
        self.paths: dict[str, tuple[Path, ...]] = {}
        """Hook → the programs for it, one for each path."""
        self._reasons: dict[str, list[str]] = {}
        self._lock = RLock()
        self._captured: Captured | None = None
        self._constants = _constants(self.function)
        self._recordings = 0

    @property
    def accuracy(self) -> float:
        """Return the accuracy of the plain differentiator."""
        return self.plain.accuracy

    @property
    def chunk(self) -> int:
        """Return the chunk size of the plain differentiator."""
        return self.plain.chunk

    @property
    def unprepared(self) -> Mapping[str, str]:
        """Return why hooks were not recorded; the plain differentiator computes these."""
        return {hook: reasons[-1] for hook, reasons in self._reasons.items() if reasons}

    # hooks

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """Push by a program of the point and the tangent."""
        return self._computed("push", f, x, v)  # type: ignore[no-any-return]

    def push_many(self, f: VectorFunction, x: Any, V: Any) -> tuple[Any, Any]:
        """Push by a program of the point and the tangents."""
        return self._computed("push_many", f, x, V)  # type: ignore[no-any-return]

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """Return the plain value, and pull by a program of the point and the cotangent."""
        if type(x) is not np.ndarray:
            return self.plain.pull(f, x)
        return f(x), lambda w: self._computed("pull", f, x, w)

    def first(self, f: VectorFunction, x: Any) -> tuple[Any, Any]:
        """Return value and gradient by one program."""
        return self._computed("first", f, x)  # type: ignore[no-any-return]

    def matrix(self, f: VectorFunction, x: Any) -> Any:
        """Return the derivative by a program."""
        return self._computed("matrix", f, x)

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """Return the product by a program of the point and the direction."""
        return self._computed("product", f, x, v)

    def second(self, f: VectorFunction, x: Any) -> Any:
        """Return the derivative by a program."""
        return self._computed("second", f, x)

    def sparse(self, f: VectorFunction, x: Any, is_second: bool, known: Any) -> tuple[Any, Any]:
        """Compress as the plain one does; if the colouring of a Jacobian is known, a program pushes the tangents."""
        if is_second or known is None or type(x) is not np.ndarray:
            return self.plain.sparse(f, x, is_second, known)
        from gradmix_autodiff.sparse.compression import sparse_jacobian

        return sparse_jacobian(f, x, known, self.push_many)

    def higher(self, f: VectorFunction, x: Any, order: int) -> Any:
        """Call the plain differentiator: higher derivatives are not recorded."""
        return self.plain.higher(f, x, order)

    def series(self, f: VectorFunction, x: Any, v: Any, order: int) -> Any:
        """Call the plain differentiator: series are not recorded."""
        return self.plain.series(f, x, v, order)

    def shortcut(self, operator: str) -> Callable[..., Any] | None:
        """Return a fast gradient at one array or number, without containers; None for other examples."""
        return shortcut(self, operator)

    def program(self, x: Any, place: int | None) -> Any:
        """Return the value and gradient, or one of them, by the first program that fits; None if none fits."""
        captured = self._captured
        if captured is None or not captured.is_same():
            return None
        for path in self.paths.get("first", ()):
            found = self._run(path, (x,), place)
            if found is UNBOUNDED:
                return None
            if found is not OTHER_PATH:
                return found
        return None

    def save_prepared(self, file: IO[bytes]) -> None:
        """Return the recorded programs as data.

        Raises
        ------
        DifferentiationError
            If there is no program, or one that a file cannot hold.
        """
        with self._lock:
            if not any(self.paths.values()):
                why = "; ".join(f"{hook}: {reason}" for hook, reason in self.unprepared.items())
                because = f" ({why})" if why else ""
                raise DifferentiationError(f"there is nothing to save: no derivative was recorded{because}.")
            if self._captured is None or not self._captured.is_same():
                raise DifferentiationError(
                    "values that the function reads have changed since it was recorded. Compute the derivative again, "
                    "then save it."
                )
            write(file, self.plain, self.function, self.paths)

    # programs

    def _computed(self, hook: str, f: Any, *points: Any) -> Any:
        """Return a derivative by the first program whose path the point takes, else by the plain differentiator."""
        compute = COMPUTE[hook]
        is_plain = all(type(each) is np.ndarray and each.dtype == FLOAT for each in points)
        if not is_plain:
            return compute(self.plain, f, points)
        constants = _constants(f)
        if constants != self._constants or (self._captured is not None and not self._captured.is_same()):
            self._forget(constants)
        points = tuple(each if each.flags.writeable and each.flags.c_contiguous else each.copy() for each in points)
        for path in self.paths.get(hook, ()):
            if path.fits(points):
                found = self._run(path, points, None)
                if found is UNBOUNDED:
                    result = compute(self.plain, f, points)
                    self.look()
                    return result
                if found is not OTHER_PATH:
                    f.result = path.arrangement
                    return found if path.is_tuple else found[0]
        return self._recorded(hook, f, points)

    def _run(self, path: Path, points: tuple[Any, ...], place: int | None) -> Any:
        try:
            return path.program(place).call(*points)
        except Exception:  # on another path, the plain one decides whether to raise
            return OTHER_PATH

    def _forget(self, constants: Any) -> None:
        """Forget all programs, because values that the function reads, or constant arguments, have changed."""
        with self._lock:
            self.paths, self._captured, self._constants = {}, None, constants

    def _recorded(self, hook: str, f: Any, points: tuple[Any, ...]) -> Any:
        """Return the plain result, and record a program for later points that take the same path."""
        compute = COMPUTE[hook]
        result = compute(self.plain, f, points)
        arrangement = f.result
        with self._lock:
            paths, reasons = self.paths.get(hook, ()), self._reasons.setdefault(hook, [])
            may_record = len(paths) < MOST_PATHS and self._recordings < MOST_RECORDINGS and len(reasons) < MOST_FAILURES
            may_record &= hook != "first" or arrangement.is_scalar  # else the operator raises an error, each time
            if may_record and not is_long(self.plain, hook, arrangement.size, len(points[0])):
                self._recordings += 1
                try:
                    path = recorded(lambda *symbols: compute(self.plain, f, symbols), points, result, self.is_compiled)
                    path.arrangement = arrangement
                    self.paths = {**self.paths, hook: (*paths, path)}
                except Exception as error:  # the function or a rule does not take symbols: only the plain way remains
                    is_known = isinstance(error, NotRecordableError)
                    times = MOST_FAILURES if isinstance(error, TooLargeError) else 1
                    reasons += [str(error) if is_known else repr(error)] * times
            f.result = arrangement
            self.look()
        return result

    def look(self) -> None:
        """Note the values that the function reads now. Values that it changes itself are ignored."""
        try:
            captured = Captured(self.function.f, self.is_compiled)
        except NotRecordableError as error:
            self._captured, self._recordings, self.paths = None, MOST_RECORDINGS, {}
            self._reasons["function"] = [str(error)]
            return
        for paths in self.paths.values():
            for path in paths:
                for array in path.arrays:
                    captured.watch(array)
        self._captured = captured


def prepared(plain: Differentiator, f: Any, x: Any, is_compiled: bool) -> Differentiator:
    """Return a differentiator for one function, with its gradient (or Jacobian, for several values) recorded."""
    made = PreparedDifferentiator(plain, f, is_compiled)
    if type(x) is not np.ndarray or not len(x):
        return made  # within another differentiation, or without variables
    f(x)
    if f.result.is_scalar:
        made.first(f, x)
        if short := made.shortcut("gradient"):
            short(f.argument.arrange(x.copy()))
    elif not is_long(plain, "matrix", f.result.size, len(x)):
        made.matrix(f, x)
    return made


def loaded(plain: Differentiator, f: Any, x: Any, is_compiled: bool, file: Any, name: str) -> Differentiator:
    """Return a differentiator for one function, with programs from a file."""
    made = PreparedDifferentiator(plain, f, is_compiled)
    made.paths = read(file, name, plain, f, x, is_compiled)
    made.look()
    return made


def _constants(f: Any) -> Any:
    """Return the constant arguments of a function."""
    if len(f.args) <= 1:
        return None
    places = f.argnums if isinstance(f.argnums, tuple) else (f.argnums,)
    return [marks_of(each) for place, each in enumerate(f.args) if place not in places]
