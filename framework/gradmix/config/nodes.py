"""From a component's dataclass to its config node: defaults as plain values, parts as config groups."""

from __future__ import annotations

from typing import Any

from gradmix.contracts.component import Component
from gradmix.contracts.options import Option, options_of


def config_node(kind: str, name: str, component: type[Component]) -> dict[str, Any]:
    """The Hydra config of a component: its name, its options at their defaults, and a defaults list of its parts.

    A task's parts stand at the top of the config (``clusterer``, ``dataset``), those of others inside their node.
    """
    options = options_of(component)
    parts = [{f"/{_group(option)}": option.default} for option in options if option.part]
    values = {"name": name} | {option.name: plain_default(option) for option in options if not option.part}
    if kind == "task":
        return {"defaults": [*parts, "_self_"], kind: values}
    return {"defaults": [*parts, "_self_"], **values}


def _group(option: Option) -> str:
    return option.part or "" if option.part == option.name else f"{option.part}@{option.name}"


def plain_default(option: Option) -> Any:
    """An option's default as YAML has it; ``???`` where a value must be given, ``${seed}`` for a seed left open."""
    if option.required:
        return "???"
    if option.is_seed and option.default is None:
        return "${seed}"
    return list(option.default) if isinstance(option.default, tuple) else option.default
