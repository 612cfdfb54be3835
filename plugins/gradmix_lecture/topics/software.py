"""Tools for automatic differentiation: the time and the requirements of each for the same derivative."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
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


@dataclass(frozen=True)
class Software:
    """A tool: its label, its principle, the package and other things it needs, and whether the lecture names it."""

    label: str
    works: str
    packages: Sequence[str] = ()
    is_in_lecture: bool = False


TOOLS: Mapping[str, Software] = {
    "dual": Software("gradmix: dual", "forward, overloading"),
    "tape": Software("gradmix: tape", "reverse, overloading"),
    "source": Software("gradmix: source", "both, source transformation"),
    "autograd": Software("autograd", "reverse, overloading", ("autograd",)),
    "jax": Software("JAX", "both, tracing", ("jax",)),
    "jax_compiled": Software("JAX, compiled", "reverse, tracing, compiled", ("jax",)),
    "torch": Software("PyTorch", "reverse, overloading", ("torch",)),
    "tensorflow": Software("TensorFlow", "both, overloading", ("tensorflow",), is_in_lecture=True),
    "pytensor": Software("PyTensor, after Theano", "symbolic graph", ("pytensor",), is_in_lecture=True),
    "cppad": Software("CppAD", "both, C++ overloading", ("cmeel-cppad", "a C++ compiler"), is_in_lecture=True),
    "casadi": Software("CasADi", "both, symbolic graph", ("casadi",)),
    "sympy": Software("SymPy", "formulas", ("sympy",)),
}
"""Differentiator → tool."""


@dataclass
class SoftwareTable(Topic):
    """All tools compute the same derivative; they differ in method, requirements and time.

    The lecture's function, extended to n variables, goes through every tool that is installed; those that the lecture
    names have a star. Each gives the gradient to the last digits. Most of them follow the function again in each call;
    tools such as JAX are most efficient if they compile a function once and call it often.

    Parameters
    ----------
    tools
        Names of the tools; those that are not installed are listed as such.
    n
        Number of variables.
    repeats
        Number of measurements of each time; the median is used.
    """

    formula: ClassVar[str] = r"f(x) = \sum_{i=1}^{n-1} \left(x_i\,x_{i+1} + \sin x_i\right)"

    tools: tuple[str, ...] = tuple(TOOLS)
    n: Annotated[int, Bounds(ge=2, le=2000)] = 50
    repeats: Annotated[int, Bounds(ge=1, le=99)] = 3

    def check(self) -> None:
        """Check that the tools are known."""
        super().check()
        unknown = [tool for tool in self.tools if tool not in TOOLS]
        if unknown or not self.tools or len(set(self.tools)) < len(self.tools):
            raise ConfigError(f"topic.tools must be different names of {', '.join(TOOLS)}; given: {list(self.tools)}.")
        if not any(is_installed(tool) for tool in self.tools):
            raise ConfigError(
                f"none of topic.tools is installed. Install one: pip install 'gradmix[{extra(self.tools[0])}]'"
            )

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield, for each installed tool, by its place in the table, error and times of the first and later calls."""
        x = np.linspace(-1.0, 2.0, self.n)
        exact = _gradient(x)
        for place, tool in enumerate(TOOLS):
            if tool in self.tools and is_installed(tool):
                made = gradmix.differentiator(tool)
                before = _with_children()
                made.setup()
                gradient = np.asarray(made.gradient(_function, x))
                first = _with_children() - before
                yield {
                    "tool": float(place),
                    "error": float(np.abs(gradient - exact).max()),
                    "seconds.first": first,
                    "seconds.gradient": processor_seconds(partial(made.gradient, _function, x), self.repeats),
                }

    def texts(self) -> Mapping[str, str]:
        """Return the table of tools, with the requirements of those that are missing."""
        rows = [(its.label + ("*" if its.is_in_lecture else ""), its.works, its.packages) for its in TOOLS.values()]
        rows.append(("Adept*", "both, C++ overloading", ("a C++ compiler",)))
        lines = [f"{label:24}{works:30}{', '.join(needs) or 'NumPy'}" for label, works, needs in rows]
        missing = [
            f"{its.label} is not installed: pip install 'gradmix[{extra(tool)}]'"
            for tool, its in TOOLS.items()
            if not is_installed(tool)
        ]
        text = "\n".join([f"{'tool':24}{'works by':30}needs", *lines, "", "* named in the lecture", *missing, _ADEPT])
        return {"tools.txt": f"{text}\n"}

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings: how many tools were compared, and how much they differ."""
        return (
            Meaning("tools", None, "tools", "installed tools that were run"),
            Meaning("error", "lower", "", "largest error of an entry of any tool's gradient"),
            Meaning("fastest", None, "", "processor time of the fastest gradient, in ms", is_timing=True),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Compute the numbers over all tools."""
        return {
            "tools": float(len(table)),
            "error": float(table["error"].max()),
            "fastest": 1e3 * float(table["seconds.gradient"].min()),
        }

    def plot(self, table: Table) -> Figure:
        """Draw each tool's times and its principle."""
        figure = new_figure()
        axes = figure.subplots()
        names = list(TOOLS)
        order = sorted(table.rows, key=lambda row: row["seconds.gradient"])
        for y, row in enumerate(order):
            its = TOOLS[names[int(row["tool"])]]
            first, later = 1e3 * row["seconds.first"], 1e3 * row["seconds.gradient"]
            axes.plot([later, first], [y, y], color="0.75", linewidth=1.5, zorder=1)
            axes.plot(later, y, "o", color=group_color(0), markersize=9, label="_" if y else "a gradient")
            axes.plot(
                first, y, "D", color=group_color(1), markersize=6, label="_" if y else "the first, with preparation"
            )
            label = f"{its.works}\nerror {row['error']:.0e}"
            axes.text(1.02, y, label, transform=axes.get_yaxis_transform(), va="center", fontsize=9)
        labels = [TOOLS[names[int(row["tool"])]] for row in order]
        axes.set_yticks(range(len(order)), [its.label + (" *" if its.is_in_lecture else "") for its in labels])
        axes.set_ylim(len(order) - 0.4, -0.6)
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter("")  # label only powers of ten
        axes.set_xlabel(f"processor time [ms] of the gradient, {self.n} variables      * named in the lecture")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=2)
        return figure


_ADEPT = "Adept is not measured: it is a C++ library without a Python package."


def _with_children() -> float:
    """Return the processor time, in seconds, of this process and of finished child processes such as compilers."""
    return time.process_time() + sum(os.times()[2:4])


def extra(tool: str) -> str:
    """Return the extra of gradmix that installs a tool."""
    return tool.removesuffix("_compiled")


def is_installed(tool: str) -> bool:
    """Check whether a tool's package, the first of its requirements, is installed."""
    for package in TOOLS[tool].packages[:1]:
        try:
            distribution(package)
        except PackageNotFoundError:
            return False
    return True


def _function(x: Any) -> Any:
    return np.sum(x[:-1] * x[1:] + np.sin(x[:-1]))


def _gradient(x: Array) -> Array:
    gradient = np.zeros(len(x))
    gradient[:-1] += x[1:] + np.cos(x[:-1])
    gradient[1:] += x[:-1]
    return gradient
