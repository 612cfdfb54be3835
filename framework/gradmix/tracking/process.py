"""The ingester in a process of its own: MLflow loads while the run works, and nothing that it does can harm the run.

The parent writes the settings and then folders on the child's standard input, one a line, and closes it when there are
no more; the child answers once, on its standard output, with what went wrong.
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
        """Start the process; ahead of any need, it loads MLflow while we get ready."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gradmix.tracking.process", *([_AHEAD] if is_ahead else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            process_group=0,  # Ctrl-C is for the run; what it journalled comes in first
        )
        # A thread feeds it: a stuck server must not hold up the run.
        threading.Thread(target=self._feed, args=(self._process,), daemon=True).start()

    @hookimpl
    def settings_known(self, settings: Settings) -> None:
        """Name the store; the ingester brings in first what earlier sessions have left behind."""
        if self._is_wanted or settings.tracking.uri is None:
            return
        self._is_wanted = True
        if self._process is None:
            self.prepare(is_ahead=False)
        self._lines.put(json.dumps({"tracking": asdict(settings.tracking), "runs_dir": settings.runs_dir}))

    def submit(self, folder: Path) -> None:
        """Ask for a journal to be brought in, soon."""
        if self._is_wanted:
            self._lines.put(str(folder.absolute()))

    @hookimpl
    def gradmix_run_finished(self, run: RunInfo, metrics: Mapping[str, float]) -> None:
        """Bring in a finished run."""
        self.submit(run.folder)

    @hookimpl
    def gradmix_run_failed(self, run: RunInfo, error: BaseException) -> None:
        """Bring in a failed run."""
        self.submit(run.folder)

    @hookimpl
    def sweep_started(self, sweep: SweepInfo, jobs: Sequence[Job]) -> None:
        """Bring in the sweep itself, its jobs' parent; if it is unchanged, the ingester knows what it lacks."""
        if not sweep.is_unchanged:
            self.submit(sweep.folder)

    @hookimpl
    def job_ended(self, sweep: SweepInfo, end: Run) -> None:
        """Bring in a job's run; results that were there come with the sweep."""
        if end.began and not end.is_reused:
            self.submit(end.folder)

    @hookimpl
    def sweep_ended(self, sweep: SweepInfo) -> None:
        """Bring in how it ended, and what of its jobs is not in yet."""
        for folder in () if sweep.is_unchanged else find_journals(sweep.folder):
            self.submit(folder)

    def finish(self) -> list[str]:
        """Wait until everything submitted is in; what went wrong, in words."""
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
            return ["the ingester stopped before it was done. Nothing is lost: `gradmix sync` brings the rest in."]
        return [str(error) for error in json.loads(answer.splitlines()[-1])]

    def _feed(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        try:
            while (line := self._lines.get()) is not None:
                process.stdin.write(line + "\n")
                process.stdin.flush()
            process.stdin.close()
        except BrokenPipeError:
            return  # the process has gone; `finish` tells


def main() -> None:
    """Bring in the journals named on standard input, until it ends."""
    for number in (signal.SIGINT, signal.SIGTERM):  # they are for the run; what it journalled comes here first
        signal.signal(number, signal.SIG_IGN)
    began = time.time()
    if _AHEAD in sys.argv:
        import_mlflow()
    line = sys.stdin.readline()
    if line:
        told = json.loads(line)
        ingester = Ingester(Tracking(**told["tracking"]))
        left_behind = ingester.left_behind(Path(told["runs_dir"]), before=began)
        submitted = (Path(line.rstrip("\n")) for line in sys.stdin)
        ingester.bring_in_all(chain(left_behind, submitted), Path(told["runs_dir"]))
        print(json.dumps([*ingester.tally.errors, *ingester.tally.remarks]), flush=True)
        os._exit(0)  # all is in: what MLflow still has to tidy up when a process ends would take a second


if __name__ == "__main__":
    main()
