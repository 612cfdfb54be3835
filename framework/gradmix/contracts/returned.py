"""Checks of values that components return: an error names the method, the expected value and the actual one."""

from __future__ import annotations

import math
import operator
import reprlib
from collections.abc import Callable, Mapping
from inspect import isgenerator, isroutine
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.errors import PluginError
from gradmix.contracts.iteration import Iteration, Objective
from gradmix.contracts.meaning import MEASURED, Meaning
from gradmix.contracts.model import Model
from gradmix.contracts.rows import Matrix
from gradmix.contracts.task import Input, Result


def unlike(method: str, expected: str, given: object, verb: str = "return", past: str = "returned") -> PluginError:
    """Return the error for a method, such as ``Mine.read``, that returned something other than expected."""
    return PluginError(f"{method} must {verb} {expected}; it {past} {described(given)}.")


def described(value: object) -> str:
    """Describe a value in a few words.

    >>> described(None), described((1.0, "a")), described(np.zeros((50, 1)))
    ('None', 'a tuple of float and str', 'an array of float64, shape (50, 1)')
    """
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return reprlib.repr(value)
    if isinstance(value, np.ndarray) and (value.ndim or value.dtype == object):
        return f"an array of {value.dtype}, shape {value.shape}"
    if isinstance(value, list | tuple) and 0 < len(value) <= 3:
        kinds = [type(each).__name__ for each in value]
        return f"a {type(value).__name__} of {' and '.join(kinds)}"
    if isinstance(value, list | tuple | dict | set):
        return f"a {type(value).__name__} of {len(value)}"
    if isgenerator(value):
        return "a generator"
    if isroutine(value):
        return "a function"
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def shape_of(value: Any) -> tuple[int, ...] | None:
    """Return the shape of numbers, traced or not; None if there is none, as for a list of parts of unequal lengths."""
    try:
        return tuple(np.shape(value))
    except (ValueError, TypeError):
        return None


def is_number(value: Any) -> bool:
    """Return whether a value is one real number, of Python, NumPy or another library."""
    if type(value) is float or type(value) is int:
        return True
    if isinstance(value, str | bytes | complex) or not hasattr(value, "__float__"):
        return False
    kind = getattr(getattr(value, "dtype", None), "kind", "f")
    return kind in "biuf" and getattr(value, "shape", ()) == ()


def check_metrics(method: str, metrics: object) -> None:
    """Check that a method's metrics are a mapping of names to numbers.

    Raises
    ------
    PluginError
        If they are not; the message names the first wrong one.
    """
    if not isinstance(metrics, Mapping):
        raise unlike(method, "metrics as a mapping of names to numbers", metrics, "give", "gave")
    for name, value in metrics.items():
        if not isinstance(name, str) or not name:
            raise PluginError(f"{method} must give its metrics names that are strings; one is {name!r}.")
        if not is_number(value):
            raise PluginError(f"{method} must give numbers as metrics; {name} is {described(value)}.")
        if name in MEASURED:
            raise PluginError(f"{method} must rename its metric {name}: gradmix measures a metric of that name.")


def check_iteration(method: str, iteration: Any) -> None:
    """Check a value that a method yields.

    Raises
    ------
    PluginError
        If it is not an `Iteration`, or if one of its fields has the wrong type.
    """
    if not isinstance(iteration, Iteration):
        raise unlike(method, "gradmix.Iteration", iteration, "yield", "yielded")
    check_metrics(method, iteration.metrics)
    if type(iteration.converged) is not bool and not is_number(iteration.converged):
        raise unlike(method, "True or False as converged", iteration.converged, "give", "gave")
    for name in ("start", "step", "collapsed"):
        if type(value := getattr(iteration, name)) is not int:
            check_integer(method, name, value)


def check_integer(method: str, name: str, value: Any) -> None:
    """Check that a method's value with a given name is an integer; raise `PluginError` if not."""
    try:
        operator.index(value)
    except TypeError:
        raise unlike(method, f"an integer as {name}", value, "give", "gave") from None


def check_result(method: str, result: Any) -> Result:
    """Check that a task's `run` returned a `Result` with fields of the right types; raise `PluginError` if not."""
    if not isinstance(result, Result):
        raise unlike(method, "a gradmix.Result", result)
    check_metrics(method, result.metrics)
    check_integer(method, "best_start", result.best_start)
    for name in ("answer", "remarks"):
        if not isinstance(value := getattr(result, name), Mapping):
            raise unlike(method, f"{name} as a mapping", value, "give", "gave")
    as_writers(f"{method}, as artifacts,", result.artifacts)
    for name, text in result.remarks.items():
        if not isinstance(text, str):
            raise unlike(method, f"the remark {name} as a string", text, "give", "gave")
    if not isinstance(result.inputs, tuple | list) or not all(isinstance(each, Input) for each in result.inputs):
        raise unlike(method, "inputs as a tuple of gradmix.Input", result.inputs, "give", "gave")
    return result


def check_meanings(owner: object, meanings: Any) -> None:
    """Check that a component's `metrics` returned a sequence of `Meaning`; raise `PluginError` if not."""
    if not isinstance(meanings, tuple | list) or not all(isinstance(each, Meaning) for each in meanings):
        raise unlike(f"{type(owner).__name__}.metrics", "a sequence of gradmix.Meaning", meanings)


def check_objective(where: str, objective: Any) -> None:
    """Check that a value is an `Objective`; raise `PluginError` if not."""
    if not isinstance(objective, Objective):
        raise PluginError(
            f"{where} must be a gradmix.Objective, such as gradmix.INERTIA; it is {described(objective)}."
        )


def as_writers(method: str, given: Any) -> Mapping[str, Callable[[Path], None]]:
    """Check that a method returned file name → function that writes the file; raise `PluginError` if not."""
    if not isinstance(given, Mapping):
        raise unlike(method, "a mapping of file names to functions that write them", given)
    for name, write in given.items():
        if not callable(write):
            raise unlike(method, f"a function of a path that writes {name}", write)
    return given


def groups_of(model: Model, X: Matrix) -> NDArray[np.intp]:
    """Return the group of each row, shape (n,), from the model's `predict`.

    Parameters
    ----------
    model
        The model.
    X
        Rows, shape (n, d).

    Raises
    ------
    PluginError
        If `predict` returns anything but one integer for each row.
    """
    return as_groups(f"{type(model).__name__}.predict", model.predict(X), len(X))


def as_groups(method: str, given: Any, n: int) -> NDArray[np.intp]:
    """Check that a method returned one integer for each of n rows; raise `PluginError` if not."""
    if shape_of(given) == (n,) and (groups := np.asarray(given)).dtype.kind in "iu":
        return groups.astype(np.intp, copy=False)
    found = described(np.asarray(given)) if shape_of(given) == (n,) else described(given)
    raise PluginError(f"{method} must return one integer for each row, shape ({n},); it returned {found}.")


def scores_of(model: Model, X: Matrix) -> Mapping[str, float]:
    """Return the model's `scores` of rows, by name.

    Parameters
    ----------
    model
        The model.
    X
        Rows, shape (n, d).

    Raises
    ------
    PluginError
        If `scores` returns anything but numbers by name.
    """
    scores = model.scores(X)
    check_metrics(f"{type(model).__name__}.scores", scores)
    return scores


def numbers_of_shape(
    method: str, what: str, given: Any, shape: tuple[int, ...], verb: str = "return"
) -> NDArray[np.float64]:
    """Check that a method returned real numbers of a given shape, and return them as an array of float64.

    Parameters
    ----------
    method
        The method, for the message: ``"Mine.exact"``.
    what
        The expected value in words: ``"the gradient"``.
    given
        The returned value.
    shape
        The shape that it must have.
    verb
        What the method does with it: ``"return"`` or ``"yield"``.

    Raises
    ------
    PluginError
        If it is anything else; the message describes the returned value.
    """
    if shape_of(given) == shape and (array := np.asarray(given)).dtype.kind in "biuf":
        return array.astype(np.float64, copy=False)
    size = f"shape {shape}" if shape else "one number"
    found = (
        described(np.asarray(given)) if math.prod(shape_of(given) or ()) and shape_of(given) != () else described(given)
    )
    raise PluginError(f"{method} must {verb} {what}, {size}; it {verb}ed {found}.")
