"""Arguments of a sweep over components: an option that is given besides belongs to each of these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gradmix.config.groups import kinds_of

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override


def for_each_component(arguments: Sequence[str]) -> list[str]:
    """Make options of groups that are swept over part of the sweep.

    Hydra sets what is given once in the config of the sweep itself, which has the default component: an option that
    this one lacks would be refused.

    >>> for_each_component(["-m", "clusterer=kmeans,gmm", "clusterer.n_init=3", "seed=1"])
    ['-m', 'clusterer=kmeans,gmm', 'clusterer.n_init=choice(3)', 'seed=1']
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    overrides = [argument for argument in arguments if "=" in argument and not argument.startswith("-")]
    try:
        parsed = dict(zip(overrides, OverridesParser.create().parse_overrides(overrides), strict=True))
    except HydraException:
        return [*arguments]  # it will say itself what is wrong
    sweeps = [each.key_or_group for each in parsed.values() if each.is_sweep_override()]
    swept = [group.replace("/", ".") for group in sweeps if kinds_of(group)]
    return [
        _as_sweep(argument) if argument in parsed and _belongs(parsed[argument], swept) else argument
        for argument in arguments
    ]


def _belongs(override: Override, swept: Sequence[str]) -> bool:
    """Whether an override gives one value to an option of a group that is swept over."""
    from hydra.core.override_parser.types import OverrideType

    is_one_value = override.type == OverrideType.CHANGE and not override.is_sweep_override()
    return is_one_value and any(override.key_or_group.startswith(f"{group}.") for group in swept)


def _as_sweep(argument: str) -> str:
    key, _, value = argument.partition("=")
    return f"{key}=choice({value})"
