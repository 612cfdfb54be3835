"""NumPy's products of arrays, in terms of functions that have rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradmix_autodiff.rules import structure
from gradmix_autodiff.rules.moving import array_of
from gradmix_autodiff.rules.structure import MATMUL
from gradmix_autodiff.traced import operate


def _dot(a: Any, b: Any, out: None = None) -> Any:
    a, b = array_of(a), array_of(b)
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    return operate(MATMUL, a, b) if np.ndim(b) <= 2 else np.tensordot(a, b, axes=(-1, -2))


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = array_of(a), array_of(b)
    if isinstance(axes, int):
        axes = (range(np.ndim(a) - axes, np.ndim(a)), range(axes))
    left, right = ([each % np.ndim(x) for each in np.atleast_1d(side)] for x, side in zip((a, b), axes, strict=True))
    kept_left = [axis for axis in range(np.ndim(a)) if axis not in left]
    kept_right = [axis for axis in range(np.ndim(b)) if axis not in right]
    inner = math.prod(np.shape(a)[axis] for axis in left)
    rows = np.reshape(np.transpose(a, [*kept_left, *left]), (math.prod(np.shape(a)[x] for x in kept_left), inner))
    columns = np.reshape(np.transpose(b, [*right, *kept_right]), (inner, math.prod(np.shape(b)[x] for x in kept_right)))
    shape = [np.shape(a)[axis] for axis in kept_left] + [np.shape(b)[axis] for axis in kept_right]
    return np.reshape(np.matmul(rows, columns), tuple(shape))


def _einsum(subscripts: Any, *operands: Any, optimize: Any = False, **options: Any) -> Any:
    if options.keys() - {"order", "casting", "dtype"}:
        raise NotImplementedError("out=")
    if not isinstance(subscripts, str):
        subscripts, operands = _from_lists(subscripts, *operands)
    arrays = [array_of(each) for each in operands]
    inputs, output = _explicit(subscripts.replace(" ", ""), arrays)
    reduced = [_diagonals(letters, array) for letters, array in zip(inputs, arrays, strict=True)]
    if len(reduced) == 1 and sorted(reduced[0][0]) == sorted(output):  # nothing is summed: NumPy returns a view
        letters, array = reduced[0]
        return np.transpose(array, [letters.index(letter) for letter in output])
    return structure.einsum(
        ",".join(letters for letters, _ in reduced) + "->" + output, *(array for _, array in reduced)
    )


def _from_lists(*given: Any) -> tuple[str, tuple[Any, ...]]:
    """Return operands and the subscripts as text, from operands each followed by a list of numbers for its axes."""

    def text(axes: Any) -> str:
        return "".join("..." if axis is Ellipsis else structure.LETTERS[axis] for axis in axes)

    inputs = ",".join(map(text, given[1::2]))
    return (f"{inputs}->{text(given[-1])}", given[:-1:2]) if len(given) % 2 else (inputs, given[::2])


def _explicit(subscripts: str, arrays: Sequence[Any]) -> tuple[list[str], str]:
    """Return the letters of each operand and of the result, with letters for an ellipsis."""
    left, arrow, output = subscripts.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(arrays):
        raise ValueError("einstein sum subscripts do not match the number of operands")
    free = [letter for letter in structure.LETTERS if letter not in subscripts]
    most = max(
        (np.ndim(x) - len(i.replace("...", "")) for i, x in zip(inputs, arrays, strict=True) if "..." in i), default=0
    )
    dots = "".join(free[:most])
    inputs = [
        i.replace("...", dots[most - (np.ndim(x) - len(i.replace("...", ""))) :])
        for i, x in zip(inputs, arrays, strict=True)
    ]
    if arrow:
        return inputs, output.replace("...", dots)
    letters = "".join(inputs)
    once = sorted(letter for letter in set(letters) - set(dots) if letters.count(letter) == 1)
    return inputs, dots + "".join(once)


def _diagonals(letters: str, array: Any) -> tuple[str, Any]:
    """Take diagonals where an operand has a letter twice."""
    for letter in letters:
        while letters.count(letter) > 1:
            first = letters.index(letter)
            second = letters.index(letter, first + 1)
            array = np.diagonal(array, axis1=first, axis2=second)
            letters = letters[:first] + letters[first + 1 : second] + letters[second + 1 :] + letter
    return letters, array


def _inner(a: Any, b: Any, /) -> Any:
    a, b = array_of(a), array_of(b)
    return np.tensordot(a, b, axes=(-1, -1))[()] if np.ndim(a) and np.ndim(b) else a * b


def _outer(a: Any, b: Any, out: None = None) -> Any:
    return np.reshape(array_of(a), (-1, 1)) * np.reshape(array_of(b), (1, -1))


def _kron(a: Any, b: Any) -> Any:
    a, b = array_of(a), array_of(b)
    ndim = max(np.ndim(a), np.ndim(b))
    one, other = ((1,) * (ndim - np.ndim(x)) + np.shape(x) for x in (a, b))
    product = np.reshape(a, [n for size in one for n in (size, 1)]) * np.reshape(
        b, [n for size in other for n in (1, size)]
    )
    return np.reshape(product, tuple(m * n for m, n in zip(one, other, strict=True)))


def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = np.moveaxis(array_of(a), axisa, -1), np.moveaxis(array_of(b), axisb, -1)
    if np.shape(x)[-1] == np.shape(y)[-1] == 2:
        return x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0]
    x0, x1, x2 = _coordinates(x)
    y0, y1, y2 = _coordinates(y)
    parts = np.broadcast_arrays(x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0)
    return np.moveaxis(np.stack(parts, axis=-1), -1, axisc)


def _coordinates(x: Any) -> tuple[Any, Any, Any]:
    return x[..., 0], x[..., 1], x[..., 2] if np.shape(x)[-1] == 3 else np.zeros(np.shape(x)[:-1])


def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = np.atleast_1d(array_of(a)), np.atleast_1d(array_of(v))
    if np.shape(v)[0] > np.shape(a)[0]:
        a, v = v, a
    n, m = np.shape(a)[0], np.shape(v)[0]
    places = np.arange(n + m - 1)[:, None] - np.arange(m)
    is_inside = (places >= 0) & (places < n)
    full = np.where(is_inside, a[np.clip(places, 0, n - 1)], 0.0) @ v
    begin, length = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (m - 1, n - m + 1)}[mode]
    return full[begin : begin + length]


def _correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    a, v = np.atleast_1d(array_of(a)), np.atleast_1d(array_of(v))
    if np.shape(v)[0] > np.shape(a)[0]:
        return np.flip(_correlate(np.conjugate(v), np.conjugate(a), mode))
    if mode == "same":
        n, m = np.shape(a)[0], np.shape(v)[0]
        return _convolve(a, np.flip(np.conjugate(v)), "full")[m // 2 : m // 2 + n]
    return _convolve(a, np.flip(np.conjugate(v)), mode)


def _matmul(x1: Any, x2: Any) -> Any:
    return operate(MATMUL, array_of(x1), array_of(x2))


TABLE: dict[Any, Callable[..., Any]] = {
    np.matmul: _matmul,
    np.dot: _dot,
    np.vdot: lambda a, b, /: np.sum(np.ravel(np.conjugate(array_of(a))) * np.ravel(array_of(b))),
    np.inner: _inner,
    np.outer: _outer,
    np.tensordot: _tensordot,
    np.einsum: _einsum,
    np.kron: _kron,
    np.cross: _cross,
    np.convolve: _convolve,
    np.correlate: _correlate,
    **{
        (ufunc, "outer"): lambda a, b, ufunc=ufunc: ufunc(
            np.reshape(array_of(a), np.shape(a) + (1,) * np.ndim(b)), array_of(b)
        )
        for ufunc in (np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.minimum, np.hypot)
    },
    np.matrix_transpose: lambda x, /: np.swapaxes(x, -1, -2),
}
"""NumPy's function → the same, in terms of functions that have a rule."""
