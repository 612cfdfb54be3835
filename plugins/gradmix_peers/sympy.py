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
    """SymPy: the function becomes a formula, which is differentiated by algebra and then evaluated.

    The formulas, and how large they are, are an artifact of a run: written out they grow much faster than the program
    (expression swell).
    """

    requires = ("sympy",)
    writes_code = True
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

    def written(self, f: VectorFunction, x: Any) -> str:
        """The formulas of f and of its derivatives, with their sizes, as a Python module."""
        symbols, entries = self.graph(f, x)
        named = _named(symbols)
        formulas = [entry.xreplace(named) for entry in entries]
        partials = [formula.diff(symbol) for formula in formulas for symbol in named.values()]
        return _module(list(named.values()), formulas, partials)


_LONGEST = 60
"""Operations up to which a formula is printed on one line."""
_FRACTION = 1000
"""Denominators from which on a fraction is a float."""


def _module(symbols: list[Any], formulas: list[Any], partials: list[Any]) -> str:
    """A module with the Jacobian, in which each subexpression is computed once."""
    import sympy
    from sympy.printing.numpy import SciPyPrinter

    printer = SciPyPrinter({"fully_qualified_modules": True})
    parts, results = sympy.cse(partials)
    body = [f"    {name} = {printer.doprint(part)}" for name, part in parts]
    entries = ", ".join(printer.doprint(result) for result in results)
    names = ", ".join(map(str, symbols)) + ("," if len(symbols) == 1 else "")
    if "Not supported" in "".join([*body, entries]):
        raise DifferentiationError("SymPy cannot print the derivative of this function as a program.")
    imports = "".join(f"import {module}\n" for module in sorted({"numpy", *printer.module_imports}))
    return (
        f'"""The Jacobian of a function by its formula, as SymPy writes it.\n\n{_sizes("formula", formulas)}\n'
        f'{_sizes("derivatives", partials)}\n"""\n\n{imports}\n'
        + "".join(_comment(f"f{i}", formula) for i, formula in enumerate(formulas))
        + "".join(
            _comment(f"df{place // len(symbols)}/d{symbols[place % len(symbols)]}", partial)
            for place, partial in enumerate(partials)
        )
        + f"\n\ndef jacobian(x):\n    {names} = x\n"
        + "".join(f"{line}\n" for line in body)
        + f"    return numpy.array([{entries}], dtype=float).reshape({len(formulas)}, {len(symbols)})\n"
    )


def _sizes(what: str, formulas: list[Any]) -> str:
    written, once = operations(formulas)
    return f"Operations of the {what}: {written} written out, {once} with each subexpression once."


def _comment(name: str, formula: Any) -> str:
    import sympy

    written, _ = operations([formula])
    if written > _LONGEST:
        return f"# {name}: {written} operations written out\n"
    floats = {each: each.evalf(6) for each in formula.atoms(sympy.Rational) if each.q > _FRACTION}
    return f"# {name} = {formula.xreplace(floats)}\n"


def operations(formulas: list[Any]) -> tuple[int, int]:
    """How many operations formulas have: written out as trees, and with each subexpression once.

    Trees are counted without walking them, as they can have more operations than there is time to count.
    """
    sizes: dict[Any, int] = {}
    waiting = list(formulas)
    while waiting:
        part = waiting[-1]
        missing = [each for each in part.args if each not in sizes]
        if missing:
            waiting.extend(missing)
        else:
            sizes[waiting.pop()] = sum(sizes[each] for each in part.args) + bool(part.args)
    return sum(sizes[formula] for formula in formulas), sum(bool(part.args) for part in sizes)


def _named(symbols: list[Any]) -> dict[Any, Any]:
    """Plain names for dummies, which would be replaced one by one, in time that grows with their number's square."""
    import sympy

    return dict(zip(symbols, sympy.symbols(f"x:{len(symbols)}", real=True), strict=True))


def _lambdified(formulas: list[Any], symbols: list[Any]) -> Program:
    import sympy

    foreign = set[Any]().union(*(formula.free_symbols for formula in formulas)) - set(symbols)
    if foreign:
        raise DifferentiationError("SymPy's formulas cannot be differentiated within another differentiation.")
    named = _named(symbols)
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
