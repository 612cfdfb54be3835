"""A config source of Hydra that reads the registry: every component is an option of its group.

The class of a component is imported only when its config is loaded, so that listing components is cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from gradmix.config.aliases import reference_to
from gradmix.config.checked_files import address_of
from gradmix.config.groups import kind_in, kinds_of
from gradmix.config.user_file import default_options, default_settings, default_tracking
from gradmix.contracts.component import Component
from gradmix.contracts.options import aliases_of, options_of
from gradmix.contracts.role import Role
from gradmix.registry.registry import registry

SCHEME = "gradmix"

_FROM_USER: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    "user_file": default_settings,
    "tracking/default": default_tracking,
}
"""Configs that are made from the user's own file → their content."""


@dataclass(frozen=True)
class Request:
    """A request to compose a config."""

    overrides: tuple[str, ...] = ()
    is_sweep: bool = False
    """Whether the user requested a sweep; a config may request one, too."""
    config_name: str = "config"
    config_path: str | None = None
    """Folder of the primary config, if it is not gradmix's own."""
    config_dir: str | None = None
    """Additional folder of configs."""


requested: ContextVar[Request] = ContextVar("gradmix_request", default=Request())  # noqa: B039 (it is frozen)
"""The request in this context; a context variable, because Hydra makes search paths and sources without arguments."""


class ComponentSource(ConfigSource):
    """Configs made from the registered components, ``clusterer/gmm`` and so on, and from the user's own file."""

    @staticmethod
    def scheme() -> str:
        """Return the scheme of the source's address, ``gradmix://``."""
        return SCHEME

    def available(self) -> bool:
        """Return True: the source needs no files."""
        return True

    def is_group(self, config_path: str) -> bool:
        """Return whether the path is a group of components, or a group for which the user's own file has an option."""
        return config_path in ("", "tracking") or bool(kinds_of(config_path))

    def is_config(self, config_path: str) -> bool:
        """Return whether there is a component of this group and name."""
        path = config_path.removesuffix(".yaml")
        group, _, name = path.rpartition("/")
        return path in _FROM_USER or kind_in(group, name) is not None

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """List the groups, or the components of a group."""
        known = registry()
        if config_path == "":
            groups = [kind for kind, contract in known.kinds.items() if contract.role.has_group]
            return sorted(groups) if results_filter != ObjectType.CONFIG else []
        names = [name for kind in kinds_of(config_path) for name in known.names(kind)]
        names += ["default"] if config_path == "tracking" else []
        return names if results_filter != ObjectType.GROUP else []

    def load_config(self, config_path: str) -> ConfigResult:
        """Make a config from the class of a component or from the user's own file."""
        path = config_path.removesuffix(".yaml")
        group, _, name = path.rpartition("/")
        if path in _FROM_USER:
            node, package = dict(_FROM_USER[path]()), None if group else "_global_"
            is_launcher_typed = any(
                each.lstrip("+~").startswith("hydra/launcher") for each in requested.get().overrides
            )
            if "hydra" in node and is_launcher_typed:  # the options in the file belong to another launcher
                node["hydra"] = {key: value for key, value in node["hydra"].items() if key != "launcher"}
        else:
            kind = kind_in(group, name) or kinds_of(group)[0]
            component = registry().find(kind, name).load()
            node = {**config_node(name, component), **default_options(kind, name)}
            package = f"{group}.{name}" if component.role.has_several else None  # None: the place of the group
            package = "_global_" if component.role is Role.TASK else package
        return ConfigResult(self.provider, f"{SCHEME}://{path}", OmegaConf.create(node), {"package": package})


def config_node(name: str, component: type[Component]) -> dict[str, Any]:
    """Return the Hydra config of a component: its name, its options with defaults, and a defaults list of its parts.

    An alias refers to its option (``k: ${.n_components}``). Each part is chosen from the group named after its field.
    The parts of a task are at the top of the config; those of another component are inside its group and node.
    """
    options = options_of(component)
    is_task = component.role is Role.TASK
    parts = [{f"/{option.name}" if is_task else option.name: option.default} for option in options if option.part]
    values = {"name": name} | {option.name: option.default_in_config for option in options if not option.part}
    values |= {alias: reference_to(option) for alias, option in aliases_of(component).items()}
    return {"defaults": [*parts, "_self_"], **({component.kind: values} if is_task else values)}


class ComponentSearchPath(SearchPathPlugin):
    """Put the component source on the search path; only gradmix's command line registers this plugin."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append the source, and check every folder except gradmix's own."""
        request = requested.get()
        search_path.append(provider=SCHEME, path=f"{SCHEME}://")
        if request.config_dir is not None:
            search_path.append(provider="command-line", path=address_of(request.config_dir))
        for element in search_path.get_path():
            if element.provider == "main" and element.path is not None and request.config_path is not None:
                element.path = address_of(element.path)
