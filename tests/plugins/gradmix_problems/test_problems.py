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


def by_mpmath(f, x):
    """The gradient of a function of numbers, in fifty digits."""
    return [mpmath.diff(f, x, tuple(int(i == j) for j in range(len(x)))) for i in range(len(x))]


def test_the_product_of_all_factors():
    with mpmath.workdps(50):
        case = problem("speelpenning", n=6)
        expected = by_mpmath(lambda *x: mpmath.fprod(x), case.point().tolist())
        np.testing.assert_allclose(case.exact(), [float(each) for each in expected], rtol=1e-15)
    assert case.function(case.point()) == pytest.approx(1 / 7)  # of i / (i + 1) all but the ends cancel
    np.testing.assert_array_equal(problem("speelpenning", n=3, x=(0.0, 2.0, 3.0)).exact(), [6.0, 0.0, 0.0])


def test_the_helmholtz_energy_of_three_gases():
    def energy(*x):
        root, numbers = mpmath.sqrt(2), range(1, 4)
        volume = sum(each / (3 + i) for i, each in zip(numbers, x, strict=True))
        q = sum(x[i - 1] * x[j - 1] / (i + j) for i in numbers for j in numbers)
        log = mpmath.log((1 + (1 + root) * volume) / (1 + (1 - root) * volume))
        return 2 * sum(each * mpmath.log(each / (1 - volume)) for each in x) - q / (mpmath.sqrt(8) * volume) * log

    case = problem("helmholtz", n=3, temperature=2.0)
    with mpmath.workdps(50):
        x = [mpmath.mpf(each) for each in case.point().tolist()]
        assert case.function(case.point()) == pytest.approx(float(energy(*x)), rel=1e-14)
        np.testing.assert_allclose(case.exact(), [float(each) for each in by_mpmath(energy, x)], rtol=1e-15)


def test_the_misfit_of_the_diffusion_equation():
    def misfit(*p):
        flux = [16 * mpmath.exp(each) for each in p]
        A = mpmath.matrix(3, 3)
        for i in range(3):
            A[i, i] = flux[i] + flux[i + 1]
        for i in range(2):
            A[i, i + 1] = A[i + 1, i] = -flux[i + 1]
        u = mpmath.lu_solve(A, mpmath.matrix([1, 1, 1]))
        nodes = [mpmath.mpf(i) / 4 for i in (1, 2, 3)]
        return sum((u[i] - x * (1 - x) / 2) ** 2 for i, x in enumerate(nodes)) / 6

    case = problem("diffusion", n=4)
    with mpmath.workdps(40):
        p = [mpmath.mpf(each) for each in case.point().tolist()]
        assert case.function(case.point()) == pytest.approx(float(misfit(*p)), rel=1e-13)
        np.testing.assert_allclose(case.exact(), [float(each) for each in by_mpmath(misfit, p)], rtol=1e-15)


@pytest.mark.parametrize("x", [0.0, 1.0, -3.0, 200.0])
@pytest.mark.parametrize("eccentricity", [0.0, 0.3, 0.9])
def test_keplers_equation_by_mpmath(x, eccentricity):
    with mpmath.workdps(50):
        root = mpmath.findroot(lambda E: E - eccentricity * mpmath.sin(E) - x, x)
        expected = float(1 / (1 - eccentricity * mpmath.cos(root)))
    case = problem("kepler", x=x, eccentricity=eccentricity, iterations=400)
    assert case.exact() == pytest.approx(expected, rel=1e-15)
    assert case.function(x) == pytest.approx(float(root), rel=1e-14)


def test_the_derivative_of_eulers_steps():
    def last(x):
        for _ in range(12):
            x = x + (1 - x * x) / 12
        return x

    with mpmath.workdps(50):
        assert problem("chain", n=12).exact() == pytest.approx(float(mpmath.diff(last, 0.25)), rel=1e-15)
    assert problem("chain", n=7000).function(0.25) == pytest.approx(np.tanh(1 + np.arctanh(0.25)), rel=1e-4)


def test_the_jacobian_of_residuals_of_an_exponential():
    case = problem("exponential_fit", m=3)
    with mpmath.workdps(50):
        for row, t in zip(case.exact(), (mpmath.mpf(1 / 3), mpmath.mpf(2 / 3), 1), strict=True):
            expected = by_mpmath(lambda a, b, c, t=t: a * mpmath.exp(-b * t) + c, [1.0, 2.0, 0.5])
            np.testing.assert_allclose(row, [float(each) for each in expected], rtol=1e-15)
    np.testing.assert_allclose(case.function(np.array([2.0, 3.0, 1.0])), 0.0, atol=1e-15)


@pytest.mark.parametrize("name", ["noisy", "quantised"])
def test_divided_differences_do_better_where_the_program_is_rough(name):
    case = problem(name)
    exact, by_differences = (
        gradmix.differentiator(each, **options).derivative(case.function, case.point())
        for each, options in (("dual", {}), ("finite_difference", {"step": 1e-2}))
    )
    assert abs(exact - case.exact()) > 0.1
    assert abs(by_differences - case.exact()) < 1e-3


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
    ("lotka_volterra", {}),
    ("mixture_objective", {}),
    ("network", {}),
    ("vector_map", {}),
    ("speelpenning", {}),
    ("speelpenning", {"n": 3, "x": (0.0, 2.0, 3.0)}),
    ("helmholtz", {}),
    ("exponential_fit", {}),
    ("broyden", {}),
    ("kepler", {}),
]
LARGE = [
    ("lotka_volterra", {"steps": 1000}),
    ("mixture_objective", {"d": 6, "k": 5, "n": 200}),
    ("network", {"inputs": 30, "hidden": 20, "outputs": 10, "batch": 40}),
    ("vector_map", {"n": 50}),
    ("speelpenning", {"n": 2000}),
    ("helmholtz", {"n": 60}),
    ("exponential_fit", {"m": 1000}),
    ("broyden", {"n": 300}),
    ("diffusion", {}),
    ("chain", {"n": 7000}),
    ("kepler", {"eccentricity": 0.9, "iterations": 400}),
    ("kepler", {"x": -40.0, "eccentricity": 0.5, "iterations": 80}),
]
"""With derivatives whose rounding errors add up."""


@pytest.mark.parametrize("differentiator", ["dual", "tape"])
@pytest.mark.parametrize(("name", "options"), PROBLEMS)
def test_dual_numbers_and_the_tape_are_exact_on_all_of_them(differentiator, name, options):
    from gradmix_tasks.differentiate import errors

    case = problem(name, **options)
    operator = getattr(gradmix.differentiator(differentiator), case.operator)
    assert errors(operator(case.function, case.point()), case.exact())["derivative_error"] <= 1e-15


@pytest.mark.parametrize("differentiator", ["dual", "tape"])
@pytest.mark.parametrize(("name", "options"), LARGE)
def test_errors_stay_near_rounding_in_long_or_large_ones(differentiator, name, options):
    case = problem(name, **options)
    computed = getattr(gradmix.differentiator(differentiator), case.operator)(case.function, case.point())
    exact = case.exact()
    assert np.max(np.abs(computed - exact)) <= 1e-13 * np.max(np.abs(exact))


def test_the_equations_of_prey_and_predators_are_solved():
    from scipy.integrate import solve_ivp

    def slopes(t, z):
        return 1.5 * z[0] - z[0] * z[1], z[0] * z[1] - 3.0 * z[1]

    x, y = solve_ivp(slopes, (0.0, 10.0), (1.0, 0.5), method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
    case = problem("lotka_volterra", steps=1000)
    value = case.function(case.point())
    assert type(value) is float
    assert value == pytest.approx(x**2 + y**2, rel=1e-6)


def test_the_mixture_objective_is_a_log_likelihood_and_a_prior():
    from scipy.special import logsumexp, multigammaln
    from scipy.stats import multivariate_normal

    d, k, n = 3, 2, 6
    case = problem("mixture_objective", d=d, k=k, n=n)
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((n, d))
    x = case.point()
    alphas, means, factors = x[:k], x[k : k + k * d].reshape(k, d), x[k + k * d :].reshape(k, -1)
    log_densities, prior = [], 0.0
    for alpha, mean, (q1, q2, q3, low21, low31, low32) in zip(alphas, means, factors, strict=True):
        Q = np.array([[np.exp(q1), 0.0, 0.0], [low21, np.exp(q2), 0.0], [low31, low32, np.exp(q3)]])
        density = multivariate_normal(mean, np.linalg.inv(Q.T @ Q))
        log_densities.append(alpha - logsumexp(alphas) + density.logpdf(rows))
        prior += 0.5 * np.sum(Q**2) - (d + 1) * d * np.log(1 / np.sqrt(2)) + multigammaln(0.5 * (d + 1), d)
    expected = np.sum(logsumexp(log_densities, axis=0)) + prior
    assert case.function(x) == pytest.approx(expected, rel=1e-13)


def test_the_networks_loss_is_the_mean_cross_entropy():
    from sklearn.metrics import log_loss

    inputs, hidden, outputs, batch = 4, 6, 3, 20
    case = problem("network", inputs=inputs, hidden=hidden, outputs=outputs, batch=batch, data_seed=5)
    rng = np.random.default_rng(5)
    rows, classes = rng.standard_normal((batch, inputs)), rng.integers(0, outputs, batch)
    x = case.point()
    W, V = x[:24].reshape(inputs, hidden), x[30:48].reshape(hidden, outputs)
    scores = np.clip(rows @ W + x[24:30], 0.0, None) @ V + x[48:]
    powers = np.exp(scores)
    chances = powers / powers.sum(axis=1, keepdims=True)
    assert case.function(x) == pytest.approx(log_loss(classes, chances, labels=range(outputs)), rel=1e-13)


@pytest.mark.parametrize("name", ["cubic", "polynomial", "lecture", "rosenbrock", "heron"])
@pytest.mark.parametrize(("method", "within"), [("central", 1e-9), ("complex_step", 1e-14)])
def test_differences_are_as_good_as_their_method(name, method, within):
    from gradmix_tasks.differentiate import errors

    case = problem(name)
    differentiator = gradmix.differentiator("finite_difference", method=method)
    computed = getattr(differentiator, case.operator)(case.function, case.point())
    assert errors(computed, case.exact())["derivative_error"] <= within


def test_a_point_of_the_wrong_length_is_refused():
    with pytest.raises(gradmix.DataError, match=r"must have problem\.n=3 entries; it has 2"):
        problem("rosenbrock", n=3, x=(1.0, 2.0)).point()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nothing", "module:function"),
        ("no_such:f", "No module named"),
        ("math:nope", "nope"),
        ("math:pi", "must be a function"),
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
