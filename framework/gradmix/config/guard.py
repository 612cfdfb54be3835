"""What a config file may say: values and choices, but nothing that imports, calls, reads the environment or leaves.

A file may come from a stranger, so none is trusted but gradmix's own and the user's own. Whatever a file may not say,
the command line can: then the user asked for it. Options that run code or name an address are the business of `trust`.
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
"""Keys by which Hydra and Python's logging know that something is to be called."""

_HARMLESS = re.compile(r"\$\{(?:[\w.\[\]-]+|(?:hydra|now|oc\.select|oc\.deprecated|python_version):[^${}\\]*)\}")
"""An interpolation that reads the config, the clock or Python's version."""

_LOOSE = re.compile(r"\\\$|\$(?=[{}$\\'\"]|$)")
r"""A ``$`` that could become an interpolation with what comes beside it or once it is read again (as ``\${x}`` is)."""

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
"""What a file may say under ``hydra``, where words become folders, commands and imports: path → allowed values.

``*`` is any one key. joblib evaluates some strings and SLURM gives them to a shell: only numbers and single words pass.
"""

MAY_CHOOSE: Mapping[str, frozenset[str]] = {
    "hydra/launcher": frozenset({"basic", "gradmix", "joblib", "ray", "submitit_local", "submitit_slurm"}),
    "hydra/sweeper": frozenset({"gradmix", "gradmix_optuna"}),
}
"""Group of Hydra's → the options that a file may choose: those that run jobs here, or where the user already can."""


def check_file(content: Mapping[str, Any], config_path: str, package: str | None, file: str) -> None:
    """Check what a config file says, as plain values with interpolations as strings and its defaults list.

    `config_path` is its path in the folder of configs (``experiment/mine``), `package` its ``@package`` header, `file`
    its name for messages. A ConfigError names file, key and what was found, and says what would be right.
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
    """Check what a file says of Hydra itself; `place` is the path of that content below ``hydra``."""
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
        _refuse(file, path, f"{key} names a function to call, which a config file cannot do")


def _check_place(content: Mapping[str, Any], groups: list[str], package: str, file: str) -> None:
    """Check that content comes to be where its file says: below ``hydra`` by that key or in a group of Hydra's."""
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
                _refuse(file, ("defaults", str(item)), "a config of Hydra's takes defaults from its own group only")
            if at and (is_hydras or "hydra" in target):
                _refuse(file, ("defaults", str(item)), f"a defaults list cannot place content at {target}")
            where = "/".join(groups if is_hydras else parts)
            if "hydra" not in where.split("/"):
                continue
            for name in names:
                if name not in (None, "_self_", *MAY_CHOOSE.get(where, ())):
                    raise ConfigError(
                        f"{file}: defaults: a config file cannot choose {where}={name}. "
                        "If you mean it, give it on the command line."
                    )


@cache
def problem_of(text: str) -> str:
    r"""Say which ``$`` of a string is not harmless; empty if all are.

    Strings may be put together and read again (as a sweep's overrides are), so what is left when harmless
    interpolations are taken away must not be able to become one.

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
    raise ConfigError(f"{file}: {'.'.join(path)}: {problem}. If you mean it, give it on the command line.")
