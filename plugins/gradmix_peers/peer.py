"""What all peers share: they do not nest, and they may set something while they work."""

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
        """f(x), or None, and J(x)·v."""

    @abstractmethod
    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """f(x), and the function w ↦ w·J(x)."""

    @abstractmethod
    def second(self, f: VectorFunction, x: Any) -> Any:
        """H(x)."""

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """H(x)·v by the whole Hessian: peers do not push gradients of their own forward."""
        return self.second(f, x) @ v

    def settings(self) -> AbstractContextManager[Any]:
        """What is set while it works."""
        return nullcontext()

    @contextmanager
    def session(self) -> Iterator[None]:
        """Its settings; within a function that a peer follows, no other can begin."""
        from gradmix_peers.tracer import is_following

        if is_following():
            raise DifferentiationError(
                f"{type(self).__name__} takes numbers: it cannot differentiate within another differentiation."
            )
        try:
            with self.settings():
                yield
        except RecursionError as error:
            raise DifferentiationError(
                f"{type(self).__name__} follows graphs by recursion, and this function has too many operations for it."
            ) from error


def one_value(f: VectorFunction) -> VectorFunction:
    """A function whose one value is a number rather than a vector of one, as second derivatives want it."""
    return lambda x: f(x)[0]
