import types
from dataclasses import dataclass

import pytest

import gradmix
from gradmix import PluginError, UnknownNameError
from gradmix.registry.plugin import Plugin, distribution_identity
from gradmix.registry.registry import build_registry, collisions, registry


@dataclass
class Groups(gradmix.Clusterer):
    """A clusterer of a test."""

    objective = gradmix.INERTIA

    def iterate(self, X, rng):
        yield from ()


@dataclass
class Named(Groups):
    """Has an option that would clash with the component's own name."""

    name: str = "x"


class FakeEntryPoint:
    """An entry point of a distribution that is not installed."""

    def __init__(self, load, distribution="fake", name="plugin"):
        self.load, self.name, self.module = load, name, "fake_module"
        metadata = {"Name": distribution, "Version": "1.2"}
        self.dist = types.SimpleNamespace(
            name=distribution, metadata=metadata, read_text=lambda file: None, requires=[]
        )


def module(**implementations):
    """A plugin module."""
    found = types.ModuleType("fake_module")
    for name, implementation in implementations.items():
        setattr(found, name, gradmix.hookimpl(implementation))
    return found


def offering(components, **options):
    """A plugin that offers components."""
    return Plugin(FakeEntryPoint(lambda: module(gradmix_components=lambda: components), **options))


def raising(error):
    """A plugin that raises when it is imported."""

    def load():
        raise error

    return Plugin(FakeEntryPoint(load, distribution="broken"))


SOUND = offering({"clusterer": {"groups": Groups}}, distribution="sound")


@pytest.mark.parametrize(
    "error",
    [ImportError("no such thing"), ZeroDivisionError(), SystemExit(3), KeyboardInterrupt(), BaseException("odd")],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_plugin_raises_at_import_it_harms_no_other(error):
    found = build_registry([raising(error), SOUND])
    assert found.names("clusterer") == ["groups"]
    (failure,) = found.failures
    assert failure.plugin.distribution == "broken"
    assert type(error).__name__ in failure.reason


def test_a_hook_that_raises_is_that_plugins_failure():
    broken = Plugin(FakeEntryPoint(lambda: module(gradmix_components=lambda: 1 / 0), distribution="broken"))
    found = build_registry([broken, SOUND])
    assert found.names("clusterer") == ["groups"]
    assert "ZeroDivisionError" in found.failures[0].reason
    assert len(found.hooks.get_plugins()) == 1


def test_a_module_that_two_entry_points_name_is_registered_once():
    offered = module(gradmix_components=lambda: {"clusterer": {"groups": Groups}})
    twice = [Plugin(FakeEntryPoint(lambda: offered, name=name)) for name in ("a", "b")]
    found = build_registry([*twice, SOUND])
    (failure,) = found.failures
    assert failure.plugin.label == "fake:b"
    assert "already registered" in failure.reason
    assert [entry.plugin.label for entry in found] == ["fake:a", "sound:plugin"]


def test_a_misspelt_hook_is_that_plugins_error_and_names_the_right_one():
    def components():
        return {}

    misspelt = Plugin(FakeEntryPoint(lambda: module(gradmix_component=components)))
    (failure,) = build_registry([misspelt]).failures
    assert "gradmix_component'" in failure.reason
    assert "Did you mean gradmix_components?" in failure.reason


def test_a_hook_that_takes_unknown_arguments_is_that_plugins_error():
    wrong = Plugin(FakeEntryPoint(lambda: module(gradmix_run_started=lambda runn: None), distribution="wrong"))
    found = build_registry([wrong, SOUND])
    assert found.names("clusterer") == ["groups"]
    assert "runn" in found.failures[0].reason


@pytest.mark.parametrize(
    ("components", "reason"),
    [
        ([("clusterer", "groups", Groups)], "mapping"),
        ({"clusterers": {"groups": Groups}}, "Did you mean clusterer?"),
        ({"clusterer": {"my groups": Groups}}, "only letters, digits and _"),
        ({"clusterer": {"a/b": Groups}}, "only letters, digits and _"),
    ],
)
def test_components_that_cannot_be_registered_are_explained(components, reason):
    (failure,) = build_registry([offering(components)]).failures
    assert reason in failure.reason


def test_a_name_offered_twice_is_an_error_that_names_both_distributions():
    found = build_registry([SOUND, offering({"clusterer": {"groups": Groups}}, distribution="other")])
    with pytest.raises(PluginError, match=r"other:plugin and sound:plugin"):
        found.find("clusterer", "groups")
    assert {entry.plugin.distribution for entry, _ in collisions(found)} == {"sound", "other"}


def test_a_built_in_component_keeps_its_name_and_the_other_one_is_qualified():
    @dataclass
    class Others(Groups):
        """Another class."""

    own = offering({"clusterer": {"groups": Groups}}, distribution="gradmix")
    others = [offering({"clusterer": {"groups": Others}}, distribution=name) for name in ("a", "z")]
    found = build_registry([*others, own])
    assert found.find("clusterer", "groups").load() is Groups
    assert found.find("clusterer", "a:groups").load() is Others
    assert found.names("clusterer") == ["a:groups", "groups", "z:groups"]
    assert {found.name_of(entry) for entry in found} == {"a:groups", "groups", "z:groups"}
    assert {entry.plugin.distribution for entry, _ in collisions(found)} == {"a", "z"}


def test_a_wrapper_of_a_hook_is_refused():
    def started():
        yield

    wrapping = types.ModuleType("fake_module")
    wrapping.gradmix_run_started = gradmix.hookimpl(wrapper=True)(started)
    (failure,) = build_registry([Plugin(FakeEntryPoint(lambda: wrapping))]).failures
    assert "gradmix_run_started is a wrapper" in failure.reason


def test_the_same_entry_point_name_in_two_distributions_loses_neither():
    other = offering({"clusterer": {"others": Groups}}, distribution="other")
    assert build_registry([SOUND, other]).names("clusterer") == ["groups", "others"]


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"Did you mean groups\?"):
        build_registry([SOUND]).find("clusterer", "group")


@pytest.mark.parametrize(
    ("implementation", "reason"),
    [
        ("no_such_module_at_all:Thing", "No module named"),
        ("math:Thing", "Thing"),
        ("math:pi", r"derived from gradmix\.Clusterer"),
        (int, r"derived from gradmix\.Clusterer"),
        (Named, "name"),
    ],
)
def test_a_component_that_does_not_keep_its_contract_is_refused_when_it_is_used(implementation, reason):
    entry = build_registry([offering({"clusterer": {"groups": implementation}})]).find("clusterer", "groups")
    with pytest.raises(PluginError, match=reason) as caught:
        entry.load()
    assert "fake:plugin" in str(caught.value)
    assert "functools" not in str(caught.value)


@pytest.mark.parametrize(
    ("declared", "said"), [({"requires": "umap"}, "tuple of packages"), ({"deviates": ["x"]}, "mapping")]
)
def test_what_a_class_declares_has_the_right_type(declared, said):
    wrong = dataclass(type("Wrong", (Groups,), declared))
    with pytest.raises(PluginError, match=rf"its {next(iter(declared))} must be a {said}.*; it is "):
        build_registry([offering({"clusterer": {"groups": wrong}})]).find("clusterer", "groups").load()


def test_the_broken_plugin_that_offers_a_name_is_told():
    found = build_registry([offering({"clusterers": {"plugin": Groups}})])
    assert "cannot be used: unknown kind 'clusterers'" in found.why_missing("plugin")
    assert found.why_missing("another") == ""


def test_the_built_in_plugins_are_all_sound():
    assert registry().failures == ()
    assert {each.plugin.distribution for each in registry().found} == {"gradmix"}


@pytest.mark.parametrize("entry", list(registry()), ids=lambda entry: f"{entry.kind} {entry.name}")
def test_every_built_in_component_can_be_used_if_its_package_is_there(entry, installed):
    assert installed(entry).__doc__


def test_identity_is_name_and_version_and_for_an_editable_distribution_its_source(tmp_path, monkeypatch):
    (tmp_path / "edited_package").mkdir()
    source = tmp_path / "edited_package" / "__init__.py"
    source.write_text("a = 1\n")
    monkeypatch.syspath_prepend(tmp_path)

    def identity(url):
        distribution = types.SimpleNamespace(name="edited", version="1.2", read_text=lambda file: url)
        return distribution_identity(distribution, "edited_package")

    editable = '{"url": "file:///x", "dir_info": {"editable": true}}'
    assert identity(None) == identity('{"url": "file:///x"}') == "edited 1.2"
    before = identity(editable)
    assert before.startswith("edited 1.2 (")
    source.write_text("a = 2\n")
    assert identity(editable) != before
