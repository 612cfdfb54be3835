"""What a derivative costs, in evaluations of its function: ours beside peers, and beside what we aim at.

`python -m tests.benchmarks.gradient_cost` runs the experiments ``benchmark/cost_*``, and writes their section of
``docs/benchmarks.md`` from the journals; `--from RUNS` writes it from journals that are there already.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.document import replace_sections
from tests.benchmarks.experiments import environment, run, runs_of

from gradmix.journal.reading import Run
from gradmix.reports.intervals import estimate

PLUGINS = ("tape", "dual", "finite_difference", "autograd", "mygrad", "jax", "jax_compiled", "torch")
"""The columns."""
OURS = PLUGINS[:3]
OWN_ALLOCATORS = ("jax", "jax_compiled", "torch")
"""Those whose memory Python does not see."""
TIME_RATIO, MEMORY_RATIO = "time.ratio_to_function", "memory.ratio_to_function"


@dataclass(frozen=True)
class Experiment:
    """One experiment, and the rows that it fills.

    Parameters
    ----------
    name
        Its file under ``configs/experiment/benchmark``.
    row
        What a row is called, with the problem's options in braces.
    plugin
        Ours, which has the goal.
    goals
        Row → the most that we aim at.
    metric
        The ratio.
    """

    name: str
    row: str
    plugin: str
    goals: Mapping[str, float] = field(default_factory=dict)
    metric: str = TIME_RATIO


_ROSENBROCK, _MIXTURE = "Rosenbrock, {n} variables", "mixture objective, d = {d}, k = {k}, n = {n}"
_NETWORK = "network {inputs}–{hidden}–{outputs}, batch {batch}"
_NETWORK_ROW = "network 784–128–10, batch 256"

EXPERIMENTS = (
    Experiment(
        "cost_rosenbrock", _ROSENBROCK, "tape", {"Rosenbrock, 10 variables": 8, "Rosenbrock, 1000 variables": 6}
    ),
    Experiment("cost_rosenbrock_large", _ROSENBROCK, "tape", {"Rosenbrock, 100000 variables": 4}),
    Experiment(
        "cost_lotka_volterra",
        "Lotka-Volterra, {steps} Runge-Kutta steps on Python's floats",
        "tape",
        {"Lotka-Volterra, 1000 Runge-Kutta steps on Python's floats": 45},
    ),
    Experiment(
        "cost_mixture",
        _MIXTURE,
        "tape",
        {
            "mixture objective, d = 10, k = 25, n = 1000": 3.2,
            "mixture objective, d = 64, k = 25, n = 1000": 3.5,
        },
    ),
    Experiment("cost_mixture_large", _MIXTURE, "tape", {"mixture objective, d = 20, k = 50, n = 2000": 3.2}),
    Experiment("cost_network", _NETWORK, "tape", {_NETWORK_ROW: 2.4}),
    Experiment(
        "cost_network",
        f"{_NETWORK}: peak of memory",
        "tape",
        {f"{_NETWORK_ROW}: peak of memory": 4},
        metric=MEMORY_RATIO,
    ),
    Experiment(
        "cost_jacobian",
        "Jacobian of `vector_map`, {n} × {n}",
        "dual",
        {"Jacobian of `vector_map`, 50 × 50": 12},
    ),
    Experiment(
        "cost_prepared_rosenbrock",
        f"{_ROSENBROCK}, prepared",
        "tape",
        {
            "Rosenbrock, 10 variables, prepared": 0.8,
            "Rosenbrock, 1000 variables, prepared": 0.6,
            "Rosenbrock, 100000 variables, prepared": 0.8,
        },
    ),
    Experiment(
        "cost_prepared_mixture",
        f"{_MIXTURE}, prepared",
        "tape",
        {
            "mixture objective, d = 10, k = 25, n = 1000, prepared": 1.2,
            "mixture objective, d = 64, k = 25, n = 1000, prepared": 2.0,
        },
    ),
    Experiment(
        "cost_prepared_mixture_large",
        f"{_MIXTURE}, prepared",
        "tape",
        {"mixture objective, d = 20, k = 50, n = 2000, prepared": 1.4},
    ),
    Experiment("cost_prepared_network", f"{_NETWORK}, prepared", "tape", {f"{_NETWORK_ROW}, prepared": 2.1}),
)

TITLE = "Derivatives, in times of the function"

_TEXT = """How often the plain function could be evaluated in the time of one derivative: the median over rounds in
which both are timed one after the other, with its 95 % interval. Processor time, with memory that the process keeps
(`timing.clock=processor timing.allocator=pinned`). A row that is `prepared` times the derivative after `prepare`
(`task.prepared=true`). The function is plain NumPy for all of them, and plain Python for
Lotka-Volterra; a row's smallest is bold. `jax_compiled` has its function compiled in a round that does not count. The
row of memory is the peak of what Python and NumPy allocate, over that of the function. A dash is what does not fit:
forward mode and differences with very many variables, JAX in a loop of 1,000 steps, which it would unroll, and the
memory of tools that allocate their own. The goal is for the plugin that it names.
`python -m tests.benchmarks.gradient_cost` measures this section alone."""


@dataclass(frozen=True)
class Row:
    """A problem, and what each plugin's derivative of it costs."""

    name: str
    experiment: Experiment
    runs: Mapping[str, Run]
    """Plugin → its run."""

    @property
    def ratios(self) -> Mapping[str, float]:
        """Plugin → how many times the function, of runs that finished."""
        return {plugin: each.metrics[self.experiment.metric] for plugin, each in self.runs.items() if each.is_finished}


def main() -> None:
    """Run the experiments, unless their journals are there, and write the section."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--from", dest="runs", type=Path, metavar="RUNS", help="write from the journals in this folder")
    options = parser.parse_args()
    if options.runs:
        write(options.runs)
        return
    with tempfile.TemporaryDirectory() as folder:
        run(dict.fromkeys(each.name for each in EXPERIMENTS), Path(folder))
        write(Path(folder))


def write(runs: Path) -> None:
    """Write the section from journals."""
    rows = [row for each in EXPERIMENTS for row in _rows(each, runs_of(each.name, runs))]
    some = next(iter(rows[0].runs.values()))
    parts = [_TEXT, environment(some, runs), "\n".join(_verdicts(rows)), "\n".join(_table(rows))]
    replace_sections({TITLE: "\n\n".join(parts)})


def _rows(experiment: Experiment, runs: Sequence[Run]) -> Iterator[Row]:
    by_name: dict[str, dict[str, Run]] = {}
    for each in runs:
        prefix = "problem."
        plugin = each.params["differentiator"]
        if experiment.metric == MEMORY_RATIO and plugin in OWN_ALLOCATORS:
            continue
        options = {key.removeprefix(prefix): value for key, value in each.params.items() if key.startswith(prefix)}
        by_name.setdefault(experiment.row.format(**options), {})[plugin] = each
    for name, members in by_name.items():
        yield Row(name, experiment, members)


def _verdicts(rows: Sequence[Row]) -> Iterator[str]:
    """Where the goal is not reached, and where a peer costs less."""
    missed = [row for row in rows if row.ratios.get(row.experiment.plugin, math.inf) > row.experiment.goals[row.name]]
    yield f"- The goal is reached in {len(rows) - len(missed)} of {len(rows)} rows."
    for row in rows:
        ours = min(value for plugin, value in row.ratios.items() if plugin in OURS)
        ahead = {plugin: value for plugin, value in row.ratios.items() if plugin not in OURS and value < ours}
        if ahead:
            named = ", ".join(
                f"`{plugin}` ({_times(ahead[plugin])})" for plugin in sorted(ahead, key=ahead.__getitem__)
            )
            yield f"- {row.name}: {named} below ours ({_times(ours)})."


def _table(rows: Sequence[Row]) -> Iterator[str]:
    shown = [plugin for plugin in PLUGINS if any(plugin in row.runs for row in rows)]
    yield f"| | goal | {' | '.join(shown)} |"
    yield f"|{' --- |' * (len(shown) + 2)}"
    for row in rows:
        goal = f"{row.experiment.plugin} ≤ {row.experiment.goals[row.name]:g}"
        yield f"| {row.name} | {goal} | {' | '.join(_cell(row, plugin) for plugin in shown)} |"


def _cell(row: Row, plugin: str) -> str:
    if plugin not in row.runs:
        return "–"
    each = row.runs[plugin]
    if not each.is_finished:
        return each.status
    value = _times(row.ratios[plugin])
    if plugin == min(row.ratios, key=row.ratios.__getitem__):
        value = f"**{value}**"
    if row.experiment.metric == MEMORY_RATIO:
        return value
    (timing,) = each.events_named("timing")
    rounds = estimate([own / f for own, f in zip(timing["seconds"], timing["reference_seconds"], strict=True)])
    return f"{value} [{_times(rounds.low)}, {_times(rounds.high)}]"


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


if __name__ == "__main__":
    main()
