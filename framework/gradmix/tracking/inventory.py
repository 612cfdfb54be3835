"""What an experiment of MLflow's has of our journals: asked in few questions, and kept up to date by the ingester."""

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
"""Tag of an experiment: when an ingester was last done with it. Whatever was brought in before, the store has had."""

Rank = tuple[bool, int, str]
"""Of runs that computed the same, the one of the highest rank is shown: one that finished, of two the newer one."""


def rank(status: str, start_time: int, run_id: str) -> Rank:
    """Rank among the runs of one ``run_key``.

    >>> rank("FAILED", 2, "b") < rank("FINISHED", 1, "a") < rank("FINISHED", 2, "a")
    True
    """
    return status == "FINISHED", start_time, run_id


@dataclass
class StoredRun:
    """A run of MLflow's that shows a journal; times are in milliseconds since 1970, 0 of a run that has not ended.

    It is deleted, that is out of sight, by the user, or since another run of its key supersedes it.
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
        """From MLflow's own object."""
        info = run.info
        times = (info.start_time or 0, info.end_time or 0)
        where = (info.run_id, info.experiment_id, info.artifact_uri or "")
        return cls(*where, info.status, *times, info.lifecycle_stage != "active", dict(run.data.tags))

    @property
    def journal_id(self) -> str:
        """The journal's own ``run_id``."""
        return self.tags.get("gradmix.run_id", "")

    @property
    def run_key(self) -> str:
        """What it computed; empty of a sweep."""
        return self.tags.get("gradmix.run_key", "") if self.tags.get("gradmix.kind") == "run" else ""

    @property
    def rank(self) -> Rank:
        """Rank among the runs of its key."""
        return rank(self.status, self.start_time, self.journal_id)


class Inventory:
    """The runs of the experiment `name`."""

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
        self.columns: set[str] = set()  # that the list of runs is to have
        self._view = ""
        self._look_up()

    def load(self) -> None:
        """Ask for all runs, unless that was done."""
        if not self.is_loaded:
            self._ask("")
        self.is_loaded = True

    def ask(self, started: Mapping[str, Any]) -> None:
        """Ask for the run of one journal, and for those that computed the same."""
        key = started.get("run_key") if started.get("kind", "run") == "run" else None
        tag, value = ("run_key", key) if key else ("run_id", started["run_id"])
        quoted = str(value).replace("'", "")  # an id of ours has none
        self._ask(f"tags.`gradmix.{tag}` = '{quoted}'")

    def find(self, journal_id: str) -> StoredRun | None:
        """The run of a journal among those asked for; of several the one in sight that tells most."""
        same = self._by_journal[journal_id].values()
        return max(same, key=lambda run: (not run.is_deleted, run.rank), default=None)

    def add(self, run: StoredRun) -> None:
        """Add a run, or what has become of it."""
        for place in (self._runs, self._by_journal[run.journal_id], self._by_key[run.run_key]):
            place[run.run_id] = run

    def get(self, run_id: str) -> StoredRun | None:
        """A run by MLflow's id."""
        return self._runs.get(run_id)

    def rivals(self, run_key: str) -> list[StoredRun]:
        """The runs in sight that computed the same and have ended, so that no other ingester changes their rank."""
        same = self._by_key[run_key].values() if run_key else ()
        return [run for run in same if not run.is_deleted and run.status != "RUNNING"]

    def withdraw(self, runs: Iterable[StoredRun]) -> None:
        """Take runs out of sight. MLflow keeps them, and can restore them."""
        from mlflow.exceptions import MlflowException

        for run in runs:
            try:
                self._client.delete_run(run.run_id)
            except MlflowException:  # another ingester may have been faster
                if self._client.get_run(run.run_id).info.lifecycle_stage == "active":
                    raise
            run.is_deleted = True

    def withdraw_superseded(self) -> None:
        """Leave of each ``run_key`` one ended run in sight, also where no journal of it is left."""
        for key in [] if self.is_deleted else list(self._by_key):
            self.withdraw(sorted(self.rivals(key), key=lambda run: run.rank)[:-1])

    def prepare(self, artifacts: str | None) -> None:
        """Make the experiment, unless it is there. One that was deleted is a StorageError."""
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
        """Bring the experiment back, and all its runs with it, if it was deleted."""
        if self.is_deleted:
            self._client.restore_experiment(self.experiment_id)
            self.is_deleted = self.is_loaded = False

    def close(self, now: float) -> None:
        """Say in the store when all that was brought in so far was in.

        Another ingester may have made runs of the same keys as this one, from journals of its own. Both ask once more
        after their last run, so that the later one sees both.
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
                except MlflowException:  # MLflow looks for the tag, then adds it; another ingester may do so in between
                    self._client.set_experiment_tag(*tag)

    def _look_up(self) -> None:
        """Find the experiment: another process may have made it since."""
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
