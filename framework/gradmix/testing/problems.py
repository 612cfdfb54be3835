"""Problem: a function, a point, and the exact answer."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np

from gradmix.contracts.problem import Operator, Problem
from gradmix.contracts.question import Equations, InitialValue, LeastSquares, Minimum, Question
from gradmix.contracts.returned import unlike
from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.subject import Subject
from gradmix.testing.values import plain_value, shown

_ULPS = 16
_BY_DIFFERENCES = 1e-6
_STEP = 1e-4
_ROUNDING = 1e-5
"""Largest value at a root, relative to its change by a step; the root then has about nine correct digits."""


def operator_fits_the_point(subject: Subject) -> None:
    """`operator` is derivative, gradient or jacobian, and fits the point: a number for a derivative, else an array."""
    problem: Problem = subject.make()
    operators = get_args(Operator)
    if problem.operator not in operators:
        raise BrokenPromiseError(f"one of {', '.join(operators)}", repr(problem.operator), "operator")
    point = problem.point()
    if (np.ndim(point) == 0) != (problem.operator == "derivative"):
        wanted = "a number" if problem.operator == "derivative" else "an array"
        raise BrokenPromiseError(f"{wanted}, as operator is {problem.operator}", shown(point), "point()")


def has_a_finite_point(subject: Subject) -> None:
    """`point` is a number or an array of finite floats."""
    point = subject.make().point()
    if np.asarray(point).dtype.kind not in "fiu" or not np.isfinite(np.asarray(point, dtype=float)).all():
        raise BrokenPromiseError("finite floats", shown(point), "point()", "component.point()")


def gives_a_fresh_point(subject: Subject) -> None:
    """Changing the point in place does not change the next return value of `point`."""
    problem = subject.make()
    before, spoilt = plain_value(problem.point()), problem.point()
    if isinstance(spoilt, np.ndarray) and spoilt.flags.writeable:
        spoilt[...] = -7.0
    if plain_value(problem.point()) != before:
        raise BrokenPromiseError(str(before), shown(problem.point()), "point(), after point()[...] = -7")


def has_a_finite_value(subject: Subject) -> None:
    """The function is finite at the point, computed with NumPy, and has one value if `operator` is gradient."""
    problem: Problem = subject.make()
    value = problem.function(problem.point())
    if np.asarray(value).dtype.kind not in "fiu" or not np.isfinite(np.asarray(value, dtype=float)).all():
        raise BrokenPromiseError("finite floats", shown(value), "function(point())", _code())
    if problem.operator == "gradient" and np.ndim(value):
        raise BrokenPromiseError("one value", f"shape {np.shape(value)}", "function(point())", _code())


def function_is_repeatable(subject: Subject) -> None:
    """The function is pure: the same point gives the same value and is not changed."""
    problem: Problem = subject.make()
    x = problem.point()
    before = plain_value(x)
    values = [plain_value(problem.function(x)) for _ in range(3)]
    if values[0] != values[1] or values[1] != values[2]:
        raise BrokenPromiseError(str(values[0]), str(values[1:]), "function(x), again", _code())
    if plain_value(x) != before:
        raise BrokenPromiseError(str(before), shown(x), "x after function(x)", _code())


def exact_is_repeatable(subject: Subject) -> None:
    """`exact` returns the same each time, even after the function was evaluated at another point."""
    problem: Problem = subject.make()
    before = plain_value(problem.exact())
    problem.function(np.asarray(problem.point(), dtype=float)[()] * 1.0625)
    if plain_value(problem.exact()) != before:
        raise BrokenPromiseError(str(before), shown(problem.exact()), "exact(), again")


def exact_has_the_right_shape(subject: Subject) -> None:
    """`exact` has the shape f(x).shape + x.shape."""
    problem: Problem = subject.make()
    exact, x = _exact(problem), problem.point()
    wanted = (*np.shape(problem.function(x)), *np.shape(x))
    if np.shape(exact) != wanted:
        raise BrokenPromiseError(f"shape {wanted}", f"shape {np.shape(exact)}", "exact()", "component.exact()")


def exact_is_right(subject: Subject) -> None:
    """`exact` is the derivative of the function, within 16 units in the last place of its largest entry.

    It is compared with differences in numbers of 60 digits or, if the function does not accept such numbers, with
    central differences in NumPy's longest floats, to one part in a million.
    """
    from gradmix.testing.extended import NotExtendedError, jacobian

    problem: Problem = subject.make()
    exact_has_the_right_shape(subject)
    exact, x = np.asarray(_exact(problem), dtype=float), problem.point()
    try:
        truth = jacobian(problem.function, x)
        allowed, how = _ULPS * float(np.spacing(np.max(np.abs(truth), initial=1.0))), "differences in 60 digits"
    except NotExtendedError:
        truth = _by_differences(problem, x)
        allowed, how = _BY_DIFFERENCES * float(np.max(np.abs(truth), initial=1.0)), "central differences"
    error = np.abs(exact - truth)
    if not (error <= allowed).all():
        raise BrokenPromiseError(
            f"{shown(truth)}, by {how}",
            f"{shown(exact)}, off by {error.max():.2e}",
            f"x = {shown(x)}",
            _code("exact()"),
        )


def its_solution_solves_its_question(subject: Subject) -> None:
    """The solution of its `question` solves it: equations are zero there, and values around a minimum are higher.

    The solution of an initial value problem agrees with Radau's method to five digits.
    """
    question = subject.make().question()
    if not isinstance(question, Question | None):
        raise unlike("question", "a gradmix.Question, such as gradmix.Equations, or None", question)
    if question is None or question.solution is None:
        raise NotApplicableError("it has no question with a known solution")
    x, code = np.array(question.solution, dtype=float).reshape(-1), "component.question().solution"
    wrong = _what_is_wrong_with(question, x)
    if wrong:
        raise BrokenPromiseError("a solution", f"{shown(x)}, where {wrong}", "question().solution", code)


def _what_is_wrong_with(question: Question, x: Any) -> str:
    """Return why a point cannot be a solution; empty if it can."""
    steps = _STEP * np.maximum(np.abs(x), np.max(np.abs(x)) * _STEP) * np.eye(len(x))
    if isinstance(question, Equations):
        around = np.max([np.abs(question.value(x + step) - question.value(x)) for step in steps], axis=0)
        values = np.abs(question.value(x))
        return (
            "" if (values <= _ROUNDING * around + np.finfo(float).tiny).all() else f"the equations are {shown(values)}"
        )
    if isinstance(question, InitialValue):
        return _differs_from_radau(question, x)
    minimum = question.as_minimum() if isinstance(question, LeastSquares) else question
    if isinstance(minimum, Minimum):
        here = minimum.value(x)
        lower = [point for step in steps for point in (x + step, x - step) if minimum.trial(point) < here]
        return f"the value is {here!r}, but lower at {shown(lower[0])}" if lower else ""
    return ""


def _differs_from_radau(question: InitialValue, x: Any) -> str:
    from scipy.integrate import solve_ivp

    found = solve_ivp(
        question.slopes, (question.begin, question.end), question.first, "Radau", rtol=1e-9, atol=1e-14
    ).y[:, -1]
    return "" if np.allclose(found, x, rtol=1e-5, atol=0.0) else f"Radau's method gives {shown(found)}"


def _exact(problem: Problem) -> Any:
    exact = problem.exact()
    if exact is None:
        raise NotApplicableError("its exact derivative is not known")
    return exact


def _by_differences(problem: Problem, x: Any) -> Any:
    try:
        return _central(problem, np.asarray(x, dtype=np.longdouble))
    except TypeError:  # NumPy's linear algebra does not accept numbers longer than float64
        return _central(problem, np.asarray(x, dtype=np.float64))


def _central(problem: Problem, point: Any) -> Any:
    columns = []
    for place in np.ndindex(point.shape):
        above, below = point.copy(), point.copy()
        step = point.dtype.type(2.0) ** -17 * max(1.0, abs(float(point[place])))
        above[place] += step
        below[place] -= step
        columns.append((np.asarray(problem.function(above[()])) - np.asarray(problem.function(below[()]))) / (2 * step))
    jacobian = np.stack(columns, axis=-1).astype(float)
    return np.reshape(jacobian, (*jacobian.shape[:-1], *point.shape))


def _code(call: str = "function(x)") -> str:
    return f"x = component.point()\ncomponent.{call}"
