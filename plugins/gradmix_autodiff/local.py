"""Local derivatives: the linear map from a change of one argument to the change of an operation's result.

Both modes read the same rules: forward mode pushes tangents through the map, reverse mode pulls cotangents back.
Values may be traced themselves (derivatives of derivatives), so everything here is written in NumPy's own functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix.arrays import stacked
from gradmix_autodiff.dispatch import OPERATIONS, Local, Operation, apply


@dataclass(frozen=True, slots=True)
class Scale(Local):
    """An elementwise operation: the change is multiplied by a partial derivative.

    Parameters
    ----------
    partial
        Derivative of each entry of the result by its entry of the argument.
    argument_shape, result_shape
        Shapes before and after broadcasting.
    """

    partial: Any
    argument_shape: tuple[int, ...]
    result_shape: tuple[int, ...]

    def push(self, tangents: Any) -> Any:
        """Multiply, broadcasting each tangent as the operation did its argument."""
        missing = len(self.result_shape) - len(self.argument_shape)
        aligned = np.reshape(tangents, (len(tangents), *(1,) * missing, *self.argument_shape)) if missing else tangents
        pushed = scaled(self.partial, aligned)
        shape = (len(tangents), *self.result_shape)
        return pushed if np.shape(pushed) == shape else np.broadcast_to(pushed, shape)

    def pull(self, cotangent: Any) -> Any:
        """Multiply, and sum over what was broadcast."""
        return unbroadcast(scaled(self.partial, cotangent), self.argument_shape)


@dataclass(frozen=True, slots=True)
class Linear(Local):
    """An operation that is linear in the argument.

    Parameters
    ----------
    apply
        Maps one change of the argument.
    transpose
        Maps one cotangent of the result.
    """

    apply: Callable[[Any], Any]
    transpose: Callable[[Any], Any]

    def push(self, tangents: Any) -> Any:
        """Apply to each tangent."""
        if len(tangents):
            return np.stack([self.apply(tangent) for tangent in tangents])
        return np.zeros((0, *np.shape(self.apply(np.zeros(np.shape(tangents)[1:])))))

    def pull(self, cotangent: Any) -> Any:
        """Apply the transpose."""
        return self.transpose(cotangent)


@dataclass(frozen=True, slots=True)
class Factor(Local):
    """The partial derivative as the argument of `times`, when that is differentiated itself.

    Parameters
    ----------
    change
        What it is multiplied by.
    argument_shape, result_shape
        Shapes before and after broadcasting.
    """

    change: Any
    argument_shape: tuple[int, ...]
    result_shape: tuple[int, ...]

    def push(self, tangents: Any) -> Any:
        """Multiply each tangent by the change."""
        pushed = [np.broadcast_to(scaled(tangent, self.change), self.result_shape) for tangent in tangents]
        return stacked(pushed, (len(tangents), *self.result_shape))

    def pull(self, cotangent: Any) -> Any:
        """Multiply, and sum over what was broadcast; a zero on either side leaves nothing."""
        product = scaled(cotangent, self.change)
        finite = np.isfinite(product)
        if not np.all(finite):
            product = np.where(finite | np.not_equal(cotangent, 0), product, 0.0)
        return unbroadcast(product, self.argument_shape)


def times(partial: Any, change: Any) -> Any:
    """Multiply, taking a change of zero as exactly none: 0 · ∞ is 0 here.

    So a branch that ``np.where`` does not take contributes nothing, whatever happens in it. The price is a chain that
    is 0 · ∞ in truth, such as the derivative of ∛(x³) at 0: it is given as 0.
    """
    product = np.multiply(partial, change)
    finite = np.isfinite(product)
    return product if np.all(finite) else np.where(finite | np.not_equal(change, 0), product, 0.0)


def scaled(partial: Any, change: Any) -> Any:
    """`times`, for traced values, too."""
    return apply(times, partial, change)


def unbroadcast(cotangent: Any, shape: tuple[int, ...]) -> Any:
    """Sum over the axes that broadcasting added or stretched, so that the result has `shape`."""
    have = np.shape(cotangent)
    if have == shape:
        return cotangent
    extra = len(have) - len(shape)
    if extra < 0 or any(size == 1 != wanted for size, wanted in zip(have[extra:], shape, strict=True)):
        return unbroadcast(np.broadcast_to(cotangent, np.broadcast_shapes(have, shape)), shape)
    stretched = [extra + axis for axis, size in enumerate(shape) if size == 1 and have[extra + axis] != 1]
    summed = np.sum(cotangent, axis=(*range(extra), *stretched))
    return np.reshape(summed, shape)


def _times_rule(y: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any], position: int) -> Local:
    partial, change = arguments
    if position == 0:
        return Factor(change, np.shape(partial), np.shape(y))
    return Scale(partial, np.shape(change), np.shape(y))


OPERATIONS[times] = Operation(_times_rule)
