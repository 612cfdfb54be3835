"""Check the origin of values that a stranger must not set, such as code to run or an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from gradmix.config.files import files_that_say
from gradmix.config.groups import parse
from gradmix.config.spec import RunSpec
from gradmix.config.user_file import trusted_values, user_file
from gradmix.contracts.errors import ConfigError
from gradmix.contracts.options import options_of


def check_trust(spec: RunSpec, typed: Sequence[str]) -> None:
    """Check that the user has set every option that runs code or names an address.

    The user sets such an option on the command line, in the environment or in the user's own file; other config files
    may not set it. `typed` are the overrides of the command line; in a sweep, an override may have several values.
    Raises ConfigError, which names the first option whose value comes from elsewhere, and says what to type.
    """
    settings = spec.settings
    sections = {"": settings, "tracking.": settings.tracking, "plugins.": settings.plugins}
    of_settings = [
        (where + option.name, option, getattr(section, option.name))
        for where, section in sections.items()
        for option in options_of(type(section))
    ]
    for path, option, value in (*of_settings, *spec.options):
        danger = option.danger
        if danger is None or value == option.default or value in trusted_values(path, settings.runs_dir):
            continue
        if {path, spec.aliases.get(path)}.isdisjoint(_named(tuple(typed))):
            shown = "…" if danger.is_secret else f"[{','.join(value)}]" if isinstance(value, tuple) else value
            files = files_that_say(path.rpartition(".")[2], value)
            source = f" ({files[0]} does)" if files else ""
            raise ConfigError(
                f"{path}: {shown!r} {danger.does}, but you did not set it{source}. If this is intended, add "
                f"'{path}={shown}' to the command line, or write it into your own file {user_file()}."
            )


@lru_cache
def _named(overrides: tuple[str, ...]) -> set[str]:
    """Return the paths of the values that overrides set, including values inside mappings."""
    parsed = parse(overrides)
    inside = [
        f"{each.key_or_group}.{key}"
        for each in parsed
        if not each.is_sweep_override() and isinstance(value := each.value(), Mapping)
        for key in value
    ]
    return {*inside, *(each.key_or_group for each in parsed)}
