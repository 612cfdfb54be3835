"""Derivative rules that plugins add: collected, found by their function, part of a run's identity, examined."""

import json
import sys
import types

import numpy as np
import pytest

import gradmix
from gradmix import DifferentiationError, PluginError
from gradmix.arrays import rule_of
from gradmix.config.spec import read_spec
from gradmix.registry.choice import VARIABLE
from gradmix.registry.registry import registry
from gradmix.registry.rules import problems_with_rules

twice, thrice = (np.frompyfunc(lambda x, factor=factor: factor * x, 1, 1) for factor in (2.0, 3.0))
"""Stand for compiled ufuncs: NumPy hands them to traced values, and no table has them."""

RULES = """
import gradmix
import numpy as np
import made_functions


@gradmix.hookimpl
def gradmix_rules():
    {body}
"""
TWICE = "yield gradmix.with_rule(made_functions.twice, jvp=lambda x, v: 2.0 * v)"

CONFIG = {
    "name": "trial",
    "seed": 0,
    "task": {"name": "differentiate"},
    "differentiator": {"name": "tape"},
    "problem": {"name": "cubic"},
}


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """Choose file plugins of these names and bodies of `gradmix_rules` for a while."""
    functions = types.ModuleType("made_functions")
    functions.twice, functions.thrice = twice, thrice
    monkeypatch.setitem(sys.modules, "made_functions", functions)

    def choose(**bodies):
        for name, body in bodies.items():
            (tmp_path / f"{name}.py").write_text(RULES.format(body=body))
        files = [str(tmp_path / f"{name}.py") for name in bodies]
        monkeypatch.setenv(VARIABLE, json.dumps({"files": files}))

    yield choose
    for name in tmp_path.glob("*.py"):
        sys.modules.pop(name.stem, None)


def key(differentiator):
    return read_spec({**CONFIG, "differentiator": {"name": differentiator}}).run_key


def problems():
    return {label.partition(":")[2]: text for label, text in problems_with_rules(registry())}


@pytest.mark.parametrize("name", ["dual", "tape"])
def test_a_rule_of_a_plugin_is_used_where_the_table_has_none(plugins, name):
    made = gradmix.differentiator(name)
    with pytest.raises(DifferentiationError, match="no derivative rule"):
        made.derivative(twice, 3.0)
    plugins(rules_used=TWICE)
    assert made.derivative(twice, 3.0) == 2.0
    np.testing.assert_array_equal(made.gradient(lambda x: np.sum(twice(x) ** 2), [1.0, 2.0]), [8.0, 16.0])
    assert rule_of(twice).f is twice
    assert rule_of(len) is None


@pytest.mark.parametrize("name", ["dual", "tape"])
def test_only_runs_that_may_use_rules_of_plugins_have_these_in_their_key(plugins, name):
    before, other = key(name), key("finite_difference")
    plugins(rules_keyed=TWICE)
    assert key(name) != before
    assert key("finite_difference") == other
    (added,) = (path for path in read_spec(CONFIG).plugins if path.startswith("rules."))
    assert added == "rules.rules_keyed.py:rules_keyed"


@pytest.mark.parametrize("body", ["return []", "1 / 0"])
def test_a_plugin_that_adds_no_rule_changes_no_key(plugins, body):
    before = key("tape")
    plugins(rules_none=body)
    assert key("tape") == before


def test_two_plugins_with_a_rule_for_one_function_are_both_named(plugins):
    plugins(rules_one=TWICE, rules_two=TWICE)
    with pytest.raises(PluginError, match=r"rules_one\.py:rules_one and .*rules_two.*plugins\.block="):
        gradmix.differentiator("tape").derivative(twice, 3.0)
    assert gradmix.differentiator("tape").derivative(np.sin, 0.0) == 1.0
    assert "also in rules_two.py:rules_two" in problems()["rules_one"]
    assert "also in rules_one.py:rules_one" in problems()["rules_two"]


def test_a_rule_of_the_table_goes_first_and_the_other_is_reported(plugins):
    plugins(rules_shadowed="yield gradmix.with_rule(np.sin, jvp=lambda x, v: 7.0 * v)")
    assert gradmix.differentiator("tape").derivative(np.sin, 0.0) == 1.0
    assert problems() == {"rules_shadowed": "its derivative rule for sin is not used: gradmix has a built-in one"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero (rules_broken.py, line 9)"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("return 3", "'int' object is not iterable"),
        ("return [np.sin]", "must return results of gradmix.with_rule; it returned <ufunc 'sin'>"),
        (f"{TWICE}; {TWICE}", "two rules for"),
    ],
)
def test_a_hook_that_fails_harms_no_other_plugin_and_is_named_where_a_rule_lacks(plugins, body, reason):
    plugins(rules_broken=body, rules_sound=TWICE.replace("twice", "thrice").replace("2", "3"))
    made = gradmix.differentiator("tape")
    assert made.derivative(thrice, 1.0) == 3.0
    assert made.derivative(np.sin, 0.0) == 1.0
    with pytest.raises(DifferentiationError) as caught:
        made.derivative(twice, 3.0)
    assert "The rules of rules_broken.py:rules_broken cannot be used" in str(caught.value)
    assert reason in str(caught.value)
    assert reason in problems()["rules_broken"]
    assert "rules_sound" not in problems()
