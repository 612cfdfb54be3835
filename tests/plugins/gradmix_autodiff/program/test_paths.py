"""Functions that branch, loop and choose by values: a prepared one takes the path that the point takes."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plugins.gradmix_autodiff.program.agreement import TAPE, same

import gradmix
from gradmix import DifferentiationError

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


ASKING = {
    "the type of an index": lambda x: x[0] if isinstance(np.argmax(x), np.integer) else x[1] * 2.0,
    "its text": lambda x: x[0] if str(np.argmax(x)) == "0" else x[1] * 2.0,
    "a formatted index": lambda x: x[0] * float(f"{np.argmax(x)}.5"),
    "the identity of a truth value": lambda x: x[0] if (x[0] > 1.0) is np.True_ else x[1] * 2.0,
    "an entry of a dict": lambda x: {0: x[0], 1: x[1] ** 2, 2: x[2] * x[0]}[int(np.argmax(x))],
    "an entry of a list": lambda x: [x[0], x[1] ** 2, x[2] * x[0]][np.argmax(x)],
    "a range": lambda x: sum(x[k] ** 2 for k in range(np.argmax(x) + 1)),
    "a set": lambda x: sum(x[k] ** 2 for k in set(np.argsort(x).tolist()[:2])),
    "a quotient": lambda x: x[divmod(np.argmax(x), 2)[0]] * x[divmod(np.argmax(x), 2)[1]],
    "an index that is written to": lambda x: x[_with_a_two(np.argsort(x))] @ np.arange(3.0),
    "a mask that is written to": lambda x: np.sum(np.where(_with_a_true(x > 0), x**2, x)),
    "the text of a value": lambda x: x[1] if f"{gradmix.stop_gradient(x[0])}" == "2.0" else x[2],
    "a plain array": lambda x: np.sum(_plain_copy(x) * x),
    "a power": lambda x: x[1] ** int(np.round(abs(x[0]))),
    "a count": lambda x: np.sum(x) / max(1, np.count_nonzero(x > 1)),
    "bins": lambda x: np.sum(np.digitize(x, [0.0, 1.0, 5.0]) * x),
    "a logarithm of a sum": lambda x: gradmix.functions.logsumexp(x),
}


def _with_a_two(places):
    places[0] = 2
    return places


def _with_a_true(mask):
    mask |= mask[::-1]
    mask[0] = True
    return mask


def _plain_copy(x):
    plain = np.zeros(3)
    plain[:] = gradmix.stop_gradient(x)
    return plain


@pytest.mark.parametrize("name", ASKING)
def test_what_python_is_told_of_a_value_is_checked(name):
    f = ASKING[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        prepared = TAPE.prepare(f, np.array([0.5, 7.0, 1.5]))
        for point in ([0.5, 7.0, 1.5], [10.0, 7.0, 1.5], [2.0, 1.0, 30.0], [-2.0, -1.0, -3.0], [0.0, 0.0, 1.0]):
            x = np.array(point)
            for _ in range(2):
                same(prepared.gradient(x), TAPE.gradient(f, x))
