"""A differentiator for one function: it runs programs, records another where none fits, and else asks the plain one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import RLock
from typing import Any

import numpy as np

from gradmix import Differentiator, Pullback, VectorFunction
from gradmix_autodiff.dual import DualNumbers
from gradmix_autodiff.program.captured import Captured, marks_of
from gradmix_autodiff.program.emission import OTHER_PATH, UNBOUNDED
from gradmix_autodiff.program.node import NotRecordableError, TooLargeError
from gradmix_autodiff.program.path import Path, recorded
from gradmix_autodiff.program.symbol import SymbolArray

MOST_PATHS = 8
"""Programs that are kept for one derivative: one for each path through the function."""
MOST_RECORDINGS = 64
"""Recordings after which a function that keeps changing what it reads is not recorded any more."""
MOST_FAILURES = 3
"""Failures after which a derivative is not recorded any more."""
MOST_SWEEPS = 64
"""Sweeps of a matrix of derivatives, each of which a program would have written out, up to which it is recorded."""

FLOAT = np.dtype(np.float64)

Compute = Callable[[Differentiator, Any, tuple[Any, ...]], Any]


def _matrix(plain: Differentiator, f: Any, x: Any) -> Any:
    """A Jacobian. A program pushes many tangents by one operation; rows are pulled one after the other."""
    if isinstance(x, SymbolArray) and plain.pulls and len(x) <= MOST_COLUMNS_A_ROW * f.result.size:
        return DualNumbers().matrix(f, x)
    return plain.matrix(f, x)


def _second(plain: Differentiator, f: Any, x: Any) -> Any:
    """A Hessian: as a program, tangents of the gradient."""
    if isinstance(x, SymbolArray) and plain.pulls:
        return DualNumbers().matrix(lambda y: plain.first(f, y)[1], x)
    return plain.second(f, x)


MOST_COLUMNS_A_ROW = 8
"""Columns for each row up to which tangents are pushed."""

COMPUTE: Mapping[str, Compute] = {
    "first": lambda plain, f, points: plain.first(f, *points),
    "matrix": lambda plain, f, points: _matrix(plain, f, *points),
    "second": lambda plain, f, points: _second(plain, f, *points),
    "product": lambda plain, f, points: plain.product(f, *points),
    "push": lambda plain, f, points: plain.push(f, *points),
    "push_many": lambda plain, f, points: plain.push_many(f, *points),
    "pull": lambda plain, f, points: plain.pull(f, points[0])[1](points[1]),
}
"""Hook → how the plain differentiator computes it."""


def sweeps(plain: Differentiator, hook: str, m: int, n: int) -> float:
    """How many times a hook goes through a function of n variables with m values, forward or back."""
    forward = math.ceil(n / plain.chunk) if plain.pushes else math.inf
    gradient = 1 if plain.pulls else forward
    along = 1 if plain.pushes else m  # one tangent; without a push, every unit vector is pulled
    counts = {
        "push": along,
        "push_many": along,
        "pull": gradient,
        "first": gradient,
        "product": gradient,
        "matrix": min(forward, m if plain.pulls else math.inf),
        "second": gradient * min(forward, n if plain.pulls else math.inf),
    }
    return counts[hook]


@dataclass(eq=False)
class PreparedDifferentiator(Differentiator):
    """What `prepare` makes of a differentiator that traces: its derivatives of one function, as programs.

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
        """As the plain one's."""
        return self.plain.accuracy

    @property
    def chunk(self) -> int:
        """As the plain one's."""
        return self.plain.chunk

    @property
    def unprepared(self) -> Mapping[str, str]:
        """Why hooks were not recorded at some point: the plain differentiator computes there."""
        return {hook: reasons[-1] for hook, reasons in self._reasons.items() if reasons}

    # hooks

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """By a program of the point and the tangent."""
        return self._computed("push", f, x, v)  # type: ignore[no-any-return]

    def push_many(self, f: VectorFunction, x: Any, V: Any) -> tuple[Any, Any]:
        """By a program of the point and the tangents."""
        return self._computed("push_many", f, x, V)  # type: ignore[no-any-return]

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """The function as it is, and a program of the point and the cotangent."""
        if type(x) is not np.ndarray:
            return self.plain.pull(f, x)
        return f(x), lambda w: self._computed("pull", f, x, w)

    def first(self, f: VectorFunction, x: Any) -> tuple[Any, Any]:
        """Value and gradient by one program."""
        return self._computed("first", f, x)  # type: ignore[no-any-return]

    def matrix(self, f: VectorFunction, x: Any) -> Any:
        """By a program."""
        return self._computed("matrix", f, x)

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """By a program of the point and the direction."""
        return self._computed("product", f, x, v)

    def second(self, f: VectorFunction, x: Any) -> Any:
        """By a program."""
        return self._computed("second", f, x)

    def higher(self, f: VectorFunction, x: Any, order: int) -> Any:
        """Not recorded."""
        return self.plain.higher(f, x, order)

    def series(self, f: VectorFunction, x: Any, v: Any, order: int) -> Any:
        """Not recorded."""
        return self.plain.series(f, x, v, order)

    def shortcut(self, operator: str) -> Callable[..., Any] | None:
        """Gradients at one array or number, without the way through containers; None if the example is another."""
        argument = self.function.argument
        if argument.tree is not None or len(self.function.args) != 1 or operator not in _SHORT:
            return None
        place, make = _SHORT[operator]
        return make(self, place, argument.shapes[0])

    def program(self, x: Any, place: int | None) -> Any:
        """What the first program that fits computes of a function's value and gradient, or one of these; else None."""
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

    # programs

    def is_long(self, hook: str, m: int, n: int) -> bool:
        """Whether a derivative takes too many sweeps, or has too many entries, to be one program."""
        entries = {"matrix": m * n, "second": n * n}.get(hook, 0)
        return sweeps(self.plain, hook, m, n) > MOST_SWEEPS or entries > MOST_SWEEPS**3

    def _computed(self, hook: str, f: Any, *points: Any) -> Any:
        """A derivative by the first program whose path the point takes; the plain one's if there is none."""
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
                    self._look()
                    return result
                if found is not OTHER_PATH:
                    f.result = path.arrangement
                    return found if path.is_tuple else found[0]
        return self._recorded(hook, f, points)

    def _run(self, path: Path, points: tuple[Any, ...], place: int | None) -> Any:
        try:
            return path.program(place).call(*points)
        except Exception:  # on another path the plain one raises the same, or does not
            return OTHER_PATH

    def _forget(self, constants: Any) -> None:
        """Forget all programs, since what the function reads has changed, or what it has for constant arguments."""
        with self._lock:
            self.paths, self._captured, self._constants = {}, None, constants

    def _recorded(self, hook: str, f: Any, points: tuple[Any, ...]) -> Any:
        """The plain result, and a program for the next points that take the same path."""
        compute = COMPUTE[hook]
        result = compute(self.plain, f, points)
        arrangement = f.result
        with self._lock:
            paths, reasons = self.paths.get(hook, ()), self._reasons.setdefault(hook, [])
            may_record = len(paths) < MOST_PATHS and self._recordings < MOST_RECORDINGS and len(reasons) < MOST_FAILURES
            if may_record and not self.is_long(hook, arrangement.size, len(points[0])):
                self._recordings += 1
                try:
                    path = recorded(lambda *symbols: compute(self.plain, f, symbols), points, result, self.is_compiled)
                    path.arrangement = arrangement
                    self.paths = {**self.paths, hook: (*paths, path)}
                except Exception as error:  # the function, or a rule, does not take symbols: the plain way is left
                    is_known = isinstance(error, NotRecordableError)
                    times = MOST_FAILURES if isinstance(error, TooLargeError) else 1
                    reasons += [str(error) if is_known else repr(error)] * times
            f.result = arrangement
            self._look()
        return result

    def _look(self) -> None:
        """Note what the function reads now. What it changes itself, such as a counter of calls, does not count."""
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
    """A differentiator for one function, which has recorded its gradient, or its Jacobian if it has several values."""
    made = PreparedDifferentiator(plain, f, is_compiled)
    if type(x) is not np.ndarray or not len(x):
        return made  # within another differentiation, or of nothing
    f(x)
    if f.result.is_scalar:
        made.first(f, x)
        if short := made.shortcut("gradient"):
            short(f.argument.arrange(x.copy()))
    elif not made.is_long("matrix", f.result.size, len(x)):
        made.matrix(f, x)
    return made


def _constants(f: Any) -> Any:
    """What a function has for arguments that are constant."""
    if len(f.args) <= 1:
        return None
    places = f.argnums if isinstance(f.argnums, tuple) else (f.argnums,)
    return [marks_of(each) for place, each in enumerate(f.args) if place not in places]


def _of_array(
    prepared: PreparedDifferentiator, place: int | None, shape: tuple[int, ...], arrange: Callable[[Any], Any]
) -> Callable[..., Any]:
    """A derivative at one array of a shape."""
    program, is_flat = prepared.program, len(shape) == 1

    def computed(x: Any = None, *more: Any) -> Any:
        if type(x) is not np.ndarray or x.dtype is not FLOAT or x.shape != shape or more:
            return None
        flags = x.flags
        if not flags.c_contiguous or not flags.writeable:
            return None
        found = program(x if is_flat else x.reshape(-1), place)
        return None if found is None else arrange(found)

    return computed


def _of_number(
    prepared: PreparedDifferentiator, place: int | None, arrange: Callable[[Any], Any]
) -> Callable[..., Any]:
    """A derivative at one number."""
    program = prepared.program

    def computed(x: Any = None, *more: Any) -> Any:
        if type(x) is not float or more:
            return None
        found = program(np.array([x]), place)
        return None if found is None else arrange(found)

    return computed


def _short_gradient(prepared: Any, place: int | None, shape: tuple[int, ...]) -> Callable[..., Any] | None:
    if 0 in shape:
        return None
    if not shape:
        return _of_number(prepared, place, lambda found: found[0][0])
    if len(shape) == 1:
        return _of_array(prepared, place, shape, lambda found: found[0])
    return _of_array(prepared, place, shape, lambda found: found[0].reshape(shape))


def _short_value_and_gradient(prepared: Any, place: int | None, shape: tuple[int, ...]) -> Callable[..., Any] | None:
    if 0 in shape:
        return None
    if not shape:
        return _of_number(prepared, place, lambda found: (found[0][0], found[1][0]))
    return _of_array(prepared, place, shape, lambda found: (found[0][0], found[1].reshape(shape)))


_SHORT: Mapping[str, tuple[int | None, Callable[..., Callable[..., Any] | None]]] = {
    "gradient": (1, _short_gradient),
    "value_and_gradient": (None, _short_value_and_gradient),
}
"""Operator → which result of the hook `first` it needs, and what makes its short way."""
