"""Check the content of config files that are not trusted.

A file may set values and choose components. It may not import or call code, read environment variables, or change how
Hydra itself works. A file may come from a stranger, so only gradmix's own files and the user's own file are trusted.
The command line may set everything, since the user has typed it. `trust` checks options that run code or name an
address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from os import PathLike
from typing import Any

from gradmix.config.files import leaves
from gradmix.contracts.errors import ConfigError

_CALLS = frozenset({"_target_", "_args_", "_partial_", "_convert_", "_recursive_", "()"})
"""Keys that make Hydra or Python's logging call a function."""

_HARMLESS = re.compile(r"\$\{(?:[\w.\[\]-]+|(?:hydra|now|oc\.select|oc\.deprecated|python_version):[^${}\\]*)\}")
"""An interpolation that reads the config, the clock or Python's version."""

_LOOSE = re.compile(r"\\\$|\$(?=[{}$\\'\"]|$)")
r"""A ``$`` that could become an interpolation when strings are joined or parsed again (as ``\${x}`` is)."""

Allowed = Callable[[Any], bool]
Path = tuple[str, ...]


def _number(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float)


def _word(value: Any) -> bool:
    return _number(value) or (isinstance(value, str) and re.fullmatch(r"\w[\w.:-]*", value) is not None)


def _plain(value: Any) -> bool:
    return _number(value) or isinstance(value, str)


def _folder(value: Any) -> bool:
    return isinstance(value, str) and "$" not in value and "://" not in value.removeprefix("file://")


HYDRA_MAY: Mapping[Path, Allowed] = {
    ("mode",): _word,
    ("searchpath", "*"): _folder,
    ("help", "*"): _plain,
    ("sweeper", "params", "*"): _plain,
    ("sweeper", "params", "*", "*"): _plain,
    ("sweeper", "*"): _word,
    ("launcher", "*"): _number,
    **{("launcher", name): _word for name in ("backend", "prefer", "require", "batch_size")},
    **{("launcher", name): _word for name in ("partition", "qos", "account", "constraint", "gres")},
    **{("launcher", name): _word for name in ("mem_per_cpu", "mem_per_gpu")},
    ("launcher", "ray", "*", "*"): _number,
}
"""Path under ``hydra`` → the values that a file may set there; such values can become folders, commands and imports.

``*`` matches any single key. joblib evaluates some strings and SLURM passes them to a shell, so only numbers and single
words are allowed.
"""

MAY_CHOOSE: Mapping[str, frozenset[str]] = {
    "hydra/launcher": frozenset({"basic", "gradmix", "joblib", "ray", "submitit_local", "submitit_slurm"}),
    "hydra/sweeper": frozenset({"gradmix", "gradmix_optuna"}),
}
"""Hydra's groups → the options that a file may choose: they run jobs on this machine or where the user already can."""


def check_file(content: Mapping[str, Any], config_path: str, package: str | None, file: str) -> None:
    """Check the content of a config file: plain values, with interpolations as strings, and its defaults list.

    `config_path` is its path in the folder of configs (``experiment/mine``), `package` its ``@package`` header, and
    `file` its name for messages. Raises ConfigError, which names the file, the key and the problem, and says what would
    be right.
    """
    for path, value in leaves(content, into_lists=True):
        _check_calls(path, file)
        for key in path:
            if "$" in key:
                _refuse(file, path, f"the key {key!r} could become an interpolation")
        if isinstance(value, str | PathLike) and (problem := problem_of(str(value))):  # YAML has a tag for paths
            _refuse(file, path, problem)
    *groups, _ = config_path.split("/")
    _check_place(content, groups, package or "", file)
    own = {key: value for key, value in content.items() if key != "defaults"}
    if groups[:1] == ["hydra"]:
        check_hydra(own, tuple(groups[1:]), file)
    check_hydra(own.get("hydra", {}), (), file)


def check_hydra(content: Any, place: Path, file: str) -> None:
    """Check the settings of Hydra itself in a file; `place` is the path of `content` below ``hydra``."""
    for path, value in leaves(content, True, place):
        _check_calls(path, file)
        if value in ({}, []):
            continue
        fitting = [
            allowed
            for pattern, allowed in HYDRA_MAY.items()
            if len(pattern) == len(path) and all(part in ("*", key) for part, key in zip(pattern, path, strict=True))
        ]
        if not any(allowed(value) for allowed in fitting):
            _refuse(file, ("hydra", *path), f"{value!r} cannot be set by a config file")
        if path[:2] == ("sweeper", "params") and "hydra" in re.split(r"\W+", path[2]):
            _refuse(file, ("hydra", *path), "Hydra's own options cannot be swept over")


def _check_calls(path: Path, file: str) -> None:
    for key in _CALLS.intersection(path):
        _refuse(file, path, f"{key} calls a function, which a config file must not do")


def _check_place(content: Mapping[str, Any], groups: list[str], package: str, file: str) -> None:
    """Check that a file chooses only allowed options of Hydra, and that it moves no other content to ``hydra``."""
    is_hydras = groups[:1] == ["hydra"]
    if package and (is_hydras or "hydra" in package):
        _refuse(
            file, ("@package",), f"a header cannot place a file's content at {package}; write it below the key hydra"
        )
    defaults = content.get("defaults", [])
    for item in defaults if isinstance(defaults, list) else [defaults]:
        for key, chosen in item.items() if isinstance(item, Mapping) else [(None, item)]:
            group, at, target = str(chosen if key is None else key).partition("@")
            parts = group.split()[-1].strip("/").split("/") if group.split() else []
            names = chosen if isinstance(chosen, list) else [chosen]
            if key is None:
                *parts, name = parts or [""]
                names = [name]
            if is_hydras and (key is not None or parts):
                _refuse(file, ("defaults", str(item)), "a config of Hydra can take defaults only from its own group")
            if at and (is_hydras or "hydra" in target):
                _refuse(file, ("defaults", str(item)), f"a defaults list cannot place content at {target}")
            where = "/".join(groups if is_hydras else parts)
            if "hydra" not in where.split("/"):
                continue
            for name in names:
                if name not in (None, "_self_", *MAY_CHOOSE.get(where, ())):
                    raise ConfigError(
                        f"{file}: defaults: a config file cannot choose {where}={name}. "
                        "If this is intended, set it on the command line."
                    )


@cache
def problem_of(text: str) -> str:
    r"""Return what is wrong with the ``$`` in a string; empty if every ``$`` is harmless.

    Strings may be joined and parsed again, as a sweep's overrides are. Therefore the rest of the string, without its
    harmless interpolations, must not be able to become an interpolation.

    Examples
    --------
    >>> problem_of("${runs_dir}/${now:%H}, $5 each")
    ''
    >>> problem_of("${oc.env:HOME}").partition(";")[0]
    "'${oc.env:HOME}' is not a plain interpolation"
    """
    if "$" not in text or not _LOOSE.search(_HARMLESS.sub("}", text)):
        return ""
    return f"{text!r} is not a plain interpolation; a config file may use ${{key}}, ${{now:…}} and ${{hydra:…}}"


def _refuse(file: str, path: Path, problem: str) -> None:
    raise ConfigError(f"{file}: {'.'.join(path)}: {problem}. If this is intended, set it on the command line.")
