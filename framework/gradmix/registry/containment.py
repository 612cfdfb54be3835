"""Running somebody's import: what it does beside importing is undone, and told."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, TextIO

from gradmix.contracts.errors import PluginError, listing


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
    process, folder = os.getpid(), os.getcwd()
    output = _Listening(sys.stderr)
    numpy: dict[str, Any] = {}
    errors, filters = _floating_point_errors(), list(warnings.filters)
    try:
        with _interrupts_of_a_person() as was_pressed, redirect_stdout(output), _numpy_as_it_was() as numpy:
            try:
                yield trespasses
            except KeyboardInterrupt:
                if was_pressed():
                    raise
                raise PluginError("KeyboardInterrupt: it raised that itself") from None
    finally:
        if os.getpid() != process:
            os._exit(0)  # it has forked, and this is the child: there must be one of us only
        if output.has_heard:
            trespasses.append("it prints when it is imported")
        if os.getcwd() != folder:
            os.chdir(folder)
            trespasses.append("it changes the working folder when it is imported")
        if changed := _restore(numpy):
            trespasses.append(f"it changes NumPy when it is imported ({listing(changed)})")
        if _floating_point_errors() != errors:
            sys.modules["numpy"].seterr(**errors)
            trespasses.append("it changes NumPy when it is imported (seterr)")
        if strict := [each for each in warnings.filters if each[0] == "error" and each not in filters]:
            warnings.filters[:] = [each for each in warnings.filters if each not in strict]  # type: ignore[index]
            trespasses.append("it makes errors of warnings when it is imported")


class _Listening:
    """Standard output that is not ours: passed on to standard error."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.has_heard = stream, False

    def write(self, text: str) -> int:
        self.has_heard = self.has_heard or bool(text.strip())
        return self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def _numpy_as_it_was() -> Iterator[dict[str, Any]]:
    """NumPy's names, as they are or as they are once it is loaded within the context."""
    loaded = _loaded_numpy()
    names = dict(vars(loaded)) if loaded else {}
    finder = _NumpyFinder(names)
    sys.meta_path.insert(0, finder)
    try:
        yield names
    finally:
        sys.meta_path.remove(finder)


class _NumpyFinder(MetaPathFinder):
    """Finds NumPy where it is, and writes its names down when it has been loaded."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name == "numpy" else None
        if spec is not None and isinstance(spec.loader, Loader):
            load = spec.loader.exec_module

            def load_and_note(module: ModuleType) -> None:
                load(module)
                self.names.update(vars(module))

            spec.loader.exec_module = load_and_note  # type: ignore[method-assign]
        return spec


def _restore(names: dict[str, Any]) -> list[str]:
    """Put NumPy's names back; those that had changed."""
    now = vars(sys.modules["numpy"]) if names else {}
    changed = [name for name, value in names.items() if now.get(name) is not value]
    for name in changed:
        now[name] = names[name]
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


@contextmanager
def _interrupts_of_a_person() -> Iterator[Callable[[], bool]]:
    """Tell a person's Ctrl-C from an exception that somebody raises."""
    pressed: list[int] = []

    def interrupt(number: int, frame: object) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    is_ours = threading.current_thread() is threading.main_thread() and (
        signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if is_ours:
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield lambda: bool(pressed)
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
