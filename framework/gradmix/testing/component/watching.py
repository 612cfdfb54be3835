"""Record the side effects of a use: files, output, and changes of state that the whole process shares."""

from __future__ import annotations

import io
import math
import os
import random
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

Listener = Callable[[str, tuple[Any, ...]], None]
_listeners: list[Listener] = []  # an audit hook cannot be removed, so it only calls the current listeners

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass
class Deeds:
    """The side effects of some work.

    Parameters
    ----------
    written
        Files made, changed or removed in the working folder.
    moved_to
        Folders to which the working folder was changed.
    printed
        Text written to the standard output.
    changed
        Shared state that changed: its name → the values before and after.
    """

    written: list[str] = field(default_factory=list)
    moved_to: list[str] = field(default_factory=list)
    printed: str = ""
    changed: dict[str, tuple[Any, Any]] = field(default_factory=dict)


@contextmanager
def watched() -> Iterator[Deeds]:
    """Record the side effects of the code in this context; the working folder is restored at the end."""
    deeds, output, folder = Deeds(), io.StringIO(), Path.cwd()
    before = {name: state() for name, state in SHARED.items()}
    listener = _listener(deeds, folder)
    _install()
    _listeners.append(listener)
    try:
        with redirect_stdout(output):
            yield deeds
    finally:
        _listeners.remove(listener)
        after = {name: state() for name, state in SHARED.items()}
        deeds.changed = {name: (before[name], after[name]) for name in SHARED if before[name] != after[name]}
        deeds.printed = output.getvalue()
        if Path.cwd() != folder:
            os.chdir(folder)


@cache
def _install() -> None:
    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        for listener in _listeners:
            listener(event, arguments)

    sys.addaudithook(hear)


def _listener(deeds: Deeds, folder: Path) -> Listener:
    thread = threading.get_ident()  # a run's journal and its watchers write from other threads

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _PLACES or threading.get_ident() != thread:
            return
        for place in _PLACES[event](arguments):
            if event == "os.chdir":
                deeds.moved_to.append(place)
            elif _is_inside(place, folder):
                deeds.written.append(place)

    return hear


def _opened(arguments: tuple[Any, ...]) -> list[str]:
    path, _, flags = arguments
    is_written = isinstance(path, str | bytes | os.PathLike) and flags & _WRITES
    return [os.fsdecode(path)] if is_written else []


def _first(arguments: tuple[Any, ...]) -> list[str]:
    return [os.fsdecode(arguments[0])] if isinstance(arguments[0], str | bytes | os.PathLike) else []


_PLACES: Mapping[str, Callable[[tuple[Any, ...]], list[str]]] = {
    "open": _opened,
    "os.mkdir": _first,
    "os.remove": _first,
    "os.rename": _first,
    "os.rmdir": _first,
    "os.chdir": _first,
}
"""Event of an audit hook → function that returns the paths that it changes."""


def _is_inside(place: str, folder: Path) -> bool:
    path = Path(os.path.abspath(folder / place))
    return folder in path.parents and "__pycache__" not in path.parts and ".hypothesis" not in path.parts


def _functions(module: ModuleType) -> dict[str, int]:
    return {name: id(value) for name, value in vars(module).items() if callable(value)}


def _random_state() -> Any:
    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 - this state is what is meant
    return name, np.asarray(keys).tobytes(), *rest


SHARED: Mapping[str, Callable[[], Any]] = {
    "NumPy's global random numbers": _random_state,
    "Python's global random numbers": random.getstate,
    "the working folder": os.getcwd,
    "environment variables": lambda: dict(os.environ),
    "np.errstate": np.geterr,
    "np.printoptions": lambda: {name: str(value) for name, value in np.get_printoptions().items()},
    "sys.path": lambda: list(sys.path),
    "the filters of warnings": lambda: list(warnings.filters),
    "functions of NumPy": lambda: _functions(np),
    "functions of np.linalg": lambda: _functions(np.linalg),
    "functions of math": lambda: _functions(math),
}
"""State that the whole process shares."""
