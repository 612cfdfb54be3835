"""``gradmix run``: compose the config with Hydra, execute the run or sweep, import it into MLflow, and report on it."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial, reduce
from operator import getitem
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradmix.cli.parser import CommandParser
from gradmix.contracts.errors import ConfigError, GradmixError, StorageError
from gradmix.contracts.terminal import visible
from gradmix.interrupts import Terminated, termination_as_interrupt

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from gradmix.config.composer import Composer
    from gradmix.reports.terminal import SessionReport
    from gradmix.sweeps.plan import Intent
    from gradmix.tracking.process import TrackingProcess

PLAN_FLAG = "--plan"
"""gradmix's own flag: print what would run, without running it."""

_INFORMATION = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")


def _parser() -> CommandParser:
    """Return a parser with the flags of a Hydra application and gradmix's own."""
    parser = CommandParser("run", is_hydras=True)
    add, flag = parser.add_argument, "store_true"
    add("overrides", nargs="*", help="key=value, group=option, key=value,value for a sweep")
    add("--help", "-h", action=flag, help="print the groups of options, and the config")
    add("--hydra-help", action=flag, help="Hydra's own options")
    add("--version", action=flag, help="Hydra's version")
    add("--cfg", "-c", choices=["job", "hydra", "all"], help="show the config instead of running it")
    add("--resolve", action=flag, help="with --cfg: resolve interpolations")
    add("--package", "-p", help="with --cfg: the part of the config to show")
    add("--info", "-i", const="all", nargs="?", choices=_INFORMATION, help=f"show {', '.join(_INFORMATION)}")
    add("--shell-completion", "-sc", action=flag, help="install=bash, uninstall=bash")
    add("--run", "-r", action=flag, help="run a job; the default")
    add("--multirun", "-m", action=flag, help="run a sweep")
    add(PLAN_FLAG, action=flag, help="print what would run, without running it")
    add("--config-path", "-cp", help="config folder instead of gradmix's own")
    add("--config-name", "-cn", default="config", help="the primary config")
    add("--config-dir", "-cd", help="config folder in addition to gradmix's own (default: configs, if there is one)")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    options = _read(arguments)
    if options.version:
        from hydra import __version__

        print(visible(f"Hydra {__version__}"))
        return 0
    if options.help or options.hydra_help or options.cfg or options.info or options.shell_completion:
        _answer(options)
        return 0
    from gradmix.sweeps.plan import Intent

    without_plan = tuple(argument for argument in arguments if argument != PLAN_FLAG)
    return run_as(Intent(without_plan, without_plan, plan_only=options.plan))


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    if any(argument.startswith("--experimental-rerun") for argument in arguments):
        raise ConfigError("--experimental-rerun is not supported, as it opens a pickle; give the overrides again.")
    return _parser().parse_intermixed_args(arguments)


def _composing(options: argparse.Namespace) -> AbstractContextManager[Composer]:
    from gradmix.config.composer import composing
    from gradmix.config.files import own_folder
    from gradmix.config.source import Request

    overrides = tuple(options.overrides)
    besides = options.config_dir if options.config_dir or options.config_path else own_folder()
    return composing(Request(overrides, options.multirun, options.config_name, options.config_path, besides))


def _answer(options: argparse.Namespace) -> None:
    """Answer a question about the config with Hydra, without importing modules that only a run needs."""
    logging.raiseExceptions = False  # Hydra answers --info by logging, and the reader may be `head`
    with _composing(options) as composer:
        hydra, name, overrides = composer.hydra, options.config_name, composer.overrides
        options.overrides = overrides
        if options.help:
            print(_help(composer, options.resolve))
        elif options.hydra_help:
            hydra.hydra_help(name, _parser(), options)
        elif options.cfg:
            print(visible(_config(composer, options)), end="")
        elif options.info:
            hydra.show_info(options.info, name, overrides)
        else:
            import hydra._internal.utils as arguments_of_hydra

            arguments_of_hydra.get_args_parser = _parser  # Hydra's does not know --plan, and fails in Python 3.14
            hydra.shell_completion(name, overrides)


def _composed(composer: Composer) -> tuple[DictConfig, Collection[tuple[str, ...]]]:
    """Compose a config to show it, in which each option has the value given to its alias; return the aliases, too."""
    from hydra.core.hydra_config import HydraConfig

    from gradmix.config.aliases import settle_aliases

    config = composer.compose()
    HydraConfig.instance().set_config(config)
    return config, settle_aliases(config, composer.overrides)


def _config(composer: Composer, options: argparse.Namespace) -> str:
    """Return the config of a run, or the common config of a sweep's jobs, as Hydra shows it with the same flags.

    An alias is shown as a reference to its option; resolved, it would show the value twice.
    """
    from omegaconf import OmegaConf, open_dict

    config, aliases = _composed(composer)
    OmegaConf.set_readonly(config.hydra, None)
    if options.resolve:
        OmegaConf.resolve(config)
        with open_dict(config):
            for *owner, alias in aliases:
                del reduce(getitem, owner, config)[alias]
    shown: Any = composer.hydra.get_sanitized_cfg(config, options.cfg)
    if options.package not in (None, "_global_"):
        shown = OmegaConf.select(shown, options.package)
        if shown is None:
            raise ConfigError(f"--package={options.package}: the config has no such part.")
    if not OmegaConf.is_config(shown):
        return f"{shown}\n"
    header = f"# @package {options.package}\n" if options.package is not None else ""
    return header + OmegaConf.to_yaml(shown)


def _help(composer: Composer, resolve: bool) -> str:
    """Return the help from the config's template. Hydra's own function is slow: it copies its store for each group."""
    from string import Template

    from omegaconf import OmegaConf

    config, _ = _composed(composer)
    groups = {group: f"{group}: {', '.join(options)}\n" for group, options in composer.groups().items()}
    hydras = {group: line for group, line in groups.items() if group.partition("/")[0] == "hydra"}
    shown = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    return Template(config.hydra.help.template).substitute(
        APP_CONFIG_GROUPS="".join(line for group, line in groups.items() if group not in hydras),
        HYDRA_CONFIG_GROUPS="".join(hydras.values()),
        FLAGS_HELP=_parser().format_help(),
        CONFIG=OmegaConf.to_yaml(shown, resolve=resolve),
    )


def run_as(wanted: Intent) -> int:
    """Execute the run or sweep that `wanted` describes; return the exit code."""
    from gradmix.cli.outcome import Outcome
    from gradmix.journal.folder import unwritable
    from gradmix.reports.console import say
    from gradmix.reports.terminal import SessionReport
    from gradmix.tracking.process import TrackingProcess

    report, tracking, outcome = SessionReport(), TrackingProcess(), Outcome()
    exit_code, complaint = 0, ""
    try:
        perform(wanted, report, tracking, outcome)
    except GradmixError as error:
        exit_code, complaint = 1 if isinstance(error, StorageError) else 2, str(error)  # 2: the user can correct it
    except OSError as error:
        exit_code, complaint = 1, str(unwritable(Path(error.filename or "."), error))
    except Terminated:
        exit_code, complaint = 143, "terminated; everything in the journal is kept"
    except KeyboardInterrupt:
        exit_code, complaint = 130, "interrupted; everything in the journal is kept"
    outcome.closing(report.close)
    if complaint:
        say("gradmix run", complaint)
    errors: list[str] = []
    try:
        errors = tracking.finish()
    except KeyboardInterrupt:
        exit_code, errors = 130, ["interrupted. Nothing is lost: `gradmix sync` imports the rest."]
    outcome.closing(lambda: report.close_tracking(errors))
    return exit_code or outcome.exit_code


def perform(wanted: Intent, report: SessionReport, tracking: TrackingProcess, *others: object) -> None:
    """Execute the run or sweep that `wanted` describes; the report, the tracking and other listeners get its events."""
    from gradmix.config.user_file import default_tracking
    from gradmix.reports.sweep_artifacts import SweepArtifacts
    from gradmix.runs.events import watched_by
    from gradmix.runs.origin import GitState

    watchers = report.watchers if wanted.plan_only else (*report.watchers, SweepArtifacts(), tracking)
    is_new = not wanted.plan_only and wanted.resumed is None
    if is_new and "tracking=none" not in wanted.arguments and default_tracking()["uri"] is not None:
        tracking.prepare()  # MLflow loads while the config is composed; a resumed sweep may not need it
    with watched_by(*watchers, *others), termination_as_interrupt():
        _compose_and_run(wanted if wanted.plan_only else replace(wanted, git=GitState(Path.cwd())))


def _compose_and_run(wanted: Intent) -> None:
    """Compose the config; then run it, sweep over it or print its plan."""
    from hydra.types import RunMode

    options = _read(wanted.arguments)
    with _composing(options) as composer:
        config = composer.compose()
        wanted = replace(wanted, flags=_flags(options, composer))
        if config.hydra.job.chdir:
            raise ConfigError(
                "hydra.job.chdir=true is not supported: runs_dir and data files are relative to the current folder."
            )
        if config.hydra.mode == RunMode.MULTIRUN:
            if wanted.one_only:
                raise ConfigError("the config requests a sweep (hydra.mode=MULTIRUN); use gradmix.sweep.")
            from gradmix.sweeps.sweeper import sweep

            composer.sweep(config, partial(sweep, wanted))
        elif wanted.plan_only:
            _plan(config)
        else:
            composer.run(config, partial(_run, wanted))


def _flags(options: argparse.Namespace, composer: Composer) -> tuple[str, ...]:
    """Return the arguments that, with its overrides, repeat a run or a single job of a sweep."""
    given = {name: getattr(options, name) for name in ("config_path", "config_name", "config_dir")}
    changed = {name: value for name, value in given.items() if value != _parser().get_default(name)}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in changed.items()]
    return (*flags, "hydra.mode=RUN") if composer.is_sweep_by_config else tuple(flags)


def _plan(config: DictConfig) -> None:
    """Report the plan of a single run."""
    from hydra.core.hydra_config import HydraConfig

    from gradmix.config.composition import plain_config
    from gradmix.runs.events import notify
    from gradmix.sweeps.events import planned
    from gradmix.sweeps.plan import Planner

    HydraConfig.instance().set_config(config)
    overrides = tuple(config.hydra.overrides.task)
    planner = Planner(lambda _: plain_config(config, overrides), overrides)
    notify(planned, planner.plan({0: ()}), 1, 1)


def _run(wanted: Intent, config: DictConfig) -> None:
    """Make the run that a composed config describes, in a new folder."""
    from hydra.core.hydra_config import HydraConfig

    from gradmix.config.composition import plain_config
    from gradmix.config.spec import read_spec
    from gradmix.config.trust import check_trust
    from gradmix.journal.folder import fresh_folder
    from gradmix.runs.events import notify, settings_known
    from gradmix.runs.runner import Order, execute

    overrides = tuple(HydraConfig.get().overrides.task)
    spec = read_spec(plain_config(config, overrides))
    check_trust(spec, overrides)
    spec.task.check()
    notify(settings_known, spec.settings)
    folder = fresh_folder(Path(spec.settings.runs_dir) / spec.settings.name, spec.label.replace(" on ", "-"))
    execute(Order(spec, folder, overrides=overrides, origin=wanted.origin(*overrides)))


def check_composition(arguments: Sequence[str]) -> None:
    """Check that the config of a run or sweep can be composed, without running it; otherwise raise a ConfigError."""
    with _composing(_read(arguments)) as composer:
        composer.compose()
