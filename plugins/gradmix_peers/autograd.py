"""The differentiator ``autograd``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from gradmix import Pullback, VectorFunction
from gradmix_peers.peer import Peer, one_value
from gradmix_peers.tool import Tool


@dataclass
class Autograd(Peer):
    """autograd (HIPS): reverse mode over NumPy."""

    requires = ("autograd",)

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """`autograd.make_jvp`."""
        from autograd import make_jvp

        value, pushed = make_jvp(_own(f))(x)(v)
        return value, pushed

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """`autograd.make_vjp`."""
        from autograd import make_vjp

        pullback, value = make_vjp(_own(f))(x)
        return value, pullback

    def second(self, f: VectorFunction, x: Any) -> Any:
        """`autograd.hessian`."""
        from autograd import hessian

        return hessian(_own(one_value(f)))(x)

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """`autograd.hessian_vector_product`."""
        from autograd import hessian_vector_product

        return hessian_vector_product(_own(one_value(f)))(x, v)


def _own(f: VectorFunction) -> VectorFunction:
    from gradmix_peers.tracer import hand_over

    return hand_over(f, tool())


@cache
def tool() -> Tool:
    """Return the description of autograd."""
    import autograd.numpy
    from autograd.tracer import getval, isbox

    def concrete(value: Any) -> Any:
        while isbox(value):
            value = getval(value)
        return value

    return Tool("autograd", autograd.numpy, concrete)
