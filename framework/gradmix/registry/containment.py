"""Running somebody's import: what it does beside importing is undone, and told."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, TextIO

from gradmix.contracts.errors import PluginError, listing
from gradmix.interrupts import ctrl_c_noticed


@contextmanager
def contained() -> Iterator[list[str]]:
    """Contain an import: it cannot print among our output, move us elsewhere, change NumPy or pass for Ctrl-C.

    Yields
    ------
    list of str
        What it did all the same, told when the context ends.

    Raises
    ------
    PluginError
        If it raised KeyboardInterrupt itself.
    """
    trespasses: list[str] = []
    output = _Listening(sys.stderr)
    filters = list(warnings.filters)
    undone: Undone | None = None
    try:
        with ctrl_c_noticed() as was_pressed, redirect_stdout(output), undoing() as undone:
            try:
                yield trespasses
            except KeyboardInterrupt:
                if was_pressed():
                    raise
                raise PluginError("KeyboardInterrupt: it raised that itself") from None
    finally:
        if output.has_heard:
            trespasses.append("it prints when it is imported")
        if undone is not None:
            trespasses += [f"it changes {what} when it is imported" for what in undone.told]
        if strict := [each for each in warnings.filters if each[0] == "error" and each not in filters]:
            warnings.filters[:] = [each for each in warnings.filters if each not in strict]  # type: ignore[index]
            trespasses.append("it makes errors of warnings when it is imported")


@dataclass
class Undone:
    """What somebody's code did to the process, and was undone.

    Parameters
    ----------
    has_moved
        Whether it changed the working folder.
    numpy
        Names of NumPy's that it changed.
    has_set_errors
        Whether it changed what NumPy does about overflow and the like.
    """

    has_moved: bool = False
    numpy: tuple[str, ...] = ()
    has_set_errors: bool = False

    @property
    def told(self) -> list[str]:
        """What was changed, in words."""
        names = f"NumPy ({listing(self.numpy)})" if self.numpy else ""
        settings = "what NumPy does about floating-point errors (numpy.seterr)" if self.has_set_errors else ""
        return [each for each in ("the working folder" * self.has_moved, names, settings) if each]


@contextmanager
def undoing() -> Iterator[Undone]:
    """Undo what somebody's code does to the process that others work in, too; a child that it has forked ends here.

    Yields
    ------
    Undone
        What that was, known when the context ends.
    """
    undone = Undone()
    process, folder, errors = os.getpid(), os.getcwd(), _floating_point_errors()
    try:
        with _numpy_as_it_was() as numpy:
            yield undone
    finally:
        if os.getpid() != process:
            os._exit(0)  # there must be one of us only
        if os.getcwd() != folder:
            os.chdir(folder)
            undone.has_moved = True
        undone.numpy = tuple(_restore(numpy))
        if _floating_point_errors() != errors:
            sys.modules["numpy"].seterr(**errors)
            undone.has_set_errors = True


class _Listening:
    """Standard output that is not ours: passed on to standard error."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.has_heard = stream, False

    def write(self, text: str) -> int:
        self.has_heard = self.has_heard or bool(text.strip())
        return self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


_NAMESPACES = ("numpy", "numpy.linalg")
"""Modules of NumPy's whose names are kept."""

Names = dict[str, dict[str, Any]]
"""Module → its names."""


@contextmanager
def _numpy_as_it_was() -> Iterator[Names]:
    """NumPy's names, as they are or as they are once it is loaded within the context."""
    names: Names = _names_of_numpy() if _loaded_numpy() else {}
    finder = _NumpyFinder(names)
    sys.meta_path.insert(0, finder)
    try:
        yield names
    finally:
        sys.meta_path.remove(finder)


def _names_of_numpy() -> Names:
    return {module: dict(vars(sys.modules[module])) for module in _NAMESPACES}


class _NumpyFinder(MetaPathFinder):
    """Finds NumPy where it is, and writes its names down when it has been loaded."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name == "numpy" else None
        if spec is not None and isinstance(spec.loader, Loader):
            load = spec.loader.exec_module

            def load_and_note(module: ModuleType) -> None:
                load(module)
                self.names.update(_names_of_numpy())

            spec.loader.exec_module = load_and_note  # type: ignore[method-assign]
        return spec


def _restore(names: Names) -> list[str]:
    """Put NumPy's names back; those that had changed."""
    changed = []
    for module, before in names.items():
        now = vars(sys.modules[module])
        for name in [name for name, value in before.items() if now.get(name) is not value]:
            now[name] = before[name]
            changed.append(f"{module}.{name}".removeprefix("numpy."))
    return changed


def _floating_point_errors() -> Mapping[str, Any]:
    """What NumPy does about overflow and its likes; its own defaults while it is not loaded."""
    loaded = _loaded_numpy()
    settings: Mapping[str, Any] = loaded.geterr() if loaded else _DEFAULTS
    return settings


_DEFAULTS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


def _loaded_numpy() -> ModuleType | None:
    """NumPy, if it is loaded; where another thread is at that, when it has done."""
    if "numpy" not in sys.modules:
        return None
    import numpy  # which waits for it

    return numpy
