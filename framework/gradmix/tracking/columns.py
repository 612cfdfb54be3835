"""The saved view ``results`` of an experiment: the list of its runs with the most important metrics as columns.

MLflow stores saved views as tags of the experiment, and lists them under *Views*.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from gradmix.contracts.meaning import TIME
from gradmix.contracts.role import Role
from gradmix.journal.reading import Run

VIEW = "gradmix"
"""ID of the view, which is part of its address."""

TAG = f"mlflow.sharedViewState.{VIEW}"

_MOST_METRICS = 3
_COMPARED = (Role.ALGORITHM, Role.GIVEN)


def columns_of(run: Run) -> frozenset[str]:
    """Return the columns to show for a finished run: components, its first ranking metrics, and its time."""
    if run.kind == "sweep" or not run.is_finished:
        return frozenset()
    declared = run.declared
    ranking = [each.name for each in declared.meanings.values() if each.better and not each.is_cost]
    metrics = [name for name in ranking if name in run.metrics][:_MOST_METRICS]
    parts = [path for path, part in declared.parts.items() if part.role in _COMPARED and "." not in path]
    found = {"params": parts, "metrics": [*metrics, *([TIME.name] if TIME.name in run.metrics else [])]}
    return frozenset(f"{kind}.`{name}`" for kind, names in found.items() for name in names)


def with_columns(view: str, columns: Collection[str]) -> str:
    """Add columns to a view, given as the content of its tag; a view that was changed in MLflow stays unchanged."""
    try:
        state = json.loads(json.loads(view)["state"]) if view else {"selectedColumns": []}
        wanted = sorted({*state["selectedColumns"], *columns})
    except (ValueError, LookupError, TypeError):
        return view
    return json.dumps(
        {"name": "results", "createdAt": 0, "updatedAt": 0, "state": json.dumps({"selectedColumns": wanted})}
    )


def path_to(experiment_id: str) -> str:
    """Return the address of an experiment's page in MLflow's dashboard, with this view."""
    return f"/#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={VIEW}"
