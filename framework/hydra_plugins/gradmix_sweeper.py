"""Where Hydra looks for plugins: gradmix's sweeper and the config source of its components.

Hydra scans this module in every process, so it imports nothing heavy; other Hydra applications are not affected.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper

from gradmix.config.checked_files import CheckedFiles
from gradmix.config.source import ComponentSource

if TYPE_CHECKING:
    from hydra.plugins.launcher import Launcher
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig

    from gradmix.sweeps.events import JobEnd
    from gradmix.sweeps.job import JobReport, SweepJob
    from gradmix.sweeps.plan import Job, Overrides, Planner
    from gradmix.sweeps.sweep import Sweep

__all__ = ["CheckedFiles", "ComponentSource", "GradmixSweeper"]

_MOST_JOBS = 100_000
"""A slip, or a stranger's file, could ask for so many that the command would never begin."""

ConfigStore.instance().store(
    group="hydra/sweeper",
    name="gradmix",
    node={"_target_": "hydra_plugins.gradmix_sweeper.GradmixSweeper", "params": {}},
    provider="gradmix",
)


class GradmixSweeper(Sweeper):
    """Every combination of the overrides, all planned and checked before the first starts.

    Parameters
    ----------
    params
        What to sweep over, besides the command line: key → values, as after ``-m``.
    """

    def __init__(self, params: dict[str, str] | None = None) -> None:
        self.params = params or {}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra has prepared."""
        from gradmix.config.composition import ComposedOnce
        from gradmix.sweeps.foreign import prepare
        from gradmix.sweeps.intent import intent

        self.context, self.task_function, self.master = hydra_context, task_function, config
        self.composed = ComposedOnce(hydra_context.config_loader)
        self._own: Any = None
        choice = config.hydra.runtime.choices["hydra/launcher"]
        if not intent().plan_only and choice == "gradmix":
            self._own = self._instantiate_launcher(task_function)  # its workers load while we plan
        elif not intent().plan_only:
            prepare(choice, config.hydra.launcher)

    def sweep(self, arguments: list[str]) -> list[JobEnd]:
        """Run the sweep."""
        from gradmix.sweeps.intent import intent
        from gradmix.sweeps.ledger import jobs_of_resumed

        choices = self._choices(arguments)
        varies = [key for key, overrides in choices.items() if len(overrides) > 1]
        fixed = {key: overrides[0] for key, overrides in choices.items() if len(overrides) == 1}
        _check_resumed(varies)
        jobs = jobs_of_resumed(fixed) or dict(enumerate(itertools.product(*choices.values())))
        planned = self._planner(arguments).plan(jobs)
        if intent().plan_only:
            self._tell_plan(planned, self._workers(), len(planned))
            return []
        with self._begun(planned, varies, len(planned)) as sweep:
            return sweep.run(planned)

    @contextmanager
    def _begun(self, planned: Sequence[Job], varies: Sequence[str], n_jobs: int) -> Iterator[Sweep]:
        """Check what is planned, and begin; the workers go when the sweep is over."""
        from gradmix.sweeps.sweep import Sweep, common_settings

        try:
            self._check(planned)
            settings = common_settings(planned)
            self._check_launcher(settings.timing.paired)
            with Sweep(settings, varies, self._launch, planned, n_jobs) as sweep:
                yield sweep
        finally:
            if self._own is not None:
                self._own.pool.close()

    def _check(self, planned: Sequence[Job]) -> None:
        """Check that all can be run."""
        from gradmix.sweeps.sweep import check

        check(planned)

    def _planner(self, arguments: Sequence[str]) -> Planner:
        from gradmix.sweeps.intent import intent
        from gradmix.sweeps.plan import Planner

        is_typed = intent().resumed is None or intent().trusts_journal  # a journal may be a stranger's
        named = arguments if is_typed else intent().typed
        return Planner(self._compose, named, intent().resumed, intent().stale, self._workers())

    def _tell_plan(self, jobs: Sequence[Job], workers: int, n_jobs: int) -> None:
        from gradmix.runs.events import tell
        from gradmix.sweeps.events import planned
        from gradmix.sweeps.sweep import common_settings

        if any(job.spec is not None for job in jobs):
            common_settings(jobs)
        tell(planned, jobs, workers, n_jobs)

    def _choices(self, arguments: Sequence[str]) -> dict[str, list[str]]:
        """Key → the overrides that the command line and the config ask for; the command line wins."""
        from gradmix.contracts.errors import ConfigError

        given = [*(f"{key}={value}" for key, value in self.params.items()), *arguments]
        choices: dict[str, list[str]] = {}
        for override in self.composed.parse(given):
            key = override.get_key_element()
            if not override.is_sweep_override():
                choices[key] = [f"{key}={override.get_value_element_as_str()}"]
            elif override.is_discrete_sweep():
                values = itertools.islice(override.sweep_string_iterator(), _MOST_JOBS + 1)
                choices[key] = [f"{key}={value}" for value in values]
            else:
                raise ConfigError(
                    f"{override.input_line}: list the values to try; an interval has no end of them "
                    "(hydra/sweeper=gradmix_optuna searches one)."
                )
            if not choices[key]:
                raise ConfigError(f"{override.input_line}: there is nothing to sweep over.")
            if math.prod(map(len, choices.values())) > _MOST_JOBS:
                raise ConfigError(f"{override.input_line}: a sweep has at most {_MOST_JOBS:,} jobs; this one has more.")
        return choices

    def _compose(self, overrides: Overrides) -> Mapping[str, Any]:
        from gradmix.config.explain import explained

        with explained():
            return self.composed.compose(self.master, overrides)

    def _check_launcher(self, is_paired: bool) -> None:
        from gradmix.contracts.errors import ConfigError

        if is_paired and self._own is None:
            raise ConfigError(
                "timing.paired=true times plugins in turns, in one process, which hydra/launcher=gradmix alone can; "
                f"chosen: {self.master.hydra.runtime.choices['hydra/launcher']}."
            )

    def _workers(self) -> int:
        """How many jobs run at a time."""
        from gradmix.sweeps.foreign import workers_of

        choice = self.master.hydra.runtime.choices["hydra/launcher"]
        return workers_of(choice, self.master.hydra.launcher)

    def _launch(self, job: SweepJob, jobs: Sequence[Job]) -> Sequence[JobReport]:
        """Have the chosen launcher run jobs."""
        from gradmix.sweeps.foreign import launch, set_defaults, start_ray, threads_for

        job = replace(job, workers=self._workers())
        if self._own is not None:
            return self._own.run(job, jobs)  # type: ignore[no-any-return]
        from omegaconf import open_dict

        with open_dict(self.master):
            self.master.hydra.sweep.dir = str(job.folder)
            set_defaults(choice := self.master.hydra.runtime.choices["hydra/launcher"], self.master.hydra.launcher)
        with threads_for(self._workers()) as threads:
            start_ray(choice, self.master.hydra.launcher)
            return launch(self._instantiate_launcher, job, jobs, threads)

    def _instantiate_launcher(self, task: Any) -> Launcher:
        from hydra.core.plugins import Plugins

        from gradmix.config.composer import started

        with started("launcher", self.master):
            return Plugins.instance().instantiate_launcher(
                hydra_context=self.context, task_function=task, config=self.master
            )


def _check_resumed(varies: Sequence[str]) -> None:
    """Check that what is given anew to a sweep that is taken up again has one value: its jobs are there already."""
    from gradmix.contracts.errors import ConfigError
    from gradmix.sweeps.intent import intent

    given = {override.partition("=")[0] for override in intent().typed}
    if intent().resumed is not None and (swept := [key for key in varies if key in given]):
        raise ConfigError(f"{', '.join(swept)}: a sweep that is resumed has its jobs; give one value for all of them.")
