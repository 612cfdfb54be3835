"""The problem ``python``: a function that the user has written."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal

import numpy as np

from gradmix import (
    ConfigError,
    Equations,
    LeastSquares,
    Minimum,
    Operator,
    Problem,
    Question,
    RunsCode,
    regular_file,
)


@dataclass
class PythonFunction(Problem):
    """A function of your own, given by its import path on the command line: the only place where a config names code.

    Parameters
    ----------
    path
        ``module:function``, where the module may be in the working folder, or ``file.py:function``.
    x
        The point: a number, or a list of them.
    operator
        What to compute: derivative (one variable), gradient (one value) or jacobian.
    derivative
        Path of a function that returns the exact derivative, if there is one.
    asks
        Question for a solver, which starts from the point; null if there is none.
    solution
        The exact solution, if it is known.
    """

    path: Annotated[str, RunsCode()]
    x: float | tuple[float, ...] = 1.0
    operator: Operator = "derivative"
    derivative: Annotated[str | None, RunsCode()] = None
    asks: Literal["equations", "minimum", "least_squares"] | None = None
    solution: float | tuple[float, ...] | None = None

    def function(self, x: Any) -> Any:
        """Call the function."""
        return _load("problem.path", self.path)[0](x)

    def point(self) -> Any:
        """Return the point."""
        return self.x if isinstance(self.x, float | int) else np.array(self.x, dtype=float)

    def exact(self) -> Any:
        """Return the value of the function at `derivative`, or None."""
        return None if self.derivative is None else _load("problem.derivative", self.derivative)[0](self.point())

    def question(self) -> Question | None:
        """Return the question that `asks` names, or None."""
        return None if self.asks is None else _QUESTIONS[self.asks](self.function, self.point(), self.solution)

    def content(self) -> tuple[str, ...]:
        """Return fingerprints of the source files."""
        paths = {"problem.path": self.path, "problem.derivative": self.derivative}
        modules = [_load(option, path)[1] for option, path in paths.items() if path is not None]
        files = [Path(module.__file__) for module in modules if module.__file__]
        return tuple(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)


_QUESTIONS: Mapping[str, type[Equations] | type[Minimum] | type[LeastSquares]] = {
    "equations": Equations,
    "minimum": Minimum,
    "least_squares": LeastSquares,
}


def _load(option: str, path: str) -> tuple[Any, ModuleType]:
    """Import a function by its path; return it with the module in which it was found. A changed file is read again."""
    file = os.path.abspath(path.rpartition(":")[0])
    try:
        found = os.stat(file)
    except OSError:
        return _import(option, path, file)
    return _import(option, path, file, found.st_mtime_ns, found.st_size)


@cache
def _import(option: str, path: str, file: str, *state: int) -> tuple[Any, ModuleType]:
    """Import a function; `file` is where its file is, if it has one, and `state` its time of change and size."""
    place, _, name = path.rpartition(":")
    if not place or not name.isidentifier():
        raise ConfigError(f"{option} must be module:function or file.py:function; given: {path!r}.")
    try:
        module = _module(place, (file, *state))
        function = getattr(module, name)
    except Exception as error:
        raise ConfigError(f"{option}={path} cannot be imported: {type(error).__name__}: {error}.") from error
    if not callable(function):
        raise ConfigError(f"{option}={path} must be a function; it is of the type {type(function).__name__}.")
    return function, inspect.getmodule(function) or module


def _module(place: str, state: tuple[str | int, ...]) -> ModuleType:
    if not place.endswith(".py"):
        with _importable(Path.cwd()):
            return importlib.import_module(place)
    name = f"gradmix_user_{hashlib.sha256(repr(state).encode()).hexdigest()[:12]}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, regular_file(place))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[name] = module
    return sys.modules[name]


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
