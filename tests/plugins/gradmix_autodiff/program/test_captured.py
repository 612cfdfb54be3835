"""What a prepared function reads beside its argument may change: its result is never one of before."""

import collections
import functools
import os
import sys
import threading
import types
from dataclasses import dataclass, field

import numpy as np
import pytest
from tests.plugins.gradmix_autodiff.program.agreement import RNG, TAPE, programs, same
from tests.plugins.gradmix_autodiff.program.changes import CASES, POINT


@pytest.mark.parametrize("name", CASES)
def test_what_changes_is_noticed(name):
    f, change = CASES[name]()
    before = TAPE.gradient(f, POINT)
    prepared = TAPE.prepare(f, POINT)
    same(prepared.gradient(POINT), before)
    change()
    plain = TAPE.gradient(f, POINT)
    assert not np.array_equal(plain, before)
    same(prepared.gradient(POINT), plain)
    same(prepared.gradient(POINT), plain)


@dataclass
class Model:
    data: np.ndarray
    scale: float = 1.0
    parts: dict = field(default_factory=dict)

    def __call__(self, x):
        derived = self.data.sum(axis=0) * self.scale
        return np.sum(self.data @ x) ** 2 + derived @ x**3 + self.parts.get("shift", 0.0) * np.sum(x)


WEIGHTS = np.ones(4)
ENVIRONMENT = os.environ


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


def test_random_numbers_are_not_frozen():
    rng = np.random.default_rng(0)
    prepared = TAPE.prepare(lambda x: np.sum(x * rng.normal(size=3)), np.ones(3))
    assert not np.allclose(prepared.gradient(np.ones(3)), prepared.gradient(np.ones(3)))


def compare(prepared, f, x=POINT):
    same(prepared.gradient(x), TAPE.gradient(f, x))
    same(prepared.gradient(x), TAPE.gradient(f, x))


class WithClassAttribute:
    scale = 2.0

    def weight(self):
        return self.scale

    def __call__(self, x):
        return np.sum(self.weight() * x**2)


def test_attributes_and_methods_of_classes():
    f = WithClassAttribute()
    prepared = TAPE.prepare(f, POINT)
    WithClassAttribute.scale = 5.0
    compare(prepared, f)
    f.scale = 7.0
    compare(prepared, f)
    WithClassAttribute.weight = lambda self: -1.0
    compare(prepared, f)


class WithSlots:
    __slots__ = ("data",)

    def __init__(self):
        self.data = np.ones(3)

    def __call__(self, x):
        return self.data.sum() * np.sum(x)


def test_slots_defaults_partials_and_what_functions_keep():
    slotted = WithSlots()
    prepared = TAPE.prepare(slotted, POINT)
    slotted.data[0] = 3.0
    compare(prepared, slotted)
    slotted.data = np.zeros(3)
    compare(prepared, slotted)

    def defaulted(x, scale=np.ones(3)):  # noqa: B008 -- that is what is tested
        return np.sum(scale.sum() * x)

    prepared = TAPE.prepare(defaulted, POINT)
    defaulted.__defaults__[0][1] = 4.0
    compare(prepared, defaulted)
    defaulted.__defaults__ = (np.zeros(3),)
    compare(prepared, defaulted)
    bound = functools.partial(lambda k, x: np.sum(k.sum() * x), np.ones(3))
    prepared = TAPE.prepare(bound, POINT)
    bound.args[0][0] = 7.0
    compare(prepared, bound)
    weights, queue = np.ones(3), collections.deque([1.0, 2.0])

    @functools.lru_cache
    def total():
        return weights.sum() * sum(queue)

    def cached(x):
        return np.sum(x) * total()

    prepared = TAPE.prepare(cached, POINT)
    for change in (lambda: weights.__setitem__(0, 5.0), lambda: queue.append(4.0), lambda: queue.__setitem__(0, 3.0)):
        change()
        total.cache_clear()
        compare(prepared, cached)


def test_modules_that_the_function_imports_itself(monkeypatch):
    module = types.ModuleType("a_module_of_data")
    module.data = np.ones(3)
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def f(x):
        from a_module_of_data import data

        return np.sum(data.sum() * x)

    prepared = TAPE.prepare(f, POINT)
    module.data[1] = 9.0
    compare(prepared, f)
    module.data = np.zeros(3)
    compare(prepared, f)


def test_what_cannot_be_looked_at_is_not_recorded():
    frame = pytest.importorskip("pandas").DataFrame({"a": [1.0, 2.0, 3.0]})

    def f(x):
        return np.sum(frame["a"].to_numpy() * x)

    prepared = TAPE.prepare(f, POINT)
    frame.loc[0, "a"] = 9.0
    compare(prepared, f)
    assert "DataFrame" in prepared.reasons["function"]
    many = [[float(k)] for k in range(2000)]
    assert "1000 values" in TAPE.prepare(lambda x: many[0][0] * np.sum(x), POINT).reasons["function"]


@pytest.mark.parametrize("read", ["os.environ", "os.getenv", "environ", "a thread's value"])
def test_state_that_no_comparison_sees_is_not_recorded(read, monkeypatch):
    local = threading.local()
    ways = {
        "os.environ": lambda: os.environ["FACTOR"],
        "os.getenv": lambda: os.getenv("FACTOR"),
        "environ": lambda: ENVIRONMENT["FACTOR"],
        "a thread's value": lambda: local.value,
    }
    way = ways[read]

    def f(x):
        return float(way()) * np.sum(x**2)

    monkeypatch.setenv("FACTOR", "2")
    local.value = 2
    prepared = TAPE.prepare(f, POINT)
    same(prepared.gradient(POINT), 4.0 * POINT)
    monkeypatch.setenv("FACTOR", "3")
    local.value = 3
    same(prepared.gradient(POINT), 6.0 * POINT)


def test_a_counter_of_calls_does_not_count():
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(x**2)

    prepared = TAPE.prepare(f, POINT)
    before = len(calls)
    for _ in range(5):
        same(prepared.gradient(POINT), 2.0 * POINT)
    assert len(calls) == before
