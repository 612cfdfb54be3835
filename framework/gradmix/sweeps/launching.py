"""Launch jobs with gradmix's own workers, or with Hydra's launchers joblib, Ray and submitit."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf, open_dict

from gradmix.config.composer import started
from gradmix.contracts.errors import ConfigError
from gradmix.interrupts import sigterm_kept
from gradmix.registry.entry import describe
from gradmix.runs.environment import threads_of_each
from gradmix.runs.timing import rounds_of
from gradmix.sweeps.job import JobReport, SweepJob, for_launcher
from gradmix.sweeps.plan import Job, blocks
from gradmix.sweeps.worker_pool import THREAD_VARIABLES, WorkerPool

if TYPE_CHECKING:
    from hydra.types import HydraContext
    from omegaconf import DictConfig

_OWN = "gradmix.sweeps.worker_pool.WorkerPool"
"""``_target_`` of ``hydra/launcher=gradmix``."""


class Launcher:
    """The launcher that a sweep's config chooses; `ConfigError` if its number of workers is not valid."""

    def __init__(self, config: DictConfig, context: HydraContext) -> None:
        self.config, self.context = config, context
        self.choice: str = config.hydra.runtime.choices["hydra/launcher"]
        self.is_own = self.choice == "gradmix" or config.hydra.launcher.get("_target_") == _OWN
        self.workers = _workers("gradmix" if self.is_own else self.choice, self._options)
        self._pool: WorkerPool | None = None

    @property
    def _options(self) -> Mapping[str, Any]:
        return {key: value for key, value in self.config.hydra.launcher.items() if (key, value) != ("_target_", _OWN)}

    def prepare(self) -> None:
        """Start the first worker of gradmix's launcher, which loads while the sweep is planned."""
        if self.is_own:
            with started("launcher", self.config):
                self._pool = WorkerPool(**self._options)

    def launch(self, job: SweepJob, jobs: Sequence[Job]) -> Iterable[JobReport]:
        """Launch jobs and wait for them; may raise any exception when a worker dies."""
        job = replace(job, workers=self.workers)
        if self._pool is None:
            return self._launch_by_hydra(job, jobs)
        specs = [each.spec for each in jobs if each.spec is not None]
        rounds = max(rounds_of(spec.task, spec.settings.timing) for spec in specs)
        return self._pool.run(job, blocks(jobs), specs[0].settings.limits, rounds)

    def close(self) -> None:
        """End the workers."""
        if self._pool is not None:
            self._pool.close()

    def _launch_by_hydra(self, job: SweepJob, jobs: Sequence[Job]) -> list[JobReport]:
        from hydra.core.plugins import Plugins

        with open_dict(self.config):
            self.config.hydra.sweep.dir = str(job.folder)
            for path, value in _DEFAULTS_OF_RAY.items() if self.choice == "ray" else ():
                if OmegaConf.select(self.config.hydra.launcher, path) is None:
                    OmegaConf.update(self.config.hydra.launcher, path, value, force_add=True)
        threads = threads_of_each(self.workers)
        with _added_to_environment(dict.fromkeys(THREAD_VARIABLES, str(threads))):
            if self.choice == "ray":
                self._start_ray()
            job = replace(job, threads=threads, parent=os.getpid())
            with started("launcher", self.config):
                launcher = Plugins.instance().instantiate_launcher(
                    hydra_context=self.context, task_function=job, config=self.config
                )
            returned = launcher.launch([for_launcher(each, job.folder) for each in jobs], initial_job_idx=0)
        return [_report(each, result) for each, result in zip(jobs, returned, strict=True)]

    def _start_ray(self) -> None:
        """Start Ray with gradmix's SIGTERM handler kept. If the launcher started Ray, Ray would replace the handler."""
        import ray

        if not ray.is_initialized():
            with sigterm_kept():
                ray.init(**OmegaConf.to_object(self.config.hydra.launcher.ray.init))  # type: ignore[arg-type]


def _report(job: Job, returned: Any) -> JobReport:
    try:
        report = returned.return_value
    except Exception as error:  # an exception in the worker, outside of gradmix's code
        return JobReport(job.number, describe(error))
    return report if isinstance(report, JobReport) else JobReport(job.number, f"the launcher returned {report!r}")


def _workers(choice: str, options: Mapping[str, Any]) -> int:
    """Return how many jobs a launcher runs at the same time on this machine."""
    cores = os.cpu_count() or 1
    if choice not in _COUNTS:
        return cores if choice in ("ray", "submitit_local") else 1
    name, least, allowed = _COUNTS[choice]
    count = options.get(name)
    if count is None and choice == "joblib":
        return 1
    if isinstance(count, bool) or not isinstance(count, int) or count == 0 or count < least:
        raise ConfigError(f"hydra.launcher.{name} must be {allowed}; given: {count!r}.")
    return count if count > 0 else max(1, cores + 1 + count)


_COUNTS = {
    "gradmix": ("workers", 1, "an integer > 0"),
    "joblib": ("n_jobs", -math.inf, "an integer > 0, or -1 for all cores, -2 for all but one, …"),
}
"""Launcher → its option for the number of workers, the smallest value, and the allowed values in words."""

_DEFAULTS_OF_RAY: Mapping[str, Any] = {
    "ray.remote.max_retries": 0,  # retries are the sweep's, by on_error
    "ray.init.log_to_driver": False,  # its messages would hide the sweep's
    "ray.init.include_dashboard": False,
    "ray.init.object_store_memory": 78_643_200,  # the launcher's own default: jobs return little data
}
"""Options of Ray's launcher that gradmix sets unless the user has set them."""


@contextmanager
def _added_to_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for processes started in the context, unless the user has set them."""
    added = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
