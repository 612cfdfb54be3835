"""Formulas: what `symbolic` and `sympy` write, how large they are, and what is refused."""

import numpy as np
import pytest

import gradmix
from gradmix.config.build import build

sympy = pytest.importorskip("sympy")


def run(text, x):
    names = {}
    exec(text, names)
    return names["jacobian"](x)


def logistic(steps):
    def f(x):
        y = x[0]
        for _ in range(steps):
            y = x[1] * y * (1.0 - y)
        return y

    return f


def test_the_program_runs_by_itself():
    made, x = gradmix.differentiator("symbolic"), np.array([0.3, 3.7])
    functions = [
        logistic(4),
        lambda x: np.stack([np.exp(0.1 * x[0]) + np.arctan2(x[0], x[1]), np.sqrt(x[1]), 2.0 * x[0]]),
        lambda x: x[0] * np.hypot(x[0], x[1]) + np.abs(x[1]),
    ]
    for f in functions:
        exact = np.reshape(gradmix.differentiator("dual").jacobian(f, x), (-1, 2))
        np.testing.assert_allclose(run(made.code(f, x), x), exact, rtol=1e-13)
    np.testing.assert_allclose(run(made.code(lambda x: x**3, 2.0), [2.0]), [[12.0]])


def test_small_formulas_are_shown():
    text = gradmix.differentiator("symbolic").code(lambda x: x[0] ** 2 * x[1], [1.0, 2.0])
    assert "# f0 = x0**2*x1\n# df0/dx0 = 2*x0*x1\n# df0/dx1 = x0**2\n" in text


def test_expressions_swell():
    """Written out, the iterated logistic map doubles with each step; with each subexpression once it grows evenly."""
    from gradmix_peers.symbolic import operations

    found = []
    for steps in (8, 16):
        _, formulas = gradmix.differentiator("symbolic").graph(
            lambda x, steps=steps: np.stack([logistic(steps)(x)]), np.array([0.3, 3.7])
        )
        found.append(operations(formulas))
    (short, short_once), (long, long_once) = found
    assert long > 200 * short
    assert long_once < 3 * short_once
    sizes = gradmix.differentiator("symbolic").measures(logistic(6), [0.3, 3.7])
    assert sizes["derivative_size"] > 5 * sizes["expression_size"] > 25 * sizes["expression_size_shared"]
    assert sizes["derivative_size_shared"] < 10 * sizes["expression_size_shared"]
    x = sympy.Symbol("x")
    assert operations([sympy.sin(x) + sympy.sin(x) * x]) == (4, 3)


def test_the_size_of_a_derivative_is_known_before_it_is_made():
    """The bound holds, and is not far from the truth."""
    from gradmix_peers.symbolic import derivative_size, operations

    made = gradmix.differentiator("symbolic", most_operations=10**9)
    functions = [
        logistic(3),
        logistic(7),
        lambda x: np.sin(np.exp(x[0] * x[1]) / (1.0 + x[1] ** 2)),
        lambda x: x[1] * 2.0,
    ]
    for f in functions:
        symbols, formulas = made.graph(lambda x, f=f: np.stack([f(x)]), np.array([0.3, 3.7]))
        known, is_so = derivative_size(formulas, symbols), operations(made._differentiated(formulas, symbols))[0]
        assert is_so <= known <= 3 * is_so + 4


def test_formulas_that_are_too_large_are_refused_before_algebra_takes_for_ever():
    made = gradmix.differentiator("symbolic")
    with pytest.raises(gradmix.DifferentiationError, match=r"too large for a formula.*most_operations=1000000"):
        made.gradient(logistic(40), [0.3, 3.7])  # 2⁴⁰ operations
    with pytest.raises(gradmix.DifferentiationError, match="its derivatives would have up to"):
        made.gradient(logistic(14), [0.3, 3.7])
    small = gradmix.differentiator("symbolic", most_operations=20)
    with pytest.raises(gradmix.DifferentiationError, match="most_operations=20"):
        small.hessian(lambda x: np.sin(x[0] * x[1]) * x[0], [0.3, 3.7])
    assert small.derivative(np.sin, 0.0) == 1.0


def test_a_formula_holds_for_all_points():
    """What depends on values is refused by name; `sympy` makes the formula of the way that is taken."""
    made, follows = gradmix.differentiator("symbolic"), gradmix.differentiator("sympy")

    def loop(x):
        while x < 10.0:
            x = x * x
        return x

    for f, name in [
        (lambda x: x**2 if x > 1 else x, "`>`"),
        (loop, "`<`"),
        (lambda x: np.where(x > 0, x**2, x), "`>`"),
        (lambda x: x if x else 0.0, "a truth value"),
        (lambda x: np.maximum(x, x**2), "np.maximum"),
        (lambda x: np.floor(x) * x, "np.floor"),
        (lambda x: gradmix.stop_gradient(x) * x, "gradmix.stop_gradient"),
    ]:
        with pytest.raises(gradmix.DifferentiationError, match=rf"\({name}\).*differentiator=sympy"):
            made.derivative(f, 2.5)
        assert follows.derivative(f, 2.5) == gradmix.differentiator("tape").derivative(f, 2.5)
    with pytest.raises(gradmix.DifferentiationError, match="SymPy cannot follow"):
        made.gradient(lambda x: np.linalg.solve(x, np.ones(2))[0], np.eye(2))
    grown = made.gradient(lambda x: np.sum(np.zeros_like(x) + x**2), np.array([1.0, 2.0]))  # looks at no value
    assert grown.tolist() == [2.0, 4.0]


def test_second_derivatives_and_arrays():
    made, truth = gradmix.differentiator("symbolic"), gradmix.differentiator("dual")
    x = np.linspace(0.2, 1.5, 12)

    def energy(x):
        grid = x.reshape(3, 4)
        return np.sum(np.exp(-grid[:, 1:] * grid[:, :-1])) + np.prod(x[:3]) + np.mean(x) ** 2

    np.testing.assert_allclose(made.hessian(energy, x), truth.hessian(energy, x), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(made.hvp(energy, x, x), truth.hvp(energy, x, x), rtol=1e-12)
    prepared = made.prepare(energy, x)
    np.testing.assert_allclose(prepared.gradient(x[::-1].copy()), truth.gradient(energy, x[::-1].copy()), rtol=1e-12)


def test_a_run_keeps_the_formula(tmp_path):
    steps = build("task", {"name": "differentiate", "differentiator": "symbolic", "problem": "cubic"}).component.run()
    with pytest.raises(StopIteration) as end:
        next(steps)
    metrics = end.value.value.metrics
    assert (metrics["expression_size"], metrics["derivative_size"]) == (1.0, 2.0)  # x³, 3 · x²
    end.value.value.artifacts["derivative.py"](tmp_path / "derivative.py")
    text = (tmp_path / "derivative.py").read_text()
    assert "Operations of the formula: " in text
    assert run(text, [2.0]).shape == (1, 1)
