"""What problems ask of solvers, against published figures."""

import numpy as np
import pytest
from tests.plugins.gradmix_problems.radau_in_many_digits import concentrations

import gradmix
from gradmix_problems.diffusion import Diffusion
from gradmix_problems.more_garbow_hillstrom import FUNCTIONS, MoreGarbowHillstrom
from gradmix_problems.robertson import Robertson
from gradmix_problems.rosenbrock import Rosenbrock

HARD = {
    "newton": {"powell_badly_scaled"},
    "gauss_newton": {"freudenstein_roth", "kowalik_osborne", "brown_dennis"},
    "levenberg_marquardt": {"brown_dennis"},
}
"""Functions that a solver is known not to solve within its iterations; it must not claim to."""


@pytest.mark.parametrize("which", FUNCTIONS)
@pytest.mark.parametrize("solver", ["newton", "gauss_newton", "levenberg_marquardt", "scipy_optimize"])
def test_minima_of_moré_garbow_and_hillstrom_are_those_published(which, solver):
    published = FUNCTIONS[which]
    last = gradmix.solver(solver).solve(MoreGarbowHillstrom(which).question())
    assert last.converged == (which not in HARD.get(solver, ()))
    if last.converged:
        assert 2.0 * last.metrics["objective"] == pytest.approx(published.sum_of_squares, rel=2e-6, abs=1e-12)
        assert published.solution is None or last.metrics["error"] < 1e-3


ROBERTSON = {0.4: [9.8517e-01, 3.3864e-05, 1.4794e-02], 4.0: [9.0553e-01, 2.2404e-05, 9.4452e-02]}
ROBERTSON[40.0] = [7.1582e-01, 9.1851e-06, 2.8416e-01]
"""Published with SUNDIALS, cvRoberts_dns (Hindmarsh et al., 2005), to about four digits."""


def test_robertsons_concentrations_are_right_to_the_last_digit():
    """By a method and a program of their own; the later times take half a minute."""
    times = [0.4, 4.0]
    for end, found in zip(times, concentrations(times, 1e-16), strict=True):
        assert Robertson(end=end).question().solution.tolist() == [float(each) for each in found]


@pytest.mark.parametrize("end", [0.4, 4.0, 40.0])
def test_robertsons_concentrations_are_those_published(end):
    assert Robertson(end=end).question().solution == pytest.approx(np.array(ROBERTSON[end]), rel=1e-4)


def test_robertsons_concentrations_at_the_end_are_those_of_the_test_set():
    """Mazzia & Magherini, *Test Set for Initial Value Problem Solvers*, release 2.4 (2008), problem ROBER."""
    published = [0.2083340149701255e-07, 0.8333360770334713e-13, 0.9999999791665050e00]
    assert Robertson(end=1e11).question().solution == pytest.approx(np.array(published), rel=1e-10)


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA"])
@pytest.mark.parametrize("differentiator", ["dual", "tape"])
def test_stiff_solvers_reach_robertsons_concentrations(method, differentiator):
    solver = gradmix.solver("scipy_ode", method=method, rtol=1e-8, atol=1e-14, differentiator=differentiator)
    last = solver.solve(Robertson().question())
    assert last.converged
    assert last.metrics["error"] < 1e-5
    assert last.step < 1000


def test_an_explicit_method_needs_many_steps_and_says_that_it_was_cut_off():
    last = gradmix.solver("scipy_ode", method="RK45", max_iter=200).solve(Robertson().question())
    assert not last.converged
    assert "error" not in last.metrics
    assert last.metrics["t"] < 1.0


def test_a_root_and_a_minimum_are_asked_for_from_the_point_on():
    assert Rosenbrock(n=3, x=(2.0, 2.0, 2.0)).question().first.tolist() == [2.0, 2.0, 2.0]


def test_the_inverse_problem_is_fitted_exactly_where_the_problem_has_many_solutions():
    problem = Diffusion(n=8)
    last = gradmix.solver("gauss_newton").solve(problem.question())
    assert last.converged
    assert problem.function(last.estimate) < 1e-25
    assert "error" not in last.metrics
