"""Which texts of a config file are harmless: ``${…}`` may read the config, and little else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from omegaconf.errors import GrammarParseError
from omegaconf.grammar_parser import parse

from gradmix.contracts.errors import listing

HARMLESS_RESOLVERS = frozenset({"hydra", "now", "oc.deprecated", "oc.select", "python_version"})
"""Resolvers that read the config, the clock or Python's version.

Those of OmegaConf's that are not here read the environment (``oc.env``) or make configs and interpolations out of texts
and keys (``oc.create``, ``oc.decode``, ``oc.dict.keys``, ``oc.dict.values``).
"""

_LOOSE_DOLLAR = re.compile(r"\\\$|\$(?![^\s$'\",})\]])")
r"""A ``$`` that is escaped, or that ends a literal."""


@cache
def problem_of(text: str) -> str:
    r"""Return what is wrong with a string that has a ``$``; an empty string if nothing is.

    What is put together of several texts may be read again (as a sweep's overrides are), and then ``\${x}`` would be an
    interpolation, and so would ``${dollar}{x}``. So a ``$`` stands before ``{``, or before what can never be one.

    Examples
    --------
    >>> problem_of("${runs_dir}/${now:%H}, $5 each")
    ''
    >>> problem_of("${oc.env:HOME}").partition(";")[0]
    "'${oc.env:HOME}' uses the resolver oc.env"
    """
    if text.endswith("$") or ("${" in text and _LOOSE_DOLLAR.search(text)):
        return f"the $ in {text!r} could become an interpolation"
    if "${" not in text:
        return ""
    try:
        unknown = {name for name in _resolvers(parse(text)) if name not in HARMLESS_RESOLVERS}
    except GrammarParseError:
        return f"{text!r} is not a valid interpolation"
    there_are = f"a config file may use {listing(HARMLESS_RESOLVERS)}"
    return f"{text!r} uses the resolver {listing(unknown)}; {there_are}" if unknown else ""


def _resolvers(tree: Any) -> Iterator[str]:
    """Names of the resolvers in what OmegaConf's grammar has parsed, nested ones too, as they are written."""
    if hasattr(tree, "resolverName"):
        yield tree.resolverName().getText()
    for child in getattr(tree, "children", None) or ():
        yield from _resolvers(child)
