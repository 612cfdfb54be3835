"""Hydra's view of the registry: a config source in which every component is an option of its group.

A component's class is imported only when its config is loaded, so that listing a hundred costs nothing.
"""

from __future__ import annotations

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from gradmix.config.groups import kind_in, kinds_of
from gradmix.config.nodes import config_node
from gradmix.contracts.role import Role
from gradmix.registry.registry import registry

SCHEME = "gradmix"


class ComponentSource(ConfigSource):
    """Configs made from the registered components: ``clusterer/gmm``, ``dataset/old_faithful`` and so on."""

    @staticmethod
    def scheme() -> str:
        """Scheme of the source's address, ``gradmix://``."""
        return SCHEME

    def available(self) -> bool:
        """Report that the source is available: it needs no files."""
        return True

    def is_group(self, config_path: str) -> bool:
        """Whether components are chosen there."""
        return config_path == "" or bool(kinds_of(config_path))

    def is_config(self, config_path: str) -> bool:
        """Whether there is such a component."""
        group, _, name = config_path.removesuffix(".yaml").rpartition("/")
        return kind_in(group, name) is not None

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """List groups, or the components of one."""
        known = registry()
        if config_path == "":
            groups = [kind for kind, contract in known.kinds.items() if contract.role.has_group]
            return sorted(groups) if results_filter != ObjectType.CONFIG else []
        names = [name for kind in kinds_of(config_path) for name in known.names(kind)]
        return names if results_filter != ObjectType.GROUP else []

    def load_config(self, config_path: str) -> ConfigResult:
        """Make the config of a component from its class."""
        group, _, name = config_path.removesuffix(".yaml").rpartition("/")
        kind = kind_in(group, name) or kinds_of(group)[0]
        component = registry().find(kind, name).load()
        return ConfigResult(
            provider=self.provider,
            path=f"{SCHEME}://{config_path}",
            config=OmegaConf.create(config_node(name, component)),
            header={"package": _package(component.role, group, name)},
        )


def _package(role: Role, group: str, name: str) -> str | None:
    """Where a component's node is in the config; None for the place of its group."""
    if role is Role.TASK:
        return "_global_"
    return f"{group}.{name}" if role.has_several else None


class ComponentSearchPath(SearchPathPlugin):
    """Puts the component source on the search path; registered by the command line only, for gradmix's own runs."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append the source."""
        search_path.append(provider=SCHEME, path=f"{SCHEME}://")
