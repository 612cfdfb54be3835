"""What both modes promise: laws of derivatives, nesting, purity, and guided errors instead of silent wrong answers."""

import math
import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import gradmix
from gradmix import DifferentiationError

DUAL, TAPE = gradmix.differentiator("dual"), gradmix.differentiator("tape")
MODES = pytest.mark.parametrize("mode", [DUAL, TAPE], ids=["dual", "tape"])
PAIRS = pytest.mark.parametrize(
    ("outer", "inner"), [(DUAL, DUAL), (TAPE, TAPE), (DUAL, TAPE), (TAPE, DUAL)], ids=["dd", "tt", "dt", "td"]
)


def model(x):
    """A function of ℝ⁴ with most kinds of operation in it."""
    a = np.tanh(x[:2] @ np.array([[1.0, 2.0], [-0.5, 0.3]]))
    b = np.where(x > 0, np.log1p(x**2), np.sin(x))
    return np.concatenate([a, b * x[::-1], [np.linalg.norm(x)]])


finite = st.floats(-3, 3).map(lambda value: round(value, 3) or 0.5)
vectors = st.lists(finite, min_size=4, max_size=4).map(np.array)


@settings(max_examples=40, deadline=None)
@given(vectors, vectors, st.lists(finite, min_size=7, max_size=7).map(np.array))
def test_push_forward_and_pull_back_are_dual(x, v, w):
    pushed, pulled = DUAL.jvp(model, x, v), TAPE.vjp(model, x, w)
    assert w @ pushed == pytest.approx(pulled @ v, rel=1e-10, abs=1e-10)
    np.testing.assert_allclose(DUAL.jacobian(model, x), TAPE.jacobian(model, x), rtol=1e-10, atol=1e-12)


@MODES
@settings(max_examples=20, deadline=None)
@given(x=vectors, v=vectors, u=vectors, a=finite)
def test_derivatives_are_linear_in_the_direction(mode, x, v, u, a):
    together = mode.jvp(model, x, a * v + u)
    np.testing.assert_allclose(together, a * mode.jvp(model, x, v) + mode.jvp(model, x, u), rtol=1e-9, atol=1e-9)


@PAIRS
def test_perturbations_are_not_confused(outer, inner):
    assert outer.derivative(lambda x: x * inner.derivative(lambda y: x + y, 1.0), 1.0) == 1.0
    assert outer.derivative(lambda x: x * inner.derivative(lambda y: x * y, 2.0), 3.0) == 6.0


@PAIRS
def test_derivatives_of_derivatives(outer, inner):
    second = outer.derivative(lambda x: inner.derivative(lambda y: np.exp(2 * y) * np.sin(y), x), 0.3)
    assert second == pytest.approx(np.exp(0.6) * (3 * np.sin(0.3) + 4 * np.cos(0.3)), rel=1e-13)
    third = outer.derivative(lambda x: inner.derivative(lambda y: outer.derivative(lambda z: z**5, y), x), 1.5)
    assert third == pytest.approx(60 * 1.5**2, rel=1e-13)


@MODES
def test_hessians_are_symmetric_and_exact(mode):
    def f(x):
        return np.sum(np.exp(x[:-1] * x[1:])) + x[0] ** 3

    x = np.array([0.5, -0.3, 0.8])
    e, g = np.exp(x[0] * x[1]), np.exp(x[1] * x[2])
    exact = np.array(
        [
            [x[1] ** 2 * e + 6 * x[0], (1 + x[0] * x[1]) * e, 0.0],
            [(1 + x[0] * x[1]) * e, x[0] ** 2 * e + x[2] ** 2 * g, (1 + x[1] * x[2]) * g],
            [0.0, (1 + x[1] * x[2]) * g, x[1] ** 2 * g],
        ]
    )
    hessian = mode.hessian(f, x)
    np.testing.assert_allclose(hessian, exact, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-14)
    v = np.array([1.0, 2.0, -1.0])
    np.testing.assert_allclose(mode.hvp(f, x, v), exact @ v, rtol=1e-13)


@MODES
def test_a_branch_that_is_not_taken_contributes_nothing(mode):
    x = np.array([-1.0, 0.0, 4.0])
    with np.errstate(all="ignore"):
        found = mode.gradient(lambda x: np.sum(np.where(x > 0, np.sqrt(x) + np.log(x), 0.0)), x)
    np.testing.assert_allclose(found, [0.0, 0.0, 0.25 + 0.25])


@MODES
def test_the_square_of_a_norm_at_zero(mode):
    np.testing.assert_array_equal(mode.gradient(lambda x: np.linalg.norm(x) ** 2, np.zeros(3)), np.zeros(3))


@MODES
@pytest.mark.parametrize(
    ("x", "n", "exact"), [(0.0, 0, 0.0), (0.0, 1, 1.0), (0.0, 2, 0.0), (-2.0, 3, 12.0), (0.0, 3, 0.0)]
)
def test_powers_at_awkward_points(mode, x, n, exact):
    assert mode.derivative(lambda x: x**n, x) == exact
    assert mode.derivative(lambda x: x ** np.array([n, n]), x).tolist() == [exact, exact]


@MODES
def test_ties_share_the_derivative(mode):
    np.testing.assert_allclose(mode.gradient(np.max, np.array([2.0, 1.0, 2.0])), [0.5, 0.0, 0.5])
    assert mode.derivative(lambda x: np.maximum(x, 1.0), 1.0) == 0.5


@MODES
def test_integer_points_are_taken_as_floats(mode):
    np.testing.assert_array_equal(mode.gradient(lambda x: np.sum(x**2), [1, 2]), [2.0, 4.0])
    assert mode.derivative(lambda x: x**3, 2) == 12.0


@MODES
def test_a_function_that_does_not_depend_on_its_argument(mode):
    np.testing.assert_array_equal(mode.gradient(lambda x: 3.0, [1.0, 2.0]), [0.0, 0.0])
    np.testing.assert_array_equal(mode.gradient(lambda x: np.sum(np.floor(x)), [1.5, 2.0]), [0.0, 0.0])
    assert mode.jacobian(lambda x: np.ones((2, 2)), [1.0, 2.0, 3.0]).shape == (2, 2, 3)


@MODES
def test_control_flow_follows_the_values(mode):
    def f(x):
        y = x
        while y < 100:
            y = y * x
        return y if y > 120 else -y

    assert mode.derivative(f, 3.0) == pytest.approx(5 * 81.0)


@MODES
def test_deep_graphs_do_not_recurse(mode):
    def f(x):
        for _ in range(20_000):
            x = x * 1.0001
        return x

    assert mode.derivative(f, 1.0) == pytest.approx(1.0001**20_000, rel=1e-10)


_OF_TWO = {
    "hypot": np.hypot,
    "arctan2": np.arctan2,
    "power": np.power,
    "logaddexp": np.logaddexp,
    "where": lambda a, b: np.where(np.asarray([True, False]), a, b).sum(),
    "dot": lambda a, b: np.dot(np.stack([a, 2.0 * a]), np.stack([b, b * b])),
    "matmul": lambda a, b: (np.stack([a, 1.0 * a])[None] @ np.stack([b, b * b])[:, None])[0, 0],
    "concatenate": lambda a, b: np.prod(np.concatenate([np.stack([a, a]), np.stack([b, b * b])])),
    "outer": lambda a, b: np.outer(np.stack([a, a * a]), np.stack([b, 3.0 * b])).sum() ** 2,
    "solve": lambda a, b: np.linalg.solve(np.stack([np.stack([a, 0.0 * a]), np.stack([a, a])]), np.stack([b, b])).sum(),
}
"""Functions of two numbers, neither of which may be taken for a constant."""


@PAIRS
@pytest.mark.parametrize("first", [True, False], ids=["outer first", "inner first"])
@pytest.mark.parametrize("name", _OF_TWO)
def test_in_an_operation_of_two_levels_neither_is_constant(outer, inner, name, first):
    """∂²g/∂a∂b by nesting, whichever argument is of the higher level, against differences of g in extended steps."""

    def g(a, b):
        return _OF_TWO[name](a, b) if first else _OF_TWO[name](b, a)

    mixed = outer.derivative(lambda a: inner.derivative(lambda b: g(a, b), 0.7), 1.3)
    h = 1e-4
    corners = {(i, j): float(g(np.float64(1.3 + i * h), np.float64(0.7 + j * h))) for i in (-1, 1) for j in (-1, 1)}
    expected = (corners[1, 1] - corners[1, -1] - corners[-1, 1] + corners[-1, -1]) / (4 * h * h)
    assert mixed == pytest.approx(expected, rel=1e-5, abs=1e-6)


@MODES
def test_a_product_with_a_sparse_matrix_is_guided_to_a_rule(mode):
    """Such a matrix takes over the product, and knows no traced values."""
    S, x = sparse.csr_matrix([[1.0, 2.0], [0.0, 3.0]]), np.array([1.0, 2.0])
    with pytest.raises(DifferentiationError, match=r"gradmix\.with_rule\(lambda x: S @ x"):
        mode.jacobian(lambda x: S @ x, x)
    product = gradmix.with_rule(lambda x: S @ x, jvp=lambda x, v: S @ v, vjp=lambda x, w: S.T @ w)
    np.testing.assert_array_equal(mode.jacobian(product, x), S.toarray())


@MODES
@pytest.mark.parametrize("place", [0, 8191, 8192, 99_999])
def test_one_entry_that_is_not_finite_is_seen_in_a_long_gradient(mode, place):
    """A branch that is not taken contributes nothing, wherever it is."""
    x = np.ones(100_000)
    x[place] = 0.0
    gradient = mode.jvp if mode is DUAL else mode.vjp
    found = gradient(lambda x: np.where(x > 0, np.log(x), 3.0 * x), x, np.ones(100_000))
    assert found[place] == 3.0
    assert found[(place + 1) % 100_000] == 1.0


@MODES
def test_the_point_and_the_results_are_the_callers_own(mode):
    x = np.array([1.0, 2.0])
    gradient = mode.gradient(lambda x: np.sum(x * x), x)
    gradient[0] = 99.0
    np.testing.assert_array_equal(x, [1.0, 2.0])
    np.testing.assert_array_equal(mode.gradient(lambda x: np.sum(x * x), x), [2.0, 4.0])


@MODES
def test_threads_do_not_disturb_each_other(mode):
    def nested(result, x):
        for _ in range(50):
            result.append(mode.derivative(lambda a: a * mode.derivative(lambda b: a * b * b, x), x))

    results = [[] for _ in range(4)]
    threads = [threading.Thread(target=nested, args=(result, float(i + 1))) for i, result in enumerate(results)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, result in enumerate(results):
        assert set(result) == {4.0 * (i + 1) ** 2}


@MODES
@pytest.mark.parametrize(
    ("f", "advice"),
    [
        (lambda x: math.sin(x[0]), r"np\.sin instead of math\.sin"),
        (lambda x: math.atan2(x[0], 1.0), r"np\.arctan2 instead of math\.atan2"),
        (lambda x: float(x[0]), "need a number"),
        (lambda x: np.roots(x)[0].real, r"np\.roots has no derivative rule"),
        (lambda x: np.add.reduceat(x, [0])[0], r"np\.add\.reduceat"),
        (lambda x: x.astype(int).sum(), "no derivative"),
        (lambda x: np.quantile(x, 0.5, method="closest_observation"), r"np\.quantile with these arguments"),
        (lambda x: np.exp(1j * x).sum(), "real numbers"),
        (lambda x: None, "returned None"),
        (lambda x: "text", "returned 'text'"),
        (lambda x: [x[0], [x[1], x[0]]], "parts of different shapes"),
    ],
    ids=[
        "sin",
        "atan2",
        "float",
        "roots",
        "reduceat",
        "astype",
        "quantile",
        "complex",
        "nothing",
        "text",
        "ragged",
    ],
)
def test_what_cannot_be_followed_is_named_with_what_to_write_instead(mode, f, advice):
    with pytest.raises(DifferentiationError, match=advice):
        mode.gradient(f, np.array([1.0, 2.0]))


@MODES
def test_an_update_in_place_is_seen_through_an_alias(mode):
    def f(x):
        y = x * 2.0
        z = y
        z += x
        z *= x
        return y

    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(mode.jacobian(f, x), np.diag(6 * x))


@MODES
def test_a_copy_does_not_see_it(mode):
    def f(x):
        y = x * 2.0
        for copy in (y.copy(), +y, y.astype(float)):
            copy += x
        return np.sum(y)

    np.testing.assert_array_equal(mode.gradient(f, np.array([1.0, 2.0])), [2.0, 2.0])


@MODES
def test_numbers_have_no_aliases(mode):
    def f(x):
        y = x * 2.0
        z = y
        z += x
        return y

    assert mode.derivative(f, 1.0) == 2.0


def _element_of_a_plain_array(x):
    y = np.zeros(2)
    y[0] = x[0]
    return np.sum(y)


@MODES
def test_writing_a_traced_number_into_a_plain_array_names_the_way_out(mode):
    with pytest.raises(DifferentiationError, match=r"np\.zeros\(n, like=x\)"):
        mode.gradient(_element_of_a_plain_array, np.array([1.0, 2.0]))


@MODES
def test_an_update_in_place_is_seen_through_views(mode):
    def f(x):
        y = x * 1.0
        matrix = y.reshape(2, 2)
        row, tail, column = matrix[1], y[1:], matrix.T[0]
        tail *= x[0]
        row += x[:2]
        column -= 1.0
        matrix[0, 0] = x[3] ** 2
        return np.concatenate([y, matrix.ravel(), row, tail, column, np.asarray(y)])

    def by_hand(x):
        y = np.stack([x[3] ** 2, x[1] * x[0], x[2] * x[0] + x[0] - 1.0, x[3] * x[0] + x[1]])
        return np.concatenate([y, y, y[2:], y[1:], y[[0, 2]], y])

    x = np.array([2.0, 3.0, 5.0, 7.0])
    np.testing.assert_array_equal(f(x.copy()), by_hand(x))
    np.testing.assert_allclose(mode.jacobian(f, x), mode.jacobian(by_hand, x), rtol=1e-15)


@MODES
def test_an_alias_of_a_plain_array_updated_in_place_is_no_silent_constant(mode):
    def f(x):
        total = np.zeros(2)
        alias = total
        alias += x
        return np.sum(total)

    with pytest.raises(DifferentiationError, match=r"y = y \+ x"):
        mode.gradient(f, np.array([1.0, 2.0]))


@MODES
def test_an_array_of_the_callers_is_not_updated_in_silence(mode):
    shared = np.ones(2)

    def f(x):
        total = shared
        total += x
        return np.sum(total**2)

    with pytest.raises(DifferentiationError, match=r"y = y \+ x"):
        mode.gradient(f, np.array([1.0, 2.0]))
    np.testing.assert_array_equal(shared, [1.0, 1.0])


@MODES
def test_entries_of_a_traced_array_can_be_written(mode):
    def f(x):
        y = x * 2.0
        alias = y
        y[0] = x[1] * x[2]
        y[1:] *= x[0]
        out = np.zeros(4, like=x)
        for i in range(3):
            out[i] = alias[i] ** 2
        out[3] += x[0]
        out[np.array([1, 1])] = [x[0], x[1]]
        return out

    exact = [[0, 2 * 3 * 2 * 3, 2 * 2 * 3 * 2], [0, 1, 0], [8 * 9.0, 0, 24.0], [1, 0, 0]]
    np.testing.assert_allclose(mode.jacobian(f, np.array([1.0, 2.0, 3.0])), exact)


@MODES
def test_plain_arrays_that_change_afterwards_do_not_change_the_derivative(mode):
    def f(x):
        factor, mask, index, total = np.ones(3), np.array([True, False, True]), np.array([0, 1, 1]), 0.0
        for _ in range(3):
            total = total + np.sum(factor * x) + np.sum(np.where(mask, x, 0.0)) + np.sum(x[index])
            factor *= 2
            mask[:] = ~mask
            index[:] = 2
        return total

    np.testing.assert_array_equal(mode.gradient(f, np.ones(3)), [7 + 2 + 1, 7 + 1 + 2, 7 + 2 + 6])


@PAIRS
def test_second_derivatives_survive_a_branch_that_is_not_finite(outer, inner):
    def f(x):
        return np.sum(np.where(x > 0, np.log(x) ** 2, 0.0))

    with np.errstate(all="ignore"):
        hessian = outer.jacobian(lambda x: inner.gradient(f, x), np.array([1.0, 0.0]))
    np.testing.assert_allclose(hessian, [[2.0, 0.0], [0.0, 0.0]], atol=1e-15)


@MODES
@pytest.mark.parametrize(
    ("f", "exact"),
    [
        (lambda x: np.concatenate([np.array([x[0] ** 2, x[1]]), x]).sum(), [3.0, 2.0]),
        (lambda x: np.hstack([[x[0] ** 2], x]).sum(), [3.0, 1.0]),
        (lambda x: np.where([True, False], [x[0] ** 2, x[1]], x).sum(), [2.0, 1.0]),
        (lambda x: np.maximum(x, [x[1], x[0]]).sum(), [0.0, 2.0]),
        (lambda x: np.dot(x, [x[0], x[1]]), [2.0, 4.0]),
        (lambda x: np.mean([x[0], x[1]]), [0.5, 0.5]),
    ],
    ids=["concatenate", "hstack", "where", "maximum", "dot", "mean"],
)
def test_lists_of_traced_scalars_are_no_constants(mode, f, exact):
    np.testing.assert_array_equal(mode.gradient(f, np.array([1.0, 2.0])), exact)


@MODES
def test_a_comparison_into_a_plain_array_is_written(mode):
    def f(x):
        mask = np.zeros(3, dtype=bool)
        np.greater(x, 1.5, out=mask)
        return np.sum(np.where(mask, x, 0.0))

    np.testing.assert_array_equal(mode.gradient(f, np.array([1.0, 2.0, 3.0])), [0.0, 1.0, 1.0])


@MODES
def test_mixed_derivatives_of_a_power(mode):
    hessian = mode.hessian(lambda x: x[0] ** x[1], np.array([2.0, 0.0]))
    np.testing.assert_allclose(hessian, [[0.0, 0.5], [0.5, np.log(2.0) ** 2]], atol=1e-15)


@MODES
def test_an_unneeded_exponent_of_a_negative_base_is_no_silent_zero(mode):
    assert np.isnan(mode.derivative(lambda x: (-2.0) ** x, 2.0))


@pytest.mark.parametrize("name", ["dual", "tape", "finite_difference"])
@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda mode: mode.gradient(np.sin, [1.0, 2.0]), "Use jacobian"),
        (lambda mode: mode.derivative(np.sin, [1.0, 2.0]), "one variable"),
        (lambda mode: mode.jvp(np.sin, [1.0, 2.0], [1.0]), r"shape \(1,\).*\(2,\)"),
        (lambda mode: mode.vjp(np.sin, [1.0, 2.0], 1.0), r"shape \(\).*\(2,\)"),
        (lambda mode: mode.gradient(np.sum, np.array([1.0 + 1j, 2.0])), "real"),
    ],
    ids=["gradient", "derivative", "jvp", "vjp", "complex"],
)
def test_shapes_that_do_not_fit_are_refused_by_all_alike(name, ask, message):
    with pytest.raises(DifferentiationError, match=message):
        ask(gradmix.differentiator(name))


@pytest.mark.parametrize("name", ["dual", "tape", "finite_difference"])
def test_no_variables_have_no_derivatives(name):
    mode = gradmix.differentiator(name)
    assert mode.jacobian(lambda x: x * 2.0, np.zeros(0)).shape == (0, 0)
    assert mode.gradient(lambda x: np.sum(x), np.zeros(0)).shape == (0,)
    assert mode.jacobian(lambda x: x[:0], np.ones(2)).shape == (0, 2)


def test_dual_numbers_carry_as_many_components_as_asked_for():
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(x**2)

    x = np.arange(10.0)
    np.testing.assert_array_equal(gradmix.differentiator("dual", components=4).gradient(f, x), 2 * x)
    assert len(calls) == 3


def test_the_tape_needs_one_evaluation_for_a_gradient():
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(x**2)

    TAPE.value_and_gradient(f, np.arange(100.0))
    assert len(calls) == 1


@PAIRS
def test_second_derivatives_by_no_variables_are_empty(outer, inner):
    hessian = outer.jacobian(lambda y: inner.gradient(lambda x: np.sum(x**2 * np.sin(x)), y), np.zeros(0))
    assert np.shape(hessian) == (0, 0)


@pytest.mark.parametrize("size", [3, 20_000])
def test_a_point_that_the_function_changes_from_outside_counts_as_it_was(size):
    x = np.arange(1.0, 1.0 + size)

    def f(y):
        z = y * y
        x[0] = 100.0
        return np.sum(z)

    np.testing.assert_array_equal(TAPE.gradient(f, x), 2 * np.arange(1.0, 1.0 + size))


@pytest.mark.parametrize("distance", [1, 256, 2039])
def test_rows_of_a_large_constant_that_are_exchanged_later_are_noticed(distance):
    labels = np.eye(8)[np.arange(8192) % 7]

    def f(x):
        chosen = np.sum(labels * x)
        labels[[0, distance]] = labels[[distance, 0]]
        return chosen

    with pytest.raises(DifferentiationError, match="changed in place"):
        TAPE.gradient(f, np.ones(8))


def test_memory_is_freed_during_the_sweep():
    x = np.full(200_000, 0.5)  # its gradient takes as much as the steps keep

    def deep(y):
        z = y[:2000]
        for _ in range(50):
            z = np.tanh(z) + 0.1 * z
        return np.sum(z)

    tape = gradmix.differentiator("tape")

    def peak(differentiate):
        differentiate()
        tracemalloc.start()
        try:
            differentiate()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    once, repeatable = peak(lambda: tape.gradient(deep, x)), peak(lambda: tape.vjp(deep, x, 1.0))
    assert once < 0.8 * repeatable
    np.testing.assert_array_equal(tape.gradient(deep, x), tape.vjp(deep, x, 1.0))


def test_higher_derivatives_on_the_tape_cost_no_more_for_many_values():
    """Each order takes two pullbacks, however many values there are."""
    pulled = []

    def pull(x, w):
        pulled.append(len(x))
        return 3.0 * x**2 * w

    cube = gradmix.with_rule(lambda x: x**3, vjp=pull)
    for m in (2, 50):
        factors = np.arange(1.0, m + 1.0)
        pulled.clear()
        computed = gradmix.differentiator("tape").derivative(lambda t, c=factors: cube(t * c), 2.0, order=3)
        np.testing.assert_allclose(computed, 6.0 * factors**3, rtol=1e-14)
        assert len(pulled) < 30
    assert gradmix.differentiator("tape").derivative(lambda t: t * np.zeros(0), 2.0, order=2).shape == (0,)
