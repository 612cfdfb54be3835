"""Derivatives of flat functions by differences, each with an estimated error and a status."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gradmix import VectorFunction
from gradmix.arrays import Array, IntArray
from gradmix_differences.complex_step import ComplexSamples, require_analytic
from gradmix_differences.quotients import EPS, Line, Mixed
from gradmix_differences.samples import Samples
from gradmix_differences.search import Found, Limits, Search
from gradmix_differences.status import Status
from gradmix_differences.stencils import Stencil, stencil
from gradmix_differences.verification import COST, Verification

_LOOSER = 100
"""Factor by which higher derivatives may be less exact."""
_NOTHING = 2.0**-200
"""Variables smaller than this count as 0, whose size is taken to be 1."""
_SIDES = {"central": 0, "forward": 1, "backward": -1}


@dataclass(frozen=True)
class Plan:
    """How to difference; see the options of `FiniteDifference`."""

    method: str
    order: int | None
    step: float | None
    tolerance: float
    evaluations: int

    @property
    def is_complex(self) -> bool:
        """Return whether first derivatives are taken by complex steps."""
        return self.method == "complex_step"

    @property
    def outer(self) -> Plan:
        """Return the plan for differencing the derivatives by complex steps."""
        return replace(self, method="central", step=None, order=None)

    def limits(self, derivative: int) -> Limits:
        """Return the limits of a search for a derivative; some evaluations are reserved for its verification."""
        tolerance = self.tolerance if derivative == 1 else _LOOSER * self.tolerance
        columns = None if self.order is None else self.order // self._least - 1
        return Limits(tolerance, max(self.evaluations - min(self.evaluations // 8, COST), 1), columns)

    def stencil(self, derivative: int) -> Stencil:
        """Return the stencil for a derivative: of the requested order if the step is fixed, else the simplest one."""
        order = self.order or self._least
        return stencil(self.method, derivative, order if self.step or order % self._least else self._least)

    @property
    def _least(self) -> int:
        return 2 if self.method == "central" else 1


class Lines:
    """Derivatives along lines, found by a search for steps and then verified, or with the given step.

    Parameters
    ----------
    samples
        Values along the lines.
    unit
        Exponent of the step of size 1 along each, shape (p,).
    plan
        How to difference.
    """

    def __init__(self, samples: Samples, unit: IntArray, plan: Plan) -> None:
        self.samples, self.unit, self.plan = samples, unit, plan

    def derivatives(self, order: int) -> Found:
        """Return derivatives of the given order, shape (p, m)."""
        quotients = Line(self.samples, self.plan.stencil(order))
        if self.plan.step:
            return _fixed(quotients, self.plan)
        search = self._slopes
        if order > 1:
            search = Search(quotients, self.unit, self.plan.limits(order), self._start)
        self._verification.correct(search)
        self._raise_what_was_raised_everywhere(search.found)
        return search.found

    def mixed(self, pairs: IntArray) -> Found:
        """Return mixed second derivatives for pairs of the directions, shape (p, 2) → (p, m)."""
        directions = self.samples.directions[pairs].sum(axis=1)
        sums = Samples(self.samples.f, self.samples.x, directions, self.samples.at_point[pairs[:, 0]])
        second = self.plan.stencil(2)
        quotients = Mixed(Line(self.samples, second), Line(sums, second), pairs)
        if self.plan.step:
            return _fixed(quotients, self.plan)
        unit, start = (np.max(each[pairs], axis=1) for each in (self.unit, self._start))
        search = Search(quotients, unit, self.plan.limits(2), start)
        self._verification.correct(search, pairs)
        return search.found

    def _raise_what_was_raised_everywhere(self, found: Found) -> None:
        """Raise the function's own error if every step left its domain."""
        is_inside = np.isfinite(self.samples.at_point)
        if self.samples.outside is not None and np.any(is_inside & (found.status == Status.NOT_FINITE)):
            raise self.samples.outside

    @cached_property
    def _slopes(self) -> Search:
        quotients = Line(self.samples, self.plan.stencil(1))
        return Search(quotients, self.unit, self.plan.limits(1), np.zeros_like(self.unit))

    @cached_property
    def _verification(self) -> Verification:
        return Verification(self.samples, _SIDES[self.plan.method], self._slopes, self.plan.evaluations)

    @cached_property
    def _start(self) -> IntArray:
        """Return the exponent of the first step for higher derivatives, small enough to show the function's changes."""
        _ = self._verification
        return self._slopes.coarsest()


def along(f: VectorFunction, x: Array, at_point: Array, directions: Array, plan: Plan, order: int = 1) -> Found:
    """Return derivatives of the given order along directions, shape (p, n) → (p, m)."""
    scales, unit = _scales(x, directions, plan)
    scaled = directions * scales[:, None]
    if not plan.is_complex:
        found = Lines(Samples(f, x, scaled, _defined(x, directions, at_point)), unit, plan).derivatives(order)
    elif order > 1:
        found = Lines(ComplexSamples(f, x, scaled, scaled), unit, plan.outer).derivatives(order - 1)
    else:
        found = _by_complex_steps(f, x, at_point, scaled, plan)
    return _divided(found, *[scales] * order)


def second(f: VectorFunction, x: Array, at_point: Array, directions: Array, pairs: IntArray, plan: Plan) -> Found:
    """Return second derivatives by pairs of directions, uᵀHw, shapes (p, n) and (q, 2) → (q, m).

    The two directions of a pair may be the same.
    """
    scales, unit = _scales(x, directions, plan)
    scaled = directions * scales[:, None]
    one, other = pairs.T
    if plan.is_complex:
        samples = ComplexSamples(f, x, scaled[one], scaled[other])
        found = Lines(samples, unit[one], plan.outer).derivatives(1)
        return _divided(found, scales[one], scales[other])
    lines = Lines(Samples(f, x, scaled, _defined(x, directions, at_point)), unit, plan)
    is_same = one == other
    found = Found.nothing((len(pairs), len(at_point)))
    if np.any(is_same):
        found.put(is_same, lines.derivatives(2).of(one[is_same]))
    if not np.all(is_same):
        found.put(~is_same, lines.mixed(pairs[~is_same]))
    return _divided(found, scales[one], scales[other])


def _fixed(quotients: Line | Mixed, plan: Plan) -> Found:
    """Return quotients with the given step; their error is estimated from quotients with twice the step."""
    assert plan.step is not None
    rows = np.arange(quotients.shape[0])
    near = quotients.level(plan.step, rows)
    error = np.full(quotients.shape, np.inf)
    if quotients.cost(2) <= plan.evaluations:
        far = quotients.level(2 * plan.step, rows)
        with np.errstate(invalid="ignore"):
            error = 2 * np.abs(near.quotient - far.quotient) / (2**quotients.stencil.order - 1) + near.rounding
    is_finite = np.isfinite(near.quotient) & np.isfinite(quotients.center)
    error = np.where(is_finite, np.where(np.isnan(error), np.inf, error), np.inf)
    status = np.select(
        [~is_finite, error <= plan.tolerance * np.abs(near.quotient), 4 * near.rounding >= error, np.isinf(error)],
        [Status.NOT_FINITE, Status.CONVERGED, Status.ROUNDING, Status.EXHAUSTED],
        Status.TRUNCATION,
    )
    finest = np.full(quotients.shape, plan.step)
    return Found(np.where(is_finite, near.quotient, np.nan), error, status, finest, np.zeros_like(error))


def _by_complex_steps(f: VectorFunction, x: Array, at_point: Array, directions: Array, plan: Plan) -> Found:
    step = plan.step
    samples = ComplexSamples(f, x, directions, directions, step)
    value = samples.at_point.copy()
    error = 8 * EPS * np.abs(value)
    if step is None:
        require_analytic(f, x, at_point, directions, value)
    else:
        wide = ComplexSamples(f, x, directions, directions, 2 * step).at_point
        error = error + np.abs(wide - value)
    is_finite = np.isfinite(value) & np.isfinite(at_point)
    value, error = np.where(is_finite, value, np.nan), np.where(is_finite, error, np.inf)
    is_converged = error <= plan.tolerance * np.abs(value)
    status = np.select([~is_finite, ~is_converged], [Status.NOT_FINITE, Status.TRUNCATION], Status.CONVERGED)
    return Found(value, error, status, np.zeros_like(value), np.zeros_like(value))


def _scales(x: Array, directions: Array, plan: Plan) -> tuple[Array, IntArray]:
    """Return for each direction the step as large as the variables it moves, and the exponent of the step of size 1.

    The steps are powers of two, unless the step is given: then it is relative to the variables, to the last bit.
    """
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        sizes = np.where((np.abs(x) > _NOTHING) & np.isfinite(x), np.abs(x), 1.0)
        exact = 1 / np.max(np.abs(directions) / sizes, axis=1, initial=0.0)
        ones = 1 / np.max(np.abs(directions), axis=1, initial=0.0)
    exact, ones = (np.where(np.isfinite(each) & (each > 0), each, 1.0) for each in (exact, ones))
    exponents, unit = np.frexp(exact)[1] - 1, np.frexp(ones)[1] - 1
    return exact if plan.step else np.ldexp(1.0, exponents), exponents - unit


def _defined(x: Array, directions: Array, at_point: Array) -> Array:
    """Return f(x) for each direction, NaN for directions that move a variable that is not finite."""
    moves_none = ~np.any((directions != 0) & ~np.isfinite(x), axis=1, keepdims=True)
    return np.where(moves_none, at_point, np.nan)


def _divided(found: Found, *scales: Array) -> Found:
    value, error = found.value, found.error
    with np.errstate(over="ignore"):
        for scale in scales:
            value, error = value / scale[:, None], error / scale[:, None]
    return replace(found, value=value, error=error)
