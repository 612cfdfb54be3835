"""The short way into a local store: a sweep's job is written into MLflow's tables in one transaction.

MLflow's client gives a run to its store in eight transactions, through an object for every row: 30 ms of processor time
a job, as much as many a job takes itself. Here the same rows (`gradmix.tracking.rows`) are inserted as they are, and
the artifacts copied to where MLflow looks for them: 3 ms.

What guards it: it is taken only into a SQLite file whose schema has the revision that it was written for (`REVISION`;
MLflow's client has opened the store before, and refuses one whose revision is not the installed MLflow's own), only for
a run that is not there yet, in an active experiment with artifacts in a local folder, and only if MLflow would take all
of it as it stands. In any other case it says so by None, has changed nothing, and MLflow's client does it. The rows are
committed last, together: a run is there in whole or not at all.
"""

from __future__ import annotations

import shutil
import sqlite3
import uuid
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gradmix.tracking.entities import inputs_of
from gradmix.tracking.rows import COLUMNS, Rows, dataset_row, input_rows, is_plain, run_rows
from gradmix.tracking.store import sqlite_path
from gradmix.tracking.view import View

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

REVISION = "dc11669786a5"
"""The revision of MLflow's schema that `gradmix.tracking.rows` was written for: MLflow 3.17's."""

_SECONDS_TO_WAIT = 20.0
"""For whoever holds the store; as long as MLflow waits."""

_INSERT = {
    table: f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    for table, columns in COLUMNS.items()
}

_FIND_PLACE = """
    SELECT artifact_location FROM experiments, alembic_version
    WHERE experiment_id = ? AND lifecycle_stage = 'active' AND version_num = ?
"""

_FIND_RUN = """
    SELECT run_uuid FROM tags JOIN runs USING (run_uuid)
    WHERE key = 'gradmix.run_id' AND value = ? AND experiment_id = ? AND lifecycle_stage = 'active'
    ORDER BY start_time DESC, run_uuid LIMIT 1
"""

_FIND_DATASET = "SELECT dataset_uuid FROM datasets WHERE experiment_id = ? AND name = ? AND digest = ?"


class Bulk:
    """Writes whole runs into a store that MLflow's client has opened.

    Parameters
    ----------
    uri
        The store's, absolute; if it is no SQLite file, nothing is ever written.
    """

    def __init__(self, uri: str) -> None:
        self._path = sqlite_path(uri)
        self._opened: sqlite3.Connection | None = None

    def find(self, experiment_id: str, gradmix_run_id: str) -> str | None:
        """The id of the run that a journal has already, empty if it has none; None if MLflow's client must look."""
        if not self._find_place(experiment_id):
            return None
        found = self._connection.execute(_FIND_RUN, (gradmix_run_id, int(experiment_id))).fetchone()
        return str(found[0]) if found else ""

    def write(
        self, experiment_id: str, view: View, tags: Mapping[str, str], write_files: Callable[[Path, str], None]
    ) -> str | None:
        """Write a run that is not in the store yet, and all that belongs to it.

        Parameters
        ----------
        experiment_id
            MLflow's own.
        view, tags
            What is to be shown; all its tags.
        write_files
            Writes the run's artifacts into a folder, which is not there yet; is told the run's id as well.

        Returns
        -------
        str or None
            The run's id; None, and nothing is written, if this is work for MLflow's client.
        """
        inputs = inputs_of(view)
        place = self._find_place(experiment_id)
        if not place.startswith("file:///") or not is_plain(view, inputs):
            return None
        from mlflow.utils.file_utils import local_file_uri_to_path
        from mlflow.utils.uri import append_to_uri_path

        run_id = uuid.uuid4().hex
        artifact_uri = append_to_uri_path(place, run_id, "artifacts")
        folder = Path(local_file_uri_to_path(artifact_uri))
        try:
            write_files(folder, run_id)
            self._insert_all(run_rows(view, tags, run_id, int(experiment_id), artifact_uri), inputs)
        except BaseException:
            shutil.rmtree(folder.parent, ignore_errors=True)
            raise
        return run_id

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            assert self._path is not None
            there = f"{self._path.as_uri()}?mode=rw"  # never make an empty one
            self._opened = sqlite3.connect(
                there,
                uri=True,
                timeout=_SECONDS_TO_WAIT,
                isolation_level=None,  # transactions begin where we say so
                check_same_thread=False,  # whichever thread lets go of it last closes it
            )
            weakref.finalize(self, self._opened.close)
            self._opened.execute("PRAGMA foreign_keys = ON")
        return self._opened

    def _find_place(self, experiment_id: str) -> str:
        """Where the experiment keeps its artifacts; empty if it is not active, or the store not of the known schema."""
        if self._path is None:
            return ""
        found = self._connection.execute(_FIND_PLACE, (int(experiment_id), REVISION)).fetchone()
        return str(found[0]) if found else ""

    def _insert_all(self, rows: Rows, inputs: list[DatasetInput]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._insert(rows)
            ((run_id, *_, experiment, _),) = rows["runs"]
            for told in {(each.dataset.name, each.dataset.digest): each for each in reversed(inputs)}.values():
                dataset_id = self._dataset(experiment, told)
                self._insert(input_rows(run_id, uuid.uuid4().hex, dataset_id, told))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _dataset(self, experiment: int, told: DatasetInput) -> str:
        """The id of data that the experiment knows, or knows from now on."""
        key = (experiment, told.dataset.name, told.dataset.digest)
        found = self._connection.execute(_FIND_DATASET, key).fetchone()
        if found:
            return str(found[0])
        dataset_id = uuid.uuid4().hex
        self._insert({"datasets": [dataset_row(experiment, dataset_id, told)]})
        return dataset_id

    def _insert(self, rows: Rows) -> None:
        for table, some in rows.items():
            self._connection.executemany(_INSERT[table], some)
