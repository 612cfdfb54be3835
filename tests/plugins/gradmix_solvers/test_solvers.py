"""Solvers: how fast they converge, and that they claim nothing that is not so."""

import contextlib
import itertools

import numpy as np
import pytest

import gradmix
from gradmix import ConfigError, DataError, Equations, InitialValue, LeastSquares, Minimum, NumericalError
from gradmix_problems.broyden import Broyden
from gradmix_problems.exponential_fit import ExponentialFit
from gradmix_problems.kepler import Kepler
from gradmix_problems.rosenbrock import Rosenbrock
from gradmix_solvers.scipy_courses import METHODS

MINIMISERS = [name for name, method in METHODS.items() if Minimum in method.takes]
FITTERS = [name for name, method in METHODS.items() if LeastSquares in method.takes]
ROOT_FINDERS = [name for name, method in METHODS.items() if Equations in method.takes]


def valley(x):
    return 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2


def saddle(x):
    return x[0] ** 2 - x[1] ** 2 + x[1] ** 4


@pytest.mark.parametrize("differentiator", ["dual", "tape", "finite_difference", "source", "taylor", "second_order"])
@pytest.mark.parametrize("problem", [Broyden(n=30), Kepler(x=2.0, eccentricity=0.6)])
def test_newton_converges_quadratically_with_any_differentiator(problem, differentiator):
    newton = gradmix.solver("newton", differentiator=differentiator)
    errors = [each.metrics["error"] for each in newton.iterations(problem.question())]
    assert errors[-1] < 1e-14
    small = [error for error in errors if 1e-7 < error < 1e-1]
    assert len(small) >= 2
    for error, following in itertools.pairwise(errors):
        if error in small:
            assert following < 3.0 * error**2


def test_a_poor_derivative_costs_the_order_but_not_the_root():
    poor = gradmix.differentiator("finite_difference", method="forward", step=1e-2)
    errors = [
        each.metrics["error"]
        for each in gradmix.solver("newton", differentiator=poor).iterations(Kepler(eccentricity=0.6).question())
    ]
    assert errors[-1] < 1e-11
    ratios = [following / error for error, following in itertools.pairwise(errors[1:]) if error > 1e-9]
    assert all(1e-4 < ratio < 1e-1 for ratio in ratios)


@pytest.mark.parametrize("factor", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("unit", [1e-8, 1.0, 1e8])
def test_neither_units_nor_the_size_of_values_change_the_course_of_newtons_method(factor, unit):
    def course(factor, unit):
        scaled = Equations(
            lambda x: factor * np.stack([(x[0] / unit) * (x[1] / unit) - 2.0, x[0] / unit - x[1] / unit]),
            [3.0 * unit, 1.0 * unit],
        )
        return [each.estimate / unit for each in gradmix.solver("newton").iterations(scaled)]

    expected, found = course(1.0, 1.0), course(factor, unit)
    assert len(found) == len(expected)
    assert np.allclose(found, expected, rtol=1e-12)


def test_a_singular_jacobian_is_an_error_that_names_the_iteration_and_a_way_out():
    with pytest.raises(NumericalError, match=r"singular in iteration 1 .*levenberg_marquardt"):
        gradmix.solver("newton").solve(Equations(lambda x: x**2 - 2.0, 0.0))
    with pytest.raises(NumericalError, match="singular"):
        gradmix.solver("newton").solve(
            Equations(lambda x: np.stack([x[0] + x[1], 2.0 * x[0] + 2.0 * x[1]]), [1.0, 2.0])
        )


def test_badly_scaled_rows_are_not_singular():
    rows = Equations(lambda x: np.stack([1e10 * (x[0] - x[1]), 1e-10 * (x[0] + x[1] - 2.0)]), [5.0, -3.0])
    assert gradmix.solver("newton").solve(rows).estimate == pytest.approx([1.0, 1.0])


def test_a_double_root_converges_linearly_to_the_root():
    found = [*gradmix.solver("newton").iterations(Equations(lambda x: (x - 1.0) ** 2, 2.0, 1.0))]
    errors = [each.metrics["error"] for each in found]
    assert [after / before for before, after in itertools.pairwise(errors[:15])] == pytest.approx([0.5] * 14)
    assert found[-1].converged


def test_pure_newton_diverges_where_the_line_search_does_not():
    arctan = Equations(np.arctan, 3.0, 0.0)
    assert gradmix.solver("newton").solve(arctan).metrics["error"] < 1e-12
    with pytest.raises(NumericalError):
        gradmix.solver("newton", line_search=False).solve(arctan)


ALL_MINIMISERS = [
    ("newton", {}),
    ("gradient_descent", {}),
    *[("scipy_optimize", {"method": method}) for method in MINIMISERS],
]


@pytest.mark.parametrize(("name", "options"), ALL_MINIMISERS)
def test_no_saddle_point_is_claimed_to_be_a_minimum(name, options):
    last = gradmix.solver(name, **options).solve(Minimum(saddle, [1.0, 0.0]))
    assert not last.converged or abs(last.estimate[1]) == pytest.approx(0.5**0.5)


@pytest.mark.parametrize("f", [lambda x: x**3, lambda x: -(x**4), lambda x: -(x**2)])
@pytest.mark.parametrize(("name", "options"), ALL_MINIMISERS)
def test_neither_an_inflection_nor_a_maximum_is_claimed_to_be_a_minimum(name, options, f):
    with contextlib.suppress(NumericalError):  # it may run down the slope until it overflows
        assert not gradmix.solver(name, max_iter=20, **options).solve(Minimum(f, 0.0)).converged


@pytest.mark.parametrize(("name", "options"), [each for each in ALL_MINIMISERS if each[0] != "gradient_descent"])
@pytest.mark.parametrize(
    ("f", "start"),
    [(valley, [-1.2, 1.0]), (lambda x: 1e-12 * valley(x), [0.5, 0.5]), (valley, [20.0, -20.0])],
    ids=["usual", "tiny", "far"],
)
def test_what_has_converged_is_the_minimum(name, options, f, start):
    last = gradmix.solver(name, **options).solve(Minimum(f, start, [1.0, 1.0]))
    assert not last.converged or last.metrics["error"] < 1e-3


@pytest.mark.parametrize(("name", "options"), ALL_MINIMISERS)
def test_minimisers_reach_the_usual_minimum(name, options):
    last = gradmix.solver(name, **options).solve(Rosenbrock().question())
    assert last.converged or name == "gradient_descent"
    assert last.metrics["objective"] < (1e-16 if last.converged else 0.1)


def test_gradient_descent_says_that_it_was_cut_off_and_always_descends():
    course = [*gradmix.solver("gradient_descent", max_iter=300).iterations(Rosenbrock().question())]
    values = [each.metrics["objective"] for each in course]
    assert values == sorted(values, reverse=True)
    assert len(course) == 300
    assert not course[-1].converged


ALL_FITTERS = [
    ("gauss_newton", {}),
    ("levenberg_marquardt", {}),
    *[("scipy_optimize", {"method": method}) for method in FITTERS],
]


@pytest.mark.parametrize(("name", "options"), [*ALL_FITTERS, ("newton", {}), ("scipy_optimize", {})])
def test_fits_reach_the_exact_parameters(name, options):
    last = gradmix.solver(name, **options).solve(ExponentialFit().question())
    assert last.converged
    assert last.metrics["error"] < 1e-7


@pytest.mark.parametrize(("name", "options"), ALL_FITTERS)
def test_a_maximum_of_the_squares_is_no_fit(name, options):
    assert not gradmix.solver(name, **options).solve(LeastSquares(lambda x: x * x - 1.0, 0.0)).converged


@pytest.mark.parametrize(("name", "options"), ALL_FITTERS)
def test_a_large_residual_leaves_the_minimum_where_it_is(name, options):
    def residuals(x):
        return np.stack([x[0] + 1.0, 0.5 * x[0] ** 2 + x[0] - 1.0])

    last = gradmix.solver(name, **options).solve(LeastSquares(residuals, [2.0], [0.0]))
    assert last.converged
    assert last.metrics["objective"] == pytest.approx(1.0)
    assert last.metrics["error"] < 1e-5


@pytest.mark.parametrize("method", ROOT_FINDERS)
def test_scipys_root_finders_find_the_root_and_none_where_there_is_none(method):
    solver = gradmix.solver("scipy_optimize", method=method)
    last = solver.solve(Broyden(n=20).question())
    assert last.converged
    assert last.metrics["error"] < 1e-9
    assert not solver.solve(Equations(lambda x: x * x + 1.0, 0.75)).converged


def test_evaluations_are_counted_at_each_iteration_of_scipys_too():
    calls = [0]

    def counted(x):
        calls[0] += 1
        return valley(x)

    course = [*gradmix.solver("scipy_optimize", differentiator="tape").iterations(Minimum(counted, [-1.2, 1.0]))]
    counts = [each.metrics["function_evaluations"] for each in course]
    assert counts == sorted(counts)
    assert counts[0] < 20
    assert counts[-1] == calls[0]


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA", "RK45"])
def test_an_initial_value_problem_is_solved_to_its_tolerance(method):
    swing = InitialValue(lambda t, y: np.stack([y[1], -y[0]]), [0.0, 1.0], [np.sin(3.0), np.cos(3.0)], end=3.0)
    for rtol in (1e-4, 1e-8):
        solver = gradmix.solver("scipy_ode", method=method, rtol=rtol, atol=rtol / 100)
        assert solver.solve(swing).metrics["error"] < 3000 * rtol


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA", "RK45"])
def test_a_solution_that_blows_up_is_an_error_or_has_not_converged(method):
    explosion = InitialValue(lambda t, y: y * y, [1.0], end=2.0)  # 1 / (1 - t)
    with contextlib.suppress(NumericalError):
        assert not gradmix.solver("scipy_ode", method=method, max_iter=2000).solve(explosion).converged


def test_what_a_solver_does_not_solve_is_refused_in_one_sentence():
    with pytest.raises(ConfigError, match=r"GaussNewton solves for .*; the problem asks for a minimum\."):
        gradmix.solver("gauss_newton").solve(Minimum(valley, [0.0, 0.0]))
    with pytest.raises(ConfigError, match="asks for a root of equations"):
        gradmix.solver("scipy_optimize", method="BFGS").solve(Equations(np.sin, 1.0))


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (lambda: Equations(lambda x: x[:1], [1.0, 2.0]), "number of equations, 1, must be that of the unknowns, 2"),
        (lambda: Minimum(lambda x: x, [1.0, 2.0]), "one number"),
        (lambda: Equations(np.sin, [np.nan]), "finite"),
        (lambda: Equations(np.sin, "a"), "start must be a finite number"),
        (lambda: Equations(np.sin, [1j]), "start must be a finite number"),
        (lambda: Equations(np.sin, [1.0], [0.0, 0.0]), "shape of the start"),
        (lambda: InitialValue(lambda t, y: y, 1.0, begin=1.0, end=1.0), "later"),
    ],
)
def test_a_question_that_makes_no_sense_is_an_error(question, said):
    with pytest.raises(DataError, match=said):
        gradmix.solver("newton").solve(question())
