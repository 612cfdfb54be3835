"""Solvers: a plugin yields iterations for a question; the base class derives everything else from them."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, final

import numpy as np

from gradmix.contracts.component import Component
from gradmix.contracts.differentiator import Differentiator
from gradmix.contracts.errors import ConfigError, NumericalError, PluginError
from gradmix.contracts.iteration import Iteration, Objective
from gradmix.contracts.iterative import IterativeAlgorithm
from gradmix.contracts.meaning import Meaning
from gradmix.contracts.question import Array, LeastSquares, Minimum, Question
from gradmix.contracts.returned import numbers_of_shape
from gradmix.contracts.role import Role

RESIDUAL = Objective(
    "residual",
    maximise=False,
    words="largest value of an equation or entry of the gradient, or share of the time that remains",
)

MEANINGS = (
    Meaning("error", "lower", "", "distance to the exact solution, largest entry", by_ratio=True),
    Meaning("objective", "lower", "", "minimised value; half the sum of squares for least squares"),
    replace(RESIDUAL.meaning, by_ratio=True, spoiled_by=""),
    Meaning("function_evaluations", "lower", "calls", "calls of the function", is_cost=True, by_ratio=True),
    Meaning(
        "derivative_evaluations", "lower", "calls", "gradients, Jacobians and Hessians", is_cost=True, by_ratio=True
    ),
    Meaning("step_length", None, "", "Euclidean length of the last step"),
    Meaning("unreliable_derivatives", None, "calls", "derivatives that the differentiator reports as unreliable"),
)


class Solver(IterativeAlgorithm[Array], Component):
    """Base of all solvers: a dataclass of options with a method `iterate` that yields the iterations for one question.

    A plugin yields points and their residuals. This class adds step lengths, errors and the numbers of evaluations.
    A solver that needs derivatives holds a differentiator: ``differentiator: Differentiator = part("dual")``.

    Examples
    --------
    >>> import gradmix
    >>> newton = gradmix.solver("newton", differentiator="tape")
    >>> [float(each.estimate[0]) for each in newton.iterations(gradmix.Equations(lambda x: x**2 - 4.0, 1.0))][:3]
    [2.5, 2.05, 2.000609756097561]
    """

    kind: ClassVar[str] = "solver"
    role: ClassVar[Role] = Role.ALGORITHM
    objective: ClassVar[Objective] = RESIDUAL
    solves: ClassVar[Mapping[type[Question], tuple[str, ...]]]
    """Type of question that it solves → operators of a differentiator that it needs for them.

    If `Minimum` is listed and `LeastSquares` is not, least-squares questions are passed to it as minima.
    """

    @abstractmethod
    def iterate(self, question: Any) -> Iterator[Iteration[Array]]:
        """Yield the iterations, each with its point, shape (n,), its ``residual``, and ``objective`` if there is one.

        Iteration ends after the first one that has converged.

        Parameters
        ----------
        question
            A question of one of the types in `solves`, already checked. Use its methods for evaluations, as they count
            them.

        Raises
        ------
        NumericalError
            If it cannot go on, for example where a Jacobian is singular.
        """

    def takes(self) -> Mapping[type[Question], tuple[str, ...]]:
        """Return the entries of `solves` that hold with these options. The default is all of them."""
        return self.solves

    def metrics(self) -> tuple[Meaning, ...]:
        """Return the metrics of its iterations, in the order in which they rank results."""
        return MEANINGS

    @final
    def check_question(self, question: Question) -> None:
        """Check that it can solve a question of this type.

        It is called before the first iteration and when a sweep is planned.

        Raises
        ------
        ConfigError
            If it cannot solve questions of this type.
        DifferentiationError
            If its differentiator lacks an operator that it needs.
        """
        differentiator = getattr(self, "differentiator", None)
        for operator in self._takes()[type(self._as_accepted(question))]:
            if isinstance(differentiator, Differentiator):
                differentiator.check_operator(operator)

    @final
    def iterations(self, question: Question) -> Iterator[Iteration[Array]]:
        """Check options and question, then yield the iterations, numbered, with all metrics.

        Raises
        ------
        NumericalError
            If it breaks down, or if a point or a residual is not finite.
        """
        self.check()
        self.check_question(question)
        taken = self._as_accepted(question.with_new_counts())
        return self._completed(taken, self._all_starts(lambda rng: self.iterate(taken)))

    @final
    def solve(self, question: Question) -> Iteration[Array]:
        """Solve a question and return the last iteration, with the point as ``estimate``; check its ``converged``.

        Raises
        ------
        ConfigError
            If an option is wrong, or if it cannot solve questions of this type.
        NumericalError
            If it breaks down.
        """
        return deque(self.iterations(question), maxlen=1).pop()

    @final
    def exhaust(self, question: Question) -> None:
        """Do all the work without keeping its result; timings measure this method."""
        deque(self.iterations(question), maxlen=0)

    def _takes(self) -> Mapping[type[Question], tuple[str, ...]]:
        """Return the value of `takes`; raise PluginError if it has the wrong type."""
        takes = self.takes()
        if not isinstance(takes, Mapping) or not all(
            isinstance(asked, type) and issubclass(asked, Question) and isinstance(operators, tuple | list)
            for asked, operators in takes.items()
        ):
            name = type(self).__name__
            raise PluginError(
                f"{name}.solves must map types of questions to the operators that they need, such as "
                f"{{gradmix.Equations: ('jacobian',)}}; it is {takes!r}."
            )
        return takes

    def _as_accepted(self, question: Question) -> Question:
        takes = self._takes()
        if type(question) in takes:
            return question
        if isinstance(question, LeastSquares) and Minimum in takes:
            return question.as_minimum()
        known = " or ".join(each.asks_for for each in takes)
        raise ConfigError(f"{type(self).__name__} solves for {known}; the problem asks for {question.asks_for}.")

    def _completed(self, question: Question, iterations: Iterator[Iteration[Array]]) -> Iterator[Iteration[Array]]:
        """Yield the iterations with all metrics, and check their points."""
        before = question.first
        for each in iterations:
            x = numbers_of_shape(f"{type(self).__name__}.iterate", "points", each.estimate, before.shape, "yield")
            if not (np.isfinite(x).all() and np.isfinite(float(each.metrics["residual"]))):
                raise NumericalError(
                    f"{type(self).__name__} reached a point or a residual that is not finite, in iteration {each.step}."
                )
            yield replace(each, metrics={**_added(question, each, x, before), **each.metrics})
            if each.converged:
                return
            before = x


def _added(question: Question, iteration: Iteration[Array], x: Array, before: Array) -> Mapping[str, float]:
    counts = question.counts
    error = question.error(iteration)
    with np.errstate(over="ignore"):
        length = float(np.linalg.norm(x - before))
    return {
        **({} if error is None else {"error": error}),
        "step_length": length,
        "function_evaluations": float(counts.functions),
        "derivative_evaluations": float(counts.derivatives),
        **({"unreliable_derivatives": float(counts.unreliable)} if counts.unreliable else {}),
    }
