"""Config files: find gradmix's own, and read a file with errors that name it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from gradmix.contracts.errors import ConfigError
from gradmix.contracts.files import regular_file

if TYPE_CHECKING:
    from omegaconf import DictConfig

OWN_FOLDER = "configs"
"""The folder in which the user's own configs are found without ``--config-dir``."""

_MOST_CHARACTERS = 1 << 18
_MOST_ALIASES = 20
"""Limit of YAML aliases. Nested aliases multiply their content, so that many of them could make a small file huge."""
_MOST_SHOWN = 200


def config_folder() -> Path:
    """Return the folder of gradmix's own configs: inside the installed package, or at the top of a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "configs"
    return installed if installed.is_dir() else package.parent.parent / "configs"


def own_folder() -> str | None:
    """Return ``configs`` if the working folder has such a folder and it is not gradmix's own, else None."""
    own = Path(OWN_FOLDER)
    return OWN_FOLDER if own.is_dir() and not own.samefile(config_folder()) else None


def read_config(file: Path) -> Mapping[str, Any]:
    """Read a config file as plain values, with interpolations as strings; raise as `parse_file`."""
    return plain_content(parse_file(file)[1])


def plain_content(config: DictConfig) -> dict[str, Any]:
    """Return a parsed file as plain values, with interpolations as strings."""
    from omegaconf import OmegaConf

    return {str(key): value for key, value in cast("dict[Any, Any]", OmegaConf.to_container(config)).items()}


def parse_file(file: Path) -> tuple[str, DictConfig]:
    """Read and parse a config file as Hydra does; return its text and its content.

    Raises ConfigError if the file cannot be read or is not a mapping.
    """
    import yaml
    from omegaconf import DictConfig, OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        text = regular_file(file).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: it is not UTF-8 (byte {error.start}); save it as UTF-8.") from error
    except OSError as error:
        raise ConfigError(f"{file}: it cannot be read: {error.strerror}.") from error
    if len(text) > _MOST_CHARACTERS:
        raise ConfigError(f"{file}: a config file has at most {_MOST_CHARACTERS} characters; this one: {len(text)}.")
    try:
        if "&" in text and sum(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)) > _MOST_ALIASES:
            raise ConfigError(f"{file}: a config file has at most {_MOST_ALIASES} aliases; write them out.")
        content = OmegaConf.load(StringIO(text))
    except RecursionError as error:
        raise ConfigError(f"{file}: its values are nested too deeply.") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: it is not valid YAML: {' '.join(str(error).split())[:_MOST_SHOWN]}.") from error
    except (OmegaConfBaseException, ValueError) as error:
        raise ConfigError(f"{file}: {str(error).splitlines()[0][:_MOST_SHOWN]}") from error
    except OSError as error:  # OmegaConf raises it for content that is not a mapping
        raise ConfigError(f"{file}: a config file must be a mapping of keys to values.") from error
    if len(content) == 1 and isinstance(yaml.compose(text, yaml.SafeLoader), yaml.ScalarNode):  # parsed as a key
        raise ConfigError(f"{file}: a config file must be a mapping of keys to values, not a string.")
    if not isinstance(content, DictConfig):
        raise ConfigError(f"{file}: a config file must be a mapping of keys to values, not a list.")
    return text, content


_UNTRUSTED: dict[str, Mapping[str, Any]] = {}
"""Path of each untrusted config file → its content when it was last read; only messages use it."""


def remember(file: Path, content: Mapping[str, Any]) -> None:
    """Store the content of an untrusted file, so that `files_that_say` can name the file."""
    _UNTRUSTED[str(file)] = content


def files_that_say(key: str, value: Any) -> list[str]:
    """Return the untrusted files read so far that set a key to this value, the newest first.

    If no file sets this value, return the files that set the key to any value.
    """
    wanted = list(value) if isinstance(value, tuple) else value
    said = {
        file: [given for path, given in leaves(content) if path[-1:] and path[-1].rpartition(".")[2] == key]
        for file, content in _UNTRUSTED.items()
    }
    exact = [file for file, values in said.items() if wanted in values]
    return [*reversed(exact or [file for file, values in said.items() if values])]


def files_of_group(group: str) -> list[str]:
    """Return the untrusted files read so far from the folder of a config group, the newest first."""
    return [file for file in reversed(_UNTRUSTED) if Path(file).parent.name == group]


def leaves(node: Any, into_lists: bool = False, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every leaf of nested mappings with its path; `into_lists` descends into lists, too."""
    children = (
        node if isinstance(node, Mapping) else dict(enumerate(node)) if into_lists and isinstance(node, list) else {}
    )
    for key, value in children.items():
        yield from leaves(value, into_lists, (*path, str(key)))
    if not children:
        yield path, node
