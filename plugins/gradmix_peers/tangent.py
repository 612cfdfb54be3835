"""The differentiator ``tangent``."""

from __future__ import annotations

import ast
import copy
import inspect
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any, ClassVar, Self

import numpy as np

from gradmix import Counted, DifferentiationError, FlatFunction, Pullback, VectorFunction
from gradmix_peers.peer import Peer

_FIRST_ORDER = "Tangent computes first derivatives only: it cannot read the code that it writes"


@dataclass
class Tangent(Peer):
    """Tangent: reverse mode by source code transformation, like `source`; first derivatives only.

    Tangent reads the function's source, so the function must be in a file. It takes one number or array.
    """

    requires = ("tangent",)
    lacks: ClassVar[Mapping[str, str]] = dict.fromkeys(("hvp", "hessian"), _FIRST_ORDER)
    deviates: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(
            ("jvp_is_right", "vjp_is_right", "derivative_is_right", "jacobian_is_right"),
            "it refuses functions that build an array of several values",
        ),
        "is_right_for_many_variables": "it refuses np.arange",
        **dict.fromkeys(
            ("obeys_the_chain_rule", "calls_are_repeatable", "keeps_no_state_between_calls"),
            "it refuses functions that call functions with annotations",
        ),
        "gives_the_same_from_several_threads": "it refuses functions that call functions with annotations",
        "lets_errors_of_the_function_through": "it refuses functions that raise exceptions",
    }

    def __post_init__(self) -> None:
        self._kept: Callable[..., Any] | None = None

    def prepared(self, f: FlatFunction, x: Any) -> Self:
        """Keep the code that Tangent has written for f."""
        made = copy.copy(self)
        made._kept = _transformed(f)
        return made

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """Multiply the whole Jacobian by v: Tangent's forward mode fails on loops and on several values."""
        return None, self.matrix(f, x) @ v

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """Use the code that `tangent.autodiff` has written, which runs f again for each cotangent."""
        backward, y = self._kept or _transformed(f), f(x)
        return y, lambda w: _run(backward, f, x, w)

    def matrix(self, f: VectorFunction, x: Any) -> Any:
        """Compute the Jacobian row by row."""
        y, pullback = self.pull(f, x)
        rows = [pullback(w) for w in np.eye(len(y))]
        return np.stack(rows) if rows else np.zeros((0, len(x)))

    def second(self, f: VectorFunction, x: Any) -> Any:
        """Raise an error: Tangent offers no second derivatives."""
        raise DifferentiationError(f"{_FIRST_ORDER}.")


def _transformed(f: VectorFunction) -> Callable[..., Any]:
    """Return the function that Tangent writes; its arguments are f's arguments and a cotangent."""
    import tangent

    if not isinstance(f, FlatFunction) or not isinstance(f.argnums, int) or f.argument.tree is not None:
        raise DifferentiationError("Tangent transforms functions as they are written, of one number or array.")
    function, own = _definition(f)
    try:
        readable = tangent.capture.with_source(_copy(function), _bare_source(function))
        made: Callable[..., Any] = tangent.autodiff(readable, wrt=(len(own) + f.argnums,), mode="reverse")
    except RecursionError:
        raise
    except Exception as error:  # its errors have no common class
        raise DifferentiationError(f"Tangent cannot transform this function: {_message(error)}.") from error
    shutil.rmtree(Path(made.__code__.co_filename).parent, ignore_errors=True)  # Tangent leaves a folder
    return lambda *arguments: made(*own, *arguments)  # the last one is the cotangent


def _definition(f: FlatFunction) -> tuple[FunctionType, tuple[Any, ...]]:
    """Return the function whose source can be read, and the arguments bound before the user's arguments."""
    function = f.f
    while isinstance(function, Counted):
        function = function.f
    if isinstance(function, MethodType) and isinstance(function.__func__, FunctionType):
        return function.__func__, (function.__self__,)
    if not isinstance(function, FunctionType):
        raise DifferentiationError("Tangent cannot transform this function: its source code must be in a file.")
    return function, ()


def _copy(function: FunctionType) -> FunctionType:
    """Copy a function, so that a source can be attached to the copy."""
    name = _NAMELESS if function.__name__ == "<lambda>" else function.__name__
    return FunctionType(function.__code__, function.__globals__, name, function.__defaults__, function.__closure__)


def _bare_source(function: FunctionType) -> str:
    """Return a function's definition without annotations, whose names are unknown where Tangent runs its code."""
    first = function.__code__.co_firstlineno
    tree = ast.parse("".join(inspect.findsource(function)[0]))
    found = [node for node in ast.walk(tree) if _begins(node) == first and isinstance(node, _DEFINITIONS)]
    named = [node for node in found if getattr(node, "name", "<lambda>") == function.__name__]
    if len(named) != 1:
        raise DifferentiationError("Tangent cannot transform this function: other functions begin on the same line.")
    (node,) = named
    if isinstance(node, ast.Lambda):
        body: list[ast.stmt] = [ast.Return(node.body)]
        node = ast.FunctionDef(_NAMELESS, node.args, body, [], lineno=first)
    for each in ast.walk(node):
        if isinstance(each, ast.FunctionDef):
            each.returns, each.decorator_list = None, []
        elif isinstance(each, ast.arg):
            each.annotation = None
    return ast.unparse(node)


_NAMELESS = "function"
"""Name given to a lambda."""
_DEFINITIONS = (ast.FunctionDef, ast.Lambda)


def _begins(node: ast.AST) -> int:
    """Return the line where a definition begins, including its decorators."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([getattr(node, "lineno", 0), *(each.lineno for each in decorators)])


def _run(backward: Callable[..., Any], f: Any, x: Any, w: Any) -> Any:
    value = f.argument.arrange(x.copy())
    cotangent = f.result.arrange(w)
    try:
        found = backward(*f.arguments(value), float(cotangent) if f.result.is_scalar else cotangent)
    except RecursionError:
        raise
    except Exception as error:  # the code that Tangent writes raises errors of any kind
        raise DifferentiationError(f"Tangent cannot differentiate this function: {_message(error)}.") from error
    return np.broadcast_to(np.asarray(found, dtype=np.float64), np.shape(value)).reshape(-1)


def _message(error: Exception) -> str:
    """Return the first line of an error message that describes the problem."""
    lines = [line.strip(" =.") for line in str(error).splitlines()]
    words = [line for line in lines if line and line != "Tangent Error"]
    return f"{type(error).__name__}: {words[0].removeprefix('Error: ')}" if words else type(error).__name__
