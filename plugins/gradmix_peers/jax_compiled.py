"""The differentiator ``jax_compiled``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from gradmix import DifferentiationError, Differentiator, Pullback, VectorFunction
from gradmix_peers.jax import Jax, array, own
from gradmix_peers.peer import one_value


@dataclass
class JaxCompiled(Jax):
    """JAX with `jax.jit`: compiles at the first call and reuses the code; the function must not inspect values.

    Notes
    -----
    Comparisons inspect values, so functions that branch, loop or choose by them are refused. The compiled code contains
    whatever else the function read during compilation, such as global variables; later changes have no effect.
    """

    follows_values = False

    def prepared(self, f: VectorFunction, x: Any) -> Differentiator:
        """Compile the code for a gradient, or for a Jacobian if f has several values."""
        if len(f(x)) == 1:
            self.first(f, x)
        else:
            self.matrix(f, x)
        return self

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """`jax.jvp`, compiled."""
        value, pushed = _called("push", f, x, v)
        return value, pushed

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """`jax.vjp`, compiled."""
        return _called("value", f, x), lambda w: _called("pull", f, x, w)

    def first(self, f: VectorFunction, x: Any) -> tuple[Any, Any]:
        """Compute value and gradient in one compiled function."""
        value, gradient = _called("first", f, x)
        return value, gradient

    def matrix(self, f: VectorFunction, x: Any) -> Any:
        """`jax.jacrev`, compiled."""
        return _called("matrix", f, x)

    def second(self, f: VectorFunction, x: Any) -> Any:
        """`jax.hessian`, compiled."""
        return _called("second", f, x)

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """`jax.jvp` of `jax.grad`, compiled."""
        return _called("product", f, x, v)


def _called(what: str, f: Any, *points: Any) -> Any:
    import jax

    compiled, traced = _compiled(what, f)
    try:
        result = compiled(*map(array, points))
    except jax.errors.JAXTypeError as error:
        raise DifferentiationError(
            "JAX cannot compile a function whose branches, loops or choices depend on values. Use differentiator=jax."
        ) from error
    f.result = traced.result  # f itself is not called again once it is compiled
    return result


@lru_cache(maxsize=32)
def _compiled(what: str, f: Any) -> tuple[VectorFunction, Any]:
    """Return a compiled transformation of f, and the function that was traced for it."""
    import jax

    return jax.jit(_transformations()[what](own(f))), f


@cache
def _transformations() -> Mapping[str, Callable[[VectorFunction], VectorFunction]]:
    import jax
    import jax.numpy as jnp

    def first(g: VectorFunction) -> VectorFunction:
        def both(x: Any) -> tuple[Any, Any]:
            value, pullback = jax.vjp(g, x)
            return value, pullback(jnp.ones_like(value))[0]

        return both

    return {
        "value": lambda g: g,
        "push": lambda g: lambda x, v: jax.jvp(g, (x,), (v,)),
        "pull": lambda g: lambda x, w: jax.vjp(g, x)[1](w)[0],
        "first": first,
        "matrix": jax.jacrev,
        "second": lambda g: jax.hessian(one_value(g)),
        "product": lambda g: lambda x, v: jax.jvp(jax.grad(one_value(g)), (x,), (v,))[1],
    }
