"""The kit finds out every plugin that is wrong on purpose, by the check that is meant to."""

import os

import numpy as np
import pytest

from gradmix.testing import checks_for, subject
from gradmix.testing.runner import outcome_of
from gradmix.testing.table import CHECKS, checks_of
from wrong_plugins import clusterers, covariances, differentiators, others, solvers

WRONG = [*differentiators.WRONG, *clusterers.WRONG, *covariances.WRONG, *others.WRONG, *solvers.WRONG]


@pytest.fixture(autouse=True)
def as_before():
    """Wrong plugins change the process, too."""
    cbrt, environment = np.cbrt, dict(os.environ)
    yield
    np.cbrt = cbrt
    os.environ.clear()
    os.environ.update(environment)


@pytest.mark.parametrize(("check", "plugin"), WRONG, ids=lambda value: getattr(value, "__name__", value))
def test_the_check_that_is_meant_to_finds_it_out(check, plugin, empty_folder):
    found = subject(plugin)
    (meant,) = checks_for(found, [check])
    outcome = outcome_of(meant, found)
    assert outcome.status == "failed", f"{plugin.__name__} passes {check}"
    assert plugin.__name__ in outcome.failure.reproduction
    assert check in outcome.failure.reproduction


def test_every_check_of_every_kind_finds_out_something():
    checks = {check.name for kind in CHECKS for check in checks_of(kind)}
    assert checks - {check for check, _ in WRONG} == set()


def test_what_is_wrong_on_purpose_is_the_plugin_and_not_what_it_derives_from():
    for check, plugin in WRONG:
        right = next(base for base in plugin.__mro__ if base.__module__.startswith("gradmix_") or base is plugin)
        if right is not plugin:
            found = subject(right)
            assert all(outcome_of(each, found).status != "failed" for each in checks_for(found, [check])), check
