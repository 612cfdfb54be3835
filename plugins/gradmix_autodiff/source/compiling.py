"""Emitted code as machine code, by numba: cached on disk under a name that identifies its source."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any
from warnings import catch_warnings, simplefilter

from gradmix import DifferentiationError
from gradmix_autodiff.kept_code import kept_module
from gradmix_autodiff.source import prelude
from gradmix_autodiff.source.by_numpy import Ndims, handed_back
from gradmix_autodiff.source.captured import Captured, is_data
from gradmix_autodiff.source.lines import names_of, words

_WITHOUT = "set differentiator.compiled=false"
_HELPERS = {name for name, each in vars(prelude).items() if isinstance(each, FunctionType)}
_UNKNOWN = re.compile(r"Function\(<(?:built-in )?function (\w+)[^>]*>\) found for signature:")
_ORIGIN = re.compile(r"\s*# (\d+): (.*)")


def compiled(text: str, name: str, ndims: Ndims, outside: Sequence[Captured], place: str) -> Callable[..., Any]:
    """Compile an emitted function when it is first called.

    Parameters
    ----------
    text
        The definition of the function, of numbers and arrays.
    name
        Its name.
    ndims
        Dimensions of its variables that are numbers or arrays of floats.
    outside
        Objects that it takes from outside; each call looks them up and passes them as arguments.
    place
        The place that errors name.

    Raises
    ------
    DifferentiationError
        If numba is not installed, or cannot compile the function.
    """
    try:
        numba: Any = import_module("numba")
        errors: Any = import_module("numba.core.errors")
    except ImportError as error:
        raise DifferentiationError(
            f"differentiator.compiled=true needs numba, which cannot be imported: {error}. "
            "Install it, or set differentiator.compiled=false."
        ) from error
    machine_forms = import_module("gradmix_autodiff.source.machine")
    for each in outside:
        if not is_data(each.value):
            lines = text.splitlines()
            used = next(
                (number for number, line in enumerate(lines, 1) if each.name in words(line.partition("#")[0])), 1
            )
            what = f"{each.origin}, a function from outside, cannot be compiled"
            raise DifferentiationError(f"{place}{_origin(lines, used)}: {what}; {_WITHOUT}.")
    passed = "".join(f"{each.name}, " for each in outside)
    helpers = sorted(names_of(text) & _HELPERS)
    imported = [f"from gradmix_autodiff.source.prelude import {', '.join(helpers)}"] if helpers else []
    text = handed_back(text.replace("(", f"({passed}", 1), ndims)
    imported += ["import gradmix"] if "gradmix." in text else []
    imported += ["from numba import njit, objmode"] if "with objmode(" in text else []
    whole = "\n".join(["import math\n", "import numpy as np", *imported, "\n\n"]) + text
    module = kept_module(whole, "source", inspect.getsource(machine_forms), numba.__version__)
    machine = numba.njit(error_model="numpy", boundscheck=True, cache=True)(getattr(module, name))

    def call(*arguments: Any) -> Any:
        given = [*(_plain(each.value) for each in outside), *arguments]
        try:
            with catch_warnings():
                simplefilter("ignore", errors.NumbaPerformanceWarning)
                return machine(*given)
        except Exception as error:
            if not isinstance(error, errors.NumbaError) and tuple(map(numba.typeof, given)) in machine.overloads:
                raise  # the function's own
            line, reason = _explained(str(error), whole, Path(str(module.__file__)).name)
            raise DifferentiationError(
                f"{place}{line}: numba cannot compile its derivative ({reason}); {_WITHOUT}."
            ) from error

    return call


def _explained(message: str, text: str, file: str) -> tuple[str, str]:
    """Return the user's line that a numba error refers to, if it names one, and the reason."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    reason = next((line for line in lines if not line.startswith(("Failed in", "-"))), message)
    found = re.search(re.escape(file) + r'" ?\)?, line (\d+)|' + re.escape(file) + r" \((\d+)\)", message)
    if found is None:
        return "", reason
    number = int(found[1] or found[2])
    shown = text.splitlines()[number - 1].strip()
    reason = re.sub(
        r"Function\(<(?:built-in )?function (\w+)[^>]*>\) found for signature:", r"\1 for these arguments", reason
    )
    return _origin(text.splitlines(), number), f"`{shown}`: {reason}"


def _origin(lines: Sequence[str], number: int) -> str:
    """Return the user's line that a line of emitted code comes from; lines count from 1."""
    origin = next((match for each in reversed(lines[:number]) if (match := _ORIGIN.match(each))), None)
    return "" if origin is None else f", line {origin[1]}, `{origin[2]}`"


def _plain(value: Any) -> Any:
    """Return a value as compiled code takes it: a list becomes a tuple."""
    return tuple(map(_plain, value)) if type(value) is list else value
