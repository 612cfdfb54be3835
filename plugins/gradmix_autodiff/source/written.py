"""From the syntax tree to the intermediate form: functions of arrays whose derivatives have a written form."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradmix_autodiff.source import elementwise
from gradmix_autodiff.source.captured import is_hashable, is_in
from gradmix_autodiff.source.forms import Parts, Thing, Value, leaves, literal
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.scope import Scope
from gradmix_autodiff.source.structural import ALIASES, ONE_DIMENSION, REWRITTEN, STRUCTURAL

_CONVERSIONS = (float, np.float64, np.asarray, np.array, np.asanyarray)
_STACKING = (np.array, np.asarray, np.stack, np.concatenate)
_OF_PYTHON = {sum: np.sum, max: np.max, min: np.min}
_RENAMED = {"axis1": "one", "axis2": "other", "newshape": "shape", "x": "a", "y": "b", "m": "a", "v": "a"}
"""What NumPy calls an argument → its name in `STRUCTURAL`."""


class WrittenForms(Reader):
    """Functions of arrays whose derivatives have a written form."""

    def is_elementwise(
        self, ufunc: Any, function: Any, arguments: Sequence[Thing], keywords: Mapping[str, Thing]
    ) -> bool:
        """Whether the text of an elementwise rule says the derivative of a call."""
        if function in _OF_PYTHON:
            return len(arguments) == 2
        return not (keywords and isinstance(function, np.ufunc)) and elementwise.is_written(ufunc)

    def form(
        self, function: Any, arguments: list[Thing], keywords: dict[str, Thing], node: ast.Call, scope: Scope, hint: str
    ) -> Thing | None:
        """A call by a written form; None if there is none for it."""
        if is_in(function, _CONVERSIONS) and len(arguments) == 1 and isinstance(arguments[0], Value):
            return self._converted(function, arguments[0], keywords, node, scope, hint)
        if is_in(function, _STACKING) and arguments and isinstance(arguments[0], Parts):
            return self.lowering.arrays.stacking(function, arguments, keywords, node, scope, hint)
        if is_in(function, (*_OF_PYTHON, list, tuple)):
            return self._of_python(function, arguments, keywords, node, scope, hint)
        if function is np.dot and not keywords and len(arguments) == 2:
            return self._dot(arguments, node, scope, hint)
        if is_in(function, REWRITTEN):
            return self._rewritten(function, arguments, keywords, node, scope, hint)
        function = ALIASES.get(function, function) if is_hashable(function) else function
        if is_in(function, STRUCTURAL):
            own = STRUCTURAL[function].parameters
            if len(arguments) > min(len(own), STRUCTURAL[function].positional):
                return None
            named = {_RENAMED.get(name, name) if name not in own else name: each for name, each in keywords.items()}
            bound = {**dict(zip(own, arguments, strict=False)), **named}
            if self.lowering.arrays.fits(function, bound):
                return self.lowering.arrays.structural(function, bound, node, scope, hint)
        return None

    def _converted(
        self, function: Any, value: Value, keywords: Mapping[str, Thing], node: ast.Call, scope: Scope, hint: str
    ) -> Thing | None:
        if set(keywords) - {"dtype"}:
            return None
        if "dtype" in keywords and ast.unparse(node.keywords[0].value) not in ("float", "np.float64"):
            raise scope.refusal(node, f"`{ast.unparse(node)}`, a conversion,", "compute with float64")
        if function in (float, np.float64) or value.ndim == 0:
            return value
        return self.lowering.arrays.structural(np.copy, {"a": value}, node, scope, hint)

    def _of_python(
        self,
        function: Any,
        arguments: list[Thing],
        keywords: Mapping[str, Thing],
        node: ast.Call,
        scope: Scope,
        hint: str,
    ) -> Thing | None:
        """Functions of Python, of numbers or what contains some."""
        if keywords:
            raise scope.refusal(node, f"`{ast.unparse(node)}` with {', '.join(keywords)}", "leave these out")
        if function in (list, tuple):
            is_structure = len(arguments) == 1 and isinstance(arguments[0], Parts)
            return Parts(arguments[0].parts, function is list) if is_structure else None
        if function in (max, min) and len(arguments) > 2:
            named = self.lowering.outside.function_named(function)
            first = self.lowering.calls.apply(named, arguments[:2], {}, node, scope, "")
            return self.lowering.calls.apply(named, [first, *arguments[2:]], {}, node, scope, hint)
        if len(arguments) == 1 and isinstance(arguments[0], Parts):
            return self.lowering.arithmetic.folded_parts(function, arguments[0], node, scope, hint)
        if len(arguments) == 1 and isinstance(arguments[0], Value) and arguments[0].ndim == 1:
            return self.lowering.arrays.structural(_OF_PYTHON[function], {"a": arguments[0]}, node, scope, hint)
        return None

    def _dot(self, arguments: Sequence[Thing], node: ast.Call, scope: Scope, hint: str) -> Thing | None:
        one, other = (self.lowering.expressions.value(each, node, scope) for each in arguments)
        if one.ndim == other.ndim == 0:
            return self.lowering.arithmetic.binary(ast.Mult(), one, other, node, scope, hint)
        if one.ndim in (1, 2) and other.ndim in (1, 2):
            return self.lowering.arrays.structural(np.matmul, {"a": one, "b": other}, node, scope, hint)
        return None

    def _rewritten(
        self,
        function: Any,
        arguments: Sequence[Thing],
        keywords: Mapping[str, Thing],
        node: ast.Call,
        scope: Scope,
        hint: str,
    ) -> Thing | None:
        things = [leaf for each in arguments for leaf in leaves(each)]
        takes = len(set(re.findall(r"\{\d\}", REWRITTEN[function])))
        is_of_vectors = all(isinstance(each, Value) and each.ndim == 1 for each in arguments)
        has_none = any(literal(each.node) is None for each in things)
        if keywords or len(arguments) != takes or has_none or (function in ONE_DIMENSION and not is_of_vectors):
            return None
        values = [self.building.atom(self.lowering.expressions.value(each, node, scope), scope) for each in arguments]
        return self.lowering.arrays.rewritten(REWRITTEN[function], values, node, scope, hint)
