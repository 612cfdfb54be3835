"""Solutions: the points that a solver yields, and what it reports about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gradmix.contracts.errors import NumericalError
from gradmix.contracts.iteration import Iteration
from gradmix.contracts.question import Equations, InitialValue, LeastSquares, Minimum, Question
from gradmix.contracts.solver import Solver
from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.questions import (
    QUESTIONS,
    TIMES,
    bowl,
    circle_and_line,
    decay,
    no_root,
    ridge,
    saddle,
)
from gradmix.testing.scenarios import Array
from gradmix.testing.subject import Subject
from gradmix.testing.values import plain_value, shown

_NEAR = 1e-3
_SAME = 1e-6
_ENDLESS = 10_000


def use(solver: Solver) -> Any:
    """Return the solver's iterations for the first easy question that it accepts."""
    easy = [question for kind, question in QUESTIONS.items() if kind in solver.takes()]
    if not easy:
        raise NotApplicableError("the kit has no question that it accepts")
    return [(each.estimate, dict(each.metrics), each.converged) for each in solver.iterations(easy[0])]


def accepts_known_questions(subject: Subject) -> None:
    """It accepts some of gradmix's questions, and names the operators of a differentiator that each needs."""
    takes = subject.make().takes()
    if not takes:
        raise BrokenPromiseError("a question", "none", "takes()")
    for question, operators in takes.items():
        if not (isinstance(question, type) and issubclass(question, Question)):
            raise BrokenPromiseError("a class derived from gradmix.Question", repr(question), "takes()")
        known = ("derivative", "gradient", "jacobian", "hessian", "hvp", "jvp", "vjp")
        if unknown := [each for each in operators if each not in known]:
            raise BrokenPromiseError(f"some of {', '.join(known)}", repr(unknown), f"takes()[{question.__name__}]")


def solves_easy_questions(subject: Subject) -> None:
    """It converges on an easy question of each kind that it accepts, to a solution within a thousandth."""
    for question in _easy(subject):
        last = subject.make().solve(question)
        found = shown(last.estimate) + ("" if last.converged else ", not converged")
        if not last.converged or not np.max(np.abs(last.estimate - np.asarray(question.solution))) < _NEAR:
            raise BrokenPromiseError(f"{shown(question.solution)}, converged", found, *_where(question))


def reports_the_residual(subject: Subject) -> None:
    """The yielded residual is that of the yielded point: the largest equation, or entry of the gradient."""
    for question in _easy(subject):
        for iteration in subject.make().iterations(question):
            left, said = _left(question, iteration), iteration.metrics["residual"]
            if left is not None and not abs(said - left) <= _SAME + _NEAR * left:
                raise BrokenPromiseError(f"residual {left:.6g}", f"{said:.6g}", *_at(question, iteration))


def reports_the_objective(subject: Subject) -> None:
    """For a minimum or least squares, it yields the objective at its point."""
    for question in _easy(subject):
        objective = _objective(question)
        if objective is None:
            continue
        for iteration in subject.make().iterations(question):
            expected, said = objective(iteration.estimate), iteration.metrics.get("objective")
            if said is None or not abs(said - expected) <= _SAME * (1.0 + abs(expected)):
                raise BrokenPromiseError(f"objective {expected:.9g}", str(said), *_at(question, iteration))


def counts_its_evaluations(subject: Subject) -> None:
    """Every call of the function is counted, because it is made through the question's methods."""
    for question in _easy(subject):
        calls = [0]

        def counted(*arguments: Any, f: Any = question.function, calls: list[int] = calls) -> Any:
            calls[0] += 1
            return f(*arguments)

        last = subject.make().solve(replace(question, function=counted))
        said = last.metrics["function_evaluations"]
        if said != calls[0]:
            raise BrokenPromiseError(f"{calls[0]} function evaluations", f"{said:g}", *_where(question))


def iterations_are_repeatable(subject: Subject) -> None:
    """The same question gives the same iterations, to the last bit."""
    for question in _easy(subject):
        first, again = (plain_value([each.estimate for each in subject.make().iterations(question)]) for _ in range(2))
        if first != again:
            raise BrokenPromiseError(shown(first), shown(again), *_where(question))


def leaves_earlier_points_alone(subject: Subject) -> None:
    """A yielded point never changes afterwards: each iteration makes a new one."""
    for question in _easy(subject):
        seen = [(each, plain_value(each.estimate)) for each in subject.make().iterations(question)]
        for iteration, before in seen:
            if plain_value(iteration.estimate) != before:
                raise BrokenPromiseError(shown(before), shown(iteration.estimate), *_at(question, iteration))


def respects_max_iter(subject: Subject) -> None:
    """With `max_iter` 1, 2 and 3, there are at most as many iterations."""
    if "max_iter" not in subject.defaults:
        raise NotApplicableError("it has no option max_iter")
    for question in _easy(subject):
        for most in (1, 2, 3):
            count = len(list(subject.make(max_iter=most).iterations(question)))
            if count > most:
                raise BrokenPromiseError(f"at most {most} iterations", str(count), f"max_iter={most}")


def reports_no_convergence_when_cut_off(subject: Subject) -> None:
    """If `max_iter=1` cuts it off far from the solution, it does not report convergence."""
    if "max_iter" not in subject.defaults:
        raise NotApplicableError("it has no option max_iter")
    for question in _easy(subject):
        last = subject.make(max_iter=1).solve(question)
        if last.converged and np.max(np.abs(last.estimate - np.asarray(question.solution))) > _NEAR:
            raise BrokenPromiseError("not converged", f"converged at {shown(last.estimate)}", "max_iter=1")


def reports_no_root_where_none_exists(subject: Subject) -> None:
    """If equations have no root, it does not report convergence; it may raise a `NumericalError`."""
    root = Equations(no_root, [0.75])
    if not _takes(subject, root):
        raise NotApplicableError("it does not solve equations")
    _claims_nothing(subject, root, lambda x: False)


def reports_no_minimum_at_a_saddle(subject: Subject) -> None:
    """At a saddle point or a maximum, to which a symmetric start may lead, it does not report convergence."""
    cases: list[tuple[Question, Callable[[Array], bool]]] = [
        (Minimum(saddle, [1.0, 0.0]), lambda x: abs(abs(x[1]) - 0.5**0.5) < _NEAR),
        (LeastSquares(ridge, [0.0]), lambda x: abs(abs(x[0]) - 1.0) < _NEAR),
    ]
    taken = [case for case in cases if _takes(subject, case[0])]
    if not taken:
        raise NotApplicableError("it does not minimise")
    for question, is_right in taken:
        _claims_nothing(subject, question, is_right)


def refuses_functions_that_return_nan(subject: Subject) -> None:
    """If the function is NaN, it raises a `NumericalError`."""
    for question in _easy(subject):

        def undefined(*arguments: Any, f: Any = question.function) -> Any:
            return f(*arguments) * np.nan

        broken = replace(question, function=undefined, solution=None)
        try:
            last = subject.make().solve(broken)
        except NumericalError:
            continue
        raise BrokenPromiseError("a NumericalError", f"{shown(last.estimate)} as the last point", "f(x) = NaN")


def _easy(subject: Subject) -> list[Question]:
    """Return the easy questions that the solver accepts."""
    return [question for question in QUESTIONS.values() if _takes(subject, question)]


def _takes(subject: Subject, question: Question) -> bool:
    takes = subject.make().takes()
    return type(question) in takes or (isinstance(question, LeastSquares) and Minimum in takes)


def _claims_nothing(subject: Subject, question: Question, is_right: Callable[[Array], bool]) -> None:
    try:
        for count, last in enumerate(subject.make().iterations(question)):
            if last.converged and not is_right(last.estimate):
                raise BrokenPromiseError("not converged", f"converged at {shown(last.estimate)}", *_where(question))
            if count == _ENDLESS:
                return
    except NumericalError:
        return


def _left(question: Question, iteration: Iteration[Array]) -> float | None:
    """Compute the residual from exact derivatives; None if it does not depend on the point alone."""
    x = iteration.estimate
    if isinstance(question, Equations):
        return float(np.max(np.abs(circle_and_line(x))))
    if isinstance(question, Minimum):
        return float(np.max(np.abs([np.sinh(x[0] - 1.0), 2.0 * np.sinh(x[1] + 0.5)])))
    if isinstance(question, LeastSquares):
        powers = np.exp(-x[1] * TIMES)
        return float(np.max(np.abs(decay(x) @ np.stack([powers, -x[0] * TIMES * powers], axis=1))))
    return None


def _objective(question: Question) -> Callable[[Array], float] | None:
    if isinstance(question, Minimum):
        return lambda x: float(bowl(x))
    if isinstance(question, LeastSquares):
        return lambda x: 0.5 * float(decay(x) @ decay(x))
    return None


def _where(question: Question) -> tuple[str, str]:
    """Return a description of the example, and Python code for it."""
    name = type(question).__name__
    end = f", end={question.end}" if isinstance(question, InitialValue) else ""
    f = f"gradmix.testing.questions.{question.function.__name__}"
    return (
        f"gradmix.{name} of {question.function.__name__} from {shown(question.start)}",
        f"question = gradmix.{name}({f}, {plain_value(question.start)}{end})\ncomponent.solve(question)",
    )


def _at(question: Question, iteration: Iteration[Array]) -> tuple[str, str]:
    example, code = _where(question)
    return f"iteration {iteration.step} for {example}", code
