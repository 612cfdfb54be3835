"""Examine plugins: each is imported in a separate process, so that its problems are found and affect no other."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from gradmix.contracts.errors import NotInstalledError, PluginError, listing
from gradmix.contracts.option_values import adapter_of
from gradmix.contracts.options import options_of
from gradmix.registry.choice import chosen
from gradmix.registry.entry import Entry
from gradmix.registry.kinds import KINDS, unknown_kind
from gradmix.registry.loading import load, slowness
from gradmix.registry.originals import replaced
from gradmix.registry.plugin import Plugin
from gradmix.registry.registry import collisions, registry
from gradmix.registry.rules import problems_with_rules

MOST_SECONDS = 60.0
"""Time after which the examination of a plugin is abandoned."""


@dataclass(frozen=True)
class ExaminedComponent:
    """The result of examining a component; ``not installed`` means that a package is missing."""

    kind: str
    name: str
    status: Literal["ok", "not installed", "broken"] = "ok"
    reason: str = ""
    """Why it cannot be used."""
    fix: str = ""
    """The command that would solve the problem."""
    seconds: float = 0.0
    """Duration of its import, after that of the plugin."""


@dataclass(frozen=True)
class Examined:
    """The result of examining a plugin: what it offers, and its problems, each with what would help."""

    plugin: Plugin
    seconds: float = 0.0
    """Duration of its import, after that of gradmix and NumPy."""
    hooks: Sequence[str] = ()
    kinds: Sequence[str] = ()
    components: Sequence[ExaminedComponent] = ()
    problems: Sequence[str] = ()

    @property
    def is_sound(self) -> bool:
        """Whether the plugin has no problem; a package that is not installed is not a problem."""
        return not self.problems and all(each.status != "broken" for each in self.components)


def examine() -> list[Examined]:
    """Examine every plugin of this session, several at a time; none is loaded in this process."""
    plugins = sorted(chosen().plugins(), key=lambda plugin: plugin.label)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(_examine, plugins))
    offered = [Entry(own.kind, own.name, "", each.plugin) for each in found for own in each.components]
    known = [*KINDS, *(kind for each in found for kind in each.kinds)]
    rules = _examine_rules() if any("gradmix_rules" in each.hooks for each in found) else []
    return [
        replace(
            each,
            problems=[
                *each.problems,
                *_conflicts(each, offered, known),
                *(problem for label, problem in rules if label == each.plugin.label),
            ],
        )
        for each in found
    ]


def _conflicts(examined: Examined, offered: Sequence[Entry], known: Sequence[str]) -> Iterator[str]:
    """Yield the conflicts of a plugin with others; `offered` and `known` are the components and kinds of all."""
    yield from (problem for entry, problem in collisions(offered) if entry.plugin is examined.plugin)
    for kind in examined.kinds:
        if known.count(kind) > 1:
            yield f"the kind {kind!r} is also added by another plugin"
    for own in examined.components:
        if own.kind not in known:
            yield unknown_kind(own.kind, known)


def _examine(plugin: Plugin) -> Examined:
    """Examine a plugin in a separate process, since the plugin may end the process or never return."""
    try:
        found = _answer(plugin.label)
        return Examined(plugin, **found | {"components": [ExaminedComponent(**each) for each in found["components"]]})
    except (PluginError, TypeError) as error:
        return Examined(plugin, problems=[_or_leave_it_out(str(error), plugin)])


def _examine_rules() -> list[tuple[str, str]]:
    """Examine the derivative rules of all plugins together in one process; return pairs of plugin and problem.

    If a plugin cannot be imported or ends the process, that problem is reported already, and the list is empty.
    """
    try:
        return [(label, problem) for label, problem in _answer()]
    except (PluginError, TypeError, ValueError):
        return []


def _answer(*label: str) -> Any:
    """Run this module in another process and return its answer; `PluginError` if it ends or hangs before it answers."""
    command = [sys.executable, "-m", "gradmix.registry.examination", *label]
    try:
        child = subprocess.run(command, capture_output=True, text=True, timeout=MOST_SECONDS, check=False)
        return json.loads(child.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise PluginError(f"it takes more than {MOST_SECONDS:g} s to import") from None
    except (IndexError, ValueError):
        raise PluginError(f"importing it ended the interpreter (exit code {child.returncode})") from None


def _or_leave_it_out(failure: str, plugin: Plugin) -> str:
    return f"{failure.rstrip('.')}; or leave it out: plugins.block=[{plugin.label}]"


def main(label: str) -> dict[str, Any]:
    """Import one plugin and all components that it offers; return the fields of an `Examined`."""
    plugin = next(each for each in chosen().plugins() if each.label == label)
    before = _surroundings()
    sys.stderr = heard = io.StringIO()  # an import's standard output is redirected there, too
    found = load(plugin)
    components = [asdict(_component(entry)) for entry in found.entries]
    sys.stderr = sys.__stderr__
    after = _surroundings()
    problems = [_or_leave_it_out(found.reason, plugin)] if found.reason else []
    problems += [f"it changes {what} when it is imported" for what in before if before[what] != after[what]]
    if names := replaced():
        problems.append(f"it replaces {listing(names)} when it is imported, so that every run fails")
    if heard.getvalue().strip():
        problems.append("it prints or warns when it is imported")
    return {
        "seconds": found.seconds,
        "hooks": found.hooks,
        "kinds": [contract.kind for contract in found.kinds],
        "components": components,
        "problems": [*problems, *slowness(found.seconds)],
    }


def _component(entry: Entry) -> ExaminedComponent:
    """Load a component and return what was found."""
    begin = time.perf_counter()
    try:
        component = entry.load()
        for option in options_of(component):
            if option.part is None:
                adapter_of(option.type, f"{component.__name__}.{option.name}")
    except NotInstalledError as error:
        return ExaminedComponent(entry.kind, entry.name, "not installed", str(error), error.command)
    except PluginError as error:
        return ExaminedComponent(entry.kind, entry.name, "broken", str(error))
    return ExaminedComponent(entry.kind, entry.name, seconds=time.perf_counter() - begin)


def _surroundings() -> Mapping[str, Any]:
    """Return the state of the process that an import must not change."""
    state = np.random.get_state(legacy=False)  # noqa: NPY002  the global state is what an import could change
    return {
        "the number of threads": threading.active_count(),
        "the environment variables": dict(os.environ),
        "the global random numbers of Python": random.getstate(),
        "the global random numbers of NumPy": repr(state),
        "the warnings that are errors": [each for each in warnings.filters if each[0] == "error"],
    }


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # so that later output does not mix with the answer
    said = main(sys.argv[1]) if sys.argv[1:] else [*problems_with_rules(registry())]
    print(json.dumps(said), file=answers, flush=True)
    os._exit(0)  # a thread started by a plugin would keep the process alive
