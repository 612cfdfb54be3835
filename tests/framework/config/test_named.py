"""Options that name a component: looked up as plugins are, part of the run key, and of what a model requires."""

import json

import pytest

import gradmix
from gradmix.config.spec import read_spec
from gradmix.registry.registry import _registry_of, registry
from made_plugins import make_distribution

SOURCE = """
from dataclasses import dataclass

import gradmix


@dataclass
class Outside(gradmix.Covariance):
    "A variance of each feature."

    moments = "diagonal"

    def estimate(self, counts, scatter, previous, tol):
        return scatter / counts[:, None]

    def n_parameters(self, k, d):
        return k * d
"""
CONFIG = {"name": "cluster", "task": {"name": "cluster"}, "dataset": {"name": "old_faithful"}}


def spec_of(covariance_type):
    return read_spec({**CONFIG, "clusterer": {"name": "gmm", "covariance_type": covariance_type}})


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Distributions that offer covariance types; a function that removes them all."""

    def install(version="1.0", name="outside-types", offers="outside"):
        folder = tmp_path / f"{name}-{version}"
        points = {f"covariance.{offers}": f"{name.replace('-', '_')}:Outside"}
        make_distribution(folder, name, source=SOURCE, entry_points=points, version=version)
        context = monkeypatch.context()
        context.__enter__().syspath_prepend(folder)
        contexts.append(context)
        _registry_of.cache_clear()

    def remove():
        while contexts:
            contexts.pop().__exit__(None, None, None)
        _registry_of.cache_clear()

    contexts = []
    install.remove = remove
    yield install
    remove()


def test_a_type_from_outside_is_found_by_its_name(installed):
    installed()
    assert "outside" in registry().names("covariance")
    gmm = gradmix.clusterer("gmm", covariance_type="outside", random_state=0).fit([[0.0], [1.0], [7.0], [9.0]])
    same = gradmix.clusterer("gmm", covariance_type="diag", random_state=0).fit([[0.0], [1.0], [7.0], [9.0]])
    assert gmm.covariance_type == gmm.model_.covariance_type == "outside"
    assert gmm.log_likelihood_ == pytest.approx(same.log_likelihood_, rel=1e-14)


def test_its_distribution_is_part_of_the_run_key_and_that_of_built_in_ones_is_not(installed):
    installed()
    first = spec_of("outside")
    assert first.plugins["clusterer.covariance_type"] == "outside-types 1.0"
    installed.remove()
    installed("2.0")
    assert spec_of("outside").run_key != first.run_key
    assert set(spec_of("full").plugins) == set(first.plugins) - {"clusterer.covariance_type"}


def test_two_of_one_name_are_told_apart_by_their_distribution(installed):
    installed()
    installed(name="other-types")
    with pytest.raises(gradmix.PluginError, match="covariance=other-types:outside"):
        spec_of("outside")
    assert spec_of("other-types:outside").config["clusterer"]["covariance_type"] == "other-types:outside"


def test_one_that_has_a_built_in_name_does_not_replace_it(installed):
    before = spec_of("full").run_key
    installed(offers="full")
    assert spec_of("full").run_key == spec_of("gradmix:full").run_key == before
    assert spec_of("outside-types:full").run_key != before


def test_a_model_says_what_to_install_where_its_type_is_missing(installed, tmp_path):
    installed()
    gmm = gradmix.clusterer("gmm", covariance_type="outside", random_state=0).fit([[0.0], [1.0], [7.0], [9.0]])
    file = tmp_path / "model.json"
    gradmix.write_model(file, gmm, gmm.model_)
    assert gradmix.read_model(file).model_.covariance_type == "outside"
    assert "outside-types==1.0" in json.loads(file.read_text())["requires"]
    installed.remove()
    with pytest.raises(gradmix.DataError, match=r"unknown covariance 'outside'.*requires outside-types==1\.0, which"):
        gradmix.read_model(file)


@pytest.mark.parametrize(("given", "near"), [("vvv", "VVV"), ("fulll", "full"), ("VVX", "VVV|VVI|VVE|VII")])
def test_a_name_that_there_is_not_is_refused_with_the_nearest_and_all(given, near):
    with pytest.raises(gradmix.UnknownNameError) as caught:
        spec_of(given)
    message = str(caught.value)
    assert message.startswith(f"clusterer.covariance_type: unknown covariance {given!r}. Did you mean ")
    assert any(f"mean {each}?" in message for each in near.split("|"))
    assert "EEV, EII" in message


@pytest.mark.parametrize("given", [1, None, ["full"]])
def test_what_is_no_name_is_refused(given):
    with pytest.raises(gradmix.ConfigError, match=r"clusterer\.covariance_type must be one of .*full.*; given"):
        spec_of(given)
