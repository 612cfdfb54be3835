"""Files that a run leaves beside its journal."""

from __future__ import annotations

from pathlib import Path

from gradmix.contracts.errors import PluginError
from gradmix.contracts.task import Writer
from gradmix.registry.entry import describe
from gradmix.runs.events import report_problem

ARTIFACTS = "artifacts"
"""Folder of a run's artifacts, in the run's own."""


def write_artifact(path: Path, write: Writer) -> None:
    """Write one artifact; what is wrong with it is reported, and costs the run nothing else."""
    try:
        if path.parent.name != ARTIFACTS or path.name in ("", ".", ".."):
            raise PluginError("an artifact has a plain file name, as it is written beside the others")
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
    except Exception as error:
        report_problem(f"the artifact {path.name} could not be written: {describe(error)}")
