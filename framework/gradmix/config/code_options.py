"""Options that a stranger must not set, such as code to run: they come from the command line, never from a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gradmix.config.spec import RunSpec
from gradmix.contracts.errors import ConfigError
from gradmix.contracts.options import Danger, options_of
from gradmix.registry.choice import SECTION


def check_code_options(spec: RunSpec, overrides: Sequence[str]) -> None:
    """Check that what runs code, or sends something somewhere, was named by the user.

    Parameters
    ----------
    spec
        What is to be run.
    overrides
        The command line: ``["problem=python", "problem.path=my.py:f"]``, or a sweep's, with several values.

    Raises
    ------
    ConfigError
        Names the first option with such a mark that has a value of which the command line does not speak.
    """
    owners = {"task": spec.task, SECTION: spec.settings.plugins, **spec.chosen}
    given = [each for where, component in owners.items() for each in _dangerous(component, where)]
    named = _named(overrides) if given else set()
    for path, value, danger in given:
        if path not in named:
            shown = "…" if danger.is_secret else f"[{','.join(value)}]" if isinstance(value, tuple) else value
            raise ConfigError(
                f"{path}: {shown!r} {danger.does}, and was not given on this command line. "
                f"If you mean it, add {path}={shown}"
            )


def _dangerous(component: Any, where: str) -> Iterator[tuple[str, Any, Danger]]:
    """Path, value and danger of every option for the command line only that has a value of its own."""
    for option in options_of(type(component)):
        path = option.name if option.part and where == "task" else f"{where}.{option.name}"
        value = getattr(component, option.name)
        if option.part:
            yield from _dangerous(value, path)
        elif option.danger and value != option.default:
            yield path, value, option.danger


def _named(overrides: Sequence[str]) -> set[str]:
    """Paths of the values that overrides give."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return {each.key_or_group for each in OverridesParser.create().parse_overrides(list(overrides))}
