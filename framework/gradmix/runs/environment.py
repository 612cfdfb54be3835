"""The environment of a run. It is recorded, and belongs to the identity of the timings but not of the run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gradmix.config.spec import Limits, Settings

_MATTERS_FOR_TIMINGS = ("python", "machine", "processor", "cores", "numpy", "scipy", "blas")

TIMES_MEAN = 2
"""Version of the definition of ``time.*``. Every change raises it, so that older times are not mistaken for new ones.

1 (gradmix 0.1): ``time.seconds`` of a run without rounds included loading its data. 2: it covers the work alone;
``time.load`` and ``time.startup`` are separate.
"""


@cache
def environment() -> Mapping[str, str | int | None]:
    """Return the versions and the machine, as the journal records them."""
    packages = {name: version(name) for name in ("gradmix", "numpy", "scipy", "numba")}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "blas": _blas(),
        "instructions": _instructions(),
        "libc": " ".join(platform.libc_ver()).strip(),
        **packages,
    }


def timings_key(settings: Settings, workers: int = 1) -> str:
    """Return a hash of everything timings depend on: machine, versions, timing options, number of simultaneous jobs."""
    here = environment()
    identity = {
        "environment": {name: here.get(name) for name in _MATTERS_FOR_TIMINGS},
        "times_mean": TIMES_MEAN,
        "how": dataclasses.asdict(settings.timing),
        "threads": threads_of_run(settings.limits, workers),
        "workers": workers,
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def threads_of_run(limits: Limits, workers: int = 1) -> int:
    """Return how many threads a run may use if `workers` runs are made at the same time."""
    return limits.threads or threads_of_each(workers)


def threads_of_each(workers: int) -> int:
    """Return how many threads each of `workers` processes may use, so that they do not compete for the cores."""
    return max(1, (os.cpu_count() or 1) // workers)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor()


def _instructions() -> str:
    """Return the vector instructions that NumPy has found. They distinguish processors with the same name."""
    return " ".join(np.show_config(mode="dicts")["SIMD Extensions"].get("found", ()))


def _blas() -> str:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()
