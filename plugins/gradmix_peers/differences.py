"""The base of peers that use difference quotients. They call the original function with plain numbers."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from gradmix import Pullback, VectorFunction
from gradmix_peers.peer import Peer


class Differences(Peer):
    """Base of peers that only evaluate the function, as a map from vectors to vectors."""

    @property
    def accuracy(self) -> float:
        """Return the accuracy that truncation and rounding errors allow."""
        return 1e-7

    @abstractmethod
    def along(self, f: VectorFunction, x: Any) -> Any:
        """Return the Jacobian of a function, shape (m, n)."""

    @abstractmethod
    def curvature(self, f: VectorFunction, x: Any) -> Any:
        """Return the Hessian, shape (n, n), of a function whose value is a vector with one entry."""

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """Differentiate along a line."""
        y = f(x)
        return y, self.along(lambda t: f(x + t[0] * v), np.zeros(1))[:, 0] if len(y) else np.zeros(0)

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """Multiply cotangents by the whole Jacobian."""
        jacobian = self.matrix(f, x)
        return f(x), lambda w: w @ jacobian

    def matrix(self, f: VectorFunction, x: Any) -> Any:
        """Take differences along each variable."""
        m = len(f(x))
        return np.reshape(self.along(f, x), (m, len(x))) if m else np.zeros((0, len(x)))

    def second(self, f: VectorFunction, x: Any) -> Any:
        """Take differences of second order."""
        return np.reshape(self.curvature(f, x), (len(x), len(x)))
