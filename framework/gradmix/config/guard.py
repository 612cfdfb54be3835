"""What may stand in a config file: values and choices; nothing that imports, runs or reads the environment.

A file may come from a stranger, so no file is trusted, not even ours. What it may not say can be said on the command
line: then somebody asked for it by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any

from gradmix.config.interpolation import problem_of
from gradmix.contracts.errors import ConfigError

_INSTANTIATED = frozenset({"_target_", "_args_", "_partial_", "_convert_", "_recursive_", "()"})
"""Keys by which Hydra and Python's logging know that something is to be called."""

Allowed = Callable[[Any], bool]
Path = tuple[str, ...]


def _nothing(value: Any) -> bool:
    return value is None


def _number(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float)


def _word(value: Any) -> bool:
    return _number(value) or (isinstance(value, str) and re.fullmatch(r"\w[\w.:-]*", value) is not None)


def _text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _plain(value: Any) -> bool:
    return _number(value) or _text(value)


def _folder(value: Any) -> bool:
    return isinstance(value, str) and "$" not in value and "://" not in value.removeprefix("file://")


_SLURM_WORDS = ("partition", "qos", "account", "constraint", "gres", "mem_per_cpu", "mem_per_gpu")
_RAY_NUMBERS = (
    *(("init", name) for name in ("num_cpus", "num_gpus", "object_store_memory")),
    *(("remote", name) for name in ("num_cpus", "num_gpus", "memory", "max_calls", "max_retries")),
)

HYDRA_MAY: Mapping[Path, Allowed] = {
    ("mode",): _word,
    ("searchpath", "*"): _folder,
    ("run", "dir"): _text,
    ("sweep", "dir"): _text,
    ("sweep", "subdir"): _text,
    ("output_subdir",): _nothing,  # Hydra would write its files there, over others
    ("job", "name"): _word,
    ("job", "chdir"): _number,
    ("verbose",): _number,
    ("help", "*"): _text,
    ("hydra_help", "*"): _text,
    ("sweeper", "params", "*"): _plain,
    ("sweeper", "params", "*", "*"): _plain,
    ("sweeper", "*"): _word,
    ("launcher", "*"): _number,
    **{("launcher", name): _word for name in ("backend", "prefer", "require", "batch_size", *_SLURM_WORDS)},
    **{("launcher", "ray", *path): _number for path in _RAY_NUMBERS},
}
"""What a file may say under ``hydra``, where words become folders, commands and imports: path → allowed values.

``*`` is any one key. A joblib launcher's texts are evaluated, a SLURM launcher's go to a shell: numbers may stand
there, and single words.
"""

MAY_BE_CHOSEN: Mapping[str, Sequence[str]] = {
    "launcher": (
        "hydra._internal.core_plugins.basic_launcher.",
        "hydra_plugins.gradmix_",
        "hydra_plugins.hydra_joblib_launcher.",
        "hydra_plugins.hydra_ray_launcher.ray_launcher.",
        "hydra_plugins.hydra_submitit_launcher.",
    ),
    "sweeper": ("hydra_plugins.gradmix_",),
}
"""How the classes begin of those launchers and sweepers that a file may choose."""


def check_content(content: Any, file: str) -> None:
    """Check what a config file says, wherever its content will stand.

    Parameters
    ----------
    content
        The file's content as plain values, interpolations as texts, the defaults list included.
    file
        Name of the file, for messages.

    Raises
    ------
    ConfigError
        Names file, key and what was found, and says what would be right.
    """
    for path, value in _leaves(content):
        for key in path:
            if key in _INSTANTIATED:
                _refuse(file, path, f"{key} names what is to be called, and a config file calls nothing")
            if "${" in key or key.endswith("$"):
                _refuse(file, path, f"the key {key!r} could become an interpolation")
        text = str(value) if isinstance(value, str | PathLike) else ""  # YAML has a tag for paths
        if "$" in text and (problem := problem_of(text)):
            _refuse(file, path, problem)
    check_hydra(content, file)


def check_hydra(content: Any, file: str) -> None:
    """Check what a config file says of Hydra itself, given its content where it will stand in the whole config.

    Raises
    ------
    ConfigError
        Names file, key and what was found, and says what would be right.
    """
    said = content.get("hydra", {}) if isinstance(content, Mapping) else {}
    for path, value in _leaves(said):
        if value == {} or value == []:
            continue
        if not any(allowed(value) for pattern, allowed in HYDRA_MAY.items() if _matches(pattern, path)):
            _refuse(file, ("hydra", *path), f"{value!r} is not for a config file to set")
        if path[:2] == ("sweeper", "params") and "hydra" in re.split(r"\W+", path[2]):
            _refuse(file, ("hydra", *path), "Hydra's own options cannot be swept over")


def check_choices(hydra: Mapping[str, Any], overrides: Sequence[str], kinds: Sequence[str]) -> None:
    """Check launcher and sweeper that were chosen, unless the overrides choose them.

    Parameters
    ----------
    hydra
        Kind → its config, composed.
    overrides
        What was given on the command line.
    kinds
        Which to look at: ``"launcher"``, ``"sweeper"``.

    Raises
    ------
    ConfigError
        If a file chose one that files may not choose.
    """
    for kind in kinds:
        target = str((hydra.get(kind) or {}).get("_target_", ""))
        asked = any(text.lstrip("+~").startswith((f"hydra/{kind}", f"hydra.{kind}")) for text in overrides)
        if target and not asked and not target.startswith(tuple(MAY_BE_CHOSEN[kind])):
            raise ConfigError(
                f"the {kind} {target} was chosen in a config file. If you mean it, choose it on the command line: "
                f"hydra/{kind}=…"
            )


def _leaves(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that holds no other, with its path."""
    if isinstance(node, Mapping) and node:
        for key, value in node.items():
            yield from _leaves(value, (*path, str(key)))
    elif isinstance(node, list) and node:
        for index, value in enumerate(node):
            yield from _leaves(value, (*path, str(index)))
    else:
        yield path, node


def _matches(pattern: Path, path: Path) -> bool:
    return len(pattern) == len(path) and all(part in ("*", key) for part, key in zip(pattern, path, strict=True))


def _refuse(file: str, path: Path, problem: str) -> None:
    raise ConfigError(f"{file}: {'.'.join(path)}: {problem}. If you mean it, give it on the command line.")
