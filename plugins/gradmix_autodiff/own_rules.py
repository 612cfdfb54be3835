"""Call functions with a user's rule, and checkpointed functions, on traced values."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix import DifferentiationError
from gradmix.arrays import rule_of
from gradmix_autodiff.guidance import full_name, unsupported
from gradmix_autodiff.table import LinearMap, Primitive
from gradmix_autodiff.traced import Traced, operand, operate

if TYPE_CHECKING:
    from gradmix.arrays import FunctionWithRule


def call_with_rule(function: FunctionWithRule, arguments: tuple[Any, ...]) -> Any:
    """Do the call as a single operation: the value by the function, the derivative by the rule's linear maps."""
    last: list[Any] = [None, None, None]  # one linearisation serves for all arguments of one evaluation

    def rule(position: int, y: Any, values: tuple[Any, ...], keywords: Any) -> LinearMap:
        if last[0] is not y or len(last[1]) != len(values) or any(map(operator.is_not, last[1], values)):
            last[:] = y, values, function.linearised(values, y)
        linearised = last[2]

        def push(tangents: Any) -> Any:
            pushed = [linearised.push(position, v) for v in tangents]
            return _of_shape("jvp", np.stack(pushed), (len(pushed), *np.shape(y)))

        def pull(w: Any) -> Any:
            return _of_shape("vjp", linearised.pull(position, w), np.shape(values[position]))

        return LinearMap(push, pull)

    primitive = Primitive(_closed(function.f, arguments), rule, reads_result=function.reads_result)
    return operate(primitive, *arguments)


def call_added(function: Callable[..., Any], arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """Call a function that is not in the table by the rule that a plugin adds for it."""
    rule = rule_of(function)
    if rule is None:
        raise unsupported(full_name(function))
    values = tuple(map(operand, arguments))
    if options or not any(isinstance(each, Traced) for each in values):
        raise unsupported(full_name(function), " with these arguments (its rule takes positional numbers and arrays)")
    if rule.is_elementwise and len(set(map(np.shape, values))) > 1:
        values = tuple(np.broadcast_arrays(*values))
    return rule(*values)


def call_checkpointed(f: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Do the call as a single operation whose pullback records the function again."""
    from gradmix_autodiff.tape import Tape

    def rule(position: int, y: Any, values: tuple[Any, ...], keywords: Any) -> LinearMap:
        def by_one(x: Any) -> Any:
            return f(*values[:position], x, *values[position + 1 :])

        def push(tangents: Any) -> Any:
            return np.stack([Tape().jvp(by_one, values[position], v) for v in tangents])

        return LinearMap(push, lambda w: Tape().vjp(by_one, values[position], w))

    return operate(Primitive(_closed(f, arguments), rule), *arguments)


def _closed(f: Callable[..., Any], arguments: tuple[Any, ...]) -> Callable[..., Any]:
    """Return f, with an error if it depends on traced values beside its arguments: their derivative would be lost."""
    level = max(each.level for each in arguments if isinstance(each, Traced))

    def evaluated(*values: Any) -> Any:
        y = f(*values)
        if isinstance(y, Traced) and y.level >= level:
            raise DifferentiationError(
                f"{getattr(f, '__name__', 'the function')} uses a traced value that is not one of its arguments. A "
                "function with a rule, or a checkpointed one, must take everything that it depends on as arguments."
            )
        return y if isinstance(y, Traced) else np.asarray(y, dtype=np.float64)[()]

    evaluated.__name__ = getattr(f, "__name__", type(f).__name__)
    return evaluated


def _of_shape(name: str, change: Any, shape: tuple[int, ...]) -> Any:
    if np.shape(change) != shape:
        raise DifferentiationError(f"{name} of a rule must return the shape {shape}; it returned {np.shape(change)}.")
    return change
