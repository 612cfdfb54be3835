"""The adaptive sweeper: searches ranges, intervals and choices by Optuna.

Hydra scans this module in every process, so it imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hydra.core.config_store import ConfigStore

from hydra_plugins.gradmix_sweeper import GradmixSweeper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradmix.sweeps.events import JobEnd
    from gradmix.sweeps.plan import Job, Planner
    from gradmix.sweeps.search import Search
    from gradmix.sweeps.sweep import Sweep

__all__ = ["GradmixOptunaSweeper"]


ConfigStore.instance().store(
    group="hydra/sweeper",
    name="gradmix_optuna",
    node={
        "_target_": "hydra_plugins.gradmix_optuna.GradmixOptunaSweeper",
        "params": {},
        "n_trials": 20,
        "batch": 1,
        "metric": None,
        "better": None,
        "sampler": "tpe",
        "seed": 0,
    },
    provider="gradmix",
)


class GradmixOptunaSweeper(GradmixSweeper):
    """Searches among the overrides for the best value of a metric, a batch of jobs at a time.

    Parameters
    ----------
    params
        What to search, besides the command line: key → ``range(1,9)``, ``tag(log,interval(1e-9,1))`` or choices.
    n_trials
        How many jobs in all.
    batch
        Jobs between two choices; as many as there are workers keeps them busy.
    metric
        What to search for; null for the metric by which runs of that kind are ranked.
    better
        ``lower`` or ``higher``; null where the metric tells.
    sampler
        tpe, gp, cmaes, qmc or random.
    seed
        Of the sampler.
    """

    def __init__(
        self,
        params: dict[str, str] | None = None,
        n_trials: int = 20,
        batch: int = 1,
        metric: str | None = None,
        better: str | None = None,
        sampler: str = "tpe",
        seed: int = 0,
    ) -> None:
        super().__init__(params)
        self.n_trials, self.batch, self.seed = n_trials, batch, seed
        self.metric, self.better, self.sampler = metric, better, sampler

    def sweep(self, arguments: list[str]) -> list[JobEnd]:
        """Run the search."""
        from gradmix.runs.events import report_problem
        from gradmix.sweeps.intent import intent
        from gradmix.sweeps.ledger import jobs_of_resumed
        from gradmix.sweeps.search import Goal, Search, fixed_of

        self._check_counts()
        goal = Goal(None if self.metric is None else str(self.metric), self.better)
        given = [*(f"{key}={value}" for key, value in self.params.items()), *arguments]
        planner = self._planner(arguments)
        parsed = self.composed.parse(given)
        earlier = planner.plan(jobs_of_resumed(fixed_of(parsed)))
        seed = self.seed + len(earlier)  # not the same random choices again
        search = Search(parsed, goal, self.sampler, seed)
        trials = [] if earlier else search.ask(min(self.batch, self.n_trials))
        first = earlier or planner.plan({number: overrides for number, (_, overrides) in enumerate(trials)})
        declared = {name for job in first if job.spec is not None for name in job.spec.meanings}
        if doubt := goal.doubt(declared):
            report_problem(doubt)
        n_jobs = max(self.n_trials, len(first))
        if intent().plan_only:
            self._tell_plan(first, min(self._workers(), self.batch), n_jobs)
            return []
        with self._begun(first, search.varies, n_jobs) as sweep:
            ends = {end.number: end for end in sweep.run(first)}
            for job in earlier:
                if job.number in ends:
                    search.remember(job.overrides, ends[job.number])
            for number, (trial, _) in enumerate(trials):
                search.tell(trial, ends.get(number))
            self._go_on(search, planner, sweep, first)
            return list(sweep.ledger.ends.values())

    def _check(self, planned: Sequence[Job]) -> None:
        """One that is impossible is a job that failed, unless all are."""
        if all(job.spec is None for job in planned):
            super()._check(planned)

    def _check_counts(self) -> None:
        from gradmix.contracts.errors import ConfigError

        for name, value in (("n_trials", self.n_trials), ("batch", self.batch)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"hydra.sweeper.{name} must be an integer > 0; given: {value!r}.")

    def _go_on(self, search: Search, planner: Planner, sweep: Sweep, first: Sequence[Job]) -> None:
        """Ask for jobs, run them, and tell what they reached, until there have been enough."""
        from gradmix.sweeps.sweep import common_settings

        count = 1 + max(job.number for job in first)
        while count < self.n_trials and not sweep.is_stopped:
            trials = search.ask(min(self.batch, self.n_trials - count))
            jobs = planner.plan({count + place: overrides for place, (_, overrides) in enumerate(trials)})
            common_settings([*first, *jobs])
            sweep.ledger.ask(jobs)
            ends: dict[int, Any] = {end.number: end for end in sweep.run(jobs)}
            for place, (trial, _) in enumerate(trials):
                search.tell(trial, ends.get(count + place))
            count += len(trials)
