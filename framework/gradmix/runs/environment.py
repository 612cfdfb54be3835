"""Where a run takes place: recorded with it, and no part of its identity."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import version


@cache
def environment() -> dict[str, str | int | None]:
    """Versions and machine, as the journal records them."""
    packages = {name: version(name) for name in ("gradmix", "numpy", "scipy")}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        **packages,
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor()
