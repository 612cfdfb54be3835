"""``gradmix ui``: MLflow's dashboard on the local store."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from gradmix.cli.parser import CommandParser
from gradmix.contracts.terminal import visible

_MOST_NAMED = 10


def main(arguments: Sequence[str]) -> int:
    """Run the command. Return an exit code only if there is an error; otherwise MLflow replaces this process."""
    parser = CommandParser("ui", "Open MLflow's dashboard on the local store.")
    parser.add_runs_dir()
    parser.add_argument("--port", type=int, default=5000, help="port on the loopback address (default: %(default)s)")
    options = parser.parse_args(arguments)
    store = options.runs_dir / "mlflow.db"
    if not store.exists():
        print(visible(f"gradmix ui: there is no store {store} yet; `gradmix run` creates it."), file=sys.stderr)
        return 1

    from gradmix.config.spec import Tracking
    from gradmix.tracking.columns import TAG, path_to
    from gradmix.tracking.store import absolute_uri, open_client

    uri = absolute_uri(f"sqlite:///{store}")
    client, host = open_client(Tracking(uri=uri)), f"http://127.0.0.1:{options.port}"
    page = f"{host}/#/experiments?workflowType=machine_learning"  # its view of runs
    print(visible(f"MLflow's dashboard: {page} (Ctrl-C ends it)"))
    for experiment in client.search_experiments(max_results=_MOST_NAMED):
        if TAG in experiment.tags:
            print(visible(f"  {experiment.name}: {host}{path_to(experiment.experiment_id)}"))
    sys.stdout.flush()
    command = ["-m", "mlflow", "server", "--backend-store-uri", uri, "--host", "127.0.0.1", "--port", str(options.port)]
    artifacts = (store.parent / "mlflow-artifacts").absolute().as_uri()
    # MLflow would start eight processes for jobs of language models, which take more than half of the start's time.
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    return os.execv(sys.executable, [sys.executable, *command, "--default-artifact-root", artifacts, "--workers", "1"])
