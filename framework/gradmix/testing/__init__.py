"""The conformance kit: tests whether a component keeps its contract. For authors of plugins.

In a test file, with one test for each check:

    from gradmix.testing import conformance_tests

    test_my_plugin = conformance_tests("clusterer", "my_name", n_components=3)

In Python, and as ``gradmix check NAME`` on the command line:

>>> from gradmix.testing import conformance
>>> report = conformance("problem", "cubic", only=["exact_is_right"])
>>> report.passed, report.failed
(1, 0)
"""

from gradmix.testing.check import BrokenPromiseError, Check, NotApplicableError
from gradmix.testing.checking import checks_for, conformance, run_check
from gradmix.testing.outcome import Failure, Outcome, Report
from gradmix.testing.pytest_tests import conformance_tests
from gradmix.testing.runner import outcomes
from gradmix.testing.subject import Subject, subject

__all__ = [
    "BrokenPromiseError",
    "Check",
    "Failure",
    "NotApplicableError",
    "Outcome",
    "Report",
    "Subject",
    "checks_for",
    "conformance",
    "conformance_tests",
    "outcomes",
    "run_check",
    "subject",
]
