"""The base of all peers: they do not nest, and they may change settings while they work."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ClassVar

from gradmix import DifferentiationError, Differentiator, Pullback, VectorFunction


class Peer(Differentiator):
    """Base of differentiators from other libraries."""

    nests: ClassVar[bool] = False

    @abstractmethod
    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """Return f(x), or None, and J(x)·v."""

    @abstractmethod
    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """Return f(x), and the function w ↦ w·J(x)."""

    @abstractmethod
    def second(self, f: VectorFunction, x: Any) -> Any:
        """Return H(x)."""

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """Return H(x)·v by the whole Hessian, as peers cannot differentiate their own gradients in forward mode."""
        return self.second(f, x) @ v

    def settings(self) -> AbstractContextManager[Any]:
        """Return a context with the settings that the library needs while it works."""
        return nullcontext()

    @contextmanager
    def session(self) -> Iterator[None]:
        """Enter the settings; raise an error within a function that a peer is following, as peers do not nest."""
        from gradmix_peers.tracer import is_following

        if is_following():
            raise DifferentiationError(
                f"{type(self).__name__} takes only plain numbers: it cannot be nested in another differentiation."
            )
        try:
            with self.settings():
                yield
        except RecursionError as error:
            raise DifferentiationError(
                f"{type(self).__name__} traverses graphs by recursion; this function has too many operations for that."
            ) from error


def one_value(f: VectorFunction) -> VectorFunction:
    """Return f with its one value as a number instead of a vector, as second derivatives require."""
    return lambda x: f(x)[0]
