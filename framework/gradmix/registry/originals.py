"""The functions that every result depends on: a run fails if a plugin has replaced one of them.

A plugin can replace ``numpy.random.default_rng`` or ``sum`` for the whole process. Results would then change
without a visible reason. The originals are noted here, before the first plugin is imported.
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


_ORIGINALS: Mapping[tuple[ModuleType, str], Any] = {
    (module, name): value
    for module in (np, np.linalg, np.random, math, builtins)
    for name, value in vars(module).items()
    if (name in _BUILTINS.split() if module is builtins else not name.startswith("_"))
}
"""Module and name → the function when gradmix was loaded."""


def replaced() -> list[str]:
    """Return the names of replaced functions, each with the module that defines the replacement."""
    found = []
    for (module, name), original in _ORIGINALS.items():
        if (now := vars(module).get(name)) is not original:
            origin = getattr(now, "__module__", None)
            is_foreign = isinstance(origin, str) and origin.partition(".")[0] not in ("numpy", "math", "builtins")
            found.append(f"{module.__name__}.{name}" + (f" (by {origin})" if is_foreign else ""))
    return found


@contextmanager
def originals() -> Iterator[None]:
    """Check that code in this context uses the original functions; restore replaced ones for the next run.

    Raises PluginError if a function was replaced before or within the context. The message names the function and, if
    known, the module that replaced it.
    """
    if names := replaced():
        raise PluginError(
            f"a plugin has replaced {listing(names)}, so no result can be trusted. "
            "`gradmix plugins doctor` names the plugin; plugins.block=[NAME] leaves it out."
        )
    try:
        yield
    finally:
        names = replaced()
        for (module, name), original in _ORIGINALS.items() if names else ():
            setattr(module, name, original)
    if names:
        raise PluginError(f"{listing(names)} was replaced during the run; the result is discarded.")
