"""The problem ``more_garbow_hillstrom``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from gradmix import KeyOf, LeastSquares, Problem

if TYPE_CHECKING:
    from gradmix.arrays import Array


@dataclass(frozen=True)
class Published:
    """A test function of the collection.

    Parameters
    ----------
    residuals
        The residuals, as a function of an array of shape (n,).
    start
        The usual start.
    sum_of_squares
        The published minimum of the sum of squares, as reached from the usual start.
    solution
        The point of this minimum, if it is known exactly and unique.
    """

    residuals: Callable[[Any], Any]
    start: tuple[float, ...]
    sum_of_squares: float
    solution: tuple[float, ...] | None = None


@dataclass
class MoreGarbowHillstrom(Problem):
    """Test functions for nonlinear least squares by Moré, Garbow and Hillstrom: the residuals by the unknowns.

    Parameters
    ----------
    which
        Name of the test function.

    Notes
    -----
    Source: Moré, Garbow & Hillstrom, ACM Trans. Math. Softw. 7 (1981) 17-41. A solver may end at a local minimum:
    for Freudenstein and Roth's function its sum of squares is 48.98…, that of the global minimum 0.

    Examples
    --------
    >>> MoreGarbowHillstrom(which="beale").question().solution
    array([3. , 0.5])
    """

    which: Annotated[str, KeyOf("gradmix_problems.more_garbow_hillstrom:FUNCTIONS")] = "helical_valley"
    operator = "jacobian"

    def function(self, x: Any) -> Any:
        """Return the residuals."""
        return self._published.residuals(x)

    def point(self) -> Array:
        """Return the usual start."""
        return np.array(self._published.start)

    def question(self) -> LeastSquares:
        """Return the question: the fit, from the usual start."""
        solution = self._published.solution
        return LeastSquares(self.function, self.point(), None if solution is None else np.array(solution))

    @property
    def _published(self) -> Published:
        return FUNCTIONS[self.which]


_BARD = np.array([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])
_KOWALIK = np.array([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
_KOWALIK_AT = np.array([4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])


def _rosenbrock(x: Any) -> Any:
    return np.stack([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])


def _freudenstein_roth(x: Any) -> Any:
    a, b = x[0], x[1]
    return np.stack([-13.0 + a + ((5.0 - b) * b - 2.0) * b, -29.0 + a + ((b + 1.0) * b - 14.0) * b])


def _powell_badly_scaled(x: Any) -> Any:
    return np.stack([1e4 * x[0] * x[1] - 1.0, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001])


def _beale(x: Any) -> Any:
    a, b = x[0], x[1]
    return np.stack([1.5 - a * (1.0 - b), 2.25 - a * (1.0 - b**2), 2.625 - a * (1.0 - b**3)])


def _helical_valley(x: Any) -> Any:
    angle = np.arctan2(x[1], x[0]) / (2.0 * np.pi)  # the published angle is from −1/4 to 3/4; the minimum is the same
    return np.stack([10.0 * (x[2] - 10.0 * angle), 10.0 * (np.sqrt(x[0] ** 2 + x[1] ** 2) - 1.0), x[2]])


def _bard(x: Any) -> Any:
    u = np.arange(1.0, 16.0)
    v = 16.0 - u
    return _BARD - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2]))


def _powell_singular(x: Any) -> Any:
    root5, root10 = 5.0**0.5, 10.0**0.5
    first, second = x[0] + 10.0 * x[1], root5 * (x[2] - x[3])
    return np.stack([first, second, (x[1] - 2.0 * x[2]) ** 2, root10 * (x[0] - x[3]) ** 2])


def _kowalik_osborne(x: Any) -> Any:
    u = _KOWALIK_AT
    return _KOWALIK - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def _brown_dennis(x: Any) -> Any:
    t = np.arange(1.0, 21.0) / 5.0
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


FUNCTIONS: Mapping[str, Published] = {
    "rosenbrock": Published(_rosenbrock, (-1.2, 1.0), 0.0, (1.0, 1.0)),
    "freudenstein_roth": Published(_freudenstein_roth, (0.5, -2.0), 48.9842),
    "powell_badly_scaled": Published(_powell_badly_scaled, (0.0, 1.0), 0.0),
    "beale": Published(_beale, (1.0, 1.0), 0.0, (3.0, 0.5)),
    "helical_valley": Published(_helical_valley, (-1.0, 0.0, 0.0), 0.0, (1.0, 0.0, 0.0)),
    "bard": Published(_bard, (1.0, 1.0, 1.0), 8.21487e-3),
    "powell_singular": Published(_powell_singular, (3.0, -1.0, 0.0, 1.0), 0.0, (0.0, 0.0, 0.0, 0.0)),
    "kowalik_osborne": Published(_kowalik_osborne, (0.25, 0.39, 0.415, 0.39), 3.07505e-4),
    "brown_dennis": Published(_brown_dennis, (25.0, 5.0, -5.0, -1.0), 85822.2),
}
"""Name → test function."""
