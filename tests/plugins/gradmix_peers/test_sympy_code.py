"""What the peer ``sympy`` writes: formulas, their sizes, and a program that runs by itself."""

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
    made, x = gradmix.differentiator("sympy"), np.array([0.3, 3.7])
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
    text = gradmix.differentiator("sympy").code(lambda x: x[0] ** 2 * x[1], [1.0, 2.0])
    assert "# f0 = x0**2*x1\n# df0/dx0 = 2*x0*x1\n# df0/dx1 = x0**2\n" in text


def test_expressions_swell():
    """Written out, the iterated logistic map doubles with each step; with each subexpression once it grows evenly."""
    from gradmix_peers.sympy import operations

    found = []
    for steps in (8, 16):
        _, formulas = gradmix.differentiator("sympy").graph(
            lambda x, steps=steps: np.stack([logistic(steps)(x)]), np.array([0.3, 3.7])
        )
        found.append(operations(formulas))
    (short, short_once), (long, long_once) = found
    assert long > 200 * short
    assert long_once < 3 * short_once
    x = sympy.Symbol("x")
    assert operations([sympy.sin(x) + sympy.sin(x) * x]) == (4, 3)


def test_a_run_keeps_the_formula(tmp_path):
    steps = build("task", {"name": "differentiate", "differentiator": "sympy", "problem": "cubic"}).component.run()
    with pytest.raises(StopIteration) as end:
        next(steps)
    end.value.value.artifacts["derivative.py"](tmp_path / "derivative.py")
    text = (tmp_path / "derivative.py").read_text()
    assert "Operations of the formula: " in text
    assert run(text, [2.0]).shape == (1, 1)
