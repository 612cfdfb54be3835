"""Derivatives beside those that are written by hand, both measured against 50 decimal digits."""

import mpmath
import numpy as np
import pytest

import gradmix
from gradmix_problems.lotka_volterra import LotkaVolterra
from gradmix_problems.mixture_objective import MixtureObjective
from gradmix_problems.network import Network
from gradmix_problems.rosenbrock import Rosenbrock

EPS = np.finfo(float).eps


def rosenbrock_by_hand(problem, x):
    valley, slope = x[1:] - x[:-1] ** 2, 1.0 - x[:-1]
    gradient = np.zeros_like(x)
    gradient[1:] = 200.0 * valley
    gradient[:-1] -= 400.0 * valley * x[:-1] + 2.0 * slope
    return gradient


def lotka_volterra_by_hand(problem, x):
    """The method applied to x, y and their derivatives by the four rates."""
    a, b, c, d = x

    def slopes(state):
        x, y, by_x, by_y = state[0, 0], state[0, 1], state[1:, 0], state[1:, 1]
        direct_x, direct_y = np.array([x, -x * y, 0.0, 0.0]), np.array([0.0, 0.0, -y, x * y])
        return np.vstack(
            [
                [a * x - b * x * y, d * x * y - c * y],
                np.column_stack(
                    [
                        (a - b * y) * by_x - b * x * by_y + direct_x,
                        d * y * by_x + (d * x - c) * by_y + direct_y,
                    ]
                ),
            ]
        )

    state, h = np.vstack([problem.start, np.zeros((4, 2))]), problem.step
    for _ in range(problem.steps):
        k1 = slopes(state)
        k2 = slopes(state + 0.5 * h * k1)
        k3 = slopes(state + 0.5 * h * k2)
        k4 = slopes(state + h * k3)
        state = state + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return 2.0 * (state[0, 0] * state[1:, 0] + state[0, 1] * state[1:, 1])


def network_by_hand(problem, x):
    rows, classes, _ = problem._drawn
    W, b, V, c = problem._layers(x)
    before = rows @ W + b
    activity = np.maximum(before, 0.0)
    scores = activity @ V + c
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    by_scores = (powers / powers.sum(axis=1, keepdims=True) - classes) / problem.batch
    by_before = (by_scores @ V.T) * (before > 0)
    parts = (rows.T @ by_before, by_before.sum(axis=0), activity.T @ by_scores, by_scores.sum(axis=0))
    return np.concatenate([part.ravel() for part in parts])


def mixture_by_hand(problem, x):
    d, k = problem.d, problem.k
    rows, columns = problem._below
    alphas, means, factors = x[:k], x[k : k + k * d].reshape(k, d), x[k + k * d :].reshape(k, -1)
    logarithms, below, centered = factors[:, :d], factors[:, d:], problem._rows - means[:, None]
    Q = np.zeros((k, d, d))
    Q[:, rows, columns], Q[:, range(d), range(d)] = below, np.exp(logarithms)
    u = centered @ Q.swapaxes(1, 2)
    inner = (alphas + logarithms.sum(axis=1))[:, None] - (u**2).sum(axis=2) / 2
    r, weights = (np.exp(each - each.max(axis=0)) for each in (inner, alphas))
    r, weights = r / r.sum(axis=0), weights / weights.sum()
    outer = (r[:, :, None] * u).swapaxes(1, 2) @ centered
    diagonals = np.exp(logarithms)
    by_logarithms = r.sum(axis=1)[:, None] - outer[:, range(d), range(d)] * diagonals + diagonals**2
    by_factors = np.concatenate([by_logarithms, below - outer[:, rows, columns]], axis=1)
    by_means = ((r[:, None] @ u) @ Q)[:, 0]
    return np.concatenate([r.sum(axis=1) - problem.n * weights, by_means.ravel(), by_factors.ravel()])


def log_sum_exp(numbers):
    return mpmath.log(mpmath.fsum(map(mpmath.exp, numbers)))


def network_in_digits(problem, x):
    rows, classes, _ = problem._drawn
    W, b, V, c = problem._layers(np.array(x, dtype=object))
    total = mpmath.mpf(0)
    for row, of_class in zip(rows, classes, strict=True):
        activity = [max(value, mpmath.mpf(0)) for value in row @ W + b]
        scores = np.array(activity, dtype=object) @ V + c
        total += log_sum_exp(scores) - scores[int(np.argmax(of_class))]
    return total / problem.batch


def mixture_in_digits(problem, x):
    d, k = problem.d, problem.k
    rows, columns = problem._below
    x = np.array(x, dtype=object)
    alphas, means, factors = x[:k], x[k : k + k * d].reshape(k, d), x[k + k * d :].reshape(k, -1)
    total = -problem.n * log_sum_exp(alphas)
    for row in problem._rows:
        inner = []
        for alpha, mean, factor in zip(alphas, means, factors, strict=True):
            Q = np.diag([mpmath.exp(each) for each in factor[:d]]).astype(object)
            Q[rows, columns] = factor[d:]
            u = Q @ (row - mean)
            inner.append(alpha + sum(factor[:d]) - u @ u / 2)
        total += log_sum_exp(inner)
    for factor in factors:
        total += (sum(mpmath.exp(2 * each) for each in factor[:d]) + sum(each**2 for each in factor[d:])) / 2
    return total


def truth(function, x):
    """Central differences with 50 digits, right to 30."""
    step, found = mpmath.mpf(10) ** -15, []
    for place in range(len(x)):
        beside = [[mpmath.mpf(float(each)) for each in x] for _ in range(2)]
        beside[0][place] += step
        beside[1][place] -= step
        found.append(float((function(beside[0]) - function(beside[1])) / (2 * step)))
    return np.array(found)


CASES = {
    "rosenbrock": (
        Rosenbrock(n=7, x=(0.3, -1.2, 0.7, 1.9, -0.4, 1.1, 0.6)),
        rosenbrock_by_hand,
        lambda problem, x: problem.function(np.array(x, dtype=object)),
    ),
    "lotka_volterra": (LotkaVolterra(steps=50), lotka_volterra_by_hand, lambda problem, x: problem.function(x)),
    "network": (Network(), network_by_hand, network_in_digits),
    "mixture_objective": (MixtureObjective(d=3, k=2, n=6), mixture_by_hand, mixture_in_digits),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """The problem, the derivative by hand and the true one."""
    problem, by_hand, in_digits = CASES[request.param]
    x = np.asarray(problem.point(), dtype=float)
    with mpmath.workdps(50):
        return problem, by_hand(problem, x), truth(lambda point: in_digits(problem, point), x)


def error(computed, exact):
    return np.max(np.abs(computed - exact)) / np.max(np.abs(exact))


def test_the_derivative_by_hand_is_right(case):
    _, by_hand, exact = case
    assert error(by_hand, exact) < 1e-13


@pytest.mark.parametrize("name", ["tape", "dual"])
def test_the_error_is_within_four_times_that_of_the_derivative_by_hand(case, name):
    problem, by_hand, exact = case
    computed = gradmix.differentiator(name).gradient(problem.function, problem.point())
    assert error(computed, exact) <= 4 * max(error(by_hand, exact), EPS)
