"""Exact derivatives are exact: against mpmath's differentiation of the same formula."""

import mpmath
import numpy as np
import pytest

import gradmix
from gradmix.config.build import build


def problem(name, **options):
    return build("problem", {"name": name, **options}).component


def test_one_variable():
    with mpmath.workdps(50):
        for x in (1.0, -2.3, 1e5):
            exact = float(mpmath.diff(lambda t: t**3, x))
            assert problem("cubic", x=x).exact() == exact
        p = (1.0, -2.0, 0.5, 3.0, -1.0)
        exact = float(mpmath.diff(lambda t: mpmath.polyval(p[::-1], t), 0.7))
        assert problem("polynomial", coefficients=p, x=0.7).exact() == pytest.approx(exact, rel=1e-16)
        for x in (0.01, 2.0, 1e6):
            assert problem("heron", x=x).exact() == pytest.approx(float(mpmath.diff(mpmath.sqrt, x)), rel=2e-16)


def test_the_lectures_example():
    lecture = problem("lecture", x=(1.0, 2.0))
    assert lecture.function(np.array([1.0, 2.0])) == pytest.approx(2.0 + np.sin(1.0))
    np.testing.assert_allclose(lecture.exact(), [2.0 + float(mpmath.cos(1)), 1.0], rtol=1e-16)


def test_rosenbrock_in_any_dimension():
    with mpmath.workdps(50):
        for n in (2, 3, 7):
            rosenbrock = problem("rosenbrock", n=n)
            x = rosenbrock.point().tolist()

            def f(*t):
                return sum(100 * (t[i + 1] - t[i] ** 2) ** 2 + (1 - t[i]) ** 2 for i in range(len(t) - 1))

            for i in range(n):
                order = [int(i == j) for j in range(n)]
                exact = float(mpmath.diff(f, x, tuple(order)))
                assert rosenbrock.exact()[i] == pytest.approx(exact, rel=1e-15)
    assert problem("rosenbrock").function(np.array([-1.2, 1.0])) == pytest.approx(24.2)  # the textbook's start


@pytest.mark.parametrize("x", [1e-8, 0.25, 1.0, 2.0, 12345.678])
def test_heron_reaches_the_root(x):
    assert problem("heron").function(x) == pytest.approx(np.sqrt(x), rel=3e-16)


PROBLEMS = [
    ("cubic", {}),
    ("cubic", {"x": -1e6}),
    ("polynomial", {}),
    ("lecture", {}),
    ("lecture", {"x": (100.0, -3.0)}),
    ("rosenbrock", {}),
    ("rosenbrock", {"n": 100}),
    ("heron", {}),
    ("heron", {"x": 1e-4}),
    ("heron", {"x": 7e8}),
]


@pytest.mark.parametrize("differentiator", ["dual", "tape"])
@pytest.mark.parametrize(("name", "options"), PROBLEMS)
def test_dual_numbers_and_the_tape_are_exact_on_all_of_them(differentiator, name, options):
    from gradmix_tasks.differentiate import errors

    case = problem(name, **options)
    operator = getattr(gradmix.differentiator(differentiator), case.operator)
    assert errors(operator(case.function, case.point()), case.exact())["derivative_error"] <= 1e-15


@pytest.mark.parametrize("name", ["cubic", "polynomial", "lecture", "rosenbrock", "heron"])
@pytest.mark.parametrize(("method", "within"), [("central", 1e-9), ("complex_step", 1e-14)])
def test_differences_are_as_good_as_their_method(name, method, within):
    from gradmix_tasks.differentiate import errors

    case = problem(name)
    differentiator = gradmix.differentiator("finite_difference", method=method)
    computed = getattr(differentiator, case.operator)(case.function, case.point())
    assert errors(computed, case.exact())["derivative_error"] <= within


def test_a_point_of_the_wrong_length_is_refused():
    with pytest.raises(gradmix.DataError, match=r"2 entries, but problem\.n=3"):
        problem("rosenbrock", n=3, x=(1.0, 2.0)).point()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nothing", "module:function"),
        ("no_such:f", "No module named"),
        ("math:nope", "nope"),
        ("math:pi", "not a function"),
    ],
)
def test_a_path_that_is_no_function_is_refused(path, message):
    with pytest.raises(gradmix.ConfigError, match=message):
        problem("python", path=path).function(1.0)


def test_functions_of_ones_own_by_file_with_their_derivative(tmp_path):
    file = tmp_path / "own.py"
    file.write_text("def f(x):\n    return x**2\ndef df(x):\n    return 2 * x\n")
    own = problem("python", path=f"{file}:f", derivative=f"{file}:df", x=3.0)
    assert (own.function(3.0), own.point(), own.exact()) == (9.0, 3.0, 6.0)
    assert problem("python", path=f"{file}:f", x=(1.0, 2.0)).exact() is None
