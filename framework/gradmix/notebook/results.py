"""The results of runs and sweeps, read from their journals, wherever these were written."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradmix.config.models import read_model
from gradmix.contracts.clusterer import Clusterer
from gradmix.contracts.errors import StorageError
from gradmix.journal.reading import Run
from gradmix.journal.reading import read_run as read_journal
from gradmix.notebook.naming import find_one
from gradmix.reports.factors import find_factors
from gradmix.reports.shared_names import by_shared_names
from gradmix.reports.wording import metric_text, shown
from gradmix.runs.artifacts import ARTIFACTS
from gradmix.sweeps.reading import read_sweep

if TYPE_CHECKING:
    import pandas as pd

    from gradmix.notebook.naming import Named

_MODEL = "model.json"


class RunResult:
    """A run, read from its journal; a notebook shows its metrics and pictures.

    `gradmix.run` returns one, and `gradmix.read_run` reads one from its journal.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    @property
    def folder(self) -> Path:
        """The folder with its journal and artifacts."""
        return self._run.folder

    @property
    def status(self) -> str:
        """``finished``, ``failed``, ``killed``, ``running``, ``timed_out`` or ``out_of_memory``."""
        return self._run.status

    @property
    def is_finished(self) -> bool:
        """Whether it has finished with a valid result."""
        return self._run.is_finished

    @property
    def error(self) -> str:
        """The error in one line; empty if there was none."""
        return self._run.error

    @property
    def began(self) -> float:
        """The time at which it began, in seconds since 1970."""
        return self._run.began

    @property
    def run_key(self) -> str:
        """The run key, the identity of the computation."""
        return self._run.run_key

    @property
    def params(self) -> Mapping[str, Any]:
        """Chosen components and options, flat: ``{"clusterer": "gmm", "clusterer.n_components": 2, …}``."""
        return self._run.params

    @property
    def metrics(self) -> Mapping[str, float]:
        """The final metrics by name, times last."""
        return dict(sorted(self._run.metrics.items(), key=lambda each: each[0].startswith("time.")))

    @property
    def remarks(self) -> Mapping[str, str]:
        """The task's remarks on the result, in addition to the metrics."""
        return self._run.remarks

    @cached_property
    def iterations(self) -> pd.DataFrame:
        """A row for each iteration of each start: ``start``, ``step`` and the metrics."""
        import pandas as pd

        events = self._run.events_named("iteration")
        rows = ({"start": each["start"], "step": each["step"], **each["metrics"]} for each in events)
        return pd.DataFrame.from_records(list(rows)).apply(pd.to_numeric) if events else pd.DataFrame()

    @cached_property
    def model(self) -> Clusterer[Any]:
        """The fitted clusterer, read from the run's artifacts by `gradmix.read_model`.

        Raises
        ------
        StorageError
            If the run has no model file.
        """
        path = self.folder / ARTIFACTS / _MODEL
        if not path.exists():
            raise StorageError(f"the run {self.folder} has no model; its status is {self.status}.")
        return read_model(path)

    @property
    def pictures(self) -> Sequence[Path]:
        """The paths of its pictures."""
        return sorted((self.folder / ARTIFACTS).glob("*.png"))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value:.6g}" for name, value in self.metrics.items())
        return f"RunResult({self._run.label}: {self.status}{', ' + values if values else ''})"

    def _repr_html_(self) -> str:
        rows = {"status": self.status} | ({"error": self.error} if self.error else {})
        rows |= {name: metric_text(name, value) for name, value in self.metrics.items()} | dict(self.remarks)
        rows |= {"folder": shown(self.folder)}
        cells = "".join(f"<tr><td>{html.escape(k)}</td><td>{html.escape(v)}</td></tr>" for k, v in rows.items())
        images = (
            f'<img alt="{html.escape(path.stem)}" src="data:image/png;base64,'
            f'{base64.b64encode(path.read_bytes()).decode("ascii")}">'
            for path in self.pictures
        )
        return f"<b>{html.escape(self._run.label)}</b><table>{cells}</table>{''.join(images)}"


class SweepResult:
    """A sweep, as `gradmix.sweep` returns it, read from its journals; a notebook shows a table of its runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def results(self) -> Sequence[RunResult]:
        """Its runs, in the order of its jobs."""
        return [RunResult(run) for run in read_sweep(self.folder).runs]

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row for each run, as `gradmix.read_runs` returns it."""
        return table_of([result._run for result in self.results])

    def __len__(self) -> int:
        return len(self.results)

    def __repr__(self) -> str:
        return f"SweepResult({shown(self.folder)}: {len(self)} runs)"

    def _repr_html_(self) -> str:
        return f"<b>{html.escape(self.folder.name)}</b>{self.runs.to_html(max_rows=20, index=False)}"


def read_run(run: Named, runs_dir: str | Path = "runs") -> RunResult:
    """Read a run from its journal.

    Parameters
    ----------
    run
        Its folder, or another of its names on the command line: a name or the beginning or end of it, ``"SWEEP/3"``, a
        run key, an ID in MLflow, or ``"last"``; or a row of `gradmix.read_runs`.
    runs_dir
        The folder of the runs.

    Raises
    ------
    UnknownNameError
        If there is no such run.
    StorageError
        If its journal cannot be read.
    """
    return RunResult(read_journal(find_one(run, Path(runs_dir))))


def table_of(runs: Sequence[Run]) -> pd.DataFrame:
    """Return a row for each run: options that vary, then metrics, status, error and folder.

    Options that have different names in different runs also have a column with their alias.
    """
    import pandas as pd

    by_alias = by_shared_names(runs)
    varying = dict.fromkeys((*find_factors(by_alias).varying, *find_factors(runs).varying))
    params = [{**shared.params, **run.params} for shared, run in zip(by_alias, runs, strict=True)]
    names = sorted(
        dict.fromkeys(name for run in runs for name in run.metrics), key=lambda name: name.startswith("time.")
    )
    columns: dict[str, list[Any]] = {"run": [run.label for run in runs]}
    columns |= {key: [each.get(key) for each in params] for key in varying}
    columns |= {name: [run.metrics.get(name, math.nan) for run in runs] for name in names}
    columns |= {"status": [run.status for run in runs], "error": [run.error for run in runs]}
    columns["folder"] = [str(run.folder) for run in runs]
    return pd.DataFrame(columns)
