"""What a choice leaves out contributes nothing, even where its derivative is infinite; a zero by value does."""

import math

import numpy as np
import pytest

import gradmix

SOURCE, TAPE, DUAL = (gradmix.differentiator(name) for name in ("source", "tape", "dual"))
X = np.array([0.0, 4.0, 0.25])


def a_root(x):
    return np.sum(np.where(x > 0, np.sqrt(x), 0.0))


def a_chain(x):
    return np.sum(np.where(x > 0, np.exp(np.sqrt(x) * 2.0) + x * np.log(x), 0.0))


def a_quotient(x):
    return np.sum(np.where(x != 0, np.sin(x) / x, 1.0))


def a_power(x):
    return np.sum(np.where(x > 0, x**0.3, x))


def a_choice_in_a_choice(x):
    return np.sum(np.where(x > 0, np.where(x > 1, np.log(x - 0.25), np.sqrt(x)), -x))


def the_larger(x):
    return np.sum(np.maximum(np.log(x), -3.0))


def the_smaller(x):
    return np.sum(np.minimum(1.0 / x, 10.0))


def clipped(x):
    return np.sum(np.clip(np.sqrt(x), 0.1, 1.5))


def the_largest(x):
    return np.max(np.sqrt(x))


def an_entry(x):
    y = np.sqrt(x)
    return y[1] * 2.0


def entries_by_a_mask(x):
    y = np.sqrt(x)
    return np.sum(y[x > 0])


def entries_that_are_overwritten(x):
    y = np.sqrt(x)
    y[x <= 0] = 0.0
    return np.sum(y)


def moved_entries(x):
    return np.sum(np.where(x > 0, np.sqrt(x[::-1]).reshape(3)[::-1], 0.0))


def broadcast(x):
    table = np.sqrt(x)[None, :] * np.ones((2, 1))
    return np.sum(np.where(x > 0, table, 1.0))


def a_branch(x):
    y = np.where(x > 0, np.sqrt(x), 0.0) if x[1] > 1.0 else x
    return np.sum(y)


CASES = (
    *(a_root, a_chain, a_quotient, a_power, a_choice_in_a_choice, the_larger, the_smaller, clipped, the_largest),
    *(an_entry, entries_by_a_mask, entries_that_are_overwritten, moved_entries, broadcast, a_branch),
)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
def test_what_is_left_out_contributes_nothing(f):
    gradient = SOURCE.gradient(f, X)
    assert gradient[0] == (-1.0 if f is a_choice_in_a_choice else float(f is a_power))
    np.testing.assert_allclose(gradient, DUAL.gradient(f, X), rtol=1e-13)
    if f is not entries_that_are_overwritten:
        np.testing.assert_allclose(gradient, TAPE.gradient(f, X), rtol=1e-13)
    elsewhere = np.array([0.3, 4.0, 0.25])
    np.testing.assert_allclose(SOURCE.gradient(f, elsewhere), DUAL.gradient(f, elsewhere), rtol=1e-13)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_it_is_so_for_numbers_and_second_derivatives():
    def f(x):
        y = math.sqrt(x[0])
        return max(y - 1.0, 0.0) * x[1]

    assert SOURCE.gradient(f, [0.0, 2.0]).tolist() == [0.0, 0.0]
    assert SOURCE.gradient(f, [4.0, 2.0]).tolist() == [0.5, 1.0]
    assert SOURCE.hvp(a_root, X, np.ones(3)).tolist() == [0.0, -0.25 * 4.0**-1.5, -0.25 * 0.25**-1.5]


def a_product_with_zero(x):
    return np.sum(0.0 * np.sqrt(x))


def a_quotient_of_quotients(x):
    return np.sum(np.where(x >= 0, 1.0 / (1.0 + 1.0 / x), 0.0))


def a_tie(x):
    return np.sum(np.maximum(np.sqrt(x), 0.0))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("f", [a_product_with_zero, a_quotient_of_quotients, a_tie], ids=lambda f: f.__name__)
def test_a_zero_by_value_is_not_taken_for_one_that_is_left_out(f):
    gradient = SOURCE.gradient(f, X)
    assert not math.isfinite(gradient[0])
    np.testing.assert_allclose(gradient, TAPE.gradient(f, X), rtol=1e-13)


def test_a_condition_that_is_changed_later_is_not_read_again():
    def f(x):
        y = np.sqrt(x)
        flags = np.zeros(3, dtype=bool)
        flags[1] = True
        z = np.where(flags, y, 0.0)
        flags[2] = True
        return np.sum(np.where(flags, z, y * 2.0))

    point = np.array([0.5, 4.0, 0.25])
    np.testing.assert_allclose(SOURCE.gradient(f, point), [2.0 * 0.5 / 0.5**0.5, 0.25, 0.0], rtol=1e-13)


def read_and_unpacked(x):
    y = np.sqrt(x)
    a, b, c = y
    return y[1] * 2.0 + a * b + c


def read_and_written(x):
    y = np.sqrt(x)
    s = y[2] * y[0]
    y[1] = x[0]
    y[0] = 0.5
    return np.sum(y * y) * s + y[1]


def read_in_a_loop(x):
    y = 1.0 / x
    s = y[2]
    for i in range(2):
        s = s * y[i] + y[0]
    return s * y[2]


def chosen_and_read(x):
    y = np.log(x)
    return np.sum(np.maximum(y, -1.0) * y[::-1]) + np.sum(np.where(y > 0, y[0], y))


def written_in_a_loop(x):
    y = np.sqrt(x)
    s = np.sum(y * y)
    for i in range(3):
        s += y[i] / (1.0 + i)
        y[i] = s * x[i]
    return np.sum(y) + y[0]


READ = (read_and_unpacked, read_and_written, read_in_a_loop, chosen_and_read, written_in_a_loop)


@pytest.mark.parametrize("f", READ, ids=lambda f: f.__name__)
def test_nothing_that_contributes_is_left_out(f):
    point, forward = np.array([0.3, 4.0, 0.25]), gradmix.differentiator("source", mode="forward")
    exact = [(f(point + 1e-6 * e) - f(point - 1e-6 * e)) / 2e-6 for e in np.eye(3)]
    np.testing.assert_allclose(SOURCE.gradient(f, point), exact, rtol=1e-7)
    np.testing.assert_allclose(SOURCE.gradient(f, point), forward.gradient(f, point), rtol=1e-13)
