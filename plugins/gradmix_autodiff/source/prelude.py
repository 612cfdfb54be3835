"""Functions that emitted code may call, in plain NumPy; printed code contains the source of those that it uses."""

from __future__ import annotations

from typing import Any

import numpy as np

import gradmix


def unbroadcast(t: Any, like: Any) -> Any:
    """Sum t over the axes along which `like` was broadcast to its shape."""
    shape = np.shape(like)
    if np.shape(t) == shape:
        return t
    t = np.sum(t, axis=tuple(range(np.ndim(t) - len(shape))))
    axes = tuple(axis for axis, n in enumerate(shape) if n == 1 and np.shape(t)[axis] != 1)
    return np.sum(t, axis=axes, keepdims=True)


def spread(t: Any, like: Any) -> Any:
    """Return t, broadcast to the shape of `like`."""
    return t + np.zeros(np.shape(like))


def unsummed(t: Any, like: Any, axis: Any, keepdims: bool) -> Any:
    """Return the cotangent of a sum over axes for each of the summed entries."""
    return spread(t if axis is None or keepdims else np.expand_dims(t, axis), like)


def fitted(test: Any, like: Any) -> Any:
    """Return a condition in the shape of `like`, as numbers: nonzero where any broadcast entry is true."""
    return unbroadcast(test + np.zeros(np.broadcast_shapes(np.shape(test), np.shape(like))), like)


def taken(change: Any, test: Any) -> Any:
    """Return a change where a test is true, and 0 elsewhere, even if the change is not finite there."""
    return np.where(fitted(test, change) != 0, change, 0.0)[()]


def inside(like: Any, index: Any, test: Any = True) -> Any:
    """Return for each entry of an array whether an index names it and a test is true of it."""
    found = np.zeros(np.shape(like), dtype=bool)
    np.logical_or.at(found, index, test)  # an index may name an entry twice
    return found


def chosen(y: Any, one: Any, other: Any) -> Any:
    """Return 1 where `one` was chosen, ½ at a tie, else 0."""
    return np.where(np.equal(one, other), 0.5, np.equal(one, y))[()]


def share_of_max(a: Any, axis: Any) -> Any:
    """Return for each entry its share of the largest: 1, or 1/k if k are equal."""
    is_it = np.equal(a, np.max(a, axis=axis, keepdims=True))
    return is_it / np.sum(is_it, axis=axis, keepdims=True)


def share_of_min(a: Any, axis: Any) -> Any:
    """Return for each entry its share of the smallest: 1, or 1/k if k are equal."""
    is_it = np.equal(a, np.min(a, axis=axis, keepdims=True))
    return is_it / np.sum(is_it, axis=axis, keepdims=True)


def power_by_base(a: Any, b: Any) -> Any:
    """∂(aᵇ)/∂a = b aᵇ⁻¹."""
    return b * a ** np.where(np.equal(b, 0), 1.0, b - 1.0)[()]


def power_by_exponent(y: Any, a: Any, b: Any) -> Any:
    """∂(aᵇ)/∂b = aᵇ ln a; 0 at a = 0, and not a number where a is negative."""
    elsewhere = np.where(np.equal(a, 0), 0.0, np.nan)
    return np.where(np.greater(a, 0), y * np.log(np.where(np.greater(a, 0), a, 1.0)), elsewhere)[()]


def direction(a: Any, y: Any) -> Any:
    """∂|a|/∂a, the sign of a."""
    return np.sign(a)


def ratio(a: Any, y: Any) -> Any:
    """a / y where y is a norm of which a is a part: 0 at 0."""
    return np.where(np.equal(y, 0), 0.0, a / np.where(np.equal(y, 0), 1.0, y))[()]


def root_of_square_plus_one(a: Any) -> Any:
    """√(a² + 1), without overflow."""
    return np.hypot(a, 1.0)


def product_by_left(d: Any, a: Any, b: Any) -> Any:
    """Return the cotangent of a in a @ b."""
    if np.ndim(b) == 1:
        if np.ndim(a) == 1:
            return d * b
        return unbroadcast(np.expand_dims(d, -1) * b, a)
    if np.ndim(a) == 1:
        return unbroadcast(np.matmul(b, np.expand_dims(d, -1))[..., 0], a)
    return unbroadcast(np.matmul(d, np.swapaxes(b, -1, -2)), a)


def product_by_right(d: Any, a: Any, b: Any) -> Any:
    """Return the cotangent of b in a @ b."""
    if np.ndim(a) == 1:
        if np.ndim(b) == 1:
            return d * a
        return unbroadcast(np.expand_dims(a, -1) * np.expand_dims(d, -2), b)
    if np.ndim(b) == 1:
        return unbroadcast(np.matmul(np.swapaxes(a, -1, -2), np.expand_dims(d, -1))[..., 0], b)
    return unbroadcast(np.matmul(np.swapaxes(a, -1, -2), d), b)


def part_of(d: Any, sizes: Any, place: int, axis: int) -> Any:
    """Return the part of a concatenation that came from the argument at a place."""
    start = sum(sizes[:place])
    return np.swapaxes(np.swapaxes(d, 0, axis)[start : start + sizes[place]], 0, axis)


def add_at(array: Any, index: Any, d: Any) -> None:
    """Add to the entries that an index names, to each as often as it names it."""
    np.add.at(array, index, d)


def span(n: int, index: Any) -> slice:
    """Return a slice of an axis of length n that contains the entries of an index: a number, a slice, or a mask."""
    named = np.arange(n)[index]
    first, last = np.min(named, initial=n), np.max(named, initial=-1)
    return slice(int(first), int(last) + 1, 1)


def as_floats(array: Any) -> Any:
    """Return an array for differentiated values, which must be of floats so that it does not truncate them.

    Raises
    ------
    TypeError
        If it is not of floats.
    """
    if isinstance(array, list) or array.dtype.kind in "fO":
        return array
    raise TypeError(f"an array of {array.dtype} cannot hold differentiated values: create it with dtype=float")


def as_mask(index: Any) -> Any:
    """Return an array of truth values that specifies where to write.

    Raises
    ------
    TypeError
        If it contains indices, which might name an entry twice.
    """
    if np.asarray(index).dtype.kind == "b":
        return index
    raise TypeError("cannot assign by an array of indices, because one may occur twice: use a mask or a loop")


def pullback_of(f: Any, place: int, d: Any, *arguments: Any) -> Any:
    """Return the cotangent of the argument at a place from the cotangent d of f's result, by the rules of the tape."""

    def of_one(each: Any) -> Any:
        return f(*arguments[:place], each, *arguments[place + 1 :])

    return gradmix.differentiator("tape").vjp(of_one, arguments[place], d)


def pushforward_of(f: Any, tangents: Any, *arguments: Any) -> Any:
    """Return the tangent of f's result from tangents of its arguments, by the rules of dual numbers."""
    return gradmix.differentiator("dual").jvp(lambda all_of_them: f(*all_of_them), arguments, tangents)


CONSTANT = (chosen, share_of_max, share_of_min, direction, as_mask, fitted, inside)
"""Functions whose value does not change with small changes of the arguments."""

LINEAR = {unbroadcast: "spread({d}, {t})", spread: "unbroadcast({d}, {t})", taken: "taken({d}, {rest})"}
"""Functions that are linear in the first argument, and how a cotangent is pulled back."""
