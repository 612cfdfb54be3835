"""The differentiator ``torch``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from gradmix import Pullback, VectorFunction
from gradmix_peers.peer import Peer, one_value
from gradmix_peers.tool import Tool, flat_index, is_forward_slice


@dataclass
class Torch(Peer):
    """PyTorch's autograd, on the CPU, in float64."""

    requires = ("torch",)

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """`torch.autograd.functional.jvp`, which pulls back twice."""
        from torch.autograd.functional import jvp

        value, pushed = jvp(_own(f), _tensor(x), _tensor(v))
        return value.detach(), pushed

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """`torch.autograd.grad`."""
        import torch

        point = _tensor(x).requires_grad_()
        value = _own(f)(point)

        def pullback(w: Any) -> Any:
            if not value.requires_grad:
                return torch.zeros_like(point)
            return torch.autograd.grad(value, point, _tensor(w), retain_graph=True, materialize_grads=True)[0]

        return value.detach(), pullback

    def second(self, f: VectorFunction, x: Any) -> Any:
        """`torch.autograd.functional.hessian`."""
        from torch.autograd.functional import hessian

        return hessian(_own(one_value(f)), _tensor(x))

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """`torch.autograd.functional.vhp`: the Hessian is symmetric."""
        from torch.autograd.functional import vhp

        return vhp(_own(one_value(f)), _tensor(x), _tensor(v))[1]


def _own(f: VectorFunction) -> VectorFunction:
    from gradmix_peers.tracer import hand_over

    return hand_over(f, tool())


def _tensor(x: Any) -> Any:
    import torch

    return torch.tensor(x, dtype=torch.float64)


@cache
def tool() -> Tool:
    """Return the description of PyTorch, which mostly uses NumPy's names."""
    import torch

    def constant(x: Any) -> Any:
        array = np.asarray(x)
        return torch.as_tensor(array if array.dtype == bool else array.astype(np.float64))

    def item(x: Any, index: Any) -> Any:
        return x[index] if is_forward_slice(index) else torch.take(x, torch.as_tensor(flat_index(x.shape, index)))

    def spread(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x, axis=None, ddof=0, keepdims=False: function(x, dim=axis, correction=ddof, keepdim=keepdims)

    own = {
        "getitem": item,
        "max": torch.amax,
        "min": torch.amin,
        "var": spread(torch.var),
        "std": spread(torch.std),
        "expand_dims": torch.unsqueeze,
        "transpose": lambda x, axes=None: torch.permute(x, tuple(axes or range(x.ndim)[::-1])),
        "cbrt": lambda x: torch.sign(x) * torch.abs(x) ** (1 / 3),
    }
    return Tool("PyTorch", torch, lambda value: value.detach().numpy(), constant, own)
