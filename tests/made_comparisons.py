"""Comparisons with something for every figure, from journals that are made without running anything."""

from itertools import product

import numpy as np

from gradmix.reports.comparison import compare
from gradmix.sweeps.reading import read_sweep
from made_journals import job, write_run, write_sweep

COVARIANCES = {
    "clusterer.covariance_type": ["full", "tied", "diag", "spherical"],
    "clusterer.n_components": [1, 2, 3, 4],
}
DERIVATIVES = {"problem": ["lecture", "rosenbrock"], "differentiator": ["dual", "tape", "finite_difference"]}


def write_grid(folder, axes, *, seeds=3, metric="bic", results=None, lengths=(1, 5, 200), seconds=1e-3):
    """Write runs over the product of some options and seeds, with curves of unlike lengths and times."""
    rng = np.random.default_rng(0)
    numbers = []
    for values in product(*axes.values()):
        for seed in range(seeds):
            number = len(numbers)
            value = float(2000 + rng.lognormal(3)) if results is None else results[number % len(results)]
            curve = [-value - 10 / step for step in range(1, 1 + lengths[number % len(lengths)])]
            metrics = {metric: value, "time.seconds": seconds * float(rng.lognormal(0, 2))}
            write_run(
                folder / str(number),
                dict(zip(axes, values, strict=True)) | {"seed": seed},
                metrics,
                curve=curve,
                at=number,
            )
            numbers.append(number)
    return write_sweep(folder, [job(number) for number in numbers])


def comparison_of(folder, axes, **options):
    """The comparison of such runs."""
    return compare(read_sweep(write_grid(folder, axes, **options)).runs)
