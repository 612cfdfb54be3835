"""The audit of a derivative: what other differentiators compute, and when their difference fails a run."""

import pytest

import gradmix
from gradmix.config.build import build


def task(problem="helmholtz", **options):
    return build("task", {"name": "differentiate", "problem": problem, **options}).component


def result(given):
    given.check()
    given.preflight()
    steps = given.run()
    with pytest.raises(StopIteration) as end:
        next(steps)
    return end.value.value


def test_the_largest_difference_is_a_metric_and_each_one_is_told():
    found = result(task(audit=["tape", "finite_difference"]))
    assert 0 < found.metrics["audit_disagreement"] < 1e-10
    assert found.remarks["audit"].startswith("tape differs by ")
    assert ", finite_difference differs by " in found.remarks["audit"]
    assert found.metrics["function_evaluations"] == 1  # those of the audit are not counted


def test_nothing_is_audited_unless_it_is_asked_for():
    found = result(task())
    assert "audit_disagreement" not in found.metrics
    assert "audit" not in found.remarks


def test_a_difference_beyond_the_tolerance_fails_the_run():
    assert result(task("noisy", audit=["tape"], audit_tolerance=0.0)).metrics["audit_disagreement"] == 0
    with pytest.raises(gradmix.NumericalError, match=r"DualNumbers and finite_difference differ by 0\.6"):
        result(task("noisy", audit=["tape", "finite_difference"], audit_tolerance=1e-6))


def test_a_tolerance_needs_an_audit():
    with pytest.raises(gradmix.ConfigError, match="has no effect without"):
        task(audit_tolerance=1.0).check()


def test_a_wrong_name_is_refused_with_the_nearest_one():
    with pytest.raises(gradmix.UnknownNameError, match=r"unknown differentiator 'tap'\. Did you mean tape"):
        task(audit=["dual", "tap"])


def test_the_plugins_of_the_audit_are_part_of_what_the_task_was_built_from():
    pytest.importorskip("jax")
    plain = build("task", "differentiate")
    audited = build("task", {"name": "differentiate", "audit": ["dual", "jax"]})
    assert audited.plugins.keys() - plain.plugins.keys() == {"audit.0", "audit.1"}
    assert audited.node["audit"] == ["dual", "jax"]
