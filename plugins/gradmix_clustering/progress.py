"""Progress that a fit prints, in the format of scikit-learn's mixtures."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import TYPE_CHECKING

from gradmix import Iteration

if TYPE_CHECKING:
    from gradmix_clustering.mixture_model import GaussianMixtureModel


def printed(
    iterations: Iterator[Iteration[GaussianMixtureModel]], n: float, interval: int, in_detail: bool
) -> Iterator[Iteration[GaussianMixtureModel]]:
    """Yield the iterations unchanged; print each start, its end, and every `interval`-th iteration.

    Parameters
    ----------
    iterations
        The iterations of all starts.
    n
        Total weight of the rows, by which log-likelihoods are divided.
    interval
        Number of iterations from one line to the next.
    in_detail
        Whether lines show the time in seconds and the change of the mean log-likelihood per row.
    """
    last: Iteration[GaussianMixtureModel] | None = None
    since = perf_counter()
    for each in iterations:
        if last is None or last.start != each.start:
            if last is not None:
                _print_end(last, n, perf_counter() - since, in_detail)
            print(f"Initialization {each.start}")
            last, since = None, perf_counter()
        if each.step % interval == 0:
            gain = float("nan") if last is None else _per_row(each, n) - _per_row(last, n)
            detail = f"\t time lapse {perf_counter() - since:.5f}s\t ll change {gain:.5f}" if in_detail else ""
            print(f"  Iteration {each.step}{detail}")
        last = each
        yield each
    if last is not None:
        _print_end(last, n, perf_counter() - since, in_detail)


def _print_end(last: Iteration[GaussianMixtureModel], n: float, seconds: float, in_detail: bool) -> None:
    detail = f" time lapse {seconds:.5f}s\t lower bound {_per_row(last, n):.5f}." if in_detail else ""
    print(f"Initialization {'converged' if last.converged else 'did not converge'}.{detail}")


def _per_row(iteration: Iteration[GaussianMixtureModel], n: float) -> float:
    return iteration.metrics["log_likelihood"] / n
