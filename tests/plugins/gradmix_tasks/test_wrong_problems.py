"""A problem with a mistake fails its run with one sentence: which method, what came, and what is expected."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import gradmix
from gradmix.config.spec import RunSpec, Settings
from gradmix.contracts.problem import Problem
from gradmix.runs.runner import Order, execute


@dataclass
class Given(Problem):
    """Has the point and the function that a test sets."""

    x: ClassVar[Any] = None
    f: ClassVar[Any] = staticmethod(lambda x: x)

    def point(self):
        return self.x

    def function(self, x):
        return self.f(x)


def error_of(problem, folder):
    task = gradmix.task("differentiate", problem=problem)
    return execute(Order(RunSpec(Settings(name="x"), task, {"task": {"name": "x"}}, {}), folder)).error


THREE, TWICE = np.zeros(3), np.zeros((2, 2))


@pytest.mark.parametrize(
    ("operator", "x", "f", "sentence"),
    [
        (
            "derivative",
            THREE,
            lambda x: x,
            "Wrong.point must return a point for a derivative, one number; "
            "it returned an array of float64, shape (3,).",
        ),
        (
            "gradient",
            TWICE,
            lambda x: x,
            "Wrong.function must return a value for a gradient, one number; "
            "it returned an array of float64, shape (2, 2).",
        ),
        ("gradient", "abc", lambda x: x, "Wrong.point must return real numbers; it returned 'abc'."),
        ("jacobian", None, lambda x: x, "Wrong.point must return real numbers; it returned None."),
        ("jacobian", THREE, lambda x: "a", "Wrong.function must return real numbers; it returned 'a'."),
    ],
)
def test_a_point_or_a_value_of_the_wrong_kind_is_named(tmp_path, operator, x, f, sentence):
    problem = type("Wrong", (Given,), {"operator": operator, "x": x, "f": staticmethod(f)})()
    assert error_of(problem, tmp_path) == sentence


def test_an_error_of_a_differentiator_about_a_right_problem_stays(tmp_path):
    def f(x):
        raise gradmix.DifferentiationError("not this one")

    problem = type("Right", (Given,), {"x": THREE, "f": staticmethod(f)})()
    assert error_of(problem, tmp_path) == "not this one"


def test_an_error_in_a_problem_names_the_method_and_the_line(tmp_path):
    @dataclass
    class Wrong(Given):
        x = THREE

        def function(self, x):
            return np.sum(x) + x[7]

    error = error_of(Wrong(), tmp_path)
    assert error.startswith("Wrong.function raised IndexError: index 7 is out of bounds")
    assert "(test_wrong_problems.py, line " in error


def test_an_error_in_a_function_of_the_user_names_it_and_the_line(empty_folder):
    Path("my.py").write_text("def f(x):\n    return x[0] * undefined\n")
    problem = gradmix.problem("python", path="my.py:f", operator="gradient", x=(1.0, 2.0))
    assert error_of(problem, empty_folder).startswith(
        "f raised NameError: name 'undefined' is not defined (my.py, line 2)"
    )
