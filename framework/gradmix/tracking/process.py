"""The ingester in a child process: MLflow loads while the run works, and cannot affect the run.

The parent writes the settings and then the folders to the child's standard input, one per line, and closes it after the
last one. The child writes one answer to its standard output: a list of the errors.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path

from gradmix.config.spec import Settings, Tracking
from gradmix.contracts.hooks import hookimpl
from gradmix.contracts.run import RunInfo
from gradmix.journal.folder import find_journals
from gradmix.journal.reading import Run
from gradmix.sweeps.events import SweepInfo
from gradmix.sweeps.plan import Job
from gradmix.tracking.ingest import Ingester
from gradmix.tracking.store import import_mlflow

_AHEAD = "--ahead"


class TrackingProcess:
    """Hands the folders of runs to an ingester in another process."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._process: subprocess.Popen[str] | None = None
        self._is_wanted = False

    def prepare(self, is_ahead: bool = True) -> None:
        """Start the process; with `is_ahead` it imports MLflow at once, while the run is being prepared."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gradmix.tracking.process", *([_AHEAD] if is_ahead else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            process_group=0,  # Ctrl-C must reach only the run; its journal is then imported
        )
        # A thread writes to it, because a server that hangs must not delay the run.
        threading.Thread(target=self._feed, args=(self._process,), daemon=True).start()

    @hookimpl
    def settings_known(self, settings: Settings) -> None:
        """Send the store's address; the ingester first imports the journals that earlier sessions left behind."""
        if self._is_wanted or settings.tracking.uri is None:
            return
        self._is_wanted = True
        if self._process is None:
            self.prepare(is_ahead=False)
        self._lines.put(json.dumps({"tracking": asdict(settings.tracking), "runs_dir": settings.runs_dir}))

    def submit(self, folder: Path) -> None:
        """Request the import of a journal."""
        if self._is_wanted:
            self._lines.put(str(folder.absolute()))

    @hookimpl
    def gradmix_run_finished(self, run: RunInfo, metrics: Mapping[str, float]) -> None:
        """Import a finished run."""
        self.submit(run.folder)

    @hookimpl
    def gradmix_run_failed(self, run: RunInfo, error: BaseException) -> None:
        """Import a failed run."""
        self.submit(run.folder)

    @hookimpl
    def sweep_started(self, sweep: SweepInfo, jobs: Sequence[Job]) -> None:
        """Import the sweep itself, the parent of its jobs. If it is unchanged, the ingester finds any gaps itself."""
        if not sweep.is_unchanged:
            self.submit(sweep.folder)

    @hookimpl
    def job_ended(self, sweep: SweepInfo, end: Run) -> None:
        """Import a job's run; reused results are imported with the sweep."""
        if end.began and not end.is_reused:
            self.submit(end.folder)

    @hookimpl
    def sweep_ended(self, sweep: SweepInfo) -> None:
        """Import the end of the sweep, and any jobs that are missing."""
        for folder in () if sweep.is_unchanged else find_journals(sweep.folder):
            self.submit(folder)

    def finish(self) -> list[str]:
        """Wait until all submitted journals are imported; return the errors as messages."""
        if self._process is None:
            return []
        if not self._is_wanted:
            self._process.kill()
            self._process.wait()
            return []
        self._lines.put(None)
        assert self._process.stdout is not None
        answer = self._process.stdout.read()
        if self._process.wait() != 0 or not answer.strip():
            return ["the ingester stopped before it was done. Nothing is lost: `gradmix sync` imports the rest."]
        return [str(error) for error in json.loads(answer.splitlines()[-1])]

    def _feed(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        try:
            while (line := self._lines.get()) is not None:
                process.stdin.write(line + "\n")
                process.stdin.flush()
            process.stdin.close()
        except BrokenPipeError:
            return  # the process has ended; `finish` reports it


def main() -> None:
    """Import the journals named on standard input, until it ends."""
    for number in (signal.SIGINT, signal.SIGTERM):  # these signals are for the run; its journal is then imported
        signal.signal(number, signal.SIG_IGN)
    began = time.time()
    if _AHEAD in sys.argv:
        import_mlflow()
    line = sys.stdin.readline()
    if line:
        settings = json.loads(line)
        ingester = Ingester(Tracking(**settings["tracking"]))
        not_ingested = ingester.not_ingested(Path(settings["runs_dir"]), before=began)
        submitted = (Path(line.rstrip("\n")) for line in sys.stdin)
        ingester.bring_in_all(chain(not_ingested, submitted))
        print(json.dumps([*ingester.tally.errors, *ingester.tally.remarks]), flush=True)
        os._exit(0)  # everything is imported, and MLflow's clean-up at exit would take a second


if __name__ == "__main__":
    main()
