"""Options that name code to run: they are taken from the command line, never from a config file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gradmix.config.spec import RunSpec
from gradmix.contracts.component import Component
from gradmix.contracts.errors import ConfigError
from gradmix.contracts.options import options_of
from gradmix.registry.choice import SECTION


def check_code_options(spec: RunSpec, overrides: Sequence[str]) -> None:
    """Check that what runs code was named by the user.

    Parameters
    ----------
    spec
        What is to be run.
    overrides
        The command line: ``["problem=python", "problem.path=my.py:f"]``, or a sweep's, with several values.

    Raises
    ------
    ConfigError
        Names the first option marked `RunsCode` that has a value of which the command line does not speak.
    """
    chosen = {f"{SECTION}.{key}": names for key, names in vars(spec.settings.plugins).items() if names}
    given = {**dict(_code_options(spec.task, "task")), **chosen}
    named = _named(overrides) if given else set()
    for path, value in given.items():
        if path not in named:
            shown = f"[{','.join(value)}]" if isinstance(value, tuple) else value
            what = "says which plugins are loaded" if path in chosen else f"{value!r} is code to run"
            raise ConfigError(
                f"{path}: {what}, and was set in a config file. "
                f"If you mean it, give it on the command line: {path}={shown}"
            )


def _code_options(component: Component, where: str) -> Iterator[tuple[str, Any]]:
    """Path and value of every option that names code and has a value of its own."""
    for option in options_of(type(component)):
        path = option.name if option.part and where == "task" else f"{where}.{option.name}"
        value = getattr(component, option.name)
        if option.part:
            yield from _code_options(value, path)
        elif option.runs_code and value != option.default:
            yield path, value


def _named(overrides: Sequence[str]) -> set[str]:
    """Paths of the values that overrides give."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return {each.key_or_group for each in OverridesParser.create().parse_overrides(list(overrides))}
