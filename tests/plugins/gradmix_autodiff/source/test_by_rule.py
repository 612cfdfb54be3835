"""Functions without a written form are differentiated by the rules of the table, as tape and dual do it."""

import json
import subprocess
import sys

import numpy as np
import pytest
import scipy.special
from tests.plugins.gradmix_autodiff import test_functions, test_rules

import gradmix
from gradmix import DifferentiationError

SOURCE, TAPE, DUAL = (gradmix.differentiator(name) for name in ("source", "tape", "dual"))
CASES = {
    **{f"rules: {name}": (f, test_rules.X) for name, f in test_rules.STRUCTURE.items()},
    **{f"functions: {name}": (f, test_functions.X) for name, f in test_functions.FUNCTIONS.items()},
}
X = np.array([[0.9, 1.2, 0.4], [0.3, -0.7, 2.1], [1.6, 0.2, -0.5]])


def curved(f, w):
    def g(x):
        return np.sum(np.sin(f(x)) * w)

    return g


def outcome(f, x, way):
    """Whether a way agrees with the table's own modes, or why it is refused."""
    v, shape = np.cos(np.arange(float(x.size))).reshape(x.shape), np.shape(f(x))
    w = np.sin(1.0 + np.arange(np.prod(shape, dtype=float))).reshape(shape)[()]
    ours, theirs, g, direction = {
        "forward": (SOURCE.jvp, DUAL.jvp, f, v),
        "reverse": (SOURCE.vjp, TAPE.vjp, f, w),
        "twice": (SOURCE.hvp, TAPE.hvp, curved(f, w), v),
    }[way]
    try:
        found = ours(g, x, direction)
    except DifferentiationError as error:
        return str(error)
    expected = theirs(g, x, direction)
    return np.shape(found) == np.shape(expected) and np.allclose(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("way", ["forward", "reverse", "twice"])
def test_nearly_all_functions_agree_with_the_tape_and_none_differs(way):
    with np.errstate(all="ignore"):
        found = {name: outcome(f, x, way) for name, (f, x) in CASES.items()}
    assert [name for name, each in found.items() if each is False] == []
    refused = {name: each for name, each in found.items() if each is not True}
    assert len(refused) < 0.2 * len(found), refused


def a_decomposition(x):
    values, vectors = np.linalg.eigh(x @ x.T)
    return values[0] * vectors[:, 1] ** 2 @ x[0]


def fields_of_a_named_tuple(x):
    found = np.linalg.slogdet(x @ x.T)
    return found.logabsdet * found.sign


def parts_of_an_array(x):
    one, other = np.split(x[0], [1])
    return np.sum(one * other) * np.prod(other)


def functions_in_a_loop(x):
    total, row = 0.0, x[0]
    for i in range(3):
        row = np.sort(row * x[i])
        total += np.einsum("i,ij,j", row, x, x[i])
    return total


def a_write_into_what_a_function_made(x):
    y = np.sort(x[0])
    y[0] = x[1, 1] ** 2
    return np.prod(y)


def an_option_of_a_ufunc(x):
    return np.sum(np.exp(x, where=x > 0.5, out=np.zeros_like(x)))


def a_function_of_scipy(x):
    ai, _, bi, _ = scipy.special.airy(x[0])
    return np.sum(ai * bi * scipy.special.expit(x[1]))


def a_lambda_for_each_row(x):
    scale = x[0, 0]
    return np.sum(np.apply_along_axis(lambda row: np.sum(row**2) * scale, 1, x))


def axes_counted_from_the_end(x):
    return np.sum(np.transpose(x[:2], (-1, 0)) * x[:, :2])


def a_norm_of_another_order(x):
    return np.linalg.norm(x, 1) + np.sum(np.var(x, 0) * np.sum(x, 0, np.float64))


PROGRAMS = (
    a_decomposition,
    fields_of_a_named_tuple,
    parts_of_an_array,
    functions_in_a_loop,
    a_write_into_what_a_function_made,
    an_option_of_a_ufunc,
    a_function_of_scipy,
    a_lambda_for_each_row,
    axes_counted_from_the_end,
    a_norm_of_another_order,
)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_programs_agree_in_both_modes_and_twice(f):
    forward, v = gradmix.differentiator("source", mode="forward"), np.cos(np.arange(9.0)).reshape(3, 3)
    expected = DUAL.gradient(f, X)
    np.testing.assert_allclose(SOURCE.gradient(f, X), expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(forward.gradient(f, X), expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(SOURCE.hvp(f, X, v), DUAL.hvp(f, X, v), rtol=1e-11, atol=1e-12)


def test_a_function_with_a_rule_of_its_own_is_not_taken_apart():
    ruled = gradmix.with_rule(lambda x: 5.0 * x, vjp=lambda x, w: w * 7.0)

    def f(x):
        return np.sum(ruled(x) * x)

    np.testing.assert_allclose(SOURCE.gradient(f, X), 12.0 * X, rtol=1e-14)


def test_a_view_that_a_function_may_give_is_not_read_after_a_write():
    def f(x):
        a = np.copy(x)
        turned = np.rot90(a)
        a[0, 0] = x[1, 1]
        return np.sum(turned * x)

    with pytest.raises(DifferentiationError, match=r"a\[0, 0\] = .*another name"):
        SOURCE.gradient(f, X)


@pytest.mark.processes
def test_the_printed_code_runs_in_a_fresh_interpreter():
    code = SOURCE.code(functions_in_a_loop, X)
    assert "pullback_of(lambda" in code
    program = f"{code}\nprint(functions_in_a_loop_bar(np.array({X.tolist()}))[1].tolist())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    np.testing.assert_allclose(json.loads(done.stdout), TAPE.gradient(functions_in_a_loop, X), rtol=1e-12)


def test_an_implicit_function_is_differentiated_by_its_equation():
    root = gradmix.implicit_root(lambda x, a: x * x - a, np.sqrt)
    source = gradmix.differentiator("source")
    assert source.derivative(root, 4.0) == 0.25
    assert source.derivative(root, 4.0, order=2) == pytest.approx(-1 / 32, rel=1e-14)
