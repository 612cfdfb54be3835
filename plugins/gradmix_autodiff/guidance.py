"""Errors that say what to write instead."""

from __future__ import annotations

import linecache
import re
import sys
from traceback import walk_tb
from typing import Any

import numpy as np

from gradmix import DifferentiationError
from gradmix.arrays import unusable_rules


def unsupported(name: str, detail: str = "") -> DifferentiationError:
    """Return the error for a function that has no rule; it suggests what to do."""
    advice = "Write it in terms of other NumPy functions, or use differentiator=finite_difference."
    return DifferentiationError(" ".join([f"{name}{detail} has no derivative rule. {advice}", *unusable_rules()]))


def full_name(function: Any) -> str:
    """Return the usual name of a function, such as ``np.linalg.norm``; other libraries' ufuncs have a bare name."""
    name = function.__name__
    if isinstance(function, np.ufunc) and getattr(np, name, None) is not function:
        parts = [module for place, module in [*sys.modules.items()] if place.startswith("scipy.special")]
        is_scipys = any(getattr(module, name, None) is function for module in parts)
        return f"scipy.special.{name.lstrip('_')}" if is_scipys else str(name)
    module = str(getattr(function, "__module__", None) or "numpy")
    return (
        f"{module.replace('numpy', 'np', 1).replace('np._core', 'np').replace('np.linalg._linalg', 'np.linalg')}.{name}"
    )


def in_place(what: str, instead: str) -> DifferentiationError:
    """Return the error for an update in place that cannot be followed; it suggests what to write instead."""
    return DifferentiationError(
        f"{what} is not supported: in NumPy it would also change other names and views of the same array. "
        f"Write {instead}."
    )


def changed_later(shape: tuple[int, ...]) -> DifferentiationError:
    """Return the error for a large plain array that changed after an operation had used it."""
    return DifferentiationError(
        f"a plain array of shape {shape} was changed in place after an operation had used it; the derivative needs its "
        "old values. Write y = y + v instead of y += v."
    )


def aliased_plain_array() -> DifferentiationError:
    """Return the error for an update of a plain array by a traced value that other names of the array would miss."""
    return DifferentiationError(
        "an in-place update (y += x) of a plain array that has other names is not supported. Write y = y + x, or "
        "create the array with np.zeros(n, like=x)."
    )


_IN_NUMPY = {
    **{
        f"scipy.linalg.{name}": f"np.linalg.{name}"
        for name in ("solve", "inv", "det", "pinv", "eigh", "eigvalsh", "svd")
    },
    **{f"scipy.linalg.{name}": f"np.linalg.{name}" for name in ("svdvals", "qr", "lstsq", "norm")},
    **{f"scipy.fft.{name}": f"np.fft.{name}" for name in ("fft", "ifft", "rfft", "irfft", "fft2", "ifft2", "fftn")},
    **{f"scipy.linalg.{name}": f"gradmix.functions.{name}" for name in ("cho_solve", "cholesky", "expm")},
    "scipy.linalg.solve_triangular": "gradmix.functions.solve_triangular",
    **{f"scipy.special.{name}": f"gradmix.functions.{name}" for name in ("logsumexp", "softmax", "log_softmax")},
}
"""SciPy functions that bypass NumPy's protocols, and the NumPy functions to use instead."""


def within_scipy(error: Exception) -> DifferentiationError | None:
    """Return an error that names the SciPy function that cannot be followed; None if the cause is another one."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    modules = [str(frame.f_globals.get("__name__")) for frame in frames]
    if not modules or modules[-1].partition(".")[0] not in ("scipy", "numpy", "gradmix_autodiff"):
        return None  # the user's own
    for frame, module in zip(frames, modules, strict=True):
        name = frame.f_code.co_name
        package = ".".join(module.split(".")[:2])
        if package.startswith("scipy.") and hasattr(sys.modules.get(package), name):
            full = f"{package}.{name}"
            instead = f"Use {_IN_NUMPY[full]}" if full in _IN_NUMPY else "Write it in terms of NumPy's functions"
            return DifferentiationError(
                f"{full} does not accept traced numbers. {instead}, give it a rule with gradmix.with_rule, or use "
                "differentiator=finite_difference."
            )
    if any(module.startswith("scipy.sparse") for module in modules):
        return DifferentiationError(
            "SciPy's sparse matrices do not accept traced numbers. Give the product a derivative rule: product = "
            "gradmix.with_rule(lambda x: S @ x, jvp=lambda x, v: S @ v, vjp=lambda x, w: S.T @ w)."
        )
    return None


def compiled_code(error: Exception) -> DifferentiationError | None:
    """Return the error for an array of traced numbers that reached compiled code; None if the cause is another one."""
    text = str(error)
    if not re.search(
        r"dtype\('O'\)|object array|type object|_ArrayObject|cannot be safely coerced|ufunc '\w+' not "
        r"supported for the input types|has no callable \w+ method",
        text,
    ):
        return None
    return DifferentiationError(
        f"np.array([…]) made an array of traced numbers, which compiled code does not accept ({text}). "
        "Create the array with np.stack([…]) or np.array([…], like=x)."
    )


_NUMPY_NAMES = {
    "pow": "np.power",
    "fabs": "np.abs",
    "lgamma": "scipy.special.gammaln",
    "erf": "scipy.special.erf",
    "erfc": "scipy.special.erfc",
} | {f"a{name}": f"np.arc{name}" for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")}


def needs_a_number(frame: Any) -> DifferentiationError:
    """Return the error for a place where a plain number is needed but a traced value was given."""
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    where = f"{frame.f_code.co_filename}, line {frame.f_lineno}" + (f": {line}" if line else "")
    calls = re.findall(r"\bmath\.(\w+)", line)
    if calls:
        advice = "; ".join(f"use {_NUMPY_NAMES.get(call, f'np.{call}')} instead of math.{call}" for call in calls)
    else:
        advice = (
            "float(), int(), round(), formats such as {x:.3f}, the math module and assignment to an entry of a plain "
            "array need a plain number. Use NumPy's functions instead; create arrays with np.stack([…]), or with "
            "np.zeros(n, like=x) if you assign entry by entry"
        )
    return DifferentiationError(f"a traced value was used where a plain number is needed ({where}): {advice}.")
