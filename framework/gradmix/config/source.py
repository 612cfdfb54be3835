"""Hydra's view of the registry: a config source in which every component is an option of its group.

A component's class is imported only when its config is loaded, so that listing a hundred costs nothing.
"""

from __future__ import annotations

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from gradmix.config.nodes import config_node
from gradmix.registry.kinds import KINDS
from gradmix.registry.registry import registry

SCHEME = "gradmix"


class ComponentSource(ConfigSource):
    """Configs made from the registered components: ``clusterer/gmm``, ``dataset/old_faithful`` and so on."""

    @staticmethod
    def scheme() -> str:
        """Scheme of the source's address, ``gradmix://``."""
        return SCHEME

    def available(self) -> bool:
        """Always."""
        return True

    def is_group(self, config_path: str) -> bool:
        """Whether there is such a kind of component."""
        return config_path in KINDS or config_path == ""

    def is_config(self, config_path: str) -> bool:
        """Whether there is such a component."""
        kind, _, name = config_path.removesuffix(".yaml").partition("/")
        return registry().has(kind, name)

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """List kinds, or the components of a kind."""
        groups = sorted(KINDS) if config_path == "" and results_filter != ObjectType.CONFIG else []
        return groups + (registry().names(config_path) if results_filter != ObjectType.GROUP else [])

    def load_config(self, config_path: str) -> ConfigResult:
        """Make the config of a component from its class."""
        kind, _, name = config_path.removesuffix(".yaml").partition("/")
        node = config_node(kind, name, registry().find(kind, name).load())
        package = "_global_" if kind == "task" else f"{kind}.{name}" if KINDS[kind].several else None
        return ConfigResult(
            provider=self.provider,
            path=f"{SCHEME}://{config_path}",
            config=OmegaConf.create(node),
            header={"package": package},
        )


class ComponentSearchPath(SearchPathPlugin):
    """Puts the component source on the search path; registered by the command line only, for gradmix's own runs."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append the source."""
        search_path.append(provider=SCHEME, path=f"{SCHEME}://")
