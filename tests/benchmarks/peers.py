"""Ours beside peers: runs experiments under ``configs/experiment/benchmark`` and writes sections of the document.

`python -m tests.benchmarks.peers` runs all of them, or those that are named, in a folder of its own, and writes tables
and pictures from their journals; `--from RUNS` writes them from journals that are there. No number is typed by hand.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.document import DOCS, replace_sections
from tests.benchmarks.experiments import environment, run, runs_of

from gradmix.contracts.meaning import TIME
from gradmix.journal.reading import Run
from gradmix.reports.intervals import estimate
from gradmix.reports.pairs import Difference, Verdict, difference, pair_up
from gradmix.reports.tables import versus
from gradmix.reports.wording import measured


@dataclass(frozen=True)
class Experiment:
    """One experiment, and how it is told.

    Parameters
    ----------
    name
        Its file under ``configs/experiment/benchmark``.
    title
        Heading.
    family
        What is compared: ``clusterer`` or ``differentiator``.
    ours
        The one that the others are set against.
    settings
        Parameters that vary besides, as the journal calls them.
    shown
        Metrics that tell whether the work was the same.
    text
        What is to be known of it.
    """

    name: str
    title: str
    family: str
    ours: str
    settings: tuple[str, ...]
    shown: tuple[str, ...]
    text: str


_EM = """Both make {} iterations (`tol=0`, `n_iter` is checked), so that the work is the same. The starts are not: both
choose rows by k-means++, with different random numbers, but scikit-learn begins with these rows alone, ours with the
rows that are nearest to each. `log_likelihood` shows how far apart they end; where it is equal both have found the same
optimum."""

EXPERIMENTS = (
    Experiment(
        "em",
        "EM, by rows and covariance type",
        "clusterer",
        "gmm",
        ("dataset.n", "clusterer.covariance_type"),
        ("n_iter", "log_likelihood"),
        f"Eight Gaussians that overlap, in eight columns (`blobs`). {_EM.format('ten')}",
    ),
    Experiment(
        "em_shape",
        "EM, by columns and components",
        "clusterer",
        "gmm",
        ("dataset.d", "dataset.k", "clusterer.covariance_type"),
        ("n_iter", "log_likelihood"),
        f"10,000 rows of Gaussians that overlap (`blobs`). {_EM.format('five')}",
    ),
    Experiment(
        "kmeans",
        "k-means, by rows and clusters",
        "clusterer",
        "kmeans",
        ("dataset.n", "dataset.k"),
        ("n_iter", "inertia"),
        """Clusters that overlap, in eight columns (`blobs`). Both choose their start by greedy k-means++, from
different random numbers, and then make ten iterations, or fewer where no row moves any more: `n_iter` says how
many.""",
    ),
    Experiment(
        "gradients",
        "Derivatives of every problem",
        "differentiator",
        "tape",
        ("problem",),
        ("function_evaluations", "derivative_error"),
        """The same NumPy function is handed to all ([peers](peers.md)); a time is that of one derivative from the
function to the number, with all tracing. These are small problems: what is measured is the cost of an operation, not of
arithmetic. `jax_compiled` has its function compiled already, in a round that does not count, and cannot take `heron`,
which loops on values.""",
    ),
    Experiment(
        "gradients_n",
        "Rosenbrock's gradient, by variables",
        "differentiator",
        "tape",
        ("problem.n",),
        ("function_evaluations", "derivative_error"),
        "As above, with arrays that grow: here arithmetic and memory begin to count, and forward mode to fall behind.",
    ),
)


def main() -> None:
    """Run the experiments, unless their journals are there, and write the document."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="EXPERIMENT", help=", ".join(each.name for each in EXPERIMENTS))
    parser.add_argument("--from", dest="runs", type=Path, metavar="RUNS", help="write from the journals in this folder")
    options = parser.parse_args()
    chosen = [each for each in EXPERIMENTS if not options.names or each.name in options.names]
    if options.runs:
        write(chosen, options.runs)
        return
    with tempfile.TemporaryDirectory() as folder:
        run((each.name for each in chosen), Path(folder))
        write(chosen, Path(folder))


def write(experiments: Sequence[Experiment], runs: Path) -> None:
    """Write the sections of the document and their pictures from journals."""
    pictures = DOCS / "benchmarks"
    pictures.mkdir(exist_ok=True)
    replace_sections(
        {
            each.title: _section(each, [run for run in runs_of(each.name, runs) if run.is_finished], runs, pictures)
            for each in experiments
        }
    )


def _section(experiment: Experiment, found: Sequence[Run], runs: Path, pictures: Path) -> str:
    rows = list(_rows(experiment, found))
    picture = f"benchmarks/{experiment.name}.svg"
    _draw(experiment, rows, pictures / f"{experiment.name}.svg")
    parts = [experiment.text, environment(found[0], runs), "\n".join(_verdicts(experiment, rows))]
    return "\n\n".join([*parts, f"![{experiment.title}]({picture})", "\n".join(_table(experiment, rows))])


@dataclass(frozen=True)
class Row:
    """One plugin at one setting, and its time against that of ours."""

    setting: tuple[Any, ...]
    plugin: str
    run: Run
    versus_ours: Difference | None


def _rows(experiment: Experiment, runs: Sequence[Run]) -> Iterator[Row]:
    by_setting: dict[tuple[Any, ...], dict[str, Run]] = {}
    for each in runs:
        setting = tuple(each.params[key] for key in experiment.settings)
        by_setting.setdefault(setting, {})[each.params[experiment.family]] = each
    for setting, members in by_setting.items():
        ours = members[experiment.ours]
        for plugin, each in members.items():
            if experiment.name.startswith("em") and each.metrics["n_iter"] != ours.metrics["n_iter"]:
                raise ValueError(f"{plugin} made {each.metrics['n_iter']} iterations at {setting}, ours another number")
            pairs = pair_up([each], [ours], TIME, [])
            yield Row(setting, plugin, each, None if each is ours else difference(pairs, metric=TIME))


def _verdicts(experiment: Experiment, rows: Sequence[Row]) -> Iterator[str]:
    """One sentence a peer: where it is faster than ours, and where slower."""
    for plugin in dict.fromkeys(row.plugin for row in rows):
        found = [row.versus_ours for row in rows if row.plugin == plugin and row.versus_ours]
        if not found:
            continue
        slower = sum(each.verdict is Verdict.WORSE for each in found)
        faster = sum(each.verdict is Verdict.BETTER for each in found)
        ratios = [each.estimate.median for each in found if each.n]
        yield (
            f"- `{plugin}` takes {min(ratios):.2g} to {max(ratios):.2g} times as long as `{experiment.ours}`: "
            f"faster in {faster}, slower in {slower} of {len(found)} settings, the rest within noise."
        )


def _table(experiment: Experiment, rows: Sequence[Row]) -> Iterator[str]:
    names = [key.rpartition(".")[2] for key in experiment.settings]
    header = [*names, experiment.family, "time", f"against {experiment.ours}", "memory", *experiment.shown]
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    for row in rows:
        metrics = row.run.metrics
        seconds = estimate(row.run.timing.seconds if row.run.timing else [metrics[TIME.name]])
        cells = [
            *map(str, row.setting),
            row.plugin,
            f"{measured(seconds.median, 's')} [{measured(seconds.low, 's')}, {measured(seconds.high, 's')}]",
            versus(row.versus_ours),
            measured(metrics["memory.peak_bytes"], "B"),
            *(measured(metrics.get(name, math.nan)) for name in experiment.shown),
        ]
        yield f"| {' | '.join(cells)} |"


def _draw(experiment: Experiment, rows: Sequence[Row], path: Path) -> None:
    """The times of each plugin at each setting, with their intervals, on a scale of powers of ten."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings = list(dict.fromkeys(row.setting for row in rows))
    plugins = list(dict.fromkeys(row.plugin for row in rows))
    with mpl.rc_context({"svg.hashsalt": experiment.name, "svg.fonttype": "none"}):
        figure = Figure(figsize=(7.2, 1.1 + 0.26 * len(settings)), layout="constrained")
        axes = figure.subplots()
        for plugin, colour, marker in zip(plugins, _COLOURS, "osD^vP", strict=False):
            own = [row for row in rows if row.plugin == plugin]
            times = [estimate(row.run.timing.seconds) for row in own if row.run.timing]
            places = [settings.index(row.setting) for row in own]
            errors = [[t.median - t.low for t in times], [t.high - t.median for t in times]]
            medians = [t.median for t in times]
            axes.errorbar(medians, places, xerr=errors, color=colour, marker=marker, linestyle="none", label=plugin)
        axes.set_xscale("log")
        axes.set_xlabel("time (s)")
        axes.set_yticks(range(len(settings)), [" · ".join(map(str, setting)) for setting in settings])
        axes.invert_yaxis()
        axes.set_ylabel(" · ".join(key.rpartition(".")[2] for key in experiment.settings))
        axes.grid(axis="x", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside upper center", ncols=len(plugins), frameon=False)
        figure.savefig(path, metadata={"Date": None})


_COLOURS = ("#0072B2", "#009E73", "#D55E00", "#CC79A7", "#E69F00", "#56B4E9")
"""From Okabe & Ito's palette, which colour-blind readers can tell apart."""


if __name__ == "__main__":
    main()
