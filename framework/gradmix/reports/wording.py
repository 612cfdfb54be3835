"""Numbers, times and paths in readable form."""

from __future__ import annotations

import math
from pathlib import Path

from gradmix.contracts.meaning import meaning_of

UNITS = {
    "s": (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)),
    "B": (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10), ("B", 1)),
}
"""Unit → the units that may be shown in its place, and their sizes."""


def measured(value: float, unit: str = "") -> str:
    """Format a value with a suitable unit and a number of digits that can be compared at a glance.

    >>> measured(-1130.26397, "nats"), measured(0.0123, "s"), measured(3.14159e-12), measured(5e7, "B")
    ('-1130.26', '12.3 ms', '3.14e-12', '47.7 MiB')
    """
    if not math.isfinite(value):
        return "no number"
    if unit in UNITS:
        name, size = next((each for each in UNITS[unit] if abs(value) >= each[1]), UNITS[unit][-1])
        scaled = value / size
        return f"{scaled:.3g} {name}" if abs(scaled) < 100 else f"{scaled:.0f} {name}"
    if value == 0 or (float(value).is_integer() and abs(value) < 1e7):
        return f"{value:.0f}"
    return f"{value:.6g}" if 1 <= abs(value) < 1e6 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """Format a length of time for a person who waits.

    >>> duration(34.2), duration(345), duration(5000)
    ('34 s', '5 min 45 s', '1 h 23 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def progress(value: float) -> str:
    """Format a metric of an iteration, always with the same number of decimals, except counts and tiny values.

    >>> progress(-1131.5294781), progress(4.5e-12), progress(12.0)
    ('-1131.529478', '4.5e-12', '12')
    """
    has_decimals = 1e-3 <= abs(value) < 1e6 and not float(value).is_integer()
    return f"{value:.6f}" if has_decimals else measured(value)


def metric_text(name: str, value: float, unit: str = "") -> str:
    """Format a run's metric; its unit is known or given.

    >>> metric_text("converged", 1.0), metric_text("memory.peak_bytes", 2048.0)
    ('yes', '2 KiB')
    """
    if name == "converged":
        return "yes" if value else "no"
    return measured(value, unit or meaning_of(name).unit)


def shown(path: Path) -> str:
    """Return a path for display, relative to the working folder if it is inside."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
