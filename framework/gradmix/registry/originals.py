"""The functions that every result depends on: a run that computes with replaced ones fails.

A plugin can replace ``numpy.random.default_rng`` or ``sum`` for the whole process. Results would then change and nobody
would know why. The originals are noted here, before the first plugin is imported.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from gradmix.contracts.errors import PluginError, listing

_BUILTINS = "abs all any divmod enumerate filter float int len map max min pow range reversed round sorted sum zip"


_ORIGINALS: Mapping[ModuleType, Mapping[str, Any]] = {
    **{
        module: {name: value for name, value in vars(module).items() if not name.startswith("_")}
        for module in (np, np.linalg, np.random, math)
    },
    builtins: {name: getattr(builtins, name) for name in _BUILTINS.split()},
}
"""Module → name → what it was when gradmix was loaded."""


def replaced() -> list[str]:
    """Names that are bound to something else by now, each with the module that has defined the replacement."""
    return [
        f"{module.__name__}.{name}{_defined_by(now(name))}"
        for module, names in _ORIGINALS.items()
        for now in [vars(module).get]
        for name, original in names.items()
        if now(name) is not original
    ]


def _defined_by(replacement: Any) -> str:
    origin = getattr(replacement, "__module__", None)
    known = {module.__name__ for module in _ORIGINALS}
    is_known = isinstance(origin, str) and origin.partition(".")[0] not in known
    return f" (by {origin})" if is_known else ""


@contextmanager
def originals() -> Iterator[None]:
    """Compute with the originals; those that are replaced meanwhile are put back, as the next run needs them.

    Raises
    ------
    PluginError
        If one is replaced already, or was meanwhile. Names it, and who has replaced it if that can be known.
    """
    if names := replaced():
        raise PluginError(
            f"a plugin has replaced {listing(names)}, so that no result can be trusted. "
            "`gradmix plugins doctor` names the plugin; plugins.block=[NAME] leaves it out."
        )
    try:
        yield
    finally:
        names = replaced()
        for module, functions in _ORIGINALS.items() if names else ():
            for name, original in functions.items():
                setattr(module, name, original)
    if names:
        raise PluginError(f"{listing(names)} was replaced during the run; the result is discarded.")
