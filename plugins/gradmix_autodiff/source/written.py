"""From the syntax tree to the intermediate form: functions of arrays whose derivatives have a written form."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from gradmix_autodiff.source import elementwise
from gradmix_autodiff.source.call import Call
from gradmix_autodiff.source.captured import is_hashable, is_in
from gradmix_autodiff.source.forms import Parts, Thing, Value, literal
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.structural import ALIASES, ONE_DIMENSION, REWRITTEN, STRUCTURAL

_CONVERSIONS = (float, np.float64, np.asarray, np.array, np.asanyarray)
_STACKING = (np.array, np.asarray, np.stack, np.concatenate)
_OF_PYTHON = {sum: np.sum, max: np.max, min: np.min}
_RENAMED = {"axis1": "one", "axis2": "other", "newshape": "shape", "x": "a", "y": "b", "m": "a", "v": "a"}
"""NumPy's name of an argument → its name in `STRUCTURAL`."""


class WrittenForms(Reader):
    """Reads calls of functions of arrays whose derivatives have a written form."""

    def is_elementwise(self, ufunc: Any, call: Call) -> bool:
        """Return whether the text of an elementwise rule gives the derivative of a call."""
        if call.function in _OF_PYTHON:
            return len(call.arguments) == 2
        return not (call.keywords and isinstance(call.function, np.ufunc)) and elementwise.is_written(ufunc)

    def form(self, call: Call) -> Thing | None:
        """Return the value of a call by a written form; None if there is none for it."""
        function, arguments = call.function, call.arguments
        if is_in(function, _CONVERSIONS) and len(arguments) == 1 and isinstance(arguments[0], Value):
            return self._converted(arguments[0], call)
        if is_in(function, _STACKING) and arguments and isinstance(arguments[0], Parts):
            return self.lowering.arrays.stacking(call)
        if is_in(function, (*_OF_PYTHON, list, tuple)):
            return self._of_python(call)
        if function is np.dot and not call.keywords and len(arguments) == 2:
            return self._dot(call)
        if is_in(function, REWRITTEN):
            return self._rewritten(call)
        function = ALIASES.get(function, function) if is_hashable(function) else function
        if is_in(function, STRUCTURAL):
            own = STRUCTURAL[function].parameters
            if len(arguments) > min(len(own), STRUCTURAL[function].positional):
                return None
            named = {
                _RENAMED.get(name, name) if name not in own else name: each for name, each in call.keywords.items()
            }
            bound = {**dict(zip(own, arguments, strict=False)), **named}
            if self.lowering.arrays.fits(function, bound):
                return self._structural(function, bound, call)
        return None

    def _structural(self, function: Any, bound: dict[str, Thing], call: Call) -> Value:
        return self.lowering.arrays.structural(function, bound, call.node, call.scope, call.hint)

    def _converted(self, value: Value, call: Call) -> Thing | None:
        if set(call.keywords) - {"dtype"}:
            return None
        if "dtype" in call.keywords and ast.unparse(call.node.keywords[0].value) not in ("float", "np.float64"):
            raise call.refusal(f"{call.shown}, a conversion to another type,", "compute with float64")
        if call.function in (float, np.float64) or value.ndim == 0:
            return value
        return self._structural(np.copy, {"a": value}, call)

    def _of_python(self, call: Call) -> Thing | None:
        """Return the value of a Python function of numbers, or of containers of numbers."""
        function, arguments = call.function, call.arguments
        if call.keywords:
            raise call.refusal(f"{call.shown} with {', '.join(call.keywords)}", "leave these out")
        if function in (list, tuple):
            is_structure = len(arguments) == 1 and isinstance(arguments[0], Parts)
            return Parts(arguments[0].parts, function is list) if is_structure else None
        if function in (max, min) and len(arguments) > 2:
            first = self.lowering.calls.apply(call.of(*arguments[:2]))
            return self.lowering.calls.apply(call.of(first, *arguments[2:], hint=call.hint))
        if len(arguments) == 1 and isinstance(arguments[0], Parts):
            return self.lowering.arithmetic.folded_parts(arguments[0], call)
        if len(arguments) == 1 and isinstance(arguments[0], Value) and arguments[0].ndim == 1:
            return self._structural(_OF_PYTHON[function], {"a": arguments[0]}, call)
        return None

    def _dot(self, call: Call) -> Thing | None:
        one, other = (self.lowering.expressions.value(each, call.node, call.scope) for each in call.arguments)
        if one.ndim == other.ndim == 0:
            return self.lowering.arithmetic.binary(ast.Mult(), one, other, call.node, call.scope, call.hint)
        if one.ndim in (1, 2) and other.ndim in (1, 2):
            return self._structural(np.matmul, {"a": one, "b": other}, call)
        return None

    def _rewritten(self, call: Call) -> Thing | None:
        function, arguments = call.function, call.arguments
        takes = len(set(re.findall(r"\{\d\}", REWRITTEN[function])))
        is_of_vectors = all(isinstance(each, Value) and each.ndim == 1 for each in arguments)
        has_none = any(literal(each.node) is None for each in call.leaves)
        if call.keywords or len(arguments) != takes or has_none or (function in ONE_DIMENSION and not is_of_vectors):
            return None
        return self.lowering.arrays.rewritten(REWRITTEN[function], call)
