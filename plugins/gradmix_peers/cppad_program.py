"""A function's operations as a C++ program over CppAD's numbers: written out, compiled, called."""

from __future__ import annotations

import ctypes
import math
import os
import shutil
import subprocess
import sysconfig
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from gradmix import DifferentiationError, PluginError
from gradmix.arrays import Array
from gradmix_peers.tool import ARCS, Tool

_OPERATORS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/"}


@dataclass(frozen=True)
class Term:
    """A name or a constant in the program, whose operations are statements of it.

    Parameters
    ----------
    text
        As C++ has it.
    program
        Where statements are added; None for a constant.
    """

    text: str
    program: list[str] | None = None

    def __pow__(self, other: Any) -> Term:
        exponent = str(other) if isinstance(other, int) else _term(other).text
        return _state(f"pow({self.text}, {exponent})", self, _term(other))

    def __rpow__(self, other: Any) -> Term:
        return _state(f"pow({_term(other).text}, {self.text})", self)

    def __neg__(self) -> Term:
        return _state(f"-{self.text}", self)


def _term(operand: Any) -> Term:
    return operand if isinstance(operand, Term) else constant(operand)


def constant(x: Any) -> Term:
    """A number, to its last bit."""
    value = float(x)
    if math.isfinite(value):
        return Term(f"S({value.hex()})")
    return Term(f"S({'-' if value < 0 else ''}{'NAN' if math.isnan(value) else 'INFINITY'})")


def _state(expression: str, *terms: Term) -> Term:
    """Give an expression a name, by a statement of its own."""
    program = next((term.program for term in terms if term.program is not None), None)
    if program is None:
        return Term(f"({expression})")
    program.append(expression)
    return Term(f"v[{len(program) - 1}]", program)


def _binary(sign: str) -> Callable[[Term, Any], Term]:
    return lambda self, other: _state(f"{self.text} {sign} {_term(other).text}", self, _term(other))


def _reflected(sign: str) -> Callable[[Term, Any], Term]:
    return lambda self, other: _state(f"{_term(other).text} {sign} {self.text}", self)


for _name, _sign in _OPERATORS.items():
    setattr(Term, f"__{_name}__", _binary(_sign))
    setattr(Term, f"__r{_name}__", _reflected(_sign))


def _function(name: str) -> Callable[..., Term]:
    return lambda *terms: _state(f"{name}({', '.join(_term(each).text for each in terms)})", *map(_term, terms))


_SAME = ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "expm1", "log", "log1p", "log10", "sqrt", "erf", "erfc")

TOOL = Tool(
    "CppAD",
    SimpleNamespace(),
    None,
    constant,
    {
        **{name: _function(name) for name in _SAME},
        **{f"arc{name}": _function(f"a{name}") for name in ARCS},
        "absolute": _function("fabs"),
        "fabs": _function("fabs"),
        "exp2": lambda x: 2.0**x,
        "log2": lambda x: _binary("/")(_function("log")(x), math.log(2.0)),
        "hypot": lambda a, b: _function("sqrt")(a * a + b * b),
    },
    is_entrywise=True,
)
"""CppAD's row: operations are written down."""


def point(n: int, program: list[str]) -> list[Any]:
    """Names of the independent variables."""
    return [Term(f"x[{i}]", program) for i in range(n)]


_SOURCE = """
#include <cmath>
#include <stdexcept>
#include <string>
#include <cppad/cppad.hpp>

using S = CppAD::AD<double>;
using Numbers = std::vector<double>;

static std::vector<S> evaluate(const std::vector<S>& x) {{
  std::vector<S> v({size});
{statements}
  return {{{results}}};
}}

static void complain(bool known, int line, const char* file, const char* expression, const char* message) {{
  throw std::runtime_error(message);  // CppAD's own handler would end the process
}}

static void compute(int what, const double* at, const double* along, double* result) {{
  std::vector<S> x(at, at + {n});
  CppAD::Independent(x);
  CppAD::ADFun<double> f(x, evaluate(x));
  f.check_for_nan(false);  // what is no number is an answer like others
  const Numbers point(at, at + {n});
  Numbers found = f.Forward(0, point);
  if (what == 1) found = f.Forward(1, Numbers(along, along + {n}));
  if (what == 2) found = f.Reverse(1, Numbers(along, along + {m}));
  if (what == 3) found = f.Jacobian(point);
  if (what == 4) found = f.Hessian(point, 0);
  std::copy(found.begin(), found.end(), result);
}}

extern "C" const char* derive(int what, const double* at, const double* along, double* result) {{
  static std::string problem;
  CppAD::ErrorHandler handler(complain);
  try {{
    compute(what, at, along, result);
    return nullptr;
  }} catch (const std::exception& error) {{
    S::abort_recording();
    problem = error.what();
    return problem.c_str();
  }}
}}
"""
_one_at_a_time = threading.Lock()
"""CppAD has one tape for all threads, unless each is registered."""

_WHAT = ("value", "forward", "reverse", "jacobian", "hessian")


@dataclass(frozen=True)
class Program:
    """A function at a point, written out.

    Parameters
    ----------
    statements
        Right-hand sides, in order.
    results
        Names of the entries of its value.
    n
        Number of variables.
    """

    statements: tuple[str, ...]
    results: tuple[str, ...]
    n: int

    @property
    def source(self) -> str:
        """The program in C++."""
        lines = "\n".join(f"  v[{i}] = {each};" for i, each in enumerate(self.statements))
        results = ", ".join(f"S({each})" for each in self.results)
        size, m = len(self.statements), len(self.results)
        return _SOURCE.format(size=size, statements=lines, results=results, n=self.n, m=m)

    def run(self, what: str, x: Any, along: Any = 0.0) -> Array:
        """Compile, unless it has been, and call."""
        m = len(self.results)
        sizes = {"value": m, "forward": m, "reverse": self.n, "jacobian": m * self.n, "hessian": self.n * self.n}
        at, direction = (np.ascontiguousarray(np.ravel(each), dtype=np.float64) for each in (x, along))
        result = np.zeros(sizes[what])
        if not m:
            return result
        pointers = [each.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for each in (at, direction, result)]
        with _one_at_a_time:
            problem = compiled(self.source)(_WHAT.index(what), *pointers)
        if problem is not None:
            raise DifferentiationError(f"CppAD refuses that: {problem.decode()}")
        return result


@cache
def compiled(source: str) -> Any:
    """The program as a function of this process; the same source is compiled once.

    Raises
    ------
    PluginError
        If there is no compiler, or it fails.
    """
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        raise PluginError("CppAD needs a C++ compiler: install g++ or clang++, or name one by CXX.")
    prefix = Path(sysconfig.get_path("purelib")) / "cmeel.prefix"
    paths = [f"-I{prefix / 'include'}", f"-L{prefix / 'lib'}", "-lcppad_lib", f"-Wl,-rpath,{prefix / 'lib'}"]
    with tempfile.TemporaryDirectory() as folder:
        code, library = Path(folder) / "program.cpp", Path(folder) / "program.so"
        code.write_text(source, encoding="utf-8")
        command = [compiler, "-std=c++17", "-O1", "-DNDEBUG", "-shared", "-fPIC", str(code), "-o", str(library), *paths]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PluginError(f"{compiler} could not compile a program of CppAD's: {done.stderr[:1000]}")
        derive = ctypes.CDLL(str(library)).derive
        derive.restype = ctypes.c_char_p
        return derive
