"""The sweepers for ``hydra/sweeper``: one runs every combination of the overrides, the other searches among them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial, reduce
from operator import getitem
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from gradmix.config.aliases import component_at, path_of_override
from gradmix.config.composer import started
from gradmix.config.composition import ComposedOnce
from gradmix.config.explain import explained
from gradmix.config.grid import ComponentGrid
from gradmix.config.groups import parse
from gradmix.config.spec import checked
from gradmix.contracts.component import Component
from gradmix.contracts.errors import ConfigError, GradmixError, PluginError
from gradmix.runs.events import notify, report_problem
from gradmix.sweeps.events import options_left_out, planned
from gradmix.sweeps.launching import Launcher
from gradmix.sweeps.ledger import jobs_of_resumed
from gradmix.sweeps.plan import Intent, Job, Overrides, Planner
from gradmix.sweeps.sweep import Sweep, check, common_settings

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override
    from hydra.types import HydraContext
    from omegaconf import DictConfig

    from gradmix.sweeps.search import Search

_MOST_JOBS = 100_000
"""Upper limit: a typing error, or a file from a stranger, could request so many jobs that planning never ends."""


def sweep(wanted: Intent, config: DictConfig, context: HydraContext) -> None:
    """Run the sweep that a composed config describes, with the sweeper and launcher in the config."""
    options: dict[str, Any] = OmegaConf.to_container(config.hydra.sweeper, resolve=True)  # type: ignore[assignment]
    target = options.pop("_target_", None)
    if target not in _SWEEPERS:
        raise ConfigError(
            f"the sweeper {target} cannot be started: only gradmix's own sweepers can run its jobs: "
            "hydra/sweeper=gradmix or gradmix_optuna."
        )
    with started("sweeper", config):
        sweeper = _SWEEPERS[target](wanted, config, context, **options)
    sweeper.sweep()


class Sweeper:
    """Runs every combination of the overrides. All are planned and validated before the first job starts.

    `params` has further values to sweep over, besides the command line: key → values, as after ``-m``.
    """

    _may_drop = True
    """Whether it leaves out combinations with a choice that a component does not have."""

    def __init__(
        self, wanted: Intent, config: DictConfig, context: HydraContext, params: Mapping[str, str] | None = None
    ) -> None:
        self.wanted, self.config = wanted, config
        self.composed = ComposedOnce(context.config_loader)
        arguments = list(config.hydra.overrides.task)
        self.given = [*(f"{key}={value}" for key, value in (params or {}).items()), *arguments]
        self.launcher = Launcher(config, context)
        is_typed = wanted.resumed is None or wanted.trusts_journal  # a journal may come from a stranger
        named = arguments if is_typed else wanted.typed
        self.planner = Planner(self._compose, named, wanted.resumed, wanted.stale, self.launcher.workers)
        if not wanted.plan_only:
            self.launcher.prepare()

    def sweep(self) -> None:
        """Run the sweep."""
        choices = self._choices()
        varies = [key for key, overrides in choices.items() if len(overrides) > 1]
        fixed = {key: overrides[0] for key, overrides in choices.items() if len(overrides) == 1}
        given_again = {override.partition("=")[0] for override in self.wanted.typed}
        if self.wanted.resumed is not None and (swept := [key for key in varies if key in given_again]):
            raise ConfigError(f"{', '.join(swept)}: a resumed sweep has fixed jobs; give one value for all of them.")
        grid = self._grid(choices)
        possible = filter(grid.has, itertools.product(*choices.values()))
        combinations = dict.fromkeys(map(grid.applying, possible))  # without duplicates
        earlier = {number: grid.applying(job) for number, job in jobs_of_resumed(self.wanted, fixed).items()}
        jobs = self.planner.plan(earlier or dict(enumerate(combinations)))
        if self.wanted.plan_only:
            self._report_plan(jobs, self.launcher.workers, len(jobs))
            return
        with self._begun(jobs, varies, len(jobs)) as sweep:
            sweep.run(jobs)

    @contextmanager
    def _begun(self, jobs: Sequence[Job], varies: Sequence[str], n_jobs: int) -> Iterator[Sweep]:
        """Check the planned jobs and start the sweep; end the workers after it."""
        try:
            self._check(jobs)
            settings = common_settings(jobs)
            if settings.timing.paired and not self.launcher.is_own:
                raise ConfigError(
                    "timing.paired=true times plugins in turns in one process, which requires hydra/launcher=gradmix; "
                    f"given: {self.launcher.choice}."
                )
            with Sweep(settings, varies, self.launcher.launch, jobs, n_jobs, self.wanted) as sweep:
                yield sweep
        finally:
            self.launcher.close()

    _check = staticmethod(check)

    def _grid(self, choices: Mapping[str, Sequence[str]]) -> ComponentGrid:
        """Return the grid of the overrides. Report options that it leaves out, or refuse them if ``strict=true``."""
        fixed = [overrides[0] for key, overrides in choices.items() if len(overrides) == 1 and "." not in key]
        grid = ComponentGrid(choices, self._component_of, partial(self._keys_of, fixed), self._may_drop)
        if grid.left_out and self.config.get("strict") is True:
            raise ConfigError("\n  ".join(["strict=true refuses a grid in which", *grid.left_out]))
        if grid.left_out:
            notify(options_left_out, grid.left_out)
        return grid

    def _component_of(self, override: str) -> type[Component] | None:
        """Return the component class that an override chooses by its name, or by the name of a config file."""
        place, name = path_of_override(override), override.partition("=")[2]
        found = component_at(place, name)
        if found is None:
            with suppress(GradmixError, LookupError, TypeError):  # composing the job reports the error
                node: Any = reduce(getitem, place, self._compose((override,)))
                found = component_at(place, node["name"])
        return found

    def _keys_of(self, fixed: Sequence[str], override: str) -> Collection[str]:
        """Return the keys in the config of the component that an override chooses, if a file may have added some."""
        hydra = self.config.hydra
        if hydra.runtime.choices.get("experiment") is None and hydra.job.config_name == "config":
            return ()
        with suppress(GradmixError, LookupError, TypeError):  # composing the job reports the error
            node: Any = reduce(getitem, path_of_override(override), self._compose((*fixed, override)))
            return frozenset(node)
        return ()

    def _compose(self, overrides: Overrides) -> Mapping[str, Any]:
        with explained():
            return self.composed.compose(self.config, overrides)

    def _report_plan(self, jobs: Sequence[Job], workers: int, n_jobs: int) -> None:
        if any(job.spec is not None for job in jobs):
            common_settings(jobs)
        notify(planned, jobs, workers, n_jobs)

    def _choices(self) -> dict[str, list[str]]:
        """Return key → overrides from the command line and the config; the command line takes precedence."""
        choices: dict[str, list[str]] = {}
        for override in parse(self.given, self.composed.loader):
            key = override.get_key_element()
            choices[key] = _values(override, key)
            if not choices[key]:
                raise ConfigError(f"{override.input_line}: there is nothing to sweep over.")
            if math.prod(map(len, choices.values())) > _MOST_JOBS:
                raise ConfigError(f"{override.input_line}: a sweep has at most {_MOST_JOBS:,} jobs; this one has more.")
        return choices


def _values(override: Override, key: str) -> list[str]:
    """Return one override for each value that an override lists."""
    if not override.is_sweep_override():
        return [f"{key}={override.get_value_element_as_str()}"]
    if not override.is_discrete_sweep():
        raise ConfigError(
            f"{override.input_line}: an interval has too many values; list the values to try "
            "(hydra/sweeper=gradmix_optuna searches an interval)."
        )
    return [f"{key}={value}" for value in itertools.islice(override.sweep_string_iterator(), _MOST_JOBS + 1)]


def _listed(override: Override) -> list[str]:
    """Return `_values` for a search; an interval or a range gives only its key, as it chooses no component."""
    key = override.get_key_element()
    return [key] if override.is_sweep_override() and not override.is_choice_sweep() else _values(override, key)


class OptunaSweeper(Sweeper):
    """Searches among the overrides for the best value of a metric, one batch of jobs at a time.

    The values in `params` may be ``range(1,9)``, ``tag(log,interval(1e-9,1))`` or choices. The other options are those
    of `gradmix.sweeps.search.SearchOptions`.
    """

    _may_drop = False

    def __init__(
        self,
        wanted: Intent,
        config: DictConfig,
        context: HydraContext,
        params: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(wanted, config, context, params)
        self._options = options

    def sweep(self) -> None:
        """Run the search."""
        try:
            from gradmix.sweeps.search import Search, SearchOptions, fixed_of
        except ModuleNotFoundError as error:
            raise PluginError("hydra/sweeper=gradmix_optuna needs Optuna: pip install 'gradmix[optuna]'.") from error
        options = checked(SearchOptions, self._options, "hydra.sweeper")
        self.n_trials, self.batch = options.n_trials, options.batch
        parsed = parse(self.given, self.composed.loader)
        self.grid = self._grid({each.get_key_element(): _listed(each) for each in parsed})
        resumed = jobs_of_resumed(self.wanted, fixed_of(parsed))
        earlier = self.planner.plan({number: self.grid.applying(job) for number, job in resumed.items()})
        search = Search(parsed, options, options.seed + len(earlier))  # other random choices when resumed
        asked = [] if earlier else self._ask(search, 0)
        first = [*earlier, *(job for _, job in asked)]
        declared = {name for job in first if job.spec is not None for name in job.spec.meanings}
        if doubt := search.doubt(declared):
            report_problem(doubt)
        n_jobs = max(self.n_trials, len(first))
        if self.wanted.plan_only:
            self._report_plan(first, min(self.launcher.workers, self.batch), n_jobs)
            return
        with self._begun(first, list(search.space), n_jobs) as sweep:
            ends = {end.number: end for end in sweep.run(earlier)}
            for job in earlier:
                if job.number in ends:
                    search.remember(job.overrides, ends[job.number])
            number = 1 + max(job.number for job in first)
            while True:
                ends = {end.number: end for end in sweep.run([job for _, job in asked])}
                for trial, job in asked:
                    search.tell(trial, ends.get(job.number))
                if number >= self.n_trials or sweep.is_stopped:
                    return
                asked = self._ask(search, number)
                jobs = [job for _, job in asked]
                common_settings([*first, *jobs])
                sweep.ledger.ask(jobs)
                number += len(asked)

    def _ask(self, search: Search, first: int) -> list[tuple[Any, Job]]:
        """Return the next trials and their jobs, which are numbered from `first`."""
        trials = search.ask(min(self.batch, self.n_trials - first))
        asked = {first + place: self.grid.applying(overrides) for place, (_, overrides) in enumerate(trials)}
        jobs = self.planner.plan(asked)
        return [(trial, job) for (trial, _), job in zip(trials, jobs, strict=True)]

    @staticmethod
    def _check(jobs: Sequence[Job]) -> None:
        """Raise an error only if all jobs are impossible; otherwise, an impossible job counts as failed."""
        if all(job.spec is None for job in jobs):
            check(jobs)


_SWEEPERS: Mapping[str, type[Sweeper]] = {
    "gradmix.sweeps.sweeper.Sweeper": Sweeper,
    "gradmix.sweeps.sweeper.OptunaSweeper": OptunaSweeper,
}
"""``_target_`` of ``hydra/sweeper`` → its class."""
