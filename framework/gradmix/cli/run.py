"""``gradmix run``: Hydra composes, the runner runs, the ingester follows, the terminal tells."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import gradmix
from gradmix.contracts.errors import GradmixError
from gradmix.reports.terminal import SessionReport
from gradmix.runs.events import watched_by
from gradmix.runs.folder import unwritable
from gradmix.tracking.process import TrackingProcess


_ONLY_ASKS = ("-h", "--h", "-c", "--cfg", "-i", "--info", "-s", "--shell", "--version")
"""How those of Hydra's flags begin that ask for something and run nothing (and -cd, which may start later)."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    report, tracking = SessionReport(), TrackingProcess()
    if not any(argument.startswith(_ONLY_ASKS) for argument in arguments):
        tracking.prepare()
    try:
        with watched_by(report, tracking), _termination_as_interrupt():
            _run_hydra(arguments)
    except GradmixError as error:
        report.refused(error)
    except OSError as error:
        report.fail(1, str(unwritable(Path(error.filename or "."), error)))
    except Terminated:
        report.fail(143, "terminated; what was journalled is kept")
    except KeyboardInterrupt:
        report.fail(130, "interrupted; what was journalled is kept")
    report.close(tracking.finish())
    return report.exit_code


def _run_hydra(arguments: Sequence[str]) -> None:
    """Hand over to Hydra: it composes, and calls `run_job`, once or through a sweeper and a launcher."""
    import hydra
    from hydra.core.plugins import Plugins

    from gradmix.config.explain import explained
    from gradmix.config.source import ComponentSearchPath
    from gradmix.runs.job import run_job

    Plugins.instance().register(ComponentSearchPath)
    application = hydra.main(version_base="1.3", config_path=str(config_folder()), config_name="config")(run_job)
    sys.argv = [sys.argv[0], *arguments]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come to us, who can say more about them
    with explained():
        application()


def config_folder() -> Path:
    """The folder of gradmix's own configs: inside the installed package, or at the top of a checkout."""
    package = Path(gradmix.__file__).parent
    installed = package / "configs"
    return installed if installed.is_dir() else package.parent.parent / "configs"


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM."""


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does: journalled."""

    def terminate(number: int, frame: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
