"""Compiled code gives what emitted code gives, and is kept on disk; what cannot be compiled is said."""

import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.special as special
from tests.plugins.gradmix_autodiff.source.programs import PROGRAMS

import gradmix
from gradmix import DifferentiationError

pytest.importorskip("numba")

SOURCE = gradmix.differentiator("source")
COMPILED = gradmix.differentiator("source", compiled=True)
POINTS = ([0.9, 0.2, 0.4], [1.2, 1.5, 2.5], [-0.7, 0.3, 0.65])
NAMES = (
    "branches_in_nested_loops",
    "break_and_continue",
    "conditional_expressions",
    "a_result_of_a_loop_that_is_written",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_it_gives_what_the_code_gives(name, mode):
    compiled = gradmix.differentiator("source", compiled=True, mode=mode)
    for point in POINTS:
        expected = SOURCE.gradient(PROGRAMS[name], point)
        np.testing.assert_allclose(compiled.gradient(PROGRAMS[name], point), expected, rtol=1e-14, atol=1e-14)


def test_infinities_are_those_of_numpy():
    def f(x):
        return 1.0 / x[0] + x[1] ** x[2]

    gradient = COMPILED.gradient(f, [0.0, 2.0, 3.0])
    assert gradient[0] == -np.inf
    np.testing.assert_allclose(gradient[1:], [12.0, 8.0 * np.log(2.0)])


def test_numbers_from_outside_are_looked_up_at_each_call():
    factor = 2.0

    def f(x):
        return factor * x * x

    assert COMPILED.derivative(f, 3.0) == 12.0
    factor = 5.0
    assert COMPILED.derivative(f, 3.0) == 30.0


def test_an_index_out_of_range_is_an_error():
    def f(x):
        s = 0.0
        for i in range(4):
            s += x[i] * x[i]
        return s

    with pytest.raises(IndexError):
        COMPILED.gradient(f, [1.0, 2.0])


def test_unpacking_an_array_of_another_length_is_an_error():
    def f(x):
        a, b = x
        return a * b

    assert COMPILED.gradient(f, [2.0, 5.0]).tolist() == [5.0, 2.0]
    with pytest.raises(ValueError, match="another length than 2"):
        COMPILED.gradient(f, [2.0, 5.0, 1.0])


def slices(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2) * x.mean() + np.dot(x, x)


def choices(x):
    y = np.where(x > 0.5, np.log(np.maximum(x, 0.1)), np.abs(x) ** 1.5)
    return np.sum(y[x > 0.0]) * np.max(x) + np.sum(np.clip(x, 0.3, 0.9))


def writes_into_slices_in_a_loop(x):
    u = x
    for _ in range(5):
        v = np.copy(u)
        v[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2.0 * u[1:-1] + u[:-2])
        u = v
    return np.sum(u * u)


def matrices(x):
    m = np.outer(x, x)
    return np.sum((np.tanh(m) @ x) ** 2) + np.sum(np.sum(m * x, axis=0) ** 2)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("f", [slices, choices, writes_into_slices_in_a_loop, matrices], ids=lambda f: f.__name__)
def test_whole_arrays_are_compiled(f):
    for point in ([0.9, 0.2, 0.4, 1.3], [0.0, 1.5, -2.5, 0.3]):
        np.testing.assert_allclose(COMPILED.gradient(f, point), SOURCE.gradient(f, point), rtol=1e-12, atol=1e-13)


def test_tangents_of_whole_arrays_are_compiled():
    compiled, v = gradmix.differentiator("source", compiled=True, mode="forward"), np.array([1.0, -0.5, 2.0])
    point = np.array([0.9, 0.2, 0.4])
    np.testing.assert_allclose(compiled.jvp(choices, point, v), SOURCE.jvp(choices, point, v), rtol=1e-12)


def what_numba_lacks(x):
    table = np.sort(x)[:, None] * x
    return np.sum(np.max(table, axis=1, keepdims=True))


def writes_of_all_kinds(x):
    a = np.zeros(6)
    a[:3] = x[:3] ** 2
    for i in range(3, 6):
        a[i] = a[i - 1] * x[i - 3] + a[i - 2]
        a[1:3] = a[1:3] * x[0]
        a[-1] = a[i] * a[5]
    a[a > 1] = 0.5
    a[::-2] = a[::-2] ** 2
    return np.sum(a * a)


@pytest.mark.parametrize("f", [what_numba_lacks, writes_of_all_kinds])
def test_what_numba_lacks_is_handed_back_to_numpy(f):
    for point in ([0.9, 0.2, 0.4], [1.2, 1.5, 0.5]):
        np.testing.assert_allclose(COMPILED.gradient(f, point), SOURCE.gradient(f, point), rtol=1e-12, atol=1e-13)


def test_the_code_is_text_of_numpy_and_is_checked_by_compiling():
    text = COMPILED.code(what_numba_lacks, [0.9, 0.2, 0.4])
    assert "objmode" not in text
    assert "np.max(table, axis=1, keepdims=True)" in text
    names = {}
    exec(text, names)
    _, gradient = names["what_numba_lacks_bar"](np.array([0.9, 0.2, 0.4]))
    np.testing.assert_allclose(gradient, SOURCE.gradient(what_numba_lacks, [0.9, 0.2, 0.4]), rtol=1e-12)


def two_matrices(x):
    u, s, _ = np.linalg.svd(np.outer(x, x) + np.eye(len(x)))
    return np.sum(s) * u[0, 0]


def whole_numbers(x):
    a = np.array([[1, 2], [3, 4]])
    return np.sum(a @ x)


@pytest.mark.parametrize(
    ("f", "what"),
    [
        (two_matrices, r"test_compiled\.py, line \d+: `np\.linalg\.svd.*not known in advance"),
        (whole_numbers, r"in test_compiled\.py, line \d+, `return np\.sum\(a @ x\)`: numba cannot.*`w\d = a @ x`"),
        (
            lambda x: special.gammaln(x)[0],
            r"in test_compiled\.py, line \d+, `.*: special\.gammaln, a function from out",
        ),
    ],
)
def test_what_cannot_be_compiled_is_named_with_its_line(f, what):
    for ask in (COMPILED.gradient, COMPILED.code):
        with pytest.raises(DifferentiationError, match=rf"(?s){what}.*set differentiator\.compiled=false"):
            ask(f, [1.0, 2.0])


@pytest.mark.processes
def test_the_next_process_finds_the_machine_code(tmp_path):
    (tmp_path / "model.py").write_text("def f(x):\n    for i in range(3):\n        x = x * x + i\n    return x\n")
    program = (
        "import model, gradmix; from gradmix_autodiff.source import compiling; from numba.core import event\n"
        "with event.install_recorder('numba:compile') as recorder:\n"
        "    print(gradmix.differentiator('source', compiled=True).derivative(model.f, 0.5), len(recorder.buffer))\n"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = [
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=environment, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert done[0][0] == done[1][0]
    assert int(done[0][1]) > 0
    assert int(done[1][1]) == 0
