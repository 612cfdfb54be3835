"""The differentiator ``jax_compiled``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

from gradmix import DifferentiationError, Function
from gradmix_peers.jax import Jax, array, own
from gradmix_peers.peer import Pullback


@dataclass
class JaxCompiled(Jax):
    """JAX with `jax.jit`: compiled at the first call, then reused for the same function, which must not look at values.

    Notes
    -----
    Comparisons look at values: what branches, loops or chooses by them is refused. What is compiled holds what else the
    function read when it was compiled.
    """

    follows_values = False

    def push(self, f: Function, x: Any, v: Any) -> Any:
        """`jax.jvp`, compiled."""
        return _called("push", f, x, v)

    def pull(self, f: Function, x: Any) -> tuple[Any, Pullback]:
        """`jax.vjp`, compiled."""
        return _called("value", f, x), lambda w: _called("pull", f, x, w)

    def value_and_gradient(self, f: Function, x: Any) -> tuple[Any, Any]:
        """Both in one compiled function."""
        from gradmix.arrays import check_scalar
        from gradmix_peers.peer import number, plain

        point = number(x)
        if not np.size(point):
            return super().value_and_gradient(f, point)
        with self.session():
            value, gradient = _called("value and gradient", f, point)
            check_scalar(plain(value))
            return plain(value), plain(gradient)

    def matrix(self, f: Function, x: Any) -> Any:
        """`jax.jacrev`, compiled."""
        return _called("matrix", f, x)

    def second(self, f: Function, x: Any) -> Any:
        """`jax.hessian`, compiled."""
        return _called("second", f, x)

    def product(self, f: Function, x: Any, v: Any) -> Any:
        """`jax.jvp` of `jax.grad`, compiled."""
        return _called("product", f, x, v)


def _called(what: str, f: Function, *points: Any) -> Any:
    import jax

    try:
        return _compiled(what, f)(*map(array, points))
    except jax.errors.JAXTypeError as error:
        raise DifferentiationError(
            "JAX cannot compile a function that branches, loops or chooses by values: use differentiator=jax."
        ) from error


@lru_cache(maxsize=32)
def _compiled(what: str, f: Function) -> Function:
    import jax

    compiled: Function = jax.jit(_transformations()[what](own(f)))
    return compiled


@cache
def _transformations() -> Mapping[str, Callable[[Function], Function]]:
    import jax
    import jax.numpy as jnp

    def value_and_gradient(g: Function) -> Function:
        def both(x: Any) -> tuple[Any, Any]:
            value, pullback = jax.vjp(g, x)
            return value, pullback(jnp.ones_like(value))[0]

        return both

    return {
        "value": lambda g: g,
        "push": lambda g: lambda x, v: jax.jvp(g, (x,), (v,))[1],
        "pull": lambda g: lambda x, w: jax.vjp(g, x)[1](w)[0],
        "value and gradient": value_and_gradient,
        "matrix": jax.jacrev,
        "second": jax.hessian,
        "product": lambda g: lambda x, v: jax.jvp(jax.grad(g), (x,), (v,))[1],
    }
