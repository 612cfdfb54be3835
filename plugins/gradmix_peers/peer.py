"""What all peers share: plain numbers in and out, and checks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from gradmix import DifferentiationError, Differentiator, Function

Pullback = Callable[[Any], Any]


class Peer(Differentiator):
    """Base of differentiators that are somebody else's: each method takes f as NumPy has it, and a point of float64."""

    @abstractmethod
    def push(self, f: Function, x: Any, v: Any) -> Any:
        """J(x)·v."""

    @abstractmethod
    def pull(self, f: Function, x: Any) -> tuple[Any, Pullback]:
        """f(x), and the function w ↦ w·J(x)."""

    def matrix(self, f: Function, x: Any) -> Any:
        """J(x): rows pulled back one by one, unless the peer has a function for it."""
        import numpy as np

        from gradmix.typing import stacked, unit_vectors

        value, pullback = self.pull(f, x)
        rows = [plain(pullback(w[()])) for w in unit_vectors(np.shape(plain(value)))]
        return stacked(rows, (*np.shape(plain(value)), *np.shape(x)))

    @abstractmethod
    def second(self, f: Function, x: Any) -> Any:
        """H(x)."""

    def product(self, f: Function, x: Any, v: Any) -> Any:
        """H(x)·v."""
        import numpy as np

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
        import numpy as np

        from gradmix.typing import check_shape

        point, tangent = number(x), number(v)
        check_shape("v", tangent, "x", np.shape(point))
        if not np.size(point):
            return np.zeros(np.shape(f(point)))
        with self._working():
            return plain(self.push(f, point, tangent))

    def vjp(self, f: Function, x: Any, w: Any) -> Any:
        """Pull back."""
        import numpy as np

        from gradmix.typing import check_shape

        point, cotangent = number(x), number(w)
        if not np.size(point):
            check_shape("w", cotangent, "f(x)", np.shape(f(point)))
            return np.zeros(np.shape(point))
        with self._working():
            value, pullback = self.pull(f, point)
            check_shape("w", cotangent, "f(x)", np.shape(plain(value)))
            return plain(pullback(cotangent))

    def value_and_gradient(self, f: Function, x: Any) -> tuple[Any, Any]:
        """Pull 1 back."""
        import numpy as np

        from gradmix.typing import check_scalar

        point = number(x)
        if not np.size(point):
            check_scalar(f(point))
            return f(point), np.zeros(np.shape(point))
        with self._working():
            value, pullback = self.pull(f, point)
            check_scalar(plain(value))
            return plain(value), plain(pullback(np.float64(1.0)))

    def jacobian(self, f: Function, x: Any) -> Any:
        """The Jacobian, by its own function for that, if it has one."""
        import numpy as np

        point = number(x)
        if not np.size(point):
            return np.zeros((*np.shape(f(point)), *np.shape(point)))
        with self._working():
            return plain(self.matrix(f, point))

    def hessian(self, f: Function, x: Any) -> Any:
        """The Hessian, by its own function for that."""
        import numpy as np

        point = number(x)
        if not np.size(point):
            return np.zeros(np.shape(point) * 2)
        with self._working():
            return plain(self.second(f, point))

    def hvp(self, f: Function, x: Any, v: Any) -> Any:
        """The Hessian's product with a direction, by its own function for that, if it has one."""
        import numpy as np

        from gradmix.typing import check_shape

        point, tangent = number(x), number(v)
        check_shape("v", tangent, "x", np.shape(point))
        if not np.size(point):
            return np.zeros(np.shape(point))
        with self._working():
            return plain(self.product(f, point, tangent))


def number(x: Any) -> Any:
    """A point or a direction as float64.

    Raises
    ------
    DifferentiationError
        Within a function that a differentiator is following: peers do not nest.
    """
    from gradmix.typing import as_point, is_traced
    from gradmix_peers.handing_over import is_following

    point = as_point(x)
    if is_traced(point) or is_following():
        raise DifferentiationError("a peer takes numbers: it cannot differentiate within another differentiation.")
    return point


def plain(result: Any) -> Any:
    """A result as a float or an array of float64 of NumPy's."""
    import numpy as np

    return np.asarray(result, dtype=np.float64)[()]
