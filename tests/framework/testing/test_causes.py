"""What one mistake breaks in many checks is one failure."""

from dataclasses import dataclass

import numpy as np

import gradmix
from gradmix import Dataset
from gradmix.reports.conformance_table import ConformanceTable
from gradmix.testing import Report, checks_for, outcomes, subject
from gradmix.testing.causes import causes_of


@dataclass
class Pair(Dataset):
    """Gives a pair of arrays."""

    def read(self):
        return np.ones((3, 2)), np.zeros(3)


@gradmix.from_jvp(accuracy=1e-14)
def Step(f, x, v):  # noqa: N802 - the name of a class
    """A complex step, which has no second derivatives."""
    return np.imag(f(x + 1e-30j * v)) / 1e-30


def failed(component, only=()):
    found = subject(component)
    done = list(outcomes(found, checks_for(found, only)))
    return found, Report(found.kind, found.name, {}, tuple(done)), causes_of(found, done)


def test_a_wrong_return_value_is_one_failure_of_many_checks(capsys):
    found, report, causes = failed(Pair)
    assert report.failed > 10
    (cause,) = causes
    assert len(cause.failures) == report.failed
    assert cause.failures[0].failure.found.startswith(
        "Pair.read must return gradmix.Data(X, labels); it returned a tuple"
    )
    ConformanceTable(found).close(report, causes)
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert (
        f" 1 failed (in {report.failed} checks), 1 did not run (1: it has no option of the type gradmix.Seed)" in last
    )


def test_second_derivatives_that_are_not_there_are_one_failure_with_its_remedy():
    only = [
        "jvp_is_right",
        "hvp_is_right",
        "hessian_is_right",
        "is_right_for_many_variables",
        "refuses_operators_that_it_lacks",
    ]
    _, report, causes = failed(Step, only)
    assert report.failed == 3
    (cause,) = causes
    assert {each.check.name for each in cause.failures} == {*only[1:4]}
    assert 'lacks = {"hvp": "…", "hessian": "…"}' in cause.remedy


def test_failures_of_different_lines_are_different():
    @gradmix.from_jvp
    def Odd(f, x, v):  # noqa: N802 - the name of a class
        """Two mistakes."""
        if len(x) > 1:
            raise KeyError("several")
        raise ValueError("one")

    _, _, causes = failed(Odd, ["derivative_is_right", "gradient_is_right_whatever_its_size", "keeps_its_options"])
    names = [{each.check.name for each in cause.failures} for cause in causes]
    assert names == [{"keeps_its_options", "derivative_is_right"}, {"gradient_is_right_whatever_its_size"}]
