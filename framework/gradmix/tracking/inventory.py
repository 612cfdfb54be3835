"""The runs that an experiment in MLflow has for journals: loaded with few requests, and updated by the ingester."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gradmix.contracts.errors import StorageError
from gradmix.tracking.columns import TAG, with_columns

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_PAGE = 1000
_UNTIL = "gradmix.ingested"
"""Tag of an experiment: when an ingester last finished. The store has had every run imported before that time."""

Rank = tuple[bool, int, str]
"""Of the runs with one run key, the one with the highest rank is shown: the newest finished run, else the newest."""


def rank(status: str, start_time: int, run_id: str) -> Rank:
    """Return the rank of a run among those with the same run key.

    >>> rank("FAILED", 2, "b") < rank("FINISHED", 1, "a") < rank("FINISHED", 2, "a")
    True
    """
    return status == "FINISHED", start_time, run_id


@dataclass
class StoredRun:
    """A run in MLflow that shows a journal; times are in milliseconds since 1970, 0 if the run has not ended.

    A run is marked as deleted (and hidden) if the user deleted it, or if another run with its key supersedes it.
    """

    run_id: str
    experiment_id: str
    artifact_uri: str
    status: str
    start_time: int
    end_time: int
    is_deleted: bool = False
    tags: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run) -> StoredRun:
        """Convert MLflow's object."""
        info = run.info
        times = (info.start_time or 0, info.end_time or 0)
        where = (info.run_id, info.experiment_id, info.artifact_uri or "")
        return cls(*where, info.status, *times, info.lifecycle_stage != "active", dict(run.data.tags))

    @property
    def journal_id(self) -> str:
        """The ``run_id`` in the journal."""
        return self.tags.get("gradmix.run_id", "")

    @property
    def run_key(self) -> str:
        """The run key; empty for a sweep."""
        return self.tags.get("gradmix.run_key", "") if self.tags.get("gradmix.kind") == "run" else ""

    @property
    def rank(self) -> Rank:
        """Rank among the runs with the same run key."""
        return rank(self.status, self.start_time, self.journal_id)


class Inventory:
    """The runs of the experiment `name` in MLflow."""

    def __init__(self, client: MlflowClient, name: str) -> None:
        self._client, self.name = client, name
        self._runs: dict[str, StoredRun] = {}
        self._by_journal: defaultdict[str, dict[str, StoredRun]] = defaultdict(dict)
        self._by_key: defaultdict[str, dict[str, StoredRun]] = defaultdict(dict)
        self.is_loaded = False
        self.is_touched = self.has_new = False
        self.is_deleted = False
        self.until = -math.inf
        self.experiment_id = ""
        self.columns: set[str] = set()  # to show in the list of runs
        self._view = ""
        self._look_up()

    def load(self) -> None:
        """Load all runs, unless they were loaded before."""
        if not self.is_loaded:
            self._ask("")
        self.is_loaded = True

    def ask(self, started: Mapping[str, Any]) -> None:
        """Load the run of one journal, and all runs with the same run key."""
        key = started.get("run_key") if started.get("kind", "run") == "run" else None
        tag, value = ("run_key", key) if key else ("run_id", started["run_id"])
        quoted = str(value).replace("'", "")  # gradmix's IDs contain none
        self._ask(f"tags.`gradmix.{tag}` = '{quoted}'")

    def find(self, journal_id: str) -> StoredRun | None:
        """Return the loaded run of a journal; of several, the highest in rank that is not deleted."""
        same = self._by_journal[journal_id].values()
        return max(same, key=lambda run: (not run.is_deleted, run.rank), default=None)

    def add(self, run: StoredRun) -> None:
        """Add a run, or replace its earlier state."""
        for place in (self._runs, self._by_journal[run.journal_id], self._by_key[run.run_key]):
            place[run.run_id] = run

    def get(self, run_id: str) -> StoredRun | None:
        """Return the run with this ID in MLflow, or None."""
        return self._runs.get(run_id)

    def rivals(self, run_key: str) -> list[StoredRun]:
        """Return the visible runs with this run key that have ended, so that their rank can no longer change."""
        same = self._by_key[run_key].values() if run_key else ()
        return [run for run in same if not run.is_deleted and run.status != "RUNNING"]

    def withdraw(self, runs: Iterable[StoredRun]) -> None:
        """Delete runs in MLflow, which keeps them and can restore them."""
        from mlflow.exceptions import MlflowException

        for run in runs:
            try:
                self._client.delete_run(run.run_id)
            except MlflowException:  # another ingester may have been faster
                if self._client.get_run(run.run_id).info.lifecycle_stage == "active":
                    raise
            run.is_deleted = True

    def withdraw_superseded(self) -> None:
        """Keep only one ended run visible for each run key, even if its journal no longer exists."""
        for key in [] if self.is_deleted else list(self._by_key):
            self.withdraw(sorted(self.rivals(key), key=lambda run: run.rank)[:-1])

    def prepare(self, artifacts: str | None) -> None:
        """Create the experiment unless it exists; raise a StorageError if it was deleted."""
        from mlflow.exceptions import MlflowException

        if not self.experiment_id:
            try:
                self.experiment_id = str(self._client.create_experiment(self.name, artifacts))
            except MlflowException:
                self._look_up()  # another process was faster
                if not self.experiment_id:
                    raise
        if self.is_deleted:
            raise StorageError(
                f"the experiment {self.name!r} was deleted in MLflow; restore it by gradmix sync --deleted, "
                "or choose another name=…"
            )

    def restore(self) -> None:
        """Restore the experiment with all its runs, if it was deleted."""
        if self.is_deleted:
            self._client.restore_experiment(self.experiment_id)
            self.is_deleted = self.is_loaded = False

    def close(self, now: float) -> None:
        """Record in the store that everything up to the time `now` is imported.

        Another ingester may have created runs with the same run keys from other journals. Both ingesters load the runs
        again after their last one, so that the later ingester sees the runs of both.
        """
        from mlflow.exceptions import MlflowException

        if self.has_new and not self.is_deleted:
            self._ask("")
            self.withdraw_superseded()
        if self.is_touched and not self.is_deleted:
            tags = [(self.experiment_id, _UNTIL, repr(max(now, self.until)))]
            if self.columns and (view := with_columns(self._view, self.columns)) != self._view:
                tags.append((self.experiment_id, TAG, view))
            for tag in tags:
                try:
                    self._client.set_experiment_tag(*tag)
                except MlflowException:  # MLflow looks for the tag, then adds it; an ingester may add it in between
                    self._client.set_experiment_tag(*tag)

    def _look_up(self) -> None:
        """Find the experiment, which another process may have created since."""
        found = self._client.get_experiment_by_name(self.name)
        if found is not None:
            self.experiment_id = str(found.experiment_id)
            self.is_deleted = found.lifecycle_stage != "active"
            self._view = found.tags.get(TAG, "")
            with suppress(KeyError, ValueError):
                self.until = float(found.tags[_UNTIL])

    def _ask(self, query: str) -> None:
        from mlflow.entities import ViewType

        if not self.experiment_id:
            self._look_up()
        token, is_more = None, bool(self.experiment_id)
        while is_more:
            page = self._client.search_runs([self.experiment_id], query, ViewType.ALL, _PAGE, page_token=token)
            for run in page:
                self.add(StoredRun.of(run))
            token, is_more = page.token, bool(page.token)
