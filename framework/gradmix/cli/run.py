"""``gradmix run``: Hydra composes, the runner runs, the ingester follows, the terminal tells."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradmix.contracts.errors import ConfigError, GradmixError
from gradmix.contracts.terminal import visible
from gradmix.interrupts import Terminated, termination_as_interrupt

if TYPE_CHECKING:
    from gradmix.config.guarded import GuardedLoader
    from gradmix.sweeps.intent import Intent

_QUESTIONS = ("-h", "--h", "-c", "--cfg", "-i", "--info", "-s", "--shell", "--version")
"""How those of Hydra's flags begin that ask for something and run nothing."""
_CONFIG_FLAGS = {"-cd", "-cn", "-cp"}
PLAN_FLAG = "--plan"
"""Our own: say what would run, and run nothing."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    flags = {argument.partition("=")[0] for argument in arguments if argument.startswith(_QUESTIONS)}
    return _ask(arguments) if flags - _CONFIG_FLAGS else _run(arguments)


def _ask(arguments: Sequence[str]) -> int:
    """Have Hydra answer a question about the configuration; nothing that only a run needs is loaded."""
    logging.raiseExceptions = False  # Hydra answers --info by logging, and the reader may be `head`
    try:
        _hand_over(arguments, _no_job)
    except GradmixError as error:
        print(visible(f"gradmix run: {error}"), file=sys.stderr)
        return 2
    return 0


def _no_job(config: Any) -> None:
    raise AssertionError("a question or a check runs nothing")


def _run(arguments: Sequence[str]) -> int:
    """Run an experiment or a sweep, or plan it."""
    from gradmix.sweeps.intent import Intent

    without_plan = [argument for argument in arguments if argument != PLAN_FLAG]
    return run_as(Intent(tuple(without_plan), tuple(without_plan), plan_only=len(without_plan) < len(arguments)))


def run_as(wanted: Intent) -> int:
    """Run what the arguments say, as wanted; returns the exit code."""
    from gradmix.journal.folder import unwritable
    from gradmix.reports.sweep_artifacts import SweepArtifacts
    from gradmix.reports.terminal import SessionReport
    from gradmix.runs.events import watched_by
    from gradmix.sweeps.intent import intending
    from gradmix.sweeps.job import run_job
    from gradmix.tracking.process import TrackingProcess

    report, tracking = SessionReport(), TrackingProcess()
    watchers = (report,) if wanted.plan_only else (report, SweepArtifacts(), tracking)
    if not wanted.plan_only and "tracking=none" not in wanted.arguments:
        tracking.prepare()  # MLflow loads while the config is composed
    try:
        with intending(wanted), watched_by(*watchers), termination_as_interrupt():
            here = ("hydra.run.dir=.",) if wanted.plan_only else ()  # Hydra would make a folder
            _hand_over((*wanted.arguments, *here), run_job)
    except GradmixError as error:
        report.refused(error)
    except OSError as error:
        report.fail(1, str(unwritable(Path(error.filename or "."), error)))
    except Terminated:
        report.fail(143, "terminated; what was journalled is kept")
    except KeyboardInterrupt:
        report.fail(130, "interrupted; what was journalled is kept")
    report.close()
    try:
        report.close_tracking(tracking.finish())
    except KeyboardInterrupt:
        report.close_tracking(["interrupted. Nothing is lost: `gradmix sync` brings the rest in."])
        return 130
    return report.exit_code


def check_composition(arguments: Sequence[str]) -> None:
    """Check that a config, or that of a sweep, can be composed; nothing is run.

    Raises
    ------
    ConfigError
        If not, since an option is unknown, for example.
    """
    from gradmix.config.guarded import ComposedError, ComposingOnly

    with suppress(ComposedError):
        _hand_over(arguments, _no_job, ComposingOnly)


def _hand_over(arguments: Sequence[str], job: Callable[[Any], Any], loader: type[GuardedLoader] | None = None) -> None:
    """Hand over to Hydra: it composes, and calls `job`, once or through a sweeper and a launcher."""
    import hydra
    from hydra.conf import HydraConf
    from hydra.core.config_store import ConfigStore
    from hydra.core.plugins import Plugins

    from gradmix.config.explain import explained
    from gradmix.config.groups import group_arguments
    from gradmix.config.guarded import guarded
    from gradmix.config.source import ComponentSearchPath
    from gradmix.config.sweep_arguments import for_each_component

    if any(argument.startswith("--e") for argument in arguments):
        raise ConfigError("--experimental-rerun opens a pickle, which can run anything; give the overrides again.")
    Plugins.instance().register(ComponentSearchPath)
    store = ConfigStore.instance()
    store.store(group="hydra", name="config", node=HydraConf(defaults=_hydra_defaults()), provider="hydra")
    # Hydra copies its store for each group that it lists, half of the time of --help. Nothing changes it any more.
    store.__deepcopy__ = lambda memo: store  # type: ignore[attr-defined]
    application = hydra.main(version_base="1.3", config_path=str(config_folder()), config_name="config")(job)
    arguments = group_arguments(arguments)
    if {"-m", "--multirun"} & set(arguments):
        arguments = for_each_component(arguments)
    flags_first = sorted(arguments, key=lambda argument: argument not in ("-m", "--multirun"))  # argparse wants that
    sys.argv = ["gradmix", *flags_first]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come to us, who can say more about them
    with explained(), guarded(loader):
        application()


_HYDRA_DEFAULTS = {"launcher": "gradmix", "sweeper": "gradmix", "job_logging": "disabled", "hydra_logging": "disabled"}
"""Group of Hydra's own → its default for us; an override in our config could not be overridden by an experiment."""


def _hydra_defaults() -> list[Any]:
    from hydra.conf import HydraConf

    return [
        {group: _HYDRA_DEFAULTS.get(group, choice) for group, choice in each.items()} for each in HydraConf().defaults
    ]


def config_folder() -> Path:
    """The folder of gradmix's own configs: inside the installed package, or at the top of a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "configs"
    return installed if installed.is_dir() else package.parent.parent / "configs"
