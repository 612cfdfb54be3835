"""From a component's dataclass to its config node: defaults as plain values, parts as config groups."""

from __future__ import annotations

from typing import Any

from gradmix.contracts.component import Component
from gradmix.contracts.options import Option, options_of
from gradmix.contracts.role import Role


def config_node(name: str, component: type[Component]) -> dict[str, Any]:
    """The Hydra config of a component: its name, its options at their defaults, and a defaults list of its parts.

    Each part is chosen from the group of its field's name: a task's at the top of the config, those of others inside
    their own group and node.
    """
    options = options_of(component)
    is_task = component.role is Role.TASK
    parts = [{f"/{option.name}" if is_task else option.name: option.default} for option in options if option.part]
    values = {"name": name} | {option.name: plain_default(option) for option in options if not option.part}
    return {"defaults": [*parts, "_self_"], **({component.kind: values} if is_task else values)}


def plain_default(option: Option) -> Any:
    """An option's default as YAML has it; ``???`` where a value must be given, ``${seed}`` for a seed left open."""
    if option.required:
        return "???"
    if option.is_seed and option.default is None:
        return "${seed}"
    return list(option.default) if isinstance(option.default, tuple) else option.default


def default_text(option: Option) -> str:
    """An option's default in words, as people read it."""
    default = plain_default(option)
    if option.required:
        return "(required)"
    if default == "${seed}":
        return "the run's seed"
    return "null" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
