"""What peers that take differences share: they call the very function, so that nothing is handed over."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from gradmix import Function
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
        shape = np.shape(f(x))
        if 0 in shape:
            return np.zeros(shape)
        return self.along(lambda t: np.ravel(f(x + t[0] * v)), np.zeros(1)).reshape(shape)

    def pull(self, f: Function, x: Any) -> tuple[Any, Pullback]:
        """Products with the whole Jacobian, row by row."""
        jacobian = self.matrix(f, x)
        return f(x), lambda w: np.tensordot(w, jacobian, axes=np.ndim(w))

    def matrix(self, f: Function, x: Any) -> Any:
        """Differences along each variable."""
        shape = (*np.shape(f(x)), *np.shape(x))
        return np.zeros(shape) if 0 in shape else np.reshape(self.along(_flattened(f, x), np.ravel(x)), shape)

    def second(self, f: Function, x: Any) -> Any:
        """Differences of second order."""
        return np.reshape(self.curvature(_flattened(f, x), np.ravel(x)), np.shape(x) * 2)


def _flattened(f: Function, x: Any) -> Function:
    return lambda flat: np.ravel(f(np.reshape(flat, np.shape(x))[()]))
