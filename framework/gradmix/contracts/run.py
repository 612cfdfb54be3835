"""The description of a run that hooks and events receive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RunInfo:
    """The description of a run that hooks and events receive.

    Parameters
    ----------
    name
        The experiment's name.
    run_id
        The unique id of the run.
    run_key
        The identity of the computation: runs with the same key have the same result.
    folder
        The folder with its journal and artifacts.
    params
        Chosen components and their options, flat: ``{"clusterer": "gmm", "clusterer.n_components": 2}``.
    plugins
        Distribution and version of each component.
    sweep
        Id of its sweep; None if it is not part of a sweep.
    overrides
        Overrides from the command line.
    """

    name: str
    run_id: str
    run_key: str
    folder: Path
    params: Mapping[str, Any] = field(default_factory=dict)
    plugins: Mapping[str, str] = field(default_factory=dict)
    sweep: str | None = None
    overrides: tuple[str, ...] = ()
