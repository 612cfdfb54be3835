"""Hydra's view of the registry: a config source in which every component is an option of its group.

A component's class is imported only when its config is loaded, so that listing a hundred costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from gradmix.config.checked_files import address_of
from gradmix.config.groups import kind_in, kinds_of
from gradmix.config.nodes import config_node
from gradmix.config.user_file import default_options, default_settings, default_tracking
from gradmix.contracts.role import Role
from gradmix.registry.registry import registry

SCHEME = "gradmix"

_FROM_USER: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    "user_file": default_settings,
    "tracking/default": default_tracking,
}
"""Config that the user's own file makes → its content."""


@dataclass(frozen=True)
class Surroundings:
    """What the command line says of where configs come from.

    Parameters
    ----------
    config_dir
        A folder of configs besides gradmix's own.
    is_home_ours
        Whether the folder of the primary config is gradmix's own.
    chooses_launcher
        Whether a launcher is chosen there: then the options of another one, in the user's file, do not apply.
    """

    config_dir: str | None = None
    is_home_ours: bool = True
    chooses_launcher: bool = False


_surroundings: ContextVar[Surroundings | None] = ContextVar("gradmix_surroundings", default=None)


@contextmanager
def surrounded_by(surroundings: Surroundings) -> Iterator[None]:
    """Have Hydra's search path set up like this within the context; Hydra makes search paths without arguments."""
    token = _surroundings.set(surroundings)
    try:
        yield
    finally:
        _surroundings.reset(token)


class ComponentSource(ConfigSource):
    """Configs made from the registered components, ``clusterer/gmm`` and so on, and from the user's own file."""

    def __init__(self, provider: str, path: str) -> None:
        super().__init__(provider, path)
        self.surroundings = _surroundings.get() or Surroundings()

    @staticmethod
    def scheme() -> str:
        """Scheme of the source's address, ``gradmix://``."""
        return SCHEME

    def available(self) -> bool:
        """Report that the source is available: it needs no files."""
        return True

    def is_group(self, config_path: str) -> bool:
        """Whether components are chosen there, or the user's own file has an option."""
        return config_path in ("", "tracking") or bool(kinds_of(config_path))

    def is_config(self, config_path: str) -> bool:
        """Whether there is such a component."""
        path = config_path.removesuffix(".yaml")
        group, _, name = path.rpartition("/")
        return path in _FROM_USER or kind_in(group, name) is not None

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """List groups, or the components of one."""
        known = registry()
        if config_path == "":
            groups = [kind for kind, contract in known.kinds.items() if contract.role.has_group]
            return sorted(groups) if results_filter != ObjectType.CONFIG else []
        names = [name for kind in kinds_of(config_path) for name in known.names(kind)]
        names += ["default"] if config_path == "tracking" else []
        return names if results_filter != ObjectType.GROUP else []

    def load_config(self, config_path: str) -> ConfigResult:
        """Make the config of a component from its class, or of what the user's own file says."""
        path = config_path.removesuffix(".yaml")
        if path in _FROM_USER:
            return self._from_user(path)
        group, _, name = path.rpartition("/")
        kind = kind_in(group, name) or kinds_of(group)[0]
        component = registry().find(kind, name).load()
        return ConfigResult(
            provider=self.provider,
            path=f"{SCHEME}://{config_path}",
            config=OmegaConf.create({**config_node(name, component), **default_options(kind, name)}),
            header={"package": _package(component.role, group, name)},
        )

    def _from_user(self, path: str) -> ConfigResult:
        node, is_section = dict(_FROM_USER[path]()), "/" in path
        if self.surroundings.chooses_launcher and "hydra" in node:
            node["hydra"] = {key: value for key, value in node["hydra"].items() if key != "launcher"}
        header = {"package": None if is_section else "_global_"}
        return ConfigResult(self.provider, f"{SCHEME}://{path}", OmegaConf.create(node), header)


def _package(role: Role, group: str, name: str) -> str | None:
    """Where a component's node is in the config; None for the place of its group."""
    if role is Role.TASK:
        return "_global_"
    return f"{group}.{name}" if role.has_several else None


class ComponentSearchPath(SearchPathPlugin):
    """Puts the component source on the search path; registered by the command line only, for gradmix's own runs."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append the source, and have every folder checked but gradmix's own."""
        surroundings = _surroundings.get() or Surroundings()
        search_path.append(provider=SCHEME, path=f"{SCHEME}://")
        if surroundings.config_dir is not None:
            search_path.append(provider="command-line", path=address_of(surroundings.config_dir))
        for element in search_path.get_path():
            if element.provider == "main" and element.path is not None and not surroundings.is_home_ours:
                element.path = address_of(element.path)
