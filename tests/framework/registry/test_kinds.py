"""Kinds of component that plugins add."""

import itertools
import types
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import pytest

import gradmix
from gradmix import Component, PluginError, Role
from gradmix.registry.plugin import Plugin
from gradmix.registry.registry import build_registry


class Integrator(Component, ABC):
    """Base of integrators."""

    kind: ClassVar[str] = "integrator"
    role: ClassVar[Role] = Role.ALGORITHM

    @abstractmethod
    def integrate(self): ...


@dataclass
class Midpoint(Integrator):
    """An integrator."""

    def integrate(self):
        return 0.0


class OtherIntegrator(Component):
    """Another plugin's idea of an integrator."""

    kind: ClassVar[str] = "integrator"
    role: ClassVar[Role] = Role.GIVEN


class Point:
    """An entry point of a distribution that is not installed."""

    def __init__(self, distribution, name, **hooks):
        self.name, self.module, self.attr = name, __name__, "Midpoint"
        self.dist = types.SimpleNamespace(
            metadata={"Name": distribution, "Version": "1"}, read_text=lambda file: None, requires=[]
        )
        self._hooks = hooks

    def load(self):
        found = types.ModuleType("made")
        for name, answer in self._hooks.items():
            setattr(found, name, gradmix.hookimpl(lambda answer=answer: answer))
        return found


def plugin(distribution, name="plugin", **hooks):
    return Plugin(Point(distribution, name, **hooks))


ADDS = plugin("adds", gradmix_kinds=[Integrator])
OFFERS = plugin("offers", gradmix_components={"integrator": {"midpoint": Midpoint}})
ONE_ENTRY = plugin("entry", "integrator.own")


@pytest.mark.parametrize("plugins", [*itertools.permutations([ADDS, OFFERS, ONE_ENTRY])])
def test_the_order_of_plugins_does_not_matter(plugins):
    found = build_registry(plugins)
    assert not found.failures
    assert found.names("integrator") == ["midpoint", "own"]
    assert found.find("integrator", "midpoint").load() is found.find("integrator", "own").load() is Midpoint
    assert found.kinds["integrator"] is Integrator


def test_without_the_plugin_that_adds_a_kind_its_components_are_failures():
    found = build_registry([OFFERS, ONE_ENTRY])
    assert len(found.failures) == 2
    assert all("unknown kind 'integrator'" in failure.reason for failure in found.failures)
    assert "integrator" not in found.kinds


def test_of_two_kinds_with_one_name_the_later_plugins_is_refused_and_ours_always_wins():
    late = plugin("zebra", gradmix_kinds=[OtherIntegrator], gradmix_components={"clusterer": {}})
    found = build_registry([late, ADDS])
    assert found.kinds["integrator"] is Integrator
    (failure,) = found.failures
    assert failure.plugin.distribution == "zebra"
    assert "'integrator'" in failure.reason
    own = plugin("gradmix", gradmix_kinds=[OtherIntegrator])
    assert build_registry([ADDS, own]).kinds["integrator"] is OtherIntegrator

    class Again(Component):
        """A second kind of clusterers."""

        kind: ClassVar[str] = "clusterer"
        role: ClassVar[Role] = Role.GIVEN

    (failure,) = build_registry([plugin("again", gradmix_kinds=[Again])]).failures
    assert "'clusterer'" in failure.reason


def made(**members):
    return type("Made", (Component,), members)


@pytest.mark.parametrize(
    ("kinds", "reason"),
    [
        ([3], "classes derived from gradmix.Component"),
        ([made(role=Role.GIVEN)], "must state its name"),
        ([made(kind="A kind", role=Role.GIVEN)], "must state its name"),
        ([made(kind="thing")], "must state its role"),
        ([made(kind="thing", role="given")], "must state its role"),
        ([made(kind="thing", role=Role.TASK)], "must state its role"),
        (["no_such_module:Kind"], "no_such_module"),
        (3, "not iterable"),
    ],
)
def test_a_kind_that_cannot_be_is_its_plugins_failure(kinds, reason):
    found = build_registry([plugin("wrong", gradmix_kinds=kinds), ADDS])
    (failure,) = found.failures
    assert failure.plugin.distribution == "wrong"
    assert reason in failure.reason


def test_a_component_keeps_the_contract_of_its_kind():
    @dataclass
    class Unfinished(Integrator):
        """Integrates nothing."""

    @dataclass
    class Stranger(gradmix.Metric):
        """Measures nothing."""

        def measure(self):
            return 0.0

    found = build_registry(
        [ADDS, plugin("wrong", gradmix_components={"integrator": {"unfinished": Unfinished, "stranger": Stranger}})]
    )
    with pytest.raises(PluginError, match="does not define integrate"):
        found.find("integrator", "unfinished").load()
    with pytest.raises(PluginError, match="it is a metric"):
        found.find("integrator", "stranger").load()
