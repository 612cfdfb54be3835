"""One run of MLflow's for each ``run_key``: of several journals that computed the same, the one that tells most."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from gradmix.journal.folder import find_journals
from gradmix.journal.reading import Run, read_run, read_runs
from gradmix.tracking.store import absolute_uri


class Newest:
    """Knows which journals share a ``run_key``, and which of them MLflow is to show.

    Parameters
    ----------
    runs_dir
        Where journals are looked for; None looks at those only that are named later.
    uri
        Those alone are compared that were to be tracked there, and those named later; None compares all.
    """

    def __init__(self, runs_dir: Path | None, uri: str | None = None) -> None:
        self._by_key: defaultdict[str, dict[Path, Run]] = defaultdict(dict)
        for seen in read_runs(find_journals(runs_dir)).runs if runs_dir is not None else ():
            wanted = seen.started.get("tracking")
            if uri is None or (wanted is not None and absolute_uri(wanted) == absolute_uri(uri)):
                self._note(seen)

    def is_superseded(self, folder: Path) -> bool:
        """Whether another journal of the same key tells more: one that finished, or of two the newer one."""
        own = self._note(read_run(folder))
        return any(_rank(other) > _rank(own) for other in self._others(own))

    def superseded_by(self, folder: Path) -> list[Path]:
        """Folders of the journals of the same key that tell less."""
        own = self._note(read_run(folder))
        return [other.folder for other in self._others(own) if _rank(other) < _rank(own)]

    def _note(self, seen: Run) -> Run:
        if _is_keyed(seen):
            self._by_key[seen.run_key][seen.folder.absolute()] = seen
        return seen

    def _others(self, own: Run) -> list[Run]:
        same = self._by_key.get(own.run_key, {}) if _is_keyed(own) else {}
        return [other for place, other in same.items() if place != own.folder.absolute() and place.exists()]


def _is_keyed(seen: Run) -> bool:
    return seen.kind == "run" and bool(seen.run_key)


def _rank(seen: Run) -> tuple[bool, float, str]:
    return seen.is_finished, seen.began, str(seen.folder.absolute())
