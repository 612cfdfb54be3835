"""A new component's name: what it may be, and what is made of it."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from typing import cast

from gradmix.config.build import build
from gradmix.contracts.errors import ConfigError, GradmixError
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
    """Check that a new component of a kind may have a name, and its module, too; the error says which name would do."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or len(name) > _LONGEST:
        raise ConfigError(
            f"{name!r} cannot be a name: at most {_LONGEST} small letters and digits, words joined by _, "
            f"a letter first.{_near(name)}"
        )
    if reason := next(_objections(kind, name), ""):
        raise ConfigError(f"{name!r} {reason}; choose another name, such as my_{name}.")


def _near(name: str) -> str:
    """A name that would do, as a phrase; empty if nothing of what was given is left."""
    words = re.sub(r"[^a-z0-9]+", "_", in_snake_case(name).encode("ascii", "ignore").decode()).strip("_")
    near = words.lstrip("0123456789_")[:_LONGEST]
    return f" Did you mean {near}?" if near else ""


def _objections(kind: str, name: str) -> Iterator[str]:
    """Why a well-formed name is not free."""
    if keyword.iskeyword(name):
        yield "is a word of Python's own"
    if name in NOT_NAMES or name in ("on", "off", "yes", "no", "y", "n"):
        yield "would be taken for a value by an override or a config file"
    if name in _GROUPS or name in registry().kinds:
        yield "is the name of a config group, or of gradmix's own"
    if kind == Metric.kind:
        names = set(RESERVED)
        for task in (entry for entry in registry() if entry.kind == Task.kind):
            with suppress(GradmixError):  # a broken plugin, or a task with options that must be given
                default = cast("Task", build(Task.kind, task.qualified).component)
                names |= {each.name for each in default.metrics()}
        if name in names:
            yield "is what gradmix or a task calls a metric"
    for plugin in [entry.plugin for entry in registry().search(name) if entry.kind == kind]:
        yield f"is taken: {plugin.distribution} {plugin.version} has {kind}={name}"
    if name in sys.stdlib_module_names:
        yield f"is a module of Python's own, which {name}.py would hide"
    spec = find_spec(name)
    if spec is not None and spec.origin is not None:  # a mere folder has no origin
        yield f"is the name of an installed module ({spec.origin})"
