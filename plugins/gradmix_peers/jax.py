"""The differentiator ``jax``."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from gradmix import DifferentiationError, Differentiator, Pullback, VectorFunction
from gradmix_peers.peer import Peer, one_value
from gradmix_peers.tool import Tool


@dataclass
class Jax(Peer):
    """JAX in float64, operation by operation: without compilation the function may branch and loop on values."""

    requires = ("jax",)

    def settings(self) -> AbstractContextManager[Any]:
        """Enable float64 in this thread during the computation."""
        import jax

        settings: AbstractContextManager[Any] = jax.enable_x64(True)
        return settings

    def prepared(self, f: VectorFunction, x: Any) -> Differentiator:
        """Return `jax_compiled` with f compiled, if f inspects no values."""
        from gradmix_peers.jax_compiled import JaxCompiled

        try:
            return JaxCompiled().prepared(f, x)
        except DifferentiationError:
            return self

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """`jax.jvp`."""
        import jax

        value, pushed = jax.jvp(own(f), (array(x),), (array(v),))
        return value, pushed

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """`jax.vjp`."""
        import jax

        value, pullback = jax.vjp(own(f), array(x))
        return value, lambda w: pullback(array(w))[0]

    def matrix(self, f: VectorFunction, x: Any) -> Any:
        """`jax.jacrev`."""
        import jax

        return jax.jacrev(own(f))(array(x))

    def second(self, f: VectorFunction, x: Any) -> Any:
        """`jax.hessian`."""
        import jax

        return jax.hessian(own(one_value(f)))(array(x))

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """`jax.jvp` of `jax.grad`."""
        import jax

        return jax.jvp(jax.grad(own(one_value(f))), (array(x),), (array(v),))[1]


def own(f: VectorFunction) -> VectorFunction:
    """Return f as a function of JAX's arrays."""
    from gradmix_peers.tracer import hand_over

    return hand_over(f, tool())


def array(x: Any) -> Any:
    """Convert a point or direction to an array of JAX's."""
    import jax.numpy as jnp

    return jnp.asarray(x, dtype=jnp.float64)


@cache
def tool() -> Tool:
    """Return the description of JAX."""
    import jax

    return Tool("JAX", jax.numpy, concrete=lambda value: np.asarray(jax.lax.stop_gradient(value)))
