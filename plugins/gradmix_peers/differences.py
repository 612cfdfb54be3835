"""What peers that take differences share: they call the very function, so that nothing is handed over."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from gradmix import DifferentiationError, Function
from gradmix_peers.peer import Peer, Pullback


class Differences(Peer):
    """Base of peers that only evaluate: they see a function of a vector with a vector of values."""

    @property
    def accuracy(self) -> float:
        """What truncation and rounding leave."""
        return 1e-7

    @abstractmethod
    def along(self, f: Function, x: Any) -> Any:
        """Jacobian of a function of a vector with a vector of values, shape (m, n)."""

    @abstractmethod
    def curvature(self, f: Function, x: Any) -> Any:
        """Hessian of a function of a vector with one value in a vector, shape (n, n)."""

    def push(self, f: Function, x: Any, v: Any) -> Any:
        """Derivative along a line."""
        import numpy as np

        return self.along(lambda t: np.ravel(_numbers(f(x + t[0] * v))), np.zeros(1)).reshape(np.shape(f(x)))

    def pull(self, f: Function, x: Any) -> tuple[Any, Pullback]:
        """Products with the whole Jacobian, row by row."""
        import numpy as np

        jacobian = self.matrix(f, x)
        return f(x), lambda w: np.tensordot(w, jacobian, axes=np.ndim(w))

    def matrix(self, f: Function, x: Any) -> Any:
        """Differences along each variable."""
        import numpy as np

        flat = self.along(_flattened(f, x), np.ravel(x))
        return np.reshape(flat, (*np.shape(f(x)), *np.shape(x)))

    def second(self, f: Function, x: Any) -> Any:
        """Differences of second order."""
        import numpy as np

        return np.reshape(self.curvature(_flattened(f, x), np.ravel(x)), np.shape(x) * 2)


def _flattened(f: Function, x: Any) -> Function:
    import numpy as np

    return lambda flat: np.ravel(_numbers(f(np.reshape(flat, np.shape(x))[()])))


def _numbers(values: Any) -> Any:
    """What the function returned, if it is numbers: complex ones, too, where complex steps are taken."""
    import numpy as np

    array = np.asarray(values)
    if array.dtype.kind not in "biufc":
        raise DifferentiationError(f"a function must return numbers; this one returned {values!r}.")
    return array
