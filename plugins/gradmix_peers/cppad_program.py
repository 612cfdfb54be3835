"""A function's operations as rows of a table, which one compiled program evaluates with CppAD's numbers."""

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

_BINARY = {"add": "a + b", "sub": "a - b", "mul": "a * b", "truediv": "a / b"}
_SAME = ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "expm1", "log", "log1p", "log10", "sqrt", "erf", "erfc")
_UNARY = (*_SAME, *(f"a{name}" for name in ARCS if name != "tan2"), "fabs")
_EXPRESSIONS = (
    "S(number)",
    "-a",
    *_BINARY.values(),
    "pow(a, b)",
    "pow(a, i)",
    "atan2(a, b)",
    *(f"{name}(a)" for name in _UNARY),
)
"""C++ expressions that a row may compute from earlier values a and b, an integer i or a number."""

_CODES = {expression: code for code, expression in enumerate(_EXPRESSIONS)}
_LARGEST_INTEGER = 2**31 - 1


@dataclass(frozen=True)
class Rows:
    """Operations in order. The value of row k has the index n + k; the n variables come first.

    Parameters
    ----------
    n
        Number of variables.
    operations
        Code, first operand and second operand of each operation.
    numbers
        The constant of each operation, 0 if there is none.
    """

    n: int
    operations: list[tuple[int, int, int]]
    numbers: list[float]

    def add(self, expression: str, a: int = 0, b: int = 0, number: float = 0.0) -> int:
        """Add a row, and return the index of its value."""
        self.operations.append((_CODES[expression], a, b))
        self.numbers.append(number)
        return self.n + len(self.operations) - 1

    def index(self, operand: Any) -> int:
        """Return the index of a term's value; add a row for a constant, which keeps all its bits."""
        return operand.index if isinstance(operand, Term) else self.add("S(number)", number=float(operand))


@dataclass(frozen=True)
class Term:
    """A value of the program. Operations on it add rows to the program."""

    rows: Rows
    index: int

    def __pow__(self, other: Any) -> Term:
        if isinstance(other, int) and abs(other) <= _LARGEST_INTEGER:
            return Term(self.rows, self.rows.add("pow(a, i)", self.index, int(other)))
        return _row("pow(a, b)", self, other)

    def __rpow__(self, other: Any) -> Term:
        return _row("pow(a, b)", other, self)

    def __neg__(self) -> Term:
        return _row("-a", self)


def _row(expression: str, *operands: Any) -> Term:
    rows: Rows = next(each.rows for each in operands if isinstance(each, Term))
    return Term(rows, rows.add(expression, *map(rows.index, operands)))


def _operator(expression: str) -> Callable[[Term, Any], Term]:
    return lambda self, other: _row(expression, self, other)


def _reflected(expression: str) -> Callable[[Term, Any], Term]:
    return lambda self, other: _row(expression, other, self)


for _name, _expression in _BINARY.items():
    setattr(Term, f"__{_name}__", _operator(_expression))
    setattr(Term, f"__r{_name}__", _reflected(_expression))


def _function(expression: str) -> Callable[..., Term]:
    return lambda *operands: _row(expression, *operands)


_divide, _log, _sqrt = map(_function, ("a / b", "log(a)", "sqrt(a)"))

TOOL = Tool(
    "CppAD",
    SimpleNamespace(),
    None,
    float,
    {
        **{name: _function(f"{name}(a)") for name in _SAME},
        **{f"arc{name}": _function(f"a{name}(a)") for name in ARCS if name != "tan2"},
        "arctan2": _function("atan2(a, b)"),
        "absolute": _function("fabs(a)"),
        "fabs": _function("fabs(a)"),
        "exp2": lambda x: 2.0**x,
        "log2": lambda x: _divide(_log(x), math.log(2.0)),
        "hypot": lambda a, b: _sqrt(a * a + b * b),
    },
    is_entrywise=True,
)
"""Description of CppAD: operations on its values are recorded."""

_CASES = "\n".join(f"    case {code}: return {expression};" for code, expression in enumerate(_EXPRESSIONS))

_SOURCE = f"""
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>
#include <cppad/cppad.hpp>

using S = CppAD::AD<double>;
using Numbers = std::vector<double>;

struct Row {{ int code, a, b; }};

static S operation(int code, const S& a, const S& b, int i, double number) {{
  switch (code) {{
{_CASES}
  }}
  throw std::logic_error("unknown operation");
}}

static std::vector<S> evaluate(const std::vector<S>& x, int size, const Row* rows, const double* numbers,
                               int m, const int* results) {{
  std::vector<S> v(x), found;
  v.reserve(x.size() + size);
  for (int k = 0; k < size; ++k) {{
    const bool is_index = rows[k].b >= 0 && rows[k].b < static_cast<int>(v.size());  // or an exponent
    v.push_back(operation(rows[k].code, v[rows[k].a], v[is_index ? rows[k].b : 0], rows[k].b, numbers[k]));
  }}
  for (int j = 0; j < m; ++j) found.push_back(v[results[j]]);
  return found;
}}

static void complain(bool known, int line, const char* file, const char* expression, const char* message) {{
  throw std::runtime_error(message);  // CppAD's own handler would end the process
}}

static void compute(int what, int n, int size, const Row* rows, const double* numbers, int m, const int* results,
                    const double* at, const double* along, double* result) {{
  std::vector<S> x(at, at + n);
  CppAD::Independent(x);
  CppAD::ADFun<double> f(x, evaluate(x, size, rows, numbers, m, results));
  f.check_for_nan(false);  // NaN is an answer like others
  const Numbers point(at, at + n);
  Numbers found = f.Forward(0, point);
  if (what == 1) found = f.Forward(1, Numbers(along, along + n));
  if (what == 2) found = f.Reverse(1, Numbers(along, along + m));
  if (what == 3) found = f.Jacobian(point);
  if (what == 4) found = f.Hessian(point, 0);
  std::copy(found.begin(), found.end(), result);
}}

extern "C" const char* derive(int what, int n, int size, const Row* rows, const double* numbers, int m,
                              const int* results, const double* at, const double* along, double* result) {{
  static std::string problem;
  CppAD::ErrorHandler handler(complain);
  try {{
    compute(what, n, size, rows, numbers, m, results, at, along, result);
    return nullptr;
  }} catch (const std::exception& error) {{
    S::abort_recording();
    problem = error.what();
    return problem.c_str();
  }}
}}
"""
_one_at_a_time = threading.Lock()
"""Lock: all threads share CppAD's only tape, unless each thread is registered."""

_WHAT = ("value", "forward", "reverse", "jacobian", "hessian")


@dataclass(frozen=True)
class Program:
    """The recorded operations of a function at a point.

    Parameters
    ----------
    rows
        The operations of the function.
    results
        Indices of the entries of the function's value.
    """

    rows: Rows
    results: tuple[int, ...]

    def run(self, what: str, x: Any, along: Any = 0.0) -> Array:
        """Let CppAD record the rows at x and differentiate them."""
        n, m = self.rows.n, len(self.results)
        sizes = {"value": m, "forward": m, "reverse": n, "jacobian": m * n, "hessian": n * n}
        result = np.zeros(sizes[what])
        if not m:
            return result
        rows, results = np.array(self.rows.operations, dtype=np.intc), np.array(self.results, dtype=np.intc)
        at, direction, numbers = (
            np.ascontiguousarray(np.ravel(each), dtype=np.float64) for each in (x, along, self.rows.numbers)
        )
        program = (n, len(rows), rows.ctypes, numbers.ctypes, m, results.ctypes)
        with _one_at_a_time:
            problem = compiled()(_WHAT.index(what), *program, at.ctypes, direction.ctypes, result.ctypes)
        if problem is not None:
            raise DifferentiationError(f"CppAD cannot differentiate this function: {problem.decode()}")
        return result


@cache
def compiled() -> Any:
    """Return the program that evaluates rows, compiled once in a process.

    Raises
    ------
    PluginError
        If there is no compiler, or it fails.
    """
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        raise PluginError("CppAD needs a C++ compiler: install g++ or clang++, or set the environment variable CXX.")
    prefix = Path(sysconfig.get_path("purelib")) / "cmeel.prefix"
    paths = [f"-I{prefix / 'include'}", f"-L{prefix / 'lib'}", "-lcppad_lib", f"-Wl,-rpath,{prefix / 'lib'}"]
    with tempfile.TemporaryDirectory() as folder:
        code, library = Path(folder) / "program.cpp", Path(folder) / "program.so"
        code.write_text(_SOURCE, encoding="utf-8")
        command = [compiler, "-std=c++17", "-O1", "-DNDEBUG", "-shared", "-fPIC", str(code), "-o", str(library), *paths]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PluginError(f"{compiler} could not compile the program for CppAD: {done.stderr[:1000]}")
        derive = ctypes.CDLL(str(library)).derive
        derive.restype = ctypes.c_char_p
        derive.argtypes = [*[ctypes.c_int] * 3, *[ctypes.c_void_p] * 2, ctypes.c_int, *[ctypes.c_void_p] * 4]
        return derive
