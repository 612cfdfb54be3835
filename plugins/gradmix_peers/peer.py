"""What all peers share: plain numbers in and out, and checks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix import DifferentiationError, Differentiator, Function

Pullback = Callable[[Any], Any]


class Peer(Differentiator):
    """Base of differentiators from other libraries: each method takes f as NumPy has it, and a point of float64."""

    @abstractmethod
    def push(self, f: Function, x: Any, v: Any) -> Any:
        """J(x)·v."""

    @abstractmethod
    def pull(self, f: Function, x: Any) -> tuple[Any, Pullback]:
        """f(x), and the function w ↦ w·J(x)."""

    def matrix(self, f: Function, x: Any) -> Any:
        """J(x): rows pulled back one by one, unless the peer has a function for it."""
        from gradmix.arrays import stacked, unit_vectors

        value, pullback = self.pull(f, x)
        shape = np.shape(plain(value))
        return stacked([plain(pullback(w[()])) for w in unit_vectors(shape)], (*shape, *np.shape(x)))

    @abstractmethod
    def second(self, f: Function, x: Any) -> Any:
        """H(x)."""

    def product(self, f: Function, x: Any, v: Any) -> Any:
        """H(x)·v."""
        return np.tensordot(self.second(f, x), v, axes=np.ndim(v)) if np.ndim(v) else self.second(f, x) * v

    def session(self) -> AbstractContextManager[Any]:
        """What is set while it works."""
        return nullcontext()

    @contextmanager
    def _working(self) -> Iterator[None]:
        try:
            with self.session():
                yield
        except RecursionError as error:
            raise DifferentiationError(
                f"{type(self).__name__} follows graphs by recursion, and this function has too many operations for it."
            ) from error

    def jvp(self, f: Function, x: Any, v: Any) -> Any:
        """Push forward."""
        from gradmix.arrays import check_shape

        point, tangent = number(x), number(v)
        check_shape("v", tangent, "x", np.shape(point))
        with self._working():
            return plain(self._worker(point).push(Numeric(f), point, tangent))

    def vjp(self, f: Function, x: Any, w: Any) -> Any:
        """Pull back."""
        from gradmix.arrays import check_shape

        with self._working():
            point, cotangent = number(x), number(w)
            value, pullback = self._worker(point).pull(Numeric(f), point)
            check_shape("w", cotangent, "f(x)", np.shape(plain(value)))
            return plain(pullback(cotangent))

    def value_and_gradient(self, f: Function, x: Any) -> tuple[Any, Any]:
        """Pull 1 back."""
        from gradmix.arrays import check_scalar

        with self._working():
            point = number(x)
            value, pullback = self._worker(point).pull(Numeric(f), point)
            check_scalar(plain(value))
            return plain(value), plain(pullback(np.float64(1.0)))

    def jacobian(self, f: Function, x: Any) -> Any:
        """The Jacobian, by its own function for that, if it has one."""
        with self._working():
            point = number(x)
            return plain(self._worker(point).matrix(Numeric(f), point))

    def hessian(self, f: Function, x: Any) -> Any:
        """The Hessian, by its own function for that."""
        with self._working():
            point = number(x)
            return plain(self._worker(point).second(Numeric(f), point))

    def hvp(self, f: Function, x: Any, v: Any) -> Any:
        """The Hessian's product with a direction, by its own function for that, if it has one."""
        from gradmix.arrays import check_shape

        point, tangent = number(x), number(v)
        check_shape("v", tangent, "x", np.shape(point))
        with self._working():
            return plain(self._worker(point).product(Numeric(f), point, tangent))

    def _worker(self, point: Any) -> Peer | _NoVariables:
        return self if np.size(point) else _NoVariables()


class _NoVariables:
    """Derivatives by no variables, which few peers know: they are empty."""

    def push(self, f: Function, x: Any, v: Any) -> Any:
        return np.zeros(np.shape(f(x)))

    def pull(self, f: Function, x: Any) -> tuple[Any, Pullback]:
        return f(x), lambda w: np.zeros(np.shape(x))

    def matrix(self, f: Function, x: Any) -> Any:
        return np.zeros((*np.shape(f(x)), *np.shape(x)))

    def second(self, f: Function, x: Any) -> Any:
        return np.zeros(np.shape(x) * 2)

    def product(self, f: Function, x: Any, v: Any) -> Any:
        return np.zeros(np.shape(x))


@dataclass(frozen=True)
class Numeric:
    """f, refused where it returns no numbers: a peer would take None for NaN, and that for a constant.

    Two of the same f are equal, so that what is compiled for one serves for the other.
    """

    f: Function

    def __call__(self, x: Any) -> Any:
        """f(x), looked at."""
        y = self.f(x)
        if y is None or isinstance(y, str):
            raise DifferentiationError(f"the function returned {y!r}; it must return real numbers.")
        return y


def number(x: Any) -> Any:
    """A point or a direction as float64.

    Raises
    ------
    DifferentiationError
        Within a function that a differentiator is following: peers do not nest.
    """
    from gradmix.arrays import as_point, is_traced
    from gradmix_peers.tracer import is_following

    point = as_point(x)
    if is_traced(point) or is_following():
        raise DifferentiationError("a peer takes numbers: it cannot differentiate within another differentiation.")
    return point


def plain(result: Any) -> Any:
    """A result as a float or an array of float64 of NumPy's."""
    return np.asarray(result, dtype=np.float64).copy()[()]  # a copy of one's own: peers may give views
