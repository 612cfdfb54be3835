"""Numbers, times and paths as people read them."""

from __future__ import annotations

from pathlib import Path

_SECONDS = frozenset({"time.seconds", "time.per_iteration"})


def number(value: float, name: str = "") -> str:
    """A metric for reading: a time with its unit, a count as a whole number, others to what one can compare.

    >>> number(-1130.26397), number(1.0, "converged"), number(3e-16)
    ('-1130.2640', 'yes', '3.000e-16')
    """
    if name == "converged":
        return "yes" if value else "no"
    if name in _SECONDS:
        return duration(value)
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:.0f}"
    return f"{value:.4f}" if 0.01 <= abs(value) < 1e7 else f"{value:.3e}"


def duration(seconds: float) -> str:
    """A time with the unit that suits it.

    >>> duration(0.00012)
    '120 µs'
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def shown(path: Path) -> str:
    """A path as people want it: from the working folder, if it is in there."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
