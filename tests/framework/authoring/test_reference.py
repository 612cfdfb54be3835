"""The reference says what the code does."""

from pathlib import Path

from gradmix.authoring.reference import members, reference
from gradmix.contracts.clusterer import Clusterer
from gradmix.contracts.differentiator import Differentiator
from gradmix.registry.loading import SPECIFIED
from gradmix.registry.registry import registry

WRITTEN = Path(__file__).parents[3] / "docs" / "reference.md"


def test_the_reference_is_in_step_with_the_code():
    assert WRITTEN.read_text(encoding="utf-8") == reference(), "write it again: make docs"


def test_it_has_every_hook_and_every_component_of_our_own():
    text = reference()
    for hook in SPECIFIED:
        assert f"| `{hook}(" in text
    for entry in registry():
        if entry.plugin.distribution == "gradmix":
            assert f"### {entry.kind} `{entry.name}`" in text


def test_it_has_options_with_defaults_and_what_is_allowed():
    assert "| `n_components` | `2` | an integer > 0 | Number of Gaussians" in reference()


def test_what_must_be_defined_comes_first():
    must = [member.name for member in members(Clusterer) if member.must]
    assert must == ["iterate(X, rng)", "objective"]
    assert [member.must for member in members(Clusterer)] == sorted((m.must for m in members(Clusterer)), reverse=True)
    assert {member.name for member in members(Differentiator) if member.must} == {"push(f, x, v)", "pull(f, x)"}
