"""The differentiator ``sympy``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from gradmix import DifferentiationError, VectorFunction
from gradmix_peers.graph_peer import GraphPeer, Program
from gradmix_peers.tool import ARCS, Tool
from gradmix_peers.tracer import record


@dataclass
class SymPy(GraphPeer):
    """SymPy: the function becomes a formula, which is differentiated by algebra and then evaluated."""

    requires = ("sympy",)
    deviates: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("works_in_proportion_to_the_program", "follows_long_programs"), "its formulas are trees, walked by recursion"
    )

    def graph(self, f: VectorFunction, x: Any) -> tuple[list[Any], list[Any]]:
        """Symbols for the point, and the formula of each of f's entries."""
        import sympy

        # Symbols of its own: one differentiation inside another must not take the other's for its own.
        symbols = [sympy.Dummy(f"x{i}", real=True) for i in range(len(x))]
        return symbols, record(f, symbols, x, tool())

    def program(self, what: str, graph: tuple[list[Any], list[Any]]) -> Program:
        """`lambdify` of what `Expr.diff` makes, with common subexpressions computed once."""
        symbols, entries = graph
        n = len(symbols)
        if what == "value":
            return _lambdified(entries, symbols)
        if what == "second":
            seconds = _lambdified([entries[0].diff(one, other) for one in symbols for other in symbols], symbols)
            return lambda x: seconds(x).reshape(n, n)
        partials = _lambdified([entry.diff(symbol) for entry in entries for symbol in symbols], symbols)
        derivatives: Mapping[str, Program] = {
            "matrix": lambda x: partials(x).reshape(-1, n),
            "push": lambda x, v: partials(x).reshape(-1, n) @ v,
            "pull": lambda x, w: w @ partials(x).reshape(-1, n),
        }
        return derivatives[what]


def _lambdified(formulas: list[Any], symbols: list[Any]) -> Program:
    import sympy

    foreign = set[Any]().union(*(formula.free_symbols for formula in formulas)) - set(symbols)
    if foreign:
        raise DifferentiationError("SymPy's formulas cannot be differentiated within another differentiation.")
    # Dummies would be replaced one by one, which takes time in proportion to the square of their number.
    named = dict(zip(symbols, sympy.symbols(f"x:{len(symbols)}", real=True), strict=True))
    entries = [formula.xreplace(named) for formula in formulas]
    function = sympy.lambdify([list(named.values())], entries, modules=["scipy", "numpy"], cse=True)
    return lambda x: np.array(function(x), dtype=np.float64)


@cache
def tool() -> Tool:
    """SymPy's row."""
    import math

    import sympy

    def exact(x: Any) -> Any:
        """A float as the fraction that it is, as formulas print floats with fewer digits than they have."""
        return sympy.Rational(float(x)) if math.isfinite(x) else sympy.sympify(float(x))

    arcs = {f"arc{name}": getattr(sympy, f"a{name}") for name in ARCS}
    own = {
        "absolute": sympy.Abs,
        "fabs": sympy.Abs,
        "exp2": lambda x: 2**x,
        "expm1": lambda x: sympy.exp(x) - 1,
        "log1p": lambda x: sympy.log(1 + x),
        "log2": lambda x: sympy.log(x, 2),
        "log10": lambda x: sympy.log(x, 10),
        "hypot": lambda a, b: sympy.sqrt(a * a + b * b),
        "logaddexp": lambda a, b: sympy.log(sympy.exp(a) + sympy.exp(b)),
        "gammaln": sympy.loggamma,
        "psi": sympy.digamma,
    }
    return Tool("SymPy", sympy, None, exact, {**arcs, **own}, is_entrywise=True)
