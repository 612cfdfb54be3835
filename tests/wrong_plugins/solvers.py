"""Solvers that are wrong on purpose, in one thing each."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

import gradmix
from gradmix_solvers.newton import Newton


@dataclass
class TakesAnything(Newton):
    """Names something that is not a question."""

    solves: ClassVar = {str: ("jacobian",)}


@dataclass
class StopsHalfWay(Newton):
    """Claims to have converged after two iterations."""

    def iterate(self, question):
        for count, each in enumerate(super().iterate(question)):
            yield replace(each, converged=count == 1)
            if count == 1:
                return


@dataclass
class ReportsTheStep(Newton):
    """Gives the length of the point for its residual."""

    def iterate(self, question):
        for each in super().iterate(question):
            yield replace(each, metrics={**each.metrics, "residual": float(np.linalg.norm(each.estimate))})


@dataclass
class HidesTheObjective(Newton):
    """Says nothing of what it minimises."""

    def iterate(self, question):
        for each in super().iterate(question):
            yield replace(each, metrics={"residual": each.metrics["residual"]})


@dataclass
class GoesPastTheQuestion(Newton):
    """Calls the function itself, behind the question's back."""

    def iterate(self, question):
        for each in super().iterate(question):
            question.function(each.estimate)
            yield each


@dataclass
class StartsAnywhere(Newton):
    """Begins at a random place."""

    def iterate(self, question):
        return super().iterate(replace(question, start=question.first + np.random.default_rng().uniform(0, 1e-3)))


@dataclass
class WorksInPlace(Newton):
    """Yields one array again and again."""

    def iterate(self, question):
        x = question.first
        for each in super().iterate(question):
            x[...] = each.estimate
            yield replace(each, estimate=x)


@dataclass
class CountsFromZero(Newton):
    """Makes one iteration too many."""

    def iterate(self, question):
        return Newton(self.max_iter + 1, self.tol, differentiator=self.differentiator).iterate(question)


@dataclass
class ConvergesAtOnce(Newton):
    """Takes the last iteration that it may make for the one that converged."""

    def iterate(self, question):
        for count, each in enumerate(super().iterate(question), start=1):
            yield replace(each, converged=each.converged or count == self.max_iter)


@dataclass
class TakesAFlatPlaceForARoot(Newton):
    """Takes a point from which no step leads down for a root."""

    def iterate(self, question):
        before = None
        for each in super().iterate(question):
            yield replace(each, converged=each.converged or each.estimate.tolist() == before)
            before = each.estimate.tolist()


@dataclass
class TakesASaddleForAMinimum(Newton):
    """Looks at the gradient alone."""

    def iterate(self, question):
        for each in super().iterate(question):
            converged = each.metrics["residual"] < 1e-9
            yield replace(each, converged=converged)
            if converged:
                return


@dataclass
class PassesOverNaN(Newton):
    """Stays where it is when the function is not a number."""

    def iterate(self, question):
        try:
            yield from super().iterate(question)
        except gradmix.NumericalError:
            yield gradmix.Iteration(question.first, {"residual": 1.0, "objective": 1.0})


WRONG = [
    ("accepts_known_questions", TakesAnything),
    ("solves_easy_questions", StopsHalfWay),
    ("reports_the_residual", ReportsTheStep),
    ("reports_the_objective", HidesTheObjective),
    ("counts_its_evaluations", GoesPastTheQuestion),
    ("iterations_are_repeatable", StartsAnywhere),
    ("leaves_earlier_points_alone", WorksInPlace),
    ("respects_max_iter", CountsFromZero),
    ("reports_no_convergence_when_cut_off", ConvergesAtOnce),
    ("reports_no_root_where_none_exists", TakesAFlatPlaceForARoot),
    ("reports_no_minimum_at_a_saddle", TakesASaddleForAMinimum),
    ("refuses_functions_that_return_nan", PassesOverNaN),
]
"""Plugins that are wrong on purpose, each with the check that must find it out."""
