"""The family of errors: each message states what was wrong, where, and what would be right."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import cast


class GradmixError(Exception):
    """Root of every error that gradmix raises on purpose."""


class ConfigError(GradmixError, ValueError):
    """A config that cannot be built: an unknown or ill-typed option, a missing value."""


class UnknownNameError(ConfigError, LookupError):
    """A component, a group or an option that does not exist."""


class PluginError(GradmixError, ImportError):
    """A plugin that cannot be loaded or that violates its contract."""


class NotInstalledError(PluginError):
    """A component whose package is not installed; `command` is the command that installs it."""

    def __init__(self, message: str, command: str) -> None:
        super().__init__(message)
        self.command = command


class DataError(GradmixError, ValueError):
    """Data that an algorithm cannot use, or a file that cannot be read."""


class DataTypeError(DataError, TypeError):
    """Data of a type that does not contain numbers, such as a sparse matrix or a dict."""


class NumericalError(GradmixError, ArithmeticError):
    """A computation that broke down: a singular covariance, no convergence, overflow."""


class DifferentiationError(GradmixError, TypeError):
    """A function that this differentiator cannot differentiate."""


class NotFittedError(GradmixError, ValueError, AttributeError):
    """A method that needs a fitted clusterer was called before ``fit``."""


def not_fitted(message: str) -> NotFittedError:
    """Return a `NotFittedError` that is also an instance of scikit-learn's class if scikit-learn is loaded."""
    known = sys.modules.get("sklearn.exceptions")
    if known is None:
        return NotFittedError(message)
    by_message = {
        "__reduce__": lambda error: (not_fitted, error.args)
    }  # no module contains the class, so pickle needs this
    return cast("NotFittedError", type("NotFittedError", (NotFittedError, known.NotFittedError), by_message)(message))


class StorageError(GradmixError, OSError):
    """A folder, journal or store that cannot be written or read."""


def did_you_mean(given: str, names: Iterable[str], prefix: str = "") -> str:
    """Name the nearest of `names`, after a prefix, as a phrase to append to a message; empty if none is near.

    >>> did_you_mean("n_component", ["n_components", "tol"])
    ' Did you mean n_components?'
    >>> did_you_mean("vei", ["VEI", "vi"])
    ' Did you mean VEI?'
    >>> did_you_mean("n_clusters", ["on_collapse", "tol"])
    ''
    """
    from difflib import get_close_matches

    known = list(names)
    same = [name for name in known if name.lower() == given.lower()]
    alike = [name for name in known if name[:1].lower() == given[:1].lower()]
    near = same or get_close_matches(given, known, n=1) or get_close_matches(given, alike, n=1, cutoff=0.5)
    return f" Did you mean {prefix}{near[0]}?" if near else ""


def listing(names: Iterable[str]) -> str:
    """Join names for a message: sorted, separated by commas.

    >>> listing({"tied", "full"})
    'full, tied'
    """
    return ", ".join(sorted(names)) or "none"


def frames_of_gradmix() -> int:
    """Count the frames, from the caller on, that belong to gradmix and its plugins: the next one is the user's."""
    count, frame = 1, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith("gradmix"):
        count, frame = count + 1, frame.f_back
    return count
