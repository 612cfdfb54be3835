"""Reword errors of Hydra and OmegaConf: name the option, the given value, the allowed values and the nearest name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException, ValidationError
from yaml import YAMLError

from gradmix.config.aliases import component_at
from gradmix.config.build import unknown_option
from gradmix.config.files import OWN_FOLDER
from gradmix.config.groups import has_several, kinds_of
from gradmix.config.source import requested
from gradmix.contracts.errors import ConfigError, GradmixError, UnknownNameError, did_you_mean, listing
from gradmix.registry.registry import registry


@contextmanager
def explained() -> Iterator[None]:
    """Turn errors of Hydra and OmegaConf within the context into a `ConfigError`."""
    try:
        yield
    except GradmixError:
        raise
    except (HydraException, OmegaConfBaseException, YAMLError, ValueError) as error:
        raise explain(error) from None


def explain(error: Exception) -> GradmixError:
    """Reword one error; if its cause is an error of gradmix, return the cause unchanged."""
    if isinstance(error.__cause__, GradmixError):
        return error.__cause__
    if isinstance(error, MissingConfigException):
        return _unknown_choice(error)
    if isinstance(error, YAMLError):
        return ConfigError(f"a config file is not valid YAML: {' '.join(str(error).split())}.")
    if isinstance(error, OverrideParseException):
        key, _, value = str(error.override).partition("=")
        right = f"Quote the value: '{key}=\"{value}\"'" if re.search("[=:?&]", value) else "Write key=value"
        return ConfigError(f"cannot read the override {error.override!r}: {_first_line(error)}. {right}.")
    if isinstance(error, ConfigCompositionException):
        return _composition(error)
    if "Config group override must be a string or a list" in str(error):
        return ConfigError(
            "an override of a group must be a name or a list of names; [] chooses none, as in events=[]."
        )
    return ConfigError(_first_line(error))


def _unknown_choice(error: MissingConfigException) -> ConfigError:
    missing = error.missing_cfg_file or ""
    group, _, name = missing.rpartition("/")
    if kinds := kinds_of(group):
        unknown, hint = registry().unknown(kinds[0], name), _how_to_find(group, name)
        return UnknownNameError(f"{unknown} {hint}") if hint else unknown
    group, _, name = missing.partition("/") if "/" in missing else ("", "", missing)
    options = list(error.options or [])
    there_are = f" There are: {listing(options)}." if options else ""
    what = f"{group}={name}" if group else name
    problem = f"there is no config {what}."
    if hint := _how_to_find(group, name):
        return UnknownNameError(f"{problem} {hint}")
    return UnknownNameError(f"{problem}{did_you_mean(Path(name).stem, options)}{there_are}")


def _how_to_find(group: str, name: str) -> str:
    """Return what to type to use a local config file, given by name (``mine``) or path; empty if there is no file."""
    typed = Path(name if name.endswith(".yaml") else f"{name}.yaml")
    is_name = re.fullmatch(r"[\w-]+(\.yaml)?", name) is not None
    found = [*sorted(Path().glob(f"*/{group}/{typed.name}")), typed] if is_name else [typed]
    file = next((each for each in found if each.is_file()), None)
    if not group or file is None:
        return ""
    if file.parent.name != group:
        return (
            f"A config of the group {group} must be in a folder of that name, in your config folder: "
            f"move {file} to {OWN_FOLDER}/{group}/{file.name}, and type {group}={file.stem}."
        )
    folder = file.parents[1]
    used = requested.get().config_dir
    is_used = used is not None and folder.is_dir() and Path(used).is_dir() and folder.samefile(used)
    return f"To use {file}, type {'' if is_used else f'--config-dir={folder} '}{group}={file.stem}"


def _composition(error: ConfigCompositionException) -> ConfigError:
    text, cause = str(error), error.__cause__
    if "No match in the defaults list" in text:
        containing = re.match(r"In '([^']+)': ", text)  # the config file that has the override
        file, text = (f"{containing[1]}: ", text[containing.end() :]) if containing else ("", text)
        return _no_match(_quoted(text), "delete" in text, file)
    if isinstance(cause, ValidationError):  # an option of a typed config, such as a launcher's
        return ConfigError(f"{cause.full_key}: {_first_line(cause)}.")
    if isinstance(cause, OmegaConfBaseException) and isinstance(cause.parent_node, DictConfig):
        return _unknown_option(_quoted(text), cause.parent_node)
    ambiguous = re.match(r"Ambiguous value for argument '(.+?)=(.+)'|Sweep parameters '(.+?)=(.+)' requires", text)
    if ambiguous:
        key, values = (each for each in ambiguous.groups() if each)
        return ConfigError(
            f"{key}={values} lists several values. To try each, run a sweep: gradmix run -m {key}={values}. "
            f"To give one list, write '{key}=[{values}]'."
        )
    if cause is not None and not text:
        return ConfigError(_first_line(cause))
    return ConfigError(" ".join(text.split()))


def _no_match(group: str, is_removed: bool, file: str) -> ConfigError:
    """Return the error for an override of a group that is not in the config's defaults list."""
    known, (holder, _, name) = registry().kinds, group.rpartition("/")
    if has_several(group) and is_removed:
        return ConfigError(f"nothing to remove: no {group} is selected.")
    if has_several(group):
        problem = f"{group}=… does not apply: the config's defaults list has no `- {group}: []`. Add it."
    elif not kinds_of(group):
        problem = f"there is no group {group}.{did_you_mean(group, known)} Groups: {listing(known)}."
    elif holder:
        problem = f"{group.replace('/', '.')}=… does not apply: the chosen {holder} has no {name}."
    else:
        problem = (
            f"{group}=… does not apply: this task has no {group}. "
            "Choose a task that has one, such as task=cluster, task=differentiate or task=solve."
        )
    return UnknownNameError(f"{file}{problem}")


def _unknown_option(path: str, node: DictConfig) -> ConfigError:
    if has_several(path):
        return ConfigError(f"{path} is chosen by name: {path}=[NAME,…], or {path}=NAME.")
    kind, _, rest = path.partition(".")
    name = rest.partition(".")[0]
    if has_several(kind) and name and node._key() in (None, kind):
        if name in registry().names(kind):
            return ConfigError(f"{path}: {name} is not chosen. Choose it by {kind}=[{name}].")
        return UnknownNameError(f"{path}: {registry().unknown(kind, name)}")
    place = str(node._get_full_key(None))
    n_parts = len(place.split(".")) if place else 0
    path = ".".join(path.split(".")[: 1 + n_parts])  # keep the path only up to its first unknown part
    known = [str(key) for key in node if key not in ("hydra", "name" if node._key() is not None else "")]
    parent, chosen = path.rpartition(".")[0], node.get("name")
    has_own_name = parent.rpartition(".")[2] != chosen  # events.patience ends with the name already
    owner = f"{parent} {chosen}" if parent and "name" in node and has_own_name else parent or "a run"
    component = component_at(tuple(parent.split(".")), chosen)
    return UnknownNameError(unknown_option(path, owner, known, component))


def _quoted(text: str) -> str:
    match = re.search(r"'([^']+)'", text)
    return match[1] if match else ""


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__
