"""What peers that take differences share: they call the very function, so that nothing is handed over."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from gradmix import Pullback, VectorFunction
from gradmix_peers.peer import Peer


class Differences(Peer):
    """Base of peers that only evaluate: they see a function of a vector with a vector of values."""

    @property
    def accuracy(self) -> float:
        """What truncation and rounding leave."""
        return 1e-7

    @abstractmethod
    def along(self, f: VectorFunction, x: Any) -> Any:
        """Jacobian of a function, shape (m, n)."""

    @abstractmethod
    def curvature(self, f: VectorFunction, x: Any) -> Any:
        """Hessian of a function with one value in a vector, shape (n, n)."""

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """Derivative along a line."""
        y = f(x)
        return y, self.along(lambda t: f(x + t[0] * v), np.zeros(1))[:, 0] if len(y) else np.zeros(0)

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """Products with the whole Jacobian."""
        jacobian = self.matrix(f, x)
        return f(x), lambda w: w @ jacobian

    def matrix(self, f: VectorFunction, x: Any) -> Any:
        """Differences along each variable."""
        m = len(f(x))
        return np.reshape(self.along(f, x), (m, len(x))) if m else np.zeros((0, len(x)))

    def second(self, f: VectorFunction, x: Any) -> Any:
        """Differences of second order."""
        return np.reshape(self.curvature(f, x), (len(x), len(x)))
