"""Prepared functions give what the plain differentiators give: at any point, and after what they read has changed."""

import math
import threading
import warnings
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.capabilities import functions

import gradmix
from gradmix import DifferentiationError
from gradmix.config.build import build

TAPE, DUAL = (gradmix.differentiator(name, compiled=False) for name in ("tape", "dual"))
COMPILED = gradmix.differentiator("tape")
RNG = np.random.default_rng(5)
X = RNG.normal(size=(3, 4))

PROBLEMS = [
    *(("rosenbrock", {"n": n}) for n in (2, 7)),
    *((name, {}) for name in ("lecture", "cubic", "polynomial", "heron", "kepler", "helmholtz", "broyden")),
    *(
        (name, {})
        for name in (
            "speelpenning",
            "exponential_fit",
            "diffusion",
            "noisy",
            "quantised",
            "vector_map",
            "mixture_objective",
        )
    ),
    ("network", {}),
    ("chain", {"n": 30}),
    ("lotka_volterra", {"steps": 5}),
]


def programs(prepared):
    """How many programs there are."""
    return sum(map(len, prepared.differentiator.paths.values()))


def same(found, plain):
    scale = max(1.0, float(np.max(np.abs(np.nan_to_num(plain)), initial=0.0)))
    np.testing.assert_allclose(found, plain, rtol=1e-10, atol=1e-12 * scale)


@pytest.mark.parametrize("made", [TAPE, DUAL, COMPILED], ids=["tape", "dual", "compiled"])
@pytest.mark.parametrize(("name", "options"), PROBLEMS)
def test_every_problem_at_random_points(name, options, made):
    given_problem = build("problem", {"name": name, **options}).component
    point, f, operator = given_problem.point(), given_problem.function, given_problem.operator
    prepared = made.prepare(f, point)
    plain = getattr(made, operator)
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for scale in (0.0, 1e-3, 0.3, 3.0):
            shift = scale * rng.normal(size=np.shape(point))
            x = float(point + shift) if np.ndim(point) == 0 else point + shift
            same(getattr(prepared, operator)(x), plain(f, x))


ENTRIES = st.floats(-3.0, 3.0, allow_nan=False)


def branching(x):
    if x[0] > x[1]:
        return np.sum(np.sin(x)) * x[2]
    y = x
    while np.sum(y * y) < 8.0 and y[2] != 0:
        y = y * 2.0
    return np.sum(np.where(y > 0, y**2, -y)) + np.max(x) * np.abs(x[1])


@settings(max_examples=200, deadline=None)
@given(st.lists(ENTRIES, min_size=3, max_size=3))
def test_other_branches_than_the_examples(entries):
    x = np.array(entries)
    same(BRANCHING.gradient(x), TAPE.gradient(branching, x))
    same(BRANCHING.value_and_gradient(x)[0], branching(x))


BRANCHING = TAPE.prepare(branching, np.array([1.0, 2.0, 0.5]))

CHOOSING = {
    "sort": lambda x: np.sort(x) @ np.arange(4.0),
    "argmax": lambda x: x[np.argmax(x)] ** 2 * x[int(np.argmin(x))],
    "mask": lambda x: np.sum(x[x > 0] ** 2),
    "masked write": lambda x: np.sum(np.exp(written(x))),
    "median": np.median,
    "max": lambda x: np.max(x) * np.min(x),
    "clip": lambda x: np.sum(np.clip(x, -1.0, 1.0) ** 2),
    "count": lambda x: np.count_nonzero(x > 0) * np.sum(x),
    "any": lambda x: np.sum(x) if np.any(x > 2) else np.prod(x),
    "list of booleans": lambda x: sum(each**2 for each, there in zip(x, (x > 0).tolist(), strict=True) if there) + x[0],
    "abs and sign": lambda x: np.sum(np.abs(x) * np.sign(x[::-1])),
    "round": lambda x: np.sum(np.round(x) * x),
    "floor as an integer": lambda x: x[int(abs(np.floor(x[0])))] * x[1],
    "a plain copy": lambda x: np.sum(gradmix.stop_gradient(x) * x),
    "python's max": lambda x: max(x[0], x[1], x[2]) ** 2,
    "nonzero": lambda x: np.sum(x[np.nonzero(x > 0)[0]]) + x[0],
    "logic": lambda x: np.sum(np.where((x > -1) & ~(x > 1), x**2, x)),
    "interp": lambda x: np.interp(x[0], np.arange(-4.0, 5.0), np.arange(9.0) ** 2),
}


def written(x):
    y = +x
    y[y < 0] = 0.0
    y[0] *= 2.0
    return y


@pytest.mark.parametrize("name", CHOOSING)
@settings(max_examples=40, deadline=None)
@given(entries=st.lists(ENTRIES, min_size=4, max_size=4))
def test_choices_by_value(name, entries):
    f, x = CHOOSING[name], np.array(entries)
    prepared = KEPT.setdefault(name, TAPE.prepare(f, np.array([0.5, -0.3, 1.7, -2.2])))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            plain = TAPE.gradient(f, x)
        except (DifferentiationError, IndexError, ValueError) as error:
            with pytest.raises(type(error)):
                prepared.gradient(x)
            return
        same(prepared.gradient(x), plain)
        v = np.cos(x)
        same(prepared.hvp(x, v), TAPE.hvp(f, x, v))


KEPT = {}


@pytest.mark.parametrize("made", [TAPE, DUAL], ids=["tape", "dual"])
def test_every_function_of_the_tables(made):
    for name, f, x in functions():
        w = np.sin(1.0 + np.arange(float(np.size(f(x))))).reshape(np.shape(f(x)))[()]
        near = 1.001 * x + 1e-4
        prepared = made.prepare(f, x)
        for point in (x, x, near):
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                try:
                    plain = made.vjp(f, point, w)
                except ValueError:  # the function itself refuses the point
                    continue
                np.testing.assert_allclose(prepared.vjp(point, w), plain, rtol=1e-9, atol=1e-9, err_msg=name)


def vector(x):
    return np.stack([np.sin(x[0]) * x[1], np.exp(x[2]) / x[1], x[0] ** 3 - x[2]])


def scalar(x):
    return np.sum(np.sin(x) * x[::-1] ** 2) / (1.0 + x[0] ** 2)


@pytest.mark.parametrize("made", [TAPE, DUAL, COMPILED], ids=["tape", "dual", "compiled"])
def test_all_operators(made):
    example, x, v = np.array([0.4, 1.1, -0.2]), np.array([-0.7, 2.1, 0.3]), np.array([1.0, -2.0, 0.5])
    of_vector, of_scalar = made.prepare(vector, example), made.prepare(scalar, example)
    for _ in range(2):
        same(of_vector.jacobian(x), made.jacobian(vector, x))
        same(of_vector.jvp(x, v), made.jvp(vector, x, v))
        same(of_vector.vjp(x, v), made.vjp(vector, x, v))
        same(of_scalar.gradient(x), made.gradient(scalar, x))
        same(of_scalar.value_and_gradient(x)[1], made.gradient(scalar, x))
        same(of_scalar.hessian(x), made.hessian(scalar, x))
        same(of_scalar.hvp(x, v), made.hvp(scalar, x, v))
    number = made.prepare(lambda t: np.sin(t) * t, 1.0)
    for order in (1, 2):
        same(number.derivative(0.3, order=order), made.derivative(lambda t: np.sin(t) * t, 0.3, order=order))
    assert isinstance(number.gradient(0.3), float)
    same(number.gradient(0.3), made.gradient(lambda t: np.sin(t) * t, 0.3))
    assert not of_vector.reasons
    assert not of_scalar.reasons


def test_containers_integers_and_several_arguments():
    def f(model, rows):
        return np.sum((rows @ model["W"] + model["b"]) ** 2)

    model, rows = {"W": X.T.copy(), "b": np.ones(3)}, RNG.normal(size=(5, 4))
    prepared = TAPE.prepare(f, model, rows)
    other = {"W": X.T * 2.0, "b": np.arange(3)}
    for data in (rows, rows + 1.0, rows):
        found, plain = prepared.gradient(other, data), TAPE.gradient(f, other, data)
        same(found["W"], plain["W"])
        same(found["b"], plain["b"])
    rows[0, 0] += 5.0
    same(prepared.gradient(other, rows)["W"], TAPE.gradient(f, other, rows)["W"])
    by_both = TAPE.prepare(f, model, rows, argnums=(0, 1))
    same(by_both.gradient(other, rows)[1], TAPE.gradient(f, other, rows, argnums=1))
    whole = TAPE.prepare(scalar, np.array([1, 2, 3]))
    same(whole.gradient(np.array([3, 1, 2])), TAPE.gradient(scalar, [3.0, 1.0, 2.0]))
    same(whole.gradient([3, 1, 2]), TAPE.gradient(scalar, [3.0, 1.0, 2.0]))


@pytest.mark.parametrize("x", [X.T, X[::-1, ::2], X.astype(np.float32), np.asfortranarray(X)])
def test_other_layouts_and_types(x):
    def f(y):
        return np.sum(np.sin(y) * y**2)

    same(TAPE.prepare(f, np.ones(x.shape)).gradient(x), TAPE.gradient(f, x))


def test_points_of_another_structure_are_refused():
    prepared = TAPE.prepare(scalar, np.ones(3))
    with pytest.raises(DifferentiationError, match=r"prepared for the shape \(3,\); this point has the shape \(4,\)"):
        prepared.gradient(np.ones(4))
    with pytest.raises(DifferentiationError, match="real numbers"):
        prepared.gradient(np.ones(3) * 1j)
    with pytest.raises(DifferentiationError, match="one real value"):
        TAPE.prepare(vector, np.ones(3)).gradient(np.ones(3))


@dataclass
class Model:
    data: np.ndarray
    scale: float = 1.0
    parts: dict = field(default_factory=dict)

    def __call__(self, x):
        derived = self.data.sum(axis=0) * self.scale
        return np.sum(self.data @ x) ** 2 + derived @ x**3 + self.parts.get("shift", 0.0) * np.sum(x)


WEIGHTS = np.ones(4)


def by_global(x):
    return np.sum(WEIGHTS * x**2)


def test_what_the_function_reads_may_change():
    x = np.array([0.3, -0.7, 1.1, 0.2])
    model = Model(RNG.normal(size=(6, 4)))
    prepared = TAPE.prepare(model, x)
    assert programs(prepared)

    def check(p=prepared, f=model):
        same(p.gradient(x), TAPE.gradient(f, x))
        same(p.gradient(x), TAPE.gradient(f, x))
        same(p.value_and_gradient(x)[0], f(x))
        assert programs(p)

    check()
    model.data[2, 1] += 3.0
    check()
    model.data[[0, 1]] = model.data[[1, 0]]
    check()
    model.data = RNG.normal(size=(6, 4))
    check()
    model.scale = -2.0
    check()
    model.parts["shift"] = 5.0
    check()
    of_global = TAPE.prepare(by_global, x)
    WEIGHTS[1] = 7.0
    check(of_global, by_global)
    factor = 2.0
    powers = [1.0, 2.0]

    def closure(y):
        return factor * np.sum(y**2) + sum(powers[k] * y[k] for k in range(len(powers)))

    enclosed = TAPE.prepare(closure, x)
    factor = -3.0
    check(enclosed, closure)
    powers[1] = 9.0
    check(enclosed, closure)
    powers.append(4.0)
    check(enclosed, closure)
    view = np.zeros((4, 2))
    column = view[:, 1]
    of_view = TAPE.prepare(lambda y: np.sum(column * y), x)
    view[:, 1] = [1.0, 2.0, 3.0, 4.0]
    same(of_view.gradient(x), [1.0, 2.0, 3.0, 4.0])


def test_a_function_that_changes_in_each_call_is_not_recorded_forever():
    x, model = np.ones(4), Model(np.ones((2, 4)))
    prepared = TAPE.prepare(model, x)
    for step in range(80):
        model.scale = float(step)
        same(prepared.gradient(x), TAPE.gradient(model, x))
    assert programs(prepared) <= 1


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


def test_within_another_differentiation():
    prepared = TAPE.prepare(scalar, np.ones(3))
    x, v = np.array([0.2, 0.5, -0.4]), np.array([1.0, 2.0, 3.0])
    for outer in (TAPE, DUAL):
        same(outer.jvp(prepared.gradient, x, v), TAPE.hvp(scalar, x, v))
        twice = outer.prepare(lambda y: np.sum(v * prepared.gradient(y)), x)
        same(twice.gradient(x), TAPE.hvp(scalar, x, v))


def test_random_numbers_are_not_frozen():
    rng = np.random.default_rng(0)
    prepared = TAPE.prepare(lambda x: np.sum(x * rng.normal(size=3)), np.ones(3))
    assert not np.allclose(prepared.gradient(np.ones(3)), prepared.gradient(np.ones(3)))


def test_empty_points_and_functions_without_derivative():
    for f in (lambda x: 3.0, lambda x: np.float64(2.0) + 0.0 * np.sum(x), lambda x: np.sum(np.floor(x))):
        for x in (np.ones(3), np.zeros(0)):
            same(TAPE.prepare(f, x).gradient(x), np.zeros(x.shape))
    same(TAPE.prepare(lambda x: x[:0], np.ones(3)).jacobian(np.ones(3)), np.zeros((0, 3)))


def test_errors_of_the_function_are_its_own():
    def f(x):
        if x[0] < 0:
            raise KeyError("negative")
        return x[0] * x[1]

    prepared = TAPE.prepare(f, np.ones(2))
    with pytest.raises(KeyError, match="negative"):
        prepared.gradient(np.array([-1.0, 1.0]))
    same(prepared.gradient(np.array([3.0, 4.0])), [4.0, 3.0])
    with pytest.raises(DifferentiationError, match=r"np\.exp instead of math\.exp"):
        TAPE.prepare(lambda x: math.exp(x[0]), np.ones(2))


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
