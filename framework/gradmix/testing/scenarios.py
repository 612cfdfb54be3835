"""Small functions with exact derivatives, for points with entries of moderate size."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.differentiator_hooks import Function

Array = NDArray[np.float64]
Exact = Callable[[Any], Any]

MIX = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
SQUARE = np.array([[2.0, -0.5], [0.75, 1.25]])


@dataclass(frozen=True)
class Scenario:
    """A function to differentiate, in basic NumPy: arithmetic, indexing, elementary functions, sums, ``@``.

    Parameters
    ----------
    name
        Its name in reports.
    f
        The function.
    shape
        Shape of its argument.
    result_shape
        Shape of its value.
    first
        Its Jacobian at x, shape result_shape + shape, in closed form.
    second
        Its Hessian at x, shape shape + shape, if it has one real value.
    may_be_refused
        Whether a method may raise a `DifferentiationError` for it: a method that uses complex arguments cannot
        distinguish a constant from a function that is not analytic.
    looks_at_values
        Whether it branches on a computed value; a method may refuse it if its `follows_values` is False.
    among
        Name of the collection in this module that contains it.
    is_for_positive_points
        Whether it is undefined or not smooth at other points.
    """

    name: str
    f: Function
    shape: tuple[int, ...]
    result_shape: tuple[int, ...]
    first: Exact
    second: Exact | None = None
    may_be_refused: bool = False
    looks_at_values: bool = False
    among: str = "SCENARIOS"
    is_for_positive_points: bool = False

    @property
    def code(self) -> str:
        """Python that names the function."""
        return f"from gradmix.testing.scenarios import {self.among}\nf = {self.among}[{self.name!r}].f"


def wave(x: Any) -> Any:
    """x³ + sin x."""
    return x**3 + np.sin(x)


def ratio(x: Any) -> Any:
    """1 / (1 + x²)."""
    return 1.0 / (1.0 + x * x)


def branch(x: Any) -> Any:
    """x² if x > 1.05, else log x."""
    return x * x if x > 1.05 else np.log(x)


def loop(x: Any) -> Any:
    """((x² + x)² + …), three times."""
    y = x
    for _ in range(3):
        y = 0.5 * y * y + x
    return y


def constant(x: Any) -> Any:
    """3, whatever x is."""
    return 3.0


def identity(x: Any) -> Any:
    """x itself."""
    return x


def curve(x: Any) -> Any:
    """(sin x, exp x, x²)."""
    return np.stack([np.sin(x), np.exp(x), x**2])


def stretched(x: Any) -> Any:
    """x² M with a matrix M."""
    return x**2 * SQUARE


def product(x: Any) -> Any:
    """x₁ x₂² + sin x₁."""
    return x[0] * x[1] ** 2 + np.sin(x[0])


def log_sum_exp(x: Any) -> Any:
    """log Σ exp xᵢ."""
    return np.log(np.sum(np.exp(x)))


def squares(x: Any) -> Any:
    """Σ xᵢ²."""
    return np.sum(x**2)


def large(x: Any) -> Any:
    """10⁸ Σ xᵢ²."""
    return 1e8 * np.sum(x**2)


def small(x: Any) -> Any:
    """10⁻¹⁵ Σ xᵢ²."""
    return 1e-15 * np.sum(x**2)


def mixed(x: Any) -> Any:
    """M exp x with a matrix M."""
    return MIX @ np.exp(x)


def neighbours(x: Any) -> Any:
    """xᵢ xᵢ₊₁."""
    return x[1:] * x[:-1]


def nothing(x: Any) -> Any:
    """An empty array."""
    return x[:0] * 2.0


def outer(x: Any) -> Any:
    """x xᵀ."""
    return x[:, None] * x[None, :]


def form(x: Any) -> Any:
    """Σ Xᵢⱼ² Mᵢⱼ."""
    return np.sum(x * x * MIX)


def transformed(x: Any) -> Any:
    """X X."""
    return x @ x


def _signs(n: int) -> Array:
    """Return 1, 1, −1, −1, …, with which sums of many terms stay small and their differences accurate."""
    return np.array([1.0, 1.0, -1.0, -1.0])[np.arange(n) % 4]


def coupled(x: Any) -> Any:
    """½ Σ ± xᵢ² + sin Σ ± xᵢ."""
    signs = _signs(len(x))
    return np.sum(np.roll(signs, 1) * x * x) / 2.0 + np.sin(np.sum(signs * x))


def coupled_pair(x: Any) -> Any:
    """M x² with a matrix M of two rows."""
    return _rows(len(x)) @ (x * x)


def _rows(n: int) -> Array:
    return np.stack([_signs(n), np.roll(_signs(n), 1) * np.linspace(0.5, 1.5, n)])


def _coupled_first(x: Array) -> Array:
    signs = _signs(len(x))
    return np.asarray(np.roll(signs, 1) * x + np.cos(np.sum(signs * x)) * signs)


def _coupled_second(x: Array) -> Array:
    signs = _signs(len(x))
    return np.asarray(np.diag(np.roll(signs, 1)) - np.sin(np.sum(signs * x)) * np.outer(signs, signs))


def _softmax(x: Array) -> Array:
    powers = np.exp(x - np.max(x))
    return np.asarray(powers / powers.sum())


def _loop_first(x: float) -> float:
    y, slope = x, 1.0
    for _ in range(3):
        y, slope = 0.5 * y * y + x, y * slope + 1.0
    return slope


def _loop_second(x: float) -> float:
    y, slope, bend = x, 1.0, 0.0
    for _ in range(3):
        y, slope, bend = 0.5 * y * y + x, y * slope + 1.0, slope * slope + y * bend
    return bend


def _neighbours_first(x: Array) -> Array:
    jacobian = np.zeros((2, 3))
    for i in range(2):
        jacobian[i, i], jacobian[i, i + 1] = x[i + 1], x[i]
    return jacobian


def _outer_first(x: Array) -> Array:
    one = np.eye(2)
    return np.asarray(np.einsum("ik,j->ijk", one, x) + np.einsum("i,jk->ijk", x, one))


def _transformed_first(x: Array) -> Array:
    one = np.eye(2)
    return np.asarray(np.einsum("ik,lj->ijkl", one, x) + np.einsum("ik,jl->ijkl", x, one))


_ALL = (
    Scenario("wave", wave, (), (), lambda x: 3 * x**2 + math.cos(x), lambda x: 6 * x - math.sin(x)),
    Scenario("ratio", ratio, (), (), lambda x: -2 * x / (1 + x * x) ** 2, lambda x: (6 * x * x - 2) / (1 + x * x) ** 3),
    Scenario(
        "branch",
        branch,
        (),
        (),
        lambda x: 2 * x if x > 1.05 else 1 / x,
        lambda x: 2.0 if x > 1.05 else -1 / x**2,
        looks_at_values=True,
        is_for_positive_points=True,
    ),
    Scenario("loop", loop, (), (), _loop_first, _loop_second),
    Scenario("constant", constant, (), (), lambda x: 0.0, lambda x: 0.0, may_be_refused=True),
    Scenario("identity", identity, (), (), lambda x: 1.0, lambda x: 0.0),
    Scenario("identity_of_vector", identity, (3,), (3,), lambda x: np.eye(3)),
    Scenario("curve", curve, (), (3,), lambda x: np.array([math.cos(x), math.exp(x), 2 * x])),
    Scenario("stretched", stretched, (), (2, 2), lambda x: 2 * x * SQUARE),
    Scenario(
        "product",
        product,
        (2,),
        (),
        lambda x: np.array([x[1] ** 2 + math.cos(x[0]), 2 * x[0] * x[1]]),
        lambda x: np.array([[-math.sin(x[0]), 2 * x[1]], [2 * x[1], 2 * x[0]]]),
    ),
    Scenario(
        "log_sum_exp",
        log_sum_exp,
        (3,),
        (),
        _softmax,
        lambda x: np.diag(_softmax(x)) - np.outer(_softmax(x), _softmax(x)),
    ),
    Scenario("squares", squares, (4,), (), lambda x: 2 * x, lambda x: 2 * np.eye(4)),
    Scenario("squares_of_one", squares, (1,), (), lambda x: 2 * x, lambda x: 2 * np.eye(1)),
    Scenario("squares_of_none", squares, (0,), (), lambda x: np.zeros(0), lambda x: np.zeros((0, 0))),
    Scenario(
        "constant_of_vector", constant, (2,), (), lambda x: np.zeros(2), lambda x: np.zeros((2, 2)), may_be_refused=True
    ),
    Scenario("mixed", mixed, (3,), (2,), lambda x: MIX * np.exp(x)),
    Scenario("neighbours", neighbours, (3,), (2,), _neighbours_first),
    Scenario("nothing", nothing, (2,), (0,), lambda x: np.zeros((0, 2))),
    Scenario("outer", outer, (2,), (2, 2), _outer_first),
    Scenario("form", form, (2, 3), (), lambda x: 2 * x * MIX, lambda x: np.diag(2 * MIX.ravel()).reshape(2, 3, 2, 3)),
    Scenario("transformed", transformed, (2, 2), (2, 2), _transformed_first),
)

SCENARIOS = {scenario.name: scenario for scenario in _ALL}
"""The scenarios by name."""

MANY = {
    f"{name}_{n}": Scenario(f"{name}_{n}", f, (n,), shape, first, second, among="MANY")
    for name, f, shape, first, second, sizes in (
        ("coupled", coupled, (), _coupled_first, _coupled_second, (100, 12)),
        ("coupled_pair", coupled_pair, (2,), lambda x: 2 * x * _rows(len(x)), None, (100, 40)),
    )
    for n in sizes
}
"""Scenarios by name that depend on many variables, each value on all of them."""

SIZED = {
    "large": Scenario("large", large, (3,), (), lambda x: 2e8 * x, among="SIZED"),
    "small": Scenario("small", small, (3,), (), lambda x: 2e-15 * x, among="SIZED"),
}
"""Scenarios with large or small values, by name."""
