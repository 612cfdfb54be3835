"""What watchers of a run are told about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RunInfo:
    """A run, as events name it.

    Parameters
    ----------
    name
        The experiment's name.
    run_id
        This run's own id, a fresh one each time.
    run_key
        Identity of what is computed: the same key, the same result.
    folder
        Where its journal and artifacts are.
    params
        Chosen components and their options, flat: ``{"clusterer": "gmm", "clusterer.n_components": 2}``.
    plugins
        Which distribution and version each component came from.
    sweep
        Id of the sweep that it belongs to, if any.
    overrides
        What the command line asked for.
    """

    name: str
    run_id: str
    run_key: str
    folder: Path
    params: Mapping[str, Any] = field(default_factory=dict)
    plugins: Mapping[str, str] = field(default_factory=dict)
    sweep: str | None = None
    overrides: tuple[str, ...] = ()
