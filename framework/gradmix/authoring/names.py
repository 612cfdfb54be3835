"""A new component's name: what it may be, and what is made of it."""

from __future__ import annotations

import keyword
import re
import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import cast

from gradmix.config.build import build
from gradmix.contracts.errors import ConfigError, GradmixError, PluginError, UnknownNameError
from gradmix.contracts.meaning import RESERVED
from gradmix.contracts.metric import Metric
from gradmix.contracts.task import Task
from gradmix.registry.loading import NOT_NAMES, in_snake_case
from gradmix.registry.registry import registry

_LONGEST = 50
"""Letters of a name: files and distributions are called after it."""

_GROUPS = frozenset({"experiment", "gradmix", "hydra", "plugins", "tracking"})
"""Names that are not kinds and mean something else in a config or on the command line."""


def class_name(name: str) -> str:
    """A class's name for a component's.

    >>> class_name("nearest_mean"), class_name("x_y")
    ('NearestMean', 'X_Y')
    """
    words = [word.capitalize() for word in name.split("_")]
    joined = "".join(words)
    return joined if in_snake_case(joined) == name else "_".join(words)  # by which a file's component is named


def check_name(kind: str, name: str) -> None:
    """Check that a new component of a kind may have a name, and its module, too.

    Raises
    ------
    ConfigError
        Says why not, and which name would do.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or len(name) > _LONGEST:
        raise ConfigError(
            f"{name!r} cannot be a name: at most {_LONGEST} small letters and digits, words joined by _, "
            f"a letter first.{_near(name)}"
        )
    reason = _is_a_word(name) or _is_a_metric(kind, name) or _is_offered(kind, name) or _is_a_module(name)
    if reason:
        raise ConfigError(f"{name!r} {reason}; choose another name, such as my_{name}.")


def _near(name: str) -> str:
    """A name that would do, as a phrase; empty if nothing of what was given is left."""
    words = re.sub(r"[^a-z0-9]+", "_", in_snake_case(name).encode("ascii", "ignore").decode()).strip("_")
    near = words.lstrip("0123456789_")[:_LONGEST]
    return f" Did you mean {near}?" if near else ""


def _is_a_word(name: str) -> str:
    if keyword.iskeyword(name):
        return "is a word of Python's own"
    if name in NOT_NAMES or name in ("on", "off", "yes", "no", "y", "n"):
        return "would be taken for a value by an override or a config file"
    return "is the name of a config group, or of gradmix's own" if name in _GROUPS or name in registry().kinds else ""


def _is_a_metric(kind: str, name: str) -> str:
    return "is what gradmix or a task calls a metric" if kind == Metric.kind and name in _metrics_of_tasks() else ""


def _metrics_of_tasks() -> set[str]:
    """Names of metrics that runs have without asking: gradmix's own, and what tasks with default parts declare."""
    names = set(RESERVED)
    for task in registry():
        if task.kind == Task.kind:
            with suppress(GradmixError):  # a broken plugin, or a task with options that must be given
                default = cast("Task", build(Task.kind, task.qualified).component)
                names |= {each.name for each in default.metrics()}
    return names


def _is_offered(kind: str, name: str) -> str:
    try:
        plugin = registry().find(kind, name).plugin
    except UnknownNameError:
        return ""
    except PluginError as error:
        return f"is taken: {error}"
    return f"is taken: {plugin.distribution} {plugin.version} has {kind}={name}"


def _is_a_module(name: str) -> str:
    """A module that the plugin's own would hide, or be hidden by; a mere folder is none."""
    if name in sys.stdlib_module_names:
        return f"is a module of Python's own, which {name}.py would hide"
    spec = find_spec(name)
    return "" if spec is None or spec.origin is None else f"is the name of an installed module ({spec.origin})"
