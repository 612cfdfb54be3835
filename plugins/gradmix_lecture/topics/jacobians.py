"""The cost of a Jacobian in forward mode, in reverse mode, and compressed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import gradmix
from gradmix import Bounds, ConfigError, Counted, Meaning, group_color
from gradmix_lecture.gallery.drawing import new_figure
from gradmix_lecture.topic import Table, Topic
from gradmix_lecture.topics import programs
from gradmix_lecture.topics.timing import peak_bytes, processor_seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gradmix.arrays import Array


@dataclass
class JacobianCost(Topic):
    """Forward mode takes a sweep for each column of the Jacobian, reverse mode one for each row.

    A map from n to m numbers has m·n partial derivatives. With m·n fixed, forward mode is cheap if n is small, reverse
    mode if m is small, and their costs are equal near n = m. Reverse mode needs more memory, as it must keep every
    intermediate value for the way back. If each result depends on few variables, as in a system with three diagonals,
    three sweeps are enough for any n.

    Parameters
    ----------
    entries
        Number of entries m·n, a power of 4, at least 16.
    lengths
        Lengths of the program whose memory is measured, in rising order.
    sizes
        Sizes of the system with three diagonals, in rising order.
    repeats
        Number of measurements of each time; the median is used.
    """

    formula: ClassVar[str] = r"""
        F:\ \mathbf{R}^n \rightarrow \mathbf{R}^m \qquad J\dot{\mathbf{x}}:\ \mathrm{one\ column\ per\ sweep} \qquad \bar{\mathbf{y}}J:\ \mathrm{one\ row\ per\ sweep}
    """  # noqa: E501 -- one line of a formula

    entries: Annotated[int, Bounds(ge=16, le=16384)] = 1024
    lengths: tuple[Annotated[int, Bounds(ge=1, le=10000)], ...] = (10, 30, 100, 300, 1000)
    sizes: tuple[Annotated[int, Bounds(ge=4, le=3000)], ...] = (10, 30, 100, 300, 1000)
    repeats: Annotated[int, Bounds(ge=1, le=99)] = 3

    def check(self) -> None:
        """Check that each curve has points."""
        super().check()
        if np.log2(self.entries) % 2:
            raise ConfigError(f"topic.entries must be a power of 4, so that n can equal m; given: {self.entries}.")
        for name in ("lengths", "sizes"):
            numbers = list(getattr(self, name))
            if len(numbers) < 2 or numbers != sorted(set(numbers)):
                raise ConfigError(f"topic.{name} must be two or more increasing numbers; given: {numbers}.")

    def rows(self) -> Iterator[Mapping[str, float]]:
        """Yield the costs of each shape, of each length, and of each size."""
        forward, reverse = gradmix.differentiator("dual", components=1), gradmix.differentiator("tape")
        for power in range(round(np.log2(self.entries)) + 1):
            yield self._of_shape(forward, reverse, 2**power)
        for length in self.lengths:
            f, x = partial(_program, length), np.linspace(0.5, 1.0, 10)
            yield {
                "length": float(length),
                "bytes.forward": peak_bytes(partial(forward.gradient, f, x)),
                "bytes.reverse": peak_bytes(partial(reverse.gradient, f, x)),
            }
        for size in self.sizes:
            yield self._of_size(forward, reverse, size)

    def _of_shape(self, forward: Any, reverse: Any, n: int) -> Mapping[str, float]:
        m = self.entries // n
        A = np.random.default_rng(n).standard_normal((m, n)) / np.sqrt(n)
        f, x = Counted(lambda x: np.tanh(np.matmul(A, x))), np.linspace(-1.0, 1.0, n)
        exact = (1 - np.tanh(A @ x) ** 2)[:, None] * A
        errors = {
            f"error.{name}": float(np.abs(made.jacobian(f, x) - exact).max())
            for name, made in (("reverse", reverse), ("forward", forward))
        }
        sweeps = f.calls - 1  # the tape evaluates f once, then sweeps back for each row
        return {
            "n": float(n),
            "m": float(m),
            "sweeps.forward": float(sweeps),
            "sweeps.reverse": float(m),
            "seconds.forward": processor_seconds(partial(forward.jacobian, f, x), self.repeats),
            "seconds.reverse": processor_seconds(partial(reverse.jacobian, f, x), self.repeats),
            **errors,
        }

    def _of_size(self, forward: Any, reverse: Any, size: int) -> Mapping[str, float]:
        x = np.linspace(-1.0, 0.0, size)
        sparse = partial(forward.jacobian, _three_diagonals, x, sparse=True)
        return {
            "size": float(size),
            "nonzeros": float(sparse().nnz),
            "system.forward": processor_seconds(partial(forward.jacobian, _three_diagonals, x), self.repeats),
            "system.reverse": processor_seconds(partial(reverse.jacobian, _three_diagonals, x), self.repeats),
            "system.sparse": processor_seconds(sparse, self.repeats),
        }

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings: equal costs, reverse mode's memory for a step, and the gain by compression."""
        return (
            Meaning("crossing", None, "", "n/m at which forward and reverse mode take the same time", is_timing=True),
            Meaning("bytes_per_step", "lower", "bytes", "memory of reverse mode per step, for 10 numbers"),
            Meaning("saved", "higher", "×", "forward mode, largest system: dense time / sparse time", is_timing=True),
            Meaning("error", "lower", "", "largest error of an entry of any Jacobian"),
        )

    def summary(self, table: Table) -> Mapping[str, float]:
        """Compute the numbers from the curves."""
        shapes, memory, last = table.having("n"), table.having("length"), table.having("size").rows[-1]
        slower = np.log(shapes["seconds.forward"] / shapes["seconds.reverse"])
        ratio = np.log(shapes["n"] / shapes["m"])
        slope, offset = np.polyfit(ratio, slower, 1)
        growth = np.polyfit(memory["length"], memory["bytes.reverse"], 1)[0]
        errors = np.concatenate([shapes["error.forward"], shapes["error.reverse"]])
        return {
            "crossing": float(np.exp(-offset / slope)),
            "bytes_per_step": float(growth),
            "saved": last["system.forward"] / last["system.sparse"],
            "error": float(errors.max()),
        }

    def plot(self, table: Table) -> Figure:
        """Draw time by shape, memory by length, and time by size."""
        figure = new_figure()
        panels = figure.subplots(1, 3)
        shapes = table.having("n")
        _draw_lines(panels[0], shapes["n"], 1e3, shapes, "seconds.")
        panels[0].axvline(np.sqrt(self.entries), color="0.5", linestyle=":", linewidth=1)
        panels[0].set(xlabel="variables n  (dotted: n = m)", ylabel="processor time [ms]")
        panels[0].set_title(f"m × n = {self.entries} entries")
        memory = table.having("length")
        _draw_lines(panels[1], memory["length"], 1 / 1024, memory, "bytes.")
        panels[1].set(xlabel="steps of the program", ylabel="memory of a gradient [KiB]")
        panels[1].set_title("memory of both modes")
        sizes = table.having("size")
        _draw_lines(panels[2], sizes["size"], 1e3, sizes, "system.")
        panels[2].set(xlabel="variables and equations n", ylabel="processor time [ms]")
        panels[2].set_title("a tridiagonal Jacobian")
        lines, labels = panels[2].get_legend_handles_labels()
        figure.legend(lines, labels, loc="outside lower center", ncols=3)
        for axes in panels:
            axes.xaxis.set_minor_formatter("")  # label only powers of ten
        return figure


_LOOKS = {
    "forward": ("forward: n sweeps", "o-", group_color(1)),
    "reverse": ("reverse: m sweeps", "s-", group_color(0)),
    "sparse": ("forward, compressed: 3 sweeps", "^-", group_color(2)),
}


def _draw_lines(axes: Axes, x: Array, scale: float, its: Table, beginning: str) -> None:
    """Draw each mode's line, in units of 1/scale."""
    for mode in its.names(beginning):
        label, style, color = _LOOKS[mode]
        axes.loglog(x, scale * its[f"{beginning}{mode}"], style, color=color, label=label)


def _program(length: int, x: Any) -> Any:
    return np.sum(programs.repeated(x, length))


def _three_diagonals(x: Any) -> Array:
    """Return the residuals of Broyden's system (Math. Comp. 19 (1965) 577-593)."""
    padded = np.concatenate([np.zeros(1), x, np.zeros(1)])
    values: Array = (3.0 - 2.0 * x) * x - padded[:-2] - 2.0 * padded[2:] + 1.0
    return values
