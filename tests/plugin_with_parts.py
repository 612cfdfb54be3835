"""A plugin in a file: kinds of its own, data under another name, and a clusterer that holds a differentiator."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import gradmix


class RootFinder(gradmix.Component, ABC):
    """Base of root finders."""

    kind: ClassVar[str] = "root_finder"
    role: ClassVar[gradmix.Role] = gradmix.Role.ALGORITHM

    @abstractmethod
    def roots(self, equation):
        """Yield better and better roots."""


class Equation(gradmix.Component, ABC):
    """Base of equations."""

    kind: ClassVar[str] = "equation"
    role: ClassVar[gradmix.Role] = gradmix.Role.GIVEN

    @abstractmethod
    def value(self, x):
        """Left side; the right one is 0."""


@dataclass
class Tangents(RootFinder):
    """Newton's method: follow the tangents.

    Parameters
    ----------
    x
        Where to begin.
    differentiator
        What gives the slope.
    """

    x: float = 1.0
    differentiator: gradmix.Differentiator = gradmix.part("dual")

    def roots(self, equation):
        """Follow the tangents."""
        x = self.x
        for _ in range(6):
            x = x - equation.value(x) / self.differentiator.derivative(equation.value, x)
            yield x


@dataclass
class Bisection(RootFinder):
    """Halve an interval."""

    low: float = 0.0
    high: float = 2.0

    def roots(self, equation):
        """Keep the half in which the sign changes."""
        low, high = self.low, self.high
        for _ in range(8):
            middle = (low + high) / 2
            rises = equation.value(low) * equation.value(middle) > 0
            low, high = (middle, high) if rises else (low, middle)
            yield middle


@dataclass
class Power(Equation):
    """A power of x that is to be 2.

    Parameters
    ----------
    n
        The power.
    """

    n: int = 2

    def value(self, x):
        """What is to vanish."""
        return x**self.n - 2.0


@dataclass
class FindRoot(gradmix.Task):
    """Have a root finder solve an equation."""

    rounds: ClassVar[int] = 2
    root_finder: RootFinder = gradmix.part("tangents")
    left: Equation = gradmix.part("power")

    def improves(self):
        """What is left of the equation."""
        return gradmix.Objective("residual", maximise=False)

    def timed(self):
        """The roots."""
        return gradmix.Timed(lambda: list(self.root_finder.roots(self.left)))

    def run(self):
        """Yield each root."""
        residual = float("nan")
        for x in self.root_finder.roots(self.left):
            residual = abs(float(self.left.value(x)))
            yield gradmix.Iteration(x, {"residual": residual})
        return gradmix.Result({"residual": residual})


@dataclass
class Predict(gradmix.Task):
    """Predict each row by the center of its group."""

    train: gradmix.Dataset = gradmix.part("iris")
    clusterer: gradmix.Clusterer = gradmix.part("kmeans")

    def metrics(self):
        """The error."""
        return (gradmix.Meaning("rmse", "lower", "cm", "root mean square error", rewards_freedom=True),)

    def run(self):
        """Fit, then predict."""
        yield from ()
        X = self.train.load().X
        fitted = self.clusterer.fit(X)
        return gradmix.Result({"rmse": float(np.sqrt(((X - fitted.model_.centers[fitted.labels_]) ** 2).mean()))})


@dataclass
class Descent(gradmix.Clusterer[gradmix.Centers]):
    """Move centers down the gradient of the inertia.

    Parameters
    ----------
    n_clusters
        How many.
    differentiator
        What gives the gradient.
    slope
        Another one, in a field that is not called as its kind.
    n_init
        Starts.
    random_state
        Seed of the starts.
    """

    objective = gradmix.INERTIA

    n_clusters: gradmix.GroupCount = 2
    differentiator: gradmix.Differentiator = gradmix.part("tape")
    slope: gradmix.Differentiator = gradmix.part("dual")
    n_init: gradmix.PositiveInt = 1
    random_state: gradmix.Seed = None

    def iterate(self, X, rng):
        """Yield two steps."""
        centers = X[rng.choice(len(X), self.n_clusters, replace=False)]

        def loss(flat):
            return ((X[:, None, :] - flat.reshape(centers.shape)) ** 2).sum(axis=2).min(axis=1).sum()

        for _ in range(2):
            gradient = self.differentiator.gradient(loss, centers.ravel())
            centers = centers - 0.2 / len(X) * gradient.reshape(centers.shape)
            yield gradmix.Iteration(gradmix.Centers(centers), {"inertia": float(loss(centers.ravel()))})


@gradmix.hookimpl
def gradmix_kinds():
    """Add root finders and equations."""
    return [RootFinder, Equation]


@gradmix.hookimpl
def gradmix_components():
    """Offer all of the above."""
    return {
        "root_finder": {"tangents": Tangents, "bisection": Bisection},
        "equation": {"power": Power},
        "task": {"find_root": FindRoot, "predict": Predict},
        "clusterer": {"descent": Descent},
    }
