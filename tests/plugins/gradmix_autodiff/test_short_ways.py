"""Operations that take a short way through dual and tape give what the long way does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradmix

A = np.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0], [2.0, 1.0, 4.0]])
X = np.array([0.7, -1.3, 0.4])

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "matrix times vector": lambda x: A @ x,
    "vector times matrix": lambda x: x @ A,
    "list times vector": lambda x: np.matmul(A.tolist(), x),
    "object array times vector": lambda x: np.matmul(A, np.array([x[0], x[1], x[2]])),
    "vector times itself": lambda x: np.matmul(x, x),
    "array times itself": lambda x: x * x * x,
    "array times itself after an update": lambda x: (y := x * 1.0, y.__imul__(y), y * y)[2],
    "complex array times itself": lambda x: np.real((x + 2j * x) * (x + 2j * x) + (z := np.exp(1j * x)) * z),
    "rows that are broadcast": lambda x: np.sum(np.maximum(A * x, 0.0) + x, axis=1) + np.sum(A + x, axis=-2),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("differentiator", ["dual", "tape"])
def test_first_and_second_derivatives_agree_with_differences(differentiator: str, name: str) -> None:
    made, f = gradmix.differentiator(differentiator), FUNCTIONS[name]
    truth = gradmix.differentiator("finite_difference")
    np.testing.assert_allclose(made.jacobian(f, X), truth.jacobian(f, X), rtol=1e-7, atol=1e-7)
    total = lambda x: np.sum(np.sin(f(x)))  # noqa: E731
    np.testing.assert_allclose(
        made.hessian(total, X), truth.jacobian(lambda x: made.gradient(total, x), X), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("differentiator", ["dual", "tape"])
def test_an_array_of_an_ended_evaluation_is_refused_by_the_short_ways_too(differentiator: str) -> None:
    kept: list[Any] = []
    made = gradmix.differentiator(differentiator)
    made.jacobian(lambda x: (kept.append(x * 2.0), x)[1], X)
    for use in (lambda y: A @ y, lambda y: y * y, np.tanh, lambda y: np.maximum(y, 0.0)):
        with pytest.raises(gradmix.DifferentiationError, match="had ended"):
            use(kept[0])
