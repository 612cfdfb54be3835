"""The problem ``network``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix import NonNegativeInt, PositiveInt, Problem

if TYPE_CHECKING:
    from gradmix.arrays import Array


@dataclass(kw_only=True)
class Network(Problem):
    """The mean cross-entropy of a network with one hidden layer of rectified units, by all its weights and biases.

    Parameters
    ----------
    inputs
        Number of inputs.
    hidden
        Number of units in the hidden layer.
    outputs
        Number of classes.
    batch
        Number of rows.
    data_seed
        Seed of the rows, their classes and the point. With the default no unit is near its kink, where difference
        quotients fail.

    Notes
    -----
    Source: Goodfellow, Bengio & Courville, *Deep Learning* (MIT Press 2016), chapter 6; the gradient is algorithm 6.4.

    Examples
    --------
    >>> Network(inputs=784, hidden=128, outputs=10, batch=256).point().size
    101770
    """

    inputs: PositiveInt = 4
    hidden: PositiveInt = 3
    outputs: PositiveInt = 2
    batch: PositiveInt = 5
    data_seed: NonNegativeInt = 6
    operator = "gradient"

    def function(self, x: Any) -> Any:
        """Return the mean cross-entropy."""
        rows, classes, _ = self._drawn
        W, b, V, c = self._layers(x)
        activity = np.maximum(np.matmul(rows, W) + b, 0.0)
        scores = np.matmul(activity, V) + c
        largest = np.max(scores, axis=1, keepdims=True)
        total = np.log(np.sum(np.exp(scores - largest), axis=1, keepdims=True)) + largest
        return np.sum(classes * (total - scores)) / self.batch

    def point(self) -> Array:
        """Return normal weights with variance 1 / (number of inputs of the layer), and zero biases."""
        return self._drawn[2].copy()

    def exact(self) -> Array:
        """Return the gradient by hand-written back-propagation, in NumPy's longest floats."""
        rows, classes, point = (each.astype(np.longdouble) for each in self._drawn)
        W, b, V, c = self._layers(point)
        before = rows @ W + b
        activity = np.maximum(before, 0)
        scores = activity @ V + c
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        by_scores = (powers / powers.sum(axis=1, keepdims=True) - classes) / self.batch
        by_before = (by_scores @ V.T) * (before > 0)
        parts = (rows.T @ by_before, by_before.sum(axis=0), activity.T @ by_scores, by_scores.sum(axis=0))
        return np.concatenate([each.ravel() for each in parts]).astype(float)

    def _layers(self, x: Any) -> tuple[Any, Any, Any, Any]:
        """Split the vector into weights and biases of both layers."""
        first, second = self.inputs * self.hidden, self.hidden * self.outputs
        end = first + self.hidden
        W, V = np.reshape(x[:first], (self.inputs, self.hidden)), x[end : end + second]
        return W, x[first:end], np.reshape(V, (self.hidden, self.outputs)), x[end + second :]

    @cached_property
    def _drawn(self) -> tuple[Array, Array, Array]:
        """Draw the rows, shape (batch, inputs); one-hot classes, shape (batch, outputs); and the point."""
        rng = np.random.default_rng(self.data_seed)
        rows = rng.standard_normal((self.batch, self.inputs))
        classes = np.eye(self.outputs)[rng.integers(0, self.outputs, self.batch)]
        rows.flags.writeable = classes.flags.writeable = False
        first = rng.standard_normal(self.inputs * self.hidden) / np.sqrt(self.inputs)
        second = rng.standard_normal(self.hidden * self.outputs) / np.sqrt(self.hidden)
        return rows, classes, np.concatenate([first, np.zeros(self.hidden), second, np.zeros(self.outputs)])
