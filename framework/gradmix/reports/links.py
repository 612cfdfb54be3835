"""Where a run is to be seen in MLflow, as the mark beside its journal says."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

_MARK = "tracked.json"
_DASHBOARD = "http://127.0.0.1:5000"
"""Where ``gradmix ui`` serves a local store."""


def mlflow_link(folder: Path) -> str | None:
    """Address of a run in MLflow's dashboard: a server's own, or as ``gradmix ui`` serves a local store."""
    try:
        mark = json.loads((folder / _MARK).read_text(encoding="utf-8"))
        uri, experiment, run = (mark[key] for key in ("uri", "experiment_id", "run_id"))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if not (isinstance(uri, str) and experiment and run):
        return None
    server = uri.rstrip("/") if uri.startswith(("http://", "https://")) else _DASHBOARD
    return f"{server}/#/experiments/{quote(str(experiment), safe='')}/runs/{quote(str(run), safe='')}"
