"""Estimate: covariances that a covariance type estimates from moments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.covariance import SHAPES, Covariance
from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.subject import Subject
from gradmix.testing.values import plain_value, shown

Array = NDArray[np.float64]

_SIZES = ((1, 1), (1, 3), (3, 1), (2, 2), (3, 4))
"""Numbers of components and features, (k, d)."""
_TOL = 1e-8


@dataclass(frozen=True)
class _Moments:
    """Counts of k components, shape (k,), and their full scatter around their means, shape (k, d, d)."""

    counts: Array
    full: Array

    def scatter(self, covariance: Covariance) -> Array:
        """Return the scatter in the form that the type requires."""
        diagonal = np.diagonal(self.full, axis1=1, axis2=2).copy()
        shapes: dict[str, Array] = {
            "full": self.full.copy(),
            "pooled": self.full.sum(axis=0),
            "diagonal": diagonal,
            "trace": diagonal.mean(axis=1),
        }
        return shapes[covariance.moments]

    def estimate(self, covariance: Covariance, previous: Array | None = None) -> Any:
        """Return the type's estimate."""
        return covariance.estimate(self.counts.copy(), self.scatter(covariance), previous, _TOL)

    def likelihood(self, covariances: Array, moments: str) -> float:
        """Return the expected log-likelihood per row in nats, up to a constant."""
        matrices = _matrices(covariances, moments, *self.full.shape[:2])
        fit = np.trace(np.linalg.solve(matrices, self.full), axis1=1, axis2=2)
        return float(-0.5 * (self.counts @ np.linalg.slogdet(matrices)[1] + fit.sum()) / self.counts.sum())

    @property
    def code(self) -> str:
        """Python that makes the moments."""
        return f"counts, W = np.array({self.counts.tolist()}), np.array({self.full.tolist()})"


def use(covariance: Covariance) -> Any:
    """Estimate from some moments, then from others with the first estimate as `previous`."""
    _needs_known_moments(covariance)
    return [
        [first := before.estimate(covariance), after.estimate(covariance, np.array(first, dtype=float))]
        for before, after in _cases()
    ]


def requests_known_moments(subject: Subject) -> None:
    """`moments` is one of full, pooled, diagonal and trace."""
    covariance: Covariance = subject.make()
    if covariance.moments not in SHAPES:
        raise BrokenPromiseError(f"one of {', '.join(SHAPES)}", repr(covariance.moments), "moments")


def estimates_covariances_in_the_shape_of_the_scatter(subject: Subject) -> None:
    """`estimate` returns an array of finite numbers in the shape that `moments` specifies."""
    covariance = _covariance(subject)
    for moments, _ in _cases():
        expected, found = np.shape(moments.scatter(covariance)), moments.estimate(covariance)
        if np.shape(found) != expected or np.asarray(found).dtype.kind != "f":
            raise BrokenPromiseError(f"numbers of the shape {expected}", shown(found), "estimate(…)", moments.code)
        if not np.isfinite(found).all():
            raise BrokenPromiseError("finite covariances", shown(found), "estimate(…)", moments.code)


def estimates_positive_definite_covariances(subject: Subject) -> None:
    """`estimate` returns symmetric, positive definite covariances if the scatter is positive definite."""
    covariance = _covariance(subject)
    for moments, _ in _cases():
        found = np.asarray(moments.estimate(covariance))
        matrices = _matrices(found, covariance.moments, *moments.full.shape[:2])
        scale = np.abs(matrices).max()
        if np.abs(matrices - np.swapaxes(matrices, 1, 2)).max() > 1e-12 * scale:
            raise BrokenPromiseError("symmetric covariances", shown(found), "estimate(…)", moments.code)
        if not np.linalg.eigvalsh(matrices).min() > 0:
            raise BrokenPromiseError("positive definite covariances", shown(found), "estimate(…)", moments.code)


def never_lowers_the_likelihood(subject: Subject) -> None:
    """`estimate` never returns less likely covariances than its own `previous` ones, as EM must not descend."""
    covariance = _covariance(subject)
    for before, after in _cases():
        previous = np.asarray(before.estimate(covariance), dtype=float)
        found = np.asarray(after.estimate(covariance, previous.copy()), dtype=float)
        least = after.likelihood(previous, covariance.moments)
        reached = after.likelihood(found, covariance.moments)
        if not reached >= least - 1e-10 * max(1.0, abs(least)):
            raise BrokenPromiseError(
                f"a likelihood of at least {least:.12g} nats per row, that of previous",
                f"{reached:.12g}",
                f"estimate(…, previous={shown(previous)}, …)",
                after.code,
            )


def estimate_is_repeatable(subject: Subject) -> None:
    """Equal moments give equal covariances, to the last bit."""
    first, again = (use(_covariance(subject)) for _ in range(2))
    if plain_value(first) != plain_value(again):
        raise BrokenPromiseError(shown(first), shown(again), "estimate(…), again")


def leaves_moments_alone(subject: Subject) -> None:
    """`estimate` does not change the arrays that it is given."""
    covariance = _covariance(subject)
    for before, after in _cases():
        previous = np.asarray(before.estimate(covariance), dtype=float)
        given = {"counts": after.counts.copy(), "scatter": after.scatter(covariance), "previous": previous}
        kept = {name: array.copy() for name, array in given.items()}
        covariance.estimate(**given, tol=_TOL)
        for name, array in given.items():
            if not np.array_equal(array, kept[name]):
                raise BrokenPromiseError(f"{name} as it was", "changed", "after estimate(…)", after.code)


def counts_its_parameters(subject: Subject) -> None:
    """`n_parameters` is an integer from 0 to the number of parameters of k symmetric matrices."""
    covariance = _covariance(subject)
    for k, d in _SIZES:
        found, most = covariance.n_parameters(k, d), k * d * (d + 1) // 2
        if not isinstance(found, int | np.integer) or isinstance(found, bool) or not 0 <= found <= most:
            raise BrokenPromiseError(f"an integer from 0 to {most}", repr(found), f"n_parameters({k}, {d})")


def _covariance(subject: Subject) -> Covariance:
    covariance: Covariance = subject.make()
    _needs_known_moments(covariance)
    return covariance


def _needs_known_moments(covariance: Covariance) -> None:
    if covariance.moments not in SHAPES:
        raise NotApplicableError("its moments are not known")


def _cases() -> Iterator[tuple[_Moments, _Moments]]:
    """Yield moments of each size, with those of a later iteration."""
    for k, d in _SIZES:
        rng = np.random.default_rng((k, d))
        yield _moments(k, d, rng), _moments(k, d, rng)


def _moments(k: int, d: int, rng: np.random.Generator) -> _Moments:
    counts = rng.uniform(20.0, 200.0, k)
    rows = rng.normal(size=(k, d, 3 * d)) * rng.uniform(0.3, 3.0, (k, d, 1))
    return _Moments(counts, counts[:, None, None] * (rows @ np.swapaxes(rows, 1, 2)) / (3 * d))


def _matrices(covariances: Array, moments: str, k: int, d: int) -> Array:
    """Return covariances as full matrices, shape (k, d, d)."""
    if moments in ("full", "pooled"):
        return np.broadcast_to(covariances, (k, d, d))
    return np.reshape(covariances, (k, -1, 1)) * np.eye(d)
