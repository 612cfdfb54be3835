"""Derivative rules that plugins add by the hook `gradmix_rules`, which is called when a rule is first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from gradmix.contracts.differentiator import Differentiator
from gradmix.contracts.errors import PluginError, listing
from gradmix.contracts.own_rules import FunctionWithRule
from gradmix.registry.containment import contained
from gradmix.registry.entry import describe_line
from gradmix.registry.loading import Found
from gradmix.registry.plugin import Plugin
from gradmix.registry.registry import Registry, registry


@dataclass(frozen=True)
class AddedRules:
    """The rules that one plugin adds."""

    plugin: Plugin
    rules: Mapping[Callable[..., Any], FunctionWithRule] = field(default_factory=dict)
    """Function → its rule."""
    reason: str = ""
    """Why the rules cannot be used; empty if they can."""


@cache
def rules_of(known: Registry) -> tuple[AddedRules, ...]:
    """Return the rules of every plugin that adds some; if its hook fails, it adds no rules but keeps its components."""
    return tuple(_collect(each) for each in known.found if "gradmix_rules" in each.hooks and not each.reason)


def _collect(found: Found) -> AddedRules:
    try:
        with contained(found.plugin.label):
            return AddedRules(found.plugin, _by_function(found.implementation.gradmix_rules()))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise SystemExit, too
        return AddedRules(found.plugin, reason=describe_line(error))


def _by_function(rules: Iterable[FunctionWithRule]) -> dict[Callable[..., Any], FunctionWithRule]:
    by_function: dict[Callable[..., Any], FunctionWithRule] = {}
    for rule in rules:
        if not isinstance(rule, FunctionWithRule):
            raise PluginError(f"gradmix_rules must return results of gradmix.with_rule; it returned {rule!r}")
        if by_function.setdefault(rule.f, rule) is not rule:
            raise PluginError(f"gradmix_rules returns two rules for {name_of(rule.f)}")
    return by_function


def name_of(function: Callable[..., Any]) -> str:
    """Return the name of a function for messages."""
    return str(getattr(function, "__name__", function))


def rule_of(function: Callable[..., Any]) -> FunctionWithRule | None:
    """Return the rule that a plugin adds for a function by `gradmix_rules`; None if there is none.

    Raises
    ------
    PluginError
        If several plugins have a rule for it.
    """
    having = [each for each in rules_of(registry()) if function in each.rules]
    if len(having) > 1:
        rivals = " and ".join(each.plugin.label for each in having)
        block = " or ".join(f"plugins.block=[{each.plugin.label}]" for each in having)
        raise PluginError(f"{name_of(function)} has derivative rules from {rivals}; block one of them: {block}.")
    return having[0].rules[function] if having else None


def unusable_rules() -> list[str]:
    """Return one sentence for each plugin whose rules cannot be used, with the reason."""
    return [
        f"The rules of {each.plugin.label} cannot be used: {each.reason.rstrip('.')}."
        for each in rules_of(registry())
        if each.reason
    ]


def problems_with_rules(known: Registry) -> Iterator[tuple[str, str]]:
    """Yield the label of a plugin and a problem with its rules, including conflicts with other rules."""
    added = rules_of(known)
    ruled = [each for each in _differentiators(known) if each.uses_rules] if added else []
    for each in added:
        label = each.plugin.label
        if each.reason:
            yield label, f"its derivative rules cannot be used: {each.reason}"
        for function in each.rules:
            rivals = [other.plugin.label for other in added if function in other.rules and other is not each]
            if rivals:
                yield label, f"its derivative rule for {name_of(function)} is also in {listing(rivals)}"
            if any(one.has_rule(function) for one in ruled):
                yield label, f"its derivative rule for {name_of(function)} is not used: gradmix has a built-in one"


def _differentiators(known: Registry) -> Iterator[type[Differentiator]]:
    for entry in known:
        if entry.kind == Differentiator.kind:
            try:
                yield cast("type[Differentiator]", entry.load())
            except PluginError:  # the list of components reports it
                continue
