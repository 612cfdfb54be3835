"""Emitted code in machine code, by numba: kept on disk under a name that says what it is made of."""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from gradmix import DifferentiationError
from gradmix_autodiff.source import numbers, prelude
from gradmix_autodiff.source.captured import Captured, is_data
from gradmix_autodiff.source.lines import names_of

_WITHOUT = "leave out differentiator.compiled=true"
_HELPERS = {name: each for name, each in vars(numbers).items() if isinstance(each, FunctionType)}


def compiled(text: str, name: str, outside: Sequence[Captured], place: str) -> Callable[..., Any]:
    """Compile an emitted function when it is first called.

    Parameters
    ----------
    text
        Its definition, of numbers and arrays.
    name
        Its name.
    outside
        What it takes from outside; each is looked up at a call, and passed as an argument.
    place
        What errors are about.

    Raises
    ------
    DifferentiationError
        If numba is not there, or cannot compile it.
    """
    try:
        numba: Any = import_module("numba")
        errors: Any = import_module("numba.core.errors")
    except ImportError as error:
        raise DifferentiationError(
            f"differentiator.compiled=true needs numba, which cannot be imported: {error}."
        ) from error
    used = names_of(text)
    for each in outside:
        if not is_data(each.value):
            raise DifferentiationError(
                f"{place}: {each.origin}, a function from outside, cannot be compiled; {_WITHOUT}."
            )
    helpers = sorted(used & _HELPERS.keys())
    others = {each for each, value in vars(prelude).items() if isinstance(value, FunctionType)} & used - _HELPERS.keys()
    if others:
        raise DifferentiationError(
            f"{place}: operations on whole arrays ({', '.join(sorted(others))}) are not compiled; {_WITHOUT}."
        )
    passed = "".join(f"{each.name}, " for each in outside)
    head = "from __future__ import annotations\n\nimport math\nfrom typing import Any\n\nimport numpy as np\n\n\n"
    whole = "\n\n".join([*(inspect.getsource(_HELPERS[each]) for each in helpers), text.replace("(", f"({passed}", 1)])
    file = _kept(head + whole, numba.__version__)
    namespace = vars(_module(file))
    for helper in helpers:
        namespace[helper] = numba.njit(error_model="numpy", cache=True)(namespace[helper])
    machine = numba.njit(error_model="numpy", boundscheck=True, cache=True)(namespace[name])

    def call(*arguments: Any) -> Any:
        try:
            return machine(*(_plain(each.value) for each in outside), *arguments)
        except errors.NumbaError as error:
            reason = next(line for line in str(error).splitlines() if line and not line.startswith("Failed in"))
            raise DifferentiationError(
                f"{place}: numba cannot compile its derivative ({reason}); {_WITHOUT}."
            ) from error

    return call


def _module(file: Path) -> ModuleType:
    """The module in a file, under a name by which numba finds it again."""
    name = f"gradmix_{file.stem}"
    if name not in sys.modules:
        spec = spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def _plain(value: Any) -> Any:
    """A value as compiled code takes it: a list is a tuple."""
    return tuple(map(_plain, value)) if type(value) is list else value


def _kept(text: str, of_numba: str) -> Path:
    """The file of a text, whose name is a hash of the text and of the versions that compile it."""
    made_of = "\n".join([text, of_numba, np.__version__, version("gradmix")])
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gradmix" / "source"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / f"derivative_{hashlib.sha256(made_of.encode()).hexdigest()[:24]}.py"
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        part = file.with_suffix(f".{os.getpid()}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    return file
