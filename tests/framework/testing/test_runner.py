"""Whatever a component does, it is the outcome of one check, and the next one runs."""

import os
import signal
import sys
from dataclasses import dataclass

import pytest

import gradmix
from gradmix.testing import BrokenPromiseError, NotApplicableError, conformance, run_check, subject
from gradmix.testing.check import Check
from gradmix.testing.outcome import Report
from gradmix.testing.runner import outcome_of, outcomes
from gradmix_problems.cubic import Cubic


@dataclass
class Exits(Cubic):
    """Ends the program."""

    def function(self, x):
        sys.exit("enough")


@dataclass
class Interrupts(Cubic):
    """Raises what Ctrl-C does."""

    def function(self, x):
        raise KeyboardInterrupt


@dataclass
class Hangs(Cubic):
    """Never ends, and takes no hint."""

    def function(self, x):
        while True:
            try:
                while True:
                    pass
            except Exception:
                continue


@dataclass
class Excused(Cubic):
    """Is wrong, and says so."""

    deviates = {"exact_is_right": "it is a lesson in being wrong"}  # noqa: RUF012

    def exact(self):
        return 0.0


def failure_of(plugin, name="has_a_finite_value", seconds=60.0):
    found = subject(plugin)
    (check,) = [each for each in _checks(found) if each.name == name]
    return outcome_of(check, found, seconds).failure


def _checks(found):
    from gradmix.testing import checks_for

    return checks_for(found)


def test_a_component_that_exits_has_failed():
    failure = failure_of(Exits)
    assert failure.found.startswith("Exits.function raised SystemExit: enough (test_runner.py, line ")
    assert "test_runner.py" in failure.example


def test_a_component_that_raises_a_keyboard_interrupt_has_failed():
    assert failure_of(Interrupts).found.startswith(
        "Interrupts.function raised KeyboardInterrupt (test_runner.py, line "
    )


def test_a_component_that_hangs_is_stopped():
    assert failure_of(Hangs, seconds=0.1).found == "it did not end within 0.1 s"


def test_ctrl_c_is_not_taken_for_the_component():
    def press(found):
        os.kill(os.getpid(), signal.SIGINT)
        signal.sigtimedwait([], 5)

    with pytest.raises(KeyboardInterrupt):
        outcome_of(Check("trial", press), subject("cubic"))


def test_after_a_fit_without_end_no_other_check_is_tried():
    from wrong_plugins.clusterers import Endless

    first, *others = conformance("clusterer", Endless).outcomes
    assert first.check.name == "ends"
    assert "iterations, none converged" in first.failure.found
    assert {outcome.status for outcome in others} == {"not applicable"}
    assert {outcome.reason for outcome in others} == {"not run, because ends did not end"}


def test_a_component_that_hangs_is_reported_once():
    found = subject(Hangs)
    seen = list(outcomes(found, _checks(found), seconds=0.5))
    (hung,) = [
        each for each in seen if each.failure is not None and "it did not end within 0.5 s" in each.failure.found
    ]
    after = seen[seen.index(hung) + 1 :]
    assert after
    assert {(each.status, each.reason) for each in after} == {
        ("not applicable", f"not run, because {hung.check.name} did not end")
    }


def test_what_is_printed_in_a_check_goes_nowhere(capsys):
    def talk(found):
        print("hello")
        print("hello", file=sys.stderr)

    assert outcome_of(Check("trial", talk), subject("cubic")).status == "passed"
    assert capsys.readouterr() == ("", "")


def test_checks_after_a_failure_run():
    def broken(found):
        raise BrokenPromiseError("one", "two", "x = 3", "component.function(3)")

    def silent(found):
        raise NotApplicableError("nothing to say")

    def fine(found):
        return

    checks = [Check("trial", each) for each in (broken, silent, fine)]
    first, second, third = outcomes(subject("cubic", x=2.0), checks)
    assert (first.status, second.status, third.status) == ("failed", "not applicable", "passed")
    assert second.reason == "nothing to say"
    assert first.failure.reproduction.splitlines() == [
        "from gradmix.testing import subject",
        "component = subject('cubic', 'problem', x=2.0).make()",
        "component.function(3)",
        "from gradmix.testing import run_check",
        "run_check('broken', 'problem', 'cubic', x=2.0)",
    ]
    report = Report("problem", "cubic", {}, (first, second, third))
    assert (report.passed, report.failed, report.conformance) == (1, 1, 0.5)


def test_what_a_report_tells_to_type_shows_the_failure():
    from wrong_plugins.differentiators import TransposedJacobian

    (outcome,) = conformance("differentiator", TransposedJacobian, only=["jacobian_is_right"]).outcomes
    first, _, again = outcome.failure.reproduction.partition("from gradmix.testing import run_check")
    names = {}
    exec(first, names)  # what the report says to type
    assert names["component"].jacobian(names["f"], names["x"]).shape != (3,)
    with pytest.raises(BrokenPromiseError):
        exec("from gradmix.testing import run_check" + again, names)


def test_the_example_is_the_smallest():
    from wrong_plugins.differentiators import ClippedWeights

    with pytest.raises(BrokenPromiseError) as broken:
        run_check("vjp_is_linear", "differentiator", ClippedWeights)
    assert "x = [0.375, 0.375, 0.375]" in broken.value.example
    assert broken.value.example.count("0.0") >= 2


def test_a_component_may_say_where_it_deviates_and_the_report_shows_it():
    (outcome,) = conformance("problem", Excused, only=["exact_is_right"]).outcomes
    assert outcome.status == "not applicable"
    assert outcome.reason == "declared in deviates: it is a lesson in being wrong"


@pytest.mark.parametrize(
    ("arguments", "options", "complaint"),
    [
        (("problem", "cubik"), {}, "Did you mean cubic"),
        (("problem", "cubic"), {"y": 1.0}, r"problem\.y"),
        (("problem", "no_such_module:Cubic"), {}, "cannot be imported"),
        (("clusterer", Cubic), {}, "not a clusterer"),
        (("problem", int), {}, "not a problem"),
        (("problem", "gradmix_problems.cubic:Cubik"), {}, "Did you mean Cubic"),
    ],
)
def test_what_cannot_be_checked_is_told(arguments, options, complaint):
    with pytest.raises(gradmix.GradmixError, match=complaint):
        conformance(*arguments, **options)


def test_a_component_whose_packages_are_missing_is_not_checked():
    @dataclass
    class Foreign(Cubic):
        """Needs what nobody has."""

        requires = ("no_such_package",)

    with pytest.raises(gradmix.PluginError, match="needs no_such_package"):
        subject(Foreign)


def test_missing_packages_of_the_kit_are_told(monkeypatch):
    monkeypatch.setattr("gradmix.testing.checking.find_spec", lambda name: None)
    with pytest.raises(gradmix.PluginError, match=r"pip install 'gradmix\[check\]'"):
        conformance("problem", "cubic")
