"""The launcher of gradmix's own: a sweep's jobs in worker processes beside the main one, which outlives them.

Hydra scans this module in every process, so it imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hydra.core.config_store import ConfigStore
from hydra.plugins.launcher import Launcher

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig

    from gradmix.sweeps.job import JobReport, SweepJob
    from gradmix.sweeps.plan import Job

__all__ = ["GradmixLauncher"]


ConfigStore.instance().store(
    group="hydra/launcher",
    name="gradmix",
    node={"_target_": "hydra_plugins.gradmix_launcher.GradmixLauncher", "workers": 1},
    provider="gradmix",
)


class GradmixLauncher(Launcher):
    """Runs jobs in worker processes that stay: no job pays for a start, and one that dies costs itself alone.

    Parameters
    ----------
    workers
        How many; the cores are shared out among them.
    """

    def __init__(self, workers: int = 1) -> None:
        from gradmix.sweeps.foreign import workers_of
        from gradmix.sweeps.worker_pool import WorkerPool

        self.pool = WorkerPool(workers_of("gradmix", {"workers": workers}))

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Nothing to prepare: the workers load already."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Not this way: the jobs of gradmix's sweeper come planned."""
        from gradmix.contracts.errors import ConfigError

        raise ConfigError("hydra/launcher=gradmix runs the jobs of gradmix's own sweepers only.")

    def run(self, job: SweepJob, jobs: Sequence[Job]) -> list[JobReport]:
        """Run planned jobs; those whose plugins are to be timed in turns, together."""
        from gradmix.runs.timing import rounds_of
        from gradmix.sweeps.job import JobRequest
        from gradmix.sweeps.plan import blocks

        requests = [[JobRequest(each.number, each.config, each.overrides) for each in block] for block in blocks(jobs)]
        specs = [each.spec for each in jobs if each.spec is not None]
        settings = specs[0].settings
        rounds = max(rounds_of(spec.task, settings.timing) for spec in specs)
        return self.pool.run(job, requests, settings.limits, rounds)
