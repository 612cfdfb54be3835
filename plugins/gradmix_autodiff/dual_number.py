"""Dual numbers, traced by NumPy's protocols."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradmix_autodiff.dispatch import Local, next_level
from gradmix_autodiff.tracing import Traced, class_for, sized


@sized
class DualNumber(Traced):
    """A value and its tangents.

    Parameters
    ----------
    value
        A number or an array.
    tangents
        Stacked along a first axis: shape (p, *value.shape).
    level
        Which differentiation it belongs to.
    """

    __slots__ = ("tangents",)

    def __init__(self, value: Any, tangents: Any, level: int) -> None:
        self.value, self.tangents, self.level, self.family = value, tangents, level, None

    def alias(self) -> Traced:
        """Another handle."""
        return make(self.value, self.tangents, self.level)

    def become(self, other: Any) -> None:
        """Take over value and tangents."""
        self.value, self.tangents, self.family = other.value, other.tangents, None

    def follow(self, y: Any, locals_: list[tuple[Any, Local]]) -> Traced:
        """ẏ = Σ (∂y/∂xᵢ) ẋᵢ."""
        (first, local), *others = locals_
        tangents = local.push(first.tangents)
        for argument, other in others:
            tangents = tangents + other.push(argument.tangents)
        return make(y, tangents, self.level)


def make(value: Any, tangents: Any, level: int) -> DualNumber:
    """A dual number, scalar or array."""
    return class_for(DualNumber, value)(value, tangents, level)  # type: ignore[call-arg, return-value]


def seed(point: Any, tangents: Any) -> DualNumber:
    """Start a differentiation of its own at a point."""
    value = np.array(point) if isinstance(point, np.ndarray) else point  # f may not change the caller's array
    return make(value, tangents, next_level())
