"""The differentiators ``symbolic`` and ``sympy``, which turn a function into a formula of SymPy's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from gradmix import DifferentiationError, FlatFunction, Meaning, PositiveInt, VectorFunction
from gradmix_peers.graph_peer import GraphPeer, Program
from gradmix_peers.tool import ARCS, Tool
from gradmix_peers.tracer import noting_choices, record

_ONCE = "with each subexpression counted once"
_METRICS = (
    Meaning("expression_size", None, "operations", "operations of the formula, written out"),
    Meaning("expression_size_shared", None, "operations", f"operations of the formula, {_ONCE}"),
    Meaning("derivative_size", "lower", "operations", "operations of the derivatives' formulas, written out"),
    Meaning("derivative_size_shared", "lower", "operations", f"operations of the derivatives' formulas, {_ONCE}"),
)
_LONG = dict.fromkeys(
    ("works_in_proportion_to_the_program", "follows_long_programs"), "it traverses trees of formulas by recursion"
)
_OPERATORS = ("jvp", "vjp", "derivative", "gradient", "value_and_gradient", "jacobian", "hvp", "hessian")


@dataclass
class Symbolic(GraphPeer):
    """Symbolic differentiation: SymPy differentiates a formula of the function; then the derivative is evaluated.

    A formula must be valid at all points, so functions that branch, loop or choose by values are refused. A run stores
    the formulas as an artifact and their sizes as metrics: written out, formulas grow much faster than the program
    (expression swell).

    Parameters
    ----------
    most_operations
        Maximum number of operations in the written-out formulas of the function and of its derivatives; larger ones are
        refused. With the default, the algebra takes up to about ten seconds.

    Examples
    --------
    >>> Symbolic().measures(lambda x: x * (1.0 - x), 0.5)["derivative_size"]
    2.0
    """

    most_operations: PositiveInt = 1_000_000
    requires = ("sympy",)
    writes_code = True
    holds_everywhere: ClassVar[bool] = True
    """Whether formulas must be valid at all points, not only where the function takes the same branches."""
    deviates: ClassVar[Mapping[str, str]] = {
        **_LONG,
        **dict.fromkeys((f"{each}_is_right" for each in _OPERATORS), "it refuses branches that depend on values"),
    }

    def graph(self, f: VectorFunction, x: Any) -> tuple[list[Any], list[Any]]:
        """Return symbols for the point, and the formula of each of f's entries."""
        import sympy

        # New symbols for each graph: nested differentiations must not confuse their symbols.
        symbols = [sympy.Dummy(f"x{i}", real=True) for i in range(len(x))]
        if not self.holds_everywhere:
            entries = record(f, symbols, x, tool())
        else:
            with noting_choices() as choices:
                entries = record(f, symbols, x, tool())
            if choices:
                raise DifferentiationError(
                    "a formula must hold at all points, but a choice in this function depends on values "
                    f"({_named_choices(choices)}). Use differentiator=sympy for the formula of the path taken at a "
                    "point, or differentiator=tape."
                )
        self._check_size("its formula has", operations(entries)[0])
        return symbols, entries

    def program(self, what: str, graph: tuple[list[Any], list[Any]]) -> Program:
        """Return `lambdify` of the result of `Expr.diff`, with common subexpressions computed once."""
        symbols, entries = graph
        n = len(symbols)
        if what == "value":
            return _lambdified(entries, symbols)
        formulas = self._differentiated(entries, symbols)
        if what == "second":
            seconds = _lambdified(self._differentiated(formulas, symbols), symbols)
            return lambda x: seconds(x).reshape(n, n)
        partials = _lambdified(formulas, symbols)
        derivatives: Mapping[str, Program] = {
            "matrix": lambda x: partials(x).reshape(-1, n),
            "push": lambda x, v: partials(x).reshape(-1, n) @ v,
            "pull": lambda x, w: w @ partials(x).reshape(-1, n),
        }
        return derivatives[what]

    def metrics(self) -> tuple[Meaning, ...]:
        """Return the meanings of the formulas' sizes."""
        return _METRICS

    def measured(self, f: FlatFunction, x: Any) -> Mapping[str, float]:
        """Return the sizes of the formulas of f and of its first derivatives."""
        symbols, entries = self.graph(f, x)
        sizes = (*operations(entries), *operations(self._differentiated(entries, symbols)))
        return {each.name: float(size) for each, size in zip(_METRICS, sizes, strict=True)}

    def written(self, f: FlatFunction, x: Any) -> str:
        """Return the formulas of f and of its derivatives, with their sizes, as a Python module."""
        symbols, entries = self.graph(f, x)
        named = _named(symbols)
        formulas = [entry.xreplace(named) for entry in entries]
        return _module(list(named.values()), formulas, self._differentiated(formulas, list(named.values())))

    def _differentiated(self, formulas: Sequence[Any], symbols: Sequence[Any]) -> list[Any]:
        """Differentiate each formula by each symbol, unless that would take too long."""
        self._check_size("its derivatives would have up to", derivative_size(formulas, symbols))
        return [partial for formula in formulas for partial in _partials(formula, symbols)]

    def _check_size(self, what: str, size: float) -> None:
        if size > self.most_operations:
            raise DifferentiationError(
                f"the function is too large for a formula: {what} {size:.4g} operations written out, more than "
                f"differentiator.most_operations={self.most_operations}. Raise it, or use differentiator=tape."
            )


@dataclass
class SymPy(Symbolic):
    """Like `symbolic`, but the formula describes only the branches that the function takes at the point.

    Branches, loops and choices by values are therefore allowed, as with other peers.
    """

    holds_everywhere = False
    deviates: ClassVar[Mapping[str, str]] = _LONG


def _named_choices(choices: Sequence[str]) -> str:
    """Return common names for the choices that depend on values."""
    names = dict.fromkeys(_CHOICES.get(each, f"np.{each}") for each in choices)
    return ", ".join(names)


_CHOICES = {
    "bool": "a truth value",
    "stop_gradient": "gradmix.stop_gradient",
    "greater": "`>`",
    "greater_equal": "`>=`",
    "less": "`<`",
    "less_equal": "`<=`",
    "equal": "`==`",
    "not_equal": "`!=`",
}


def _partials(formula: Any, symbols: Sequence[Any]) -> list[Any]:
    """Differentiate by each symbol; each term is differentiated only by the symbols that occur in it."""
    import sympy

    terms: dict[Any, list[Any]] = {symbol: [] for symbol in symbols}
    for term in sympy.Add.make_args(formula):
        for symbol in term.free_symbols & terms.keys():
            terms[symbol].append(term.diff(symbol))
    return [sympy.Add(*terms[symbol]) for symbol in symbols]


_LONGEST = 60
"""Maximum number of operations of a formula that is printed on one line."""
_FRACTION = 1000
"""Fractions with at least this denominator are printed as floats."""


def _module(symbols: list[Any], formulas: list[Any], partials: list[Any]) -> str:
    """Return a module with the Jacobian, in which each subexpression is computed once."""
    import sympy
    from sympy.printing.numpy import SciPyPrinter

    printer = SciPyPrinter({"fully_qualified_modules": True})
    parts, results = sympy.cse(partials)
    body = [f"    {name} = {printer.doprint(part)}" for name, part in parts]
    entries = ", ".join(printer.doprint(result) for result in results)
    names = ", ".join(map(str, symbols)) + ("," if len(symbols) == 1 else "")
    if "Not supported" in "".join([*body, entries]):
        raise DifferentiationError("SymPy cannot print the derivative of this function as Python code.")
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


def operations(formulas: Sequence[Any]) -> tuple[int, int]:
    """Count the operations of formulas: written out as trees, and with each subexpression once.

    Trees are not walked, as they can have too many operations to visit each.
    """
    sizes: dict[Any, int] = {}
    for part in _parts(formulas):
        sizes[part] = sum(sizes[each] for each in part.args) + bool(part.args)
    return sum(sizes[formula] for formula in formulas), sum(bool(part.args) for part in sizes)


def derivative_size(formulas: Sequence[Any], symbols: Sequence[Any]) -> float:
    """Return an upper bound of the operations in all written-out derivatives, without computing them."""
    sizes: dict[Any, float] = {}
    grown: dict[Any, Any] = {}
    """Part → the size of its derivative by each symbol; NaN if the part does not depend on the symbol."""
    absent = np.full(len(symbols), np.nan)
    for place, symbol in enumerate(symbols):
        grown[symbol] = absent.copy()
        grown[symbol][place] = 0.0
    for part in _parts(formulas):
        sizes[part] = sum(sizes[each] for each in part.args) + bool(part.args)
        if part in grown:
            continue
        kept = 0.0 if part.is_Add else sizes[part]
        ways = [grown[each] + (kept - sizes[each] * bool(part.is_Mul) + 1.0) for each in part.args]
        grown[part] = np.where(np.all(np.isnan(ways), axis=0), np.nan, np.nansum(ways, axis=0)) if ways else absent
    return float(sum(np.nansum(grown[formula]) for formula in formulas))


def _parts(formulas: Sequence[Any]) -> Iterator[Any]:
    """Yield each subexpression once, after its parts."""
    done: set[Any] = set()
    waiting = list(formulas)
    while waiting:
        part = waiting[-1]
        missing = [each for each in part.args if each not in done]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        if part not in done:
            done.add(part)
            yield part


def _named(symbols: list[Any]) -> dict[Any, Any]:
    """Map dummies to plain names; `lambdify` would replace them one by one, in quadratic time."""
    import sympy

    return dict(zip(symbols, sympy.symbols(f"x:{len(symbols)}", real=True), strict=True))


def _lambdified(formulas: list[Any], symbols: list[Any]) -> Program:
    import sympy

    foreign = set[Any]().union(*(formula.free_symbols for formula in formulas)) - set(symbols)
    if foreign:
        raise DifferentiationError("SymPy's formulas cannot be nested in another differentiation.")
    named = _named(symbols)
    entries = [formula.xreplace(named) for formula in formulas]
    function = sympy.lambdify([list(named.values())], entries, modules=["scipy", "numpy"], cse=True)
    return lambda x: np.array(function(x), dtype=np.float64)


@cache
def tool() -> Tool:
    """Return the description of SymPy."""
    import math

    import sympy

    def exact(x: Any) -> Any:
        """Return a float as an exact fraction, since formulas print floats with too few digits."""
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
