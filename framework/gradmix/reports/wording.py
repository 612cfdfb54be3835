"""Numbers, times and paths as people read them."""

from __future__ import annotations

import math
from pathlib import Path

from gradmix.contracts.meaning import meaning_of

HEADLINES = ("log_likelihood", "inertia", "derivative_error", "conformance")
"""Metrics that a run is known by; of those that it has, the first."""


def number(value: float, name: str = "") -> str:
    """A metric for reading: with a unit that suits it, a count as a whole number, others to what one can compare.

    >>> number(-1130.26397), number(1.0, "converged"), number(3e-16), number(2048.0, "memory.peak_bytes")
    ('-1130.2640', 'yes', '3.000e-16', '2 KiB')
    """
    if name == "converged":
        return "yes" if value else "no"
    unit = meaning_of(name).unit
    if unit in _SCALED:
        return _SCALED[unit](value)
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:.0f}"
    return f"{value:.4f}" if 0.01 <= abs(value) < 1e7 else f"{value:.3e}"


def duration(seconds: float) -> str:
    """A time with the unit that suits it.

    >>> duration(0.00012)
    '120 µs'
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def shown(path: Path) -> str:
    """A path as people want it: from the working folder, if it is in there."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def measured(value: float, unit: str = "") -> str:
    """A measured value with its unit, to as many digits as one can compare.

    >>> measured(-1130.26397, "nats"), measured(0.0123, "s"), measured(3.14159e-12), measured(5e7, "B")
    ('-1130.26', '12.3 ms', '3.14e-12', '47.7 MiB')
    """
    if not math.isfinite(value):
        return "no number"
    if unit in _SCALED:
        return _SCALED[unit](value)
    if value == 0 or (float(value).is_integer() and abs(value) < 1e7):
        return f"{value:.0f}"
    return f"{value:.6g}" if 1 <= abs(value) < 1e6 else f"{value:.3g}"


def memory(size: float) -> str:
    """An amount of memory with the unit that suits it.

    >>> memory(1536)
    '1.5 KiB'
    """
    for unit, bytes_of_unit in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if abs(size) >= bytes_of_unit:
            return f"{size / bytes_of_unit:.3g} {unit}"
    return f"{size:.0f} B"


_SCALED = {"s": duration, "B": memory}
