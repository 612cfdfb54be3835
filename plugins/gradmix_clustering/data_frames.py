"""Conversion of arrays to data frames with named columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from gradmix import ConfigError
from gradmix.arrays import Array


def _as_pandas(array: Array, X: Any, names: list[str]) -> Any:
    pandas = import_module("pandas")
    return pandas.DataFrame(array, index=X.index if isinstance(X, pandas.DataFrame) else None, columns=names)


def _as_polars(array: Array, X: Any, names: list[str]) -> Any:
    return import_module("polars").DataFrame(array, schema=names, orient="row")


OUTPUTS: dict[str, Callable[[Array, Any, list[str]], Any]] = {
    "default": lambda array, X, names: array,
    "pandas": _as_pandas,
    "polars": _as_polars,
}
"""Name of an output format → function that converts an array to it."""


def check_output(output: str) -> str:
    """Return the name of an output format; raise ConfigError if `OUTPUTS` does not have it."""
    if output not in OUTPUTS:
        raise ConfigError(f"transform must be one of {', '.join(OUTPUTS)}; given: {output!r}.")
    return output


def framed(array: Array, X: Any, names: Sequence[str], output: str) -> Any:
    """Return the array unchanged or as a data frame; if `X` is a pandas data frame, the result has its index.

    Raises
    ------
    ConfigError
        If the package for the data frame is not installed.
    """
    try:
        return OUTPUTS[check_output(output)](array, X, [*names])
    except ModuleNotFoundError as error:
        raise ConfigError(f"set_output(transform={output!r}) needs {error.name}, which is not installed.") from error
