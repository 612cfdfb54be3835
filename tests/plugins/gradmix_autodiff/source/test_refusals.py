"""What cannot be transformed is named with file, line, construct and a way out; nothing is silently wrong."""

import math

import numpy as np
import pytest

import gradmix
from gradmix import DifferentiationError

SOURCE = gradmix.differentiator("source")
X = np.array([0.9, 1.2, 0.4])
OUTSIDE, LOG, FACTOR = np.array([1.0, 2.0, 3.0]), [], 2.0


def a_view_read_after_a_write(x):
    a = np.zeros(3)
    view = a[1:]
    a[1] = x[0]
    return view[0] * x[1]


def rows_swapped(x):
    a = np.outer(x, x)
    a[0], a[1] = a[1], a[0]  # NumPy writes the first row before it reads it
    return np.sum(a * OUTSIDE)


def a_cast_without_a_copy(x):
    a = x * 2.0
    b = a.astype(float, copy=False)
    b[0] = 1.0
    return np.sum(a * x)


def an_array_changed_within_an_expression(x):
    a = np.zeros(3)
    return (np.copyto(a, x), np.sum(a * x))[1]


def a_write_into_a_view(x):
    a = np.zeros(3)
    view = a[1:]
    view[0] = x[0]
    return a[1] * x[1]


def an_update_of_a_shared_array(x):
    a = x * 2
    b = a
    a += 1.0
    return np.sum(a * b)


def arrays_swapped_in_a_loop(x):
    a, b = np.zeros(3), np.zeros(3)
    for i in range(3):
        a, b = b, a
        a[i] = x[i] * 2
    return np.sum(a * b)


def another_name_from_an_iteration(x):
    u = np.zeros(3)
    w = u
    for k in range(3):
        u[k] = x[k] * x[0]
        w = u
    return w[0] * w[1]


def a_view_carried_into_a_loop(x):
    a = np.zeros(4)
    view, s = a[:2], 0.0
    for i in range(3):
        a[i] = x[i]
        s = view[0] * 2
    return s * x[0]


def a_write_into_an_array_from_outside(x):
    OUTSIDE[0] = x[0]
    return np.sum(OUTSIDE)


def a_part_of_the_argument_read_after_a_write(x):
    part = x[:2]
    x[0] = 5.0
    return part[0] * x[1]


def a_list_that_grows(x):
    found = []
    for each in x:
        found.append(each * each)  # noqa: PERF401 -- what is refused
    return sum(found)


def a_list_from_outside(x):
    LOG.append(1)
    return x[0]


def an_entry_of_a_list(x):
    c = [x[0], x[1]]
    c[0] = x[2]
    return c[0] * c[1]


def random_numbers(x):
    return x[0] * np.random.rand()  # noqa: NPY002 -- what is refused


def exceptions(x):
    try:
        return x[0]
    except ValueError:
        return x[1]


def a_generator(x):
    yield x[0]


def a_generator_expression(x):
    return max(each * each for each in x)


def a_comprehension(x):
    return max([each * each for each in x])


def recursion(x, n=3):
    return x[0] if n == 0 else x[1] * recursion(x, n - 1)


def global_state(x):
    global FACTOR
    FACTOR = x[0]
    return FACTOR


def a_function_without_a_rule(x):
    return np.polyfit(x, x * x, 1)[0]


def complex_numbers(x):
    return np.sum(np.abs(np.fft.rfft(x)))


def a_complex_constant(x):
    return np.sum((x * 1j).real)


def parts_without_a_known_number(x):
    return np.unstack(x)[0]


def a_key_of_max(x):
    return max(x, key=lambda t: -t)


def a_sort_in_place(x):
    y = x * 2.0
    y.sort()
    return y[0]


def an_option_of_a_ufunc(x):
    return np.sum(np.exp(x, where=x > 0.5))


def an_import(x):
    import math as m

    return m.sin(x[0])


CASES = {
    a_view_read_after_a_write: ("a[1] = …", "line 18", "np.copy"),
    rows_swapped: ("a[0] = …", "line 23", "np.copy"),
    a_cast_without_a_copy: ("astype", "NumPy's functions"),
    an_array_changed_within_an_expression: ("np.copyto", "changes an array", "as a statement"),
    a_write_into_a_view: ("view[0] = …", "a view", "np.copy"),
    an_update_of_a_shared_array: ("update of a, which shares memory with b", "a = a + …"),
    arrays_swapped_in_a_loop: ("a[i] = …", "another name", "np.copy"),
    another_name_from_an_iteration: ("u[k] = …", "another name", "np.copy"),
    a_view_carried_into_a_loop: ("a[i] = …", "another name", "np.copy"),
    a_write_into_an_array_from_outside: ("OUTSIDE[0] = …", "from outside", "np.copy"),
    a_part_of_the_argument_read_after_a_write: ("x[0] = …", "another name", "np.copy"),
    a_list_that_grows: ("a list that grows", "a = np.zeros(n)"),
    a_list_from_outside: ("a list that grows", "by index"),
    an_entry_of_a_list: ("c[0] = …", "np.array"),
    random_numbers: ("random numbers", "pass them as an argument"),
    exceptions: ("`try`", "`if`"),
    a_generator: ("a generator", "write a loop"),
    a_generator_expression: ("a generator expression over differentiated values", "np.sum"),
    a_comprehension: ("a list comprehension", "a loop"),
    recursion: ("recursion, which calls itself", "write a loop"),
    global_state: ("`global`", "return it"),
    a_function_without_a_rule: ("polyfit, a function without a derivative rule", "differentiator=tape"),
    complex_numbers: ("np.fft.rfft(x)", "complex numbers", "differentiator=tape"),
    a_complex_constant: ("`1j`, a complex number", "differentiator=tape"),
    parts_without_a_known_number: ("np.unstack(x)", "number of results"),
    a_key_of_max: ("with key", "leave these out"),
    a_sort_in_place: ("y.sort()", "return the value"),
    an_option_of_a_ufunc: ("np.exp(x, where=x > 0.5)", "leave these out"),
    an_import: ("an import", "at the top"),
}


@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("operator", ["gradient", "jacobian"])
def test_it_is_refused_by_line(f, operator):
    with pytest.raises(DifferentiationError) as refused:
        getattr(SOURCE, operator)(f, X)
    message = str(refused.value)
    assert message.startswith("test_refusals.py, line ")
    number = int(message.split("line ")[1].split(":")[0])
    assert f.__code__.co_firstlineno <= number <= f.__code__.co_firstlineno + 9
    for part in CASES[f]:
        assert part in message or (part.startswith("line ") and "line" in message)


def test_an_array_of_integers_is_not_cut():
    def f(x):
        a = np.array([1, 2, 3])
        a[0] = x[0]
        return a[0] * x[1]

    with pytest.raises(TypeError, match="dtype=float"):
        SOURCE.gradient(f, X)


def test_entries_written_twice_are_refused():
    def f(x):
        a = np.zeros(3)
        a[np.array([0, 0])] = x[1]
        return np.sum(a * a)

    with pytest.raises(TypeError, match="a mask"):
        SOURCE.gradient(f, X)


def test_a_name_that_is_unset_on_the_path_taken_gives_no_number():
    def f(x):
        if x[0] > 5:
            y = x[0]
        return y

    with pytest.raises((DifferentiationError, UnboundLocalError)):
        SOURCE.gradient(f, X)


def test_two_lambdas_on_a_line_are_refused():
    pair = (lambda x: x * 2.0, lambda x: x * 3.0)
    with pytest.raises(DifferentiationError, match=r"line \d+: <lambda>, one of 2 functions .*`def`"):
        SOURCE.derivative(pair[1], 1.0)


def test_a_function_without_source_is_refused():
    space = {}
    exec("def f(x):\n    return x * x\n", space)  # as at a prompt
    with pytest.raises(DifferentiationError, match=r"f, whose source code is missing.*`def` in a file"):
        SOURCE.derivative(space["f"], 1.0)


def test_a_builtin_without_a_rule_is_refused():
    with pytest.raises(DifferentiationError, match="erf, a function without a derivative rule"):
        SOURCE.derivative(math.erf, 1.0)


def test_a_decorated_function_is_that_of_the_decorator():
    def doubled(f):
        import functools

        @functools.wraps(f)
        def wrapper(x):
            return 2.0 * f(x)

        return wrapper

    @doubled
    def square(x):
        return x * x

    assert SOURCE.derivative(square, 3.0) == 12.0


def test_complex_numbers_from_outside_are_refused():
    outside = np.array([1j, 2j, 3j])

    def of_outside(x):
        return np.sum((x * outside).imag)

    def of_an_argument(x, c):
        return np.sum((x * c).imag)

    with pytest.raises(DifferentiationError, match=r"line \d+: outside, a complex value from outside"):
        SOURCE.gradient(of_outside, X)
    with pytest.raises(DifferentiationError, match=r"line \d+: c, a complex argument"):
        SOURCE.gradient(of_an_argument, X, outside)


def test_code_is_made_once_for_a_function_and_a_kind_of_point(monkeypatch):
    from gradmix_autodiff.source import transformed

    class Model:
        scale = 2.0

        def inner(self, x):
            return self.scale * x * x

        def value(self, x):
            return self.inner(x[0]) * x[1]

    made, kept, model = [], transformed.program, Model()
    monkeypatch.setattr(transformed, "program", lambda *arguments: made.append(1) or kept(*arguments))
    for factor in (1.0, 2.0, 3.0):
        model.scale = factor
        assert SOURCE.gradient(model.value, [3.0, 1.0])[0] == 6.0 * factor
    assert made == [1]


def test_a_name_from_outside_that_changes_is_seen(monkeypatch):
    module = __import__(__name__, fromlist=["FACTOR"])

    def f(x):
        return FACTOR * x * x

    monkeypatch.setattr(module, "FACTOR", 2.0)
    assert SOURCE.derivative(f, 3.0) == 12.0
    monkeypatch.setattr(module, "FACTOR", 5.0)
    assert SOURCE.derivative(f, 3.0) == 30.0
    monkeypatch.setattr(module, "FACTOR", np.array([1.0, 2.0]))
    np.testing.assert_array_equal(SOURCE.derivative(f, 3.0), [6.0, 12.0])


def test_a_function_from_outside_that_changes_is_seen():
    inner = np.sin

    def f(x):
        return inner(x)

    assert SOURCE.derivative(f, 0.0) == 1.0
    inner = np.exp
    assert SOURCE.derivative(f, 1.0) == np.exp(1.0)
    inner = lambda t: 3.0 * t  # noqa: E731 -- a function in place of a rule
    assert SOURCE.derivative(f, 1.0) == 3.0
    inner = lambda t: 4.0 * t  # noqa: E731
    assert SOURCE.derivative(f, 1.0) == 4.0


def test_none_from_outside_that_becomes_something_is_seen():
    scale = None

    def f(x):
        return x if scale is None else x * scale

    assert SOURCE.derivative(f, 1.0) == 1.0
    scale = 7.0
    assert SOURCE.derivative(f, 1.0) == 7.0


def test_an_attribute_that_changes_is_seen():
    class Model:
        factor = 2.0

        def value(self, x):
            return self.factor * x * x

    model = Model()
    assert SOURCE.derivative(model.value, 1.0) == 4.0
    model.factor = 3.0
    assert SOURCE.derivative(model.value, 1.0) == 6.0


def test_what_has_no_reverse_mode_is_named_with_its_file():
    def scattered(x):
        a = np.zeros(3)
        np.add.at(a, np.array([0, 0, 2]), x)
        return np.sum(a * a)

    with pytest.raises(DifferentiationError, match=r"test_refusals\.py, line \d+: np\.add\.at, in reverse mode"):
        gradmix.differentiator("source").gradient(scattered, [1.0, 2.0, 3.0])
    forward = gradmix.differentiator("source", mode="forward")
    assert forward.gradient(scattered, [1.0, 2.0, 3.0]).tolist() == [6.0, 6.0, 6.0]
