"""Remaking: a run is built again from its journal, with the installed components."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gradmix.config.files import leaves
from gradmix.config.spec import RunSpec, read_spec
from gradmix.contracts.errors import ConfigError, GradmixError, StorageError, UnknownNameError, did_you_mean
from gradmix.contracts.secrets import is_masked
from gradmix.journal.reading import Run
from gradmix.registry.choice import chosen
from gradmix.runs.reproduction import Reproduction, changed_content

_FINGERPRINT = re.compile(r"[0-9a-f]{16,}")
"""Pattern of a file's fingerprint in `Component.content`; an entry for a version has several words."""


def remade(run: Run, given: Mapping[str, Any]) -> RunSpec:
    """Build the run that a journal describes from the installed components.

    `given` replaces options, by path. It may contain limits on the new run (``limits.seconds``).

    Raises
    ------
    GradmixError
        If the run cannot be built: a plugin is missing, its data have changed, or a secret has to be given again.
    """
    if run.kind == "sweep":
        raise ConfigError(f"a sweep is reproduced job by job, such as {run.folder.name}/1.")
    if run.status not in ("finished", "failed"):
        raise StorageError(f"there is no result of {run.folder} to compare with: its status is {run.status}.")
    limits = {path.removeprefix("limits."): value for path, value in given.items() if path.startswith("limits.")}
    options = {path: value for path, value in given.items() if not path.startswith("limits.")}
    config = _with_given(run.require("config"), options)
    if unknown := [".".join(path) for path, value in leaves(config) if is_masked(value)]:
        raise ConfigError(
            f"{unknown[0]} is a secret, which no journal records; give it again: '{unknown[0]}=…' on the command line."
        )
    threads = run.started.get("environment", {}).get("threads")
    own = {
        "name": run.require("name"),
        "tracking": {"uri": None},
        "pictures": False,
        "timing": {"repeats": 0},
        "limits": {**({"threads": threads} if isinstance(threads, int) else {}), **limits},
    }
    try:
        spec = read_spec({**config, **own})
        spec.task.check()
        spec.task.preflight()
        content = spec.content
    except GradmixError as error:
        raise ConfigError(f"{run.folder} cannot be run again: {error}{_missing(run, str(error))}") from error
    if any(_FINGERPRINT.fullmatch(before) for before, _ in changed_content(run, content)):
        files = ", ".join(f"{path}={value}" for path, value in spec.params.items() if _is_file(value))
        raise StorageError(
            f"{run.folder} cannot be run again: the content of its data or source files has changed since"
            f"{f' ({files})' if files else ''}."
        )
    return spec


def check_same_data(reproduction: Reproduction) -> None:
    """Check that both runs worked on the same data; raises `StorageError` if they did not."""
    was, now = (
        {each["name"]: each["digest"] for each in _inputs(run)} for run in (reproduction.before, reproduction.after)
    )
    changed = [name for name in was if name in now and was[name] != now[name]]
    if changed:
        raise StorageError(
            f"{reproduction.before.folder} cannot be reproduced: its data {', '.join(changed)} have changed since "
            f"(fingerprint {was[changed[0]]}, now {now[changed[0]]})."
        )


def _inputs(run: Run) -> Sequence[Mapping[str, Any]]:
    results = run.events_named("result")
    return results[-1].get("inputs", []) if results else []


def _with_given(config: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config with some options replaced; `UnknownNameError` if it lacks one of them."""
    known = [".".join(path) for path, _ in leaves(config)]
    changed: dict[str, Any] = json.loads(json.dumps(config))
    for path, value in given.items():
        if path not in known:
            raise UnknownNameError(f"the run has no option {path}.{did_you_mean(path, known)}")
        *parents, last = path.split(".")
        node = changed
        for parent in parents:
            node = node[parent]
        node[last] = value
    return changed


def _missing(run: Run, told: str) -> str:
    """Return a sentence on the first plugin of a run that is not there, unless `told` names it; empty if none is."""
    here = {plugin.distribution for plugin in chosen().plugins()}
    identities = {str(each) for each in run.started.get("plugins", {}).values()}
    for identity in sorted(identities):
        name, _, rest = identity.partition(" ")
        if name in here or name in told:
            continue
        if name.endswith(".py"):
            return f" It used the plugin file {name}; give it with 'plugins.files=[{name}]'."
        try:
            version(name)
        except PackageNotFoundError:
            return f" It used {name} {rest.partition(' ')[0]}, which is not installed."
        except ValueError:
            continue
    return ""


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and Path(value.partition(":")[0]).is_file()
