"""Programs of three variables, each of which takes other ways at other points."""

import math

import numpy as np


def branches_in_nested_loops(p):
    s, x = 0.0, p[0]
    for i in range(6):
        if x > 1.5:
            x = x * 0.7 + p[1] * i
            if p[1] > 0.0:
                s += math.sin(x)
        else:
            x = x * x + 0.3
            s -= x
        j = 0
        while j < 3:
            s = s + math.exp(-abs(x)) * p[2]
            j += 1
            x = x + 0.01 * math.tanh(s)
    return s * x


def newton(p):
    x, target = p[0] * p[0] + 1.0, p[1] * p[1] + 1.0
    while abs(x * x - target) > 1e-12 * target:
        x = 0.5 * (x + target / x)
    return x * p[2]


def early_returns(x):
    if x[0] > 1.0:
        return x[0] * x[1]
    if x[1] > 1.5:
        y = x[0]
    else:
        return math.exp(x[0])
    return y**2 * x[1]


def break_and_continue(x):
    s = 0.0
    for i in range(10):
        for j in range(5):
            if j == 1:
                continue
            if s > 3 + i:
                break
            s += x[0] * x[1] * j
        else:
            s = s * 0.9
        if s > 5:
            break
    return s * x[2]


def return_from_a_loop(x):
    y = x[0] + 0.1
    for i in range(30):
        y = y * (1.0 + x[1] * x[1] / 4)
        if y > 4:
            return y * i + x[2]
    return y


def return_from_an_endless_loop(x):
    y, target = 1.0 + x[0] * x[0], 1.0 + x[1] * x[1]
    while True:
        better = 0.5 * (y + target / y)
        if abs(better - y) < 1e-14 * y:
            return better * x[2]
        y = better


def sums_of_generators(x):
    i = 2
    pairs = sum([x[i] * x[j] for i in range(len(x)) for j in range(i)], x[0])
    large = sum(math.sin(v) * w for v, w in zip(x, x[::-1]) if v > 0.5)  # noqa: B905 -- zip with strict= is refused
    return (pairs + large) * x[i] if sum(v for v in x) > 1.0 else -pairs


def variables_read_after_the_loop(x):
    for i in range(3):
        z = x[i] * i
        w = z * x[0]
    return z * w * i


def a_variable_of_the_iteration_before(x):
    s = 0.0
    for i in range(3):
        if i > 0:
            s += before * x[0]  # noqa: F821 -- set in the iteration before
        before = x[i] * s + x[i]
    return s * before


def functions_within(x):
    c = x[0]

    def g(a, b=2.0):
        return a * b * c

    c = c * x[1]
    h = lambda t: t**2 + g(t)  # noqa: E731 -- a lambda is what is tested
    return h(x[2]) + g(x[0], b=x[1])


def a_function_that_returns_early(x):
    def inner(t):
        if t > 1:
            return t * t
        for _ in range(3):
            t = t * 1.5
            if t > 1:
                return t
        return t * x[1]

    return inner(x[0]) + inner(x[1] * 2) * inner(x[2])


def a_loop_in_a_branch(x):
    y = x[0]
    if x[1] > 0.3:
        for i in range(3):
            y = y * x[2] + i * x[1]
    elif x[2] > 0:
        for _ in range(2):
            y = np.sin(y) * x[2]
    return y * y


def tuples(x):
    a, (b, c) = x[0], (x[1], x[2])
    a, b = b, a * c
    for _ in range(3):
        a, b, c = b, c, a * b
    pair = (a, b)
    for _ in range(2):
        pair = (pair[1], pair[0] * c)
    return pair[0] + b * c


def swapped_in_a_loop(x):
    a, b = x[0], x[1]
    for i in range(3):
        a, b = b, a
        if i == 1:
            a = a * x[2]
    return a * a * b


def conditional_expressions(x):
    y = x[0] if x[0] > x[1] else x[1] * 2
    return y * (x[2] if y > 1 else 3.0) + max(x[0], 0.5 * x[1], x[2] - 3.0) + sum([x[0], x[1] ** 2])


def loops_over_arrays(x):
    p = x[0]
    for factor in x[1:]:
        p = p * factor
    for i, v in enumerate(x):
        p += v * i
    for u, v in zip(x, x[::-1], strict=False):
        p += u * v * v
    return p


def a_loop_with_else(x):
    i = 0
    while i < 3:
        if x[i] > 1:
            break
        i += 1
    else:
        return x[0] * x[1]
    return x[i] ** 2


def an_assignment_in_a_condition(x):
    if (y := x[0] * 2) > 1:
        return y * y
    return y * x[1]


def integers(x):
    k, s = 0, x[0] * x[0] + 1.0
    while s < 50:
        k += 1
        s = s * 1.5 + k * x[1] * x[1]
    return s / k + x[2] ** k


def names_that_shadow(x):
    sum = x[0] * 2  # noqa: A001 -- a name of Python's is what is tested
    ratio = x[1] * sum
    x_bar = ratio * 3.0
    y_bar = x_bar * x[2]
    w1 = y_bar * 2
    stack_1 = w1
    place = stack_1
    for before in range(2):
        place = place * x[0] + before
    return place


def default_arguments(x, n=3, weights=(1.0, 2.0, 3.0)):
    return np.sum(x**n * np.array(weights))


def a_call_with_keywords(x):
    return default_arguments(x, weights=(2.0, 1.0, 0.5), n=2)


def writes_into_slices(x):
    a = np.zeros(4)
    a[:2] = x[:2] ** 2
    for i in range(2, 4):
        a[i] = a[i - 1] * x[i - 2] + a[i - 2]
    return np.sum(a * a)


def a_new_array_in_each_iteration(x):
    u = x.copy()
    for step in range(3):
        new = np.zeros(len(u))
        for i in range(len(u)):
            new[i] = u[i] * u[i - 1] + 0.1 * step
            if new[i] > 1:
                new[i] *= 0.5
        u = new
    return np.sum(u)


def updates_of_a_matrix(x):
    a = np.ones((2, 3))
    for _ in range(4):
        for i in range(2):
            for j in range(3):
                a[i, j] += a[i - 1, j - 1] * x[j] * 0.1
                a[i, j] *= 0.5 * a[i, j]
    return np.sum(a) + a[0, 1]


def writes_into_the_argument(x):
    x[0] = x[1] * x[2]
    x[1] = x[0] ** 2
    return x[0] * x[1] * x[2]


def an_entry_written_again(x):
    a = np.zeros(3)
    y = a[0]
    a[0] = x[0]
    y = y + a[0] ** 2
    a[0] = x[1]
    y = y * a[0]
    a[0] = 3.0
    return y * a[0] + a[1]


def branches_that_read_what_they_write(x):
    a = np.ones(4)
    for k in range(3):
        for i in range(3):
            if a[i] > 1.2:
                a[i + 1] = a[i] * x[i]
            else:
                a[i] = a[i + 1] * x[i] + x[0]
            if a[i] > 30:
                break
        a[k : k + 2] = a[k : k + 2] ** 2 * 0.3
    return np.sum(a) * a[2]


def a_list_of_numbers(x):
    a = [0.0] * 4
    for i in range(3):
        a[i + 1] = a[i] * x[i] + x[i] ** 2
    return a[3] * a[1]


def two_names_of_one_array(x):
    a = np.zeros(3)
    b = a
    b[0] = x[0] ** 2
    return np.sum(a) * x[1]


def updates_in_place(x):
    a = x * 2
    a += x[0]
    a *= a
    x *= 2.0
    x += x[0]
    return np.sum(a * x)


def strided_writes(x):
    a = np.zeros(6)
    a[::2] = x
    a[1::2] = a[::2] * x
    return np.sum(a * a)


def broadcast_writes(x):
    a = np.zeros((2, 3))
    a[:] = x
    a[1] = x[0]
    a += x
    return np.sum(a**2)


def writes_by_a_mask(x):
    a = np.zeros(3)
    a[x > 0.6] = x[0] * x[1]
    return np.sum(a * x)


def array_operations(x):
    matrix = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    y = matrix @ np.exp(-x * x)
    z = np.concatenate([y, x[:2] * y, np.zeros(1)])
    outer = x[:, None] * x[None, :]
    total = np.sum(np.tanh(z)) * np.mean(x) + np.linalg.norm(x + 5.0) + x @ x
    total = total + np.sum(outer.sum(axis=0) ** 2) + np.sum(np.outer(x, x) @ x) + np.var(x)
    return total + np.sum(np.where(outer > 0.3, outer, 0.5 * outer).T @ np.reshape(outer, (3, 3)))


def linear_algebra(x):
    a = np.diag(x * x + 3.0) + np.ones((3, 3))
    return np.sum(np.linalg.solve(a, x)) * np.linalg.det(a) + np.sum(np.linalg.inv(a) @ x)


def indices(x):
    return np.sum(x[np.array([0, 0, 2])] * np.array([1.0, 2.0, 3.0])) + np.sum(x[x > 0.6] ** 2) + x[-1]


def a_result_of_a_loop_that_is_written(x):
    a = np.zeros(3)
    for i in range(3):
        a[i] = x[i] * a[i - 1] + x[i]
    a[0] = a[1] * a[2]
    return a[0] * a[1] + a[2]


def an_array_written_into_its_own_parts(x):
    a = x * x
    a[::-1] = a
    for _ in range(3):
        a[1:] = a[:-1]
        a[::-1] = a
    return a[0] * a[1] + a[2] * x[0]


def masks_beside_slices(x):
    a = np.outer(x, x)
    a[:, np.array([True, False, True])] *= x[:2]
    a[..., [False, True, False]] = a[..., :1] ** 2
    a[x > 0.5, 1:] = x[2]
    return np.sum(a[[0, 2, 0], 1:] * x[:, None])


PROGRAMS = {name: f for name, f in globals().items() if callable(f)}
"""All of them by name."""
