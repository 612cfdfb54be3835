"""Higher derivatives: the cost of each order, and the Hessian."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import factorial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import gradmix
from gradmix import Bounds, ConfigError, Meaning, group_color
from gradmix_lecture.gallery.drawing import new_figure
from gradmix_lecture.topic import Table, Topic
from gradmix_lecture.topics.timing import processor_seconds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gradmix.arrays import Array

_WAYS = {"dual": "nested dual numbers", "tape": "nested tapes", "taylor": "Taylor coefficients"}
_X = 0.5


@dataclass
class HigherDerivatives(Topic):
    """Each level of nesting multiplies the work; Taylor arithmetic has all orders at once.

    Derivatives of derivatives need no new method: dual numbers of dual numbers carry second derivatives, and so on, but
    each level at least doubles the work of the one below. Taylor arithmetic propagates all coefficients at once, with
    work that is quadratic in the order. The time of a Hessian grows with the number of variables, unless it is sparse,
    like that of Rosenbrock's function.

    Parameters
    ----------
    orders
        The highest order.
    sizes
        Numbers of variables for Rosenbrock's function, in rising order.
    repeats
        Number of measurements of each time; the median is used.
    """

    formula: ClassVar[str] = r"""
        f(x) = \dfrac{1}{1 - x}, \quad f^{(k)}(x) = \dfrac{k!}{(1 - x)^{k+1}} \qquad H_{ij} = \dfrac{\partial^2 f}{\partial x_i\,\partial x_j}
    """  # noqa: E501 -- one line of a formula

    orders: Annotated[int, Bounds(ge=2, le=12)] = 9
    sizes: tuple[Annotated[int, Bounds(ge=2, le=500)], ...] = (2, 8, 32, 128, 500)
    repeats: Annotated[int, Bounds(ge=1, le=99)] = 3

    def check(self) -> None:
        """Check that the sizes are enough for a curve."""
        super().check()
        if len(self.sizes) < 2 or list(self.sizes) != sorted(set(self.sizes)):
            raise ConfigError(f"topic.sizes must be two or more increasing numbers; given: {list(self.sizes)}.")

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield time and error of each method for each order, and of the Hessian for each size."""
        made = {way: gradmix.differentiator(way) for way in _WAYS}
        for order in range(1, self.orders + 1):
            exact = factorial(order) * 2.0 ** (order + 1)
            row = {"order": float(order)}
            for way, each in made.items():
                derivative = partial(each.derivative, _geometric, _X, order=order)
                row[f"error.{way}"] = abs(float(derivative()) / exact - 1)
                row[f"seconds.{way}"] = processor_seconds(derivative, self.repeats)
            yield row
        for size in self.sizes:
            yield self._of_size(made["tape"], size)

    def _of_size(self, tape: gradmix.Differentiator, size: int) -> Mapping[str, float]:
        x = np.linspace(-1.0, 1.0, size)
        dense, sparse = partial(tape.hessian, _rosenbrock, x), partial(tape.hessian, _rosenbrock, x, sparse=True)
        exact = _hessian_of_rosenbrock(x)
        return {
            "size": float(size),
            "error.hessian": float(np.abs(dense() - exact).max() / np.abs(exact).max()),
            "error.sparse_hessian": float(np.abs(sparse().toarray() - exact).max() / np.abs(exact).max()),
            "seconds.gradient": processor_seconds(partial(tape.gradient, _rosenbrock, x), self.repeats),
            "seconds.hessian": processor_seconds(dense, self.repeats),
            "seconds.sparse_hessian": processor_seconds(sparse, self.repeats),
        }

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings: how times grow, and how large errors are."""
        growth = [
            Meaning(f"growth.{way}", "lower", "×", f"{label}: time of the last order / the one before", is_timing=True)
            for way, label in _WAYS.items()
        ]
        return (
            *growth,
            Meaning("hessian_in_gradients", "lower", "gradients", "time of the largest Hessian", is_timing=True),
            Meaning("error", "lower", "", "largest relative error of a derivative of any order, or of a Hessian"),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Compute the numbers from the last orders and the largest size."""
        orders, last = table.having("order"), table.having("size").rows[-1]
        growth = {f"growth.{way}": float(np.divide(*orders[f"seconds.{way}"][:-3:-1])) for way in _WAYS}
        errors = np.concatenate([table[f"error.{name}"] for name in table.names("error.")])
        in_gradients = last["seconds.hessian"] / last["seconds.gradient"]
        return {**growth, "hessian_in_gradients": in_gradients, "error": float(errors.max())}

    def plot(self, table: Table) -> Figure:
        """Draw time by order, and time by size."""
        figure = new_figure()
        left, right = figure.subplots(1, 2)
        orders, sizes = table.having("order"), table.having("size")
        for number, (way, label) in enumerate(_WAYS.items()):
            times = 1e3 * orders[f"seconds.{way}"]
            left.semilogy(orders["order"], times, "os^"[number] + "-", color=group_color(number), label=label)
        left.set(xlabel="order k", ylabel="processor time [ms]", xticks=orders["order"])
        left.set_title(r"$f^{(k)}(x)$ of $1/(1-x)$")
        looks = {"hessian": ("n × n Hessian", 0), "sparse_hessian": ("sparse Hessian", 2), "gradient": ("gradient", 7)}
        for number, (name, (label, color)) in enumerate(looks.items()):
            times = 1e3 * sizes[f"seconds.{name}"]
            right.loglog(sizes["size"], times, "os^"[number] + "-", color=group_color(color), label=label)
        right.set(xlabel="variables n", ylabel="processor time [ms]")
        right.set_title("Rosenbrock's function, by the tape")
        right.xaxis.set_minor_formatter("")  # label only powers of ten
        left.legend(loc="upper left")
        right.legend(loc="upper left")
        right.set_ylim(None, 8 * 1e3 * max(sizes["seconds.hessian"].max(), sizes["seconds.sparse_hessian"].max()))
        return figure


def _geometric(x: Any) -> Any:
    return 1.0 / (1.0 - x)


def _rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def _hessian_of_rosenbrock(x: Array) -> Array:
    diagonal = np.zeros(len(x))
    diagonal[:-1] += 1200.0 * x[:-1] ** 2 - 400.0 * x[1:] + 2.0
    diagonal[1:] += 200.0
    beside = -400.0 * x[:-1]
    return np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
