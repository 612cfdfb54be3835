"""Programs: results of their own, buffers for each call, compiled loops, and values that are not finite."""

import threading
import warnings

import numpy as np
import pytest
from tests.plugins.gradmix_autodiff.program.agreement import COMPILED, DUAL, TAPE, programs, same, scalar

from gradmix.config.build import build


def test_results_are_fresh_and_the_point_is_left_alone():
    x = np.array([0.5, -1.0, 2.0])
    for made in (TAPE, COMPILED):
        prepared = made.prepare(scalar, x)
        first = prepared.gradient(x)
        kept = first.copy()
        second = prepared.gradient(x + 1.0)
        assert not np.shares_memory(first, second)
        np.testing.assert_array_equal(first, kept)
        first[:] = 0.0
        np.testing.assert_array_equal(prepared.gradient(x), kept)
        linear = made.prepare(lambda y: np.sum(3.0 * y), x)
        linear.gradient(x)[:] = 0.0
        same(linear.gradient(x), [3.0, 3.0, 3.0])
        identity = made.prepare(lambda y: y, x)
        assert not np.shares_memory(identity.jvp(x, kept), kept)
        writing = made.prepare(overwriting, x)
        before = x.copy()
        same(writing.gradient(x), made.gradient(overwriting, x))
        np.testing.assert_array_equal(x, before)


def overwriting(x):
    view = x[1:]
    x[0] = x[1] * x[2]
    view *= 2.0
    x += view[0]
    return np.sum(x**2)


@pytest.mark.parametrize("x", [0.0, np.inf, np.nan, -1.0, 1e200])
def test_values_that_are_not_finite(x):
    cases = {
        "root": lambda y: np.sum(np.sqrt(y)),
        "masked root": lambda y: np.sum(np.where(y > 0, np.sqrt(np.where(y > 0, y, 1.0)), 0.0)),
        "0 · ∞": lambda y: np.sum(np.where(y > 0, np.log(y), 0.0)),
        "square": lambda y: np.sum(y**2) * y[0],
        "norm": lambda y: np.linalg.norm(y - y[0]),
        "quotient": lambda y: y[0] / y[1],
        "power": lambda y: y[0] ** y[1],
    }
    for f in cases.values():
        for made in (TAPE, DUAL):
            prepared = made.prepare(f, np.array([1.5, 2.5]))
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                for point in (np.array([x, 2.0]), np.array([2.0, x]), np.array([x, x])):
                    np.testing.assert_allclose(prepared.gradient(point), made.gradient(f, point), rtol=1e-12)


@pytest.mark.parametrize("made", [TAPE, COMPILED], ids=["numpy", "compiled"])
def test_threads_share_a_program(made):
    mixture = build("problem", {"name": "mixture_objective", "d": 3, "k": 4, "n": 50}).component
    x = mixture.point()
    prepared = made.prepare(mixture.function, x)
    points = [x + 0.01 * k for k in range(4)]
    plain = [TAPE.gradient(mixture.function, each) for each in points]
    wrong = []

    def work(place):
        for _ in range(60):
            found = prepared.gradient(points[place])
            if not np.allclose(found, plain[place], rtol=1e-10):
                wrong.append(place)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong


def test_without_numba(monkeypatch):
    from gradmix_autodiff.program import emission

    monkeypatch.setattr(emission, "can_compile", lambda: False)
    x = np.linspace(-1.0, 1.0, 20)
    prepared = COMPILED.prepare(scalar, x)
    assert programs(prepared)
    same(prepared.gradient(x), TAPE.gradient(scalar, x))


def test_loops_that_do_not_compile_leave_the_tape(monkeypatch):
    from gradmix_autodiff.program import emission

    def fails(text):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(emission, "compiled", fails)
    x = np.linspace(-1.0, 1.0, 20)
    prepared = COMPILED.prepare(scalar, x)
    same(prepared.gradient(x), TAPE.gradient(scalar, x))
    assert not programs(prepared)
    assert "no compiler" in prepared.reasons["first"]


def test_compiled_sums_keep_what_a_compensated_sum_is_for():
    def compensated(x):
        large = 1e16 * x
        return np.sum((large + 1.0) - large)

    x = np.ones(64)
    prepared = COMPILED.prepare(lambda y: np.sum(y) + compensated(y), x)
    assert prepared.value_and_gradient(x)[0] == 64.0 + compensated(x)
