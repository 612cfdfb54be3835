"""Launchers of others: joblib, Ray, submitit. How many jobs they run at a time, and how we hand them ours."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from gradmix.contracts.errors import ConfigError
from gradmix.interrupts import sigterm_kept
from gradmix.registry.entry import describe
from gradmix.runs.environment import threads_of_each
from gradmix.sweeps.job import JobReport, SweepJob, for_launcher
from gradmix.sweeps.plan import Job
from gradmix.sweeps.worker import THREAD_VARIABLES, warm_up


def launch(instantiate: Callable[[SweepJob], Any], job: SweepJob, jobs: Sequence[Job], threads: int) -> list[JobReport]:
    """Have a launcher run jobs and wait for them.

    Parameters
    ----------
    instantiate
        Makes the launcher that is to call what it is given.
    job
        What it is to call.
    jobs
        The jobs, planned.
    threads
        Threads for each.
    """
    launcher = instantiate(replace(job, threads=threads, parent=os.getpid()))
    overrides = [for_launcher(each.number, each.overrides, job.folder) for each in jobs]
    returned = launcher.launch(overrides, initial_job_idx=0)
    return [_report(each, result) for each, result in zip(jobs, returned, strict=True)]


def _report(job: Job, returned: Any) -> JobReport:
    try:
        report = returned.return_value
    except Exception as error:  # what was raised in the worker, where nothing of ours could catch it
        return JobReport(job.number, describe(error))
    return report if isinstance(report, JobReport) else JobReport(job.number, f"the launcher returned {report!r}")


def prepare(choice: str, config: Mapping[str, Any]) -> None:
    """Start a launcher's workers while the sweep is planned, where that can be done: joblib keeps them for later."""
    if choice == "joblib" and workers_of(choice, config) > 1:
        threading.Thread(target=_start_joblib_workers, args=(dict(config),), daemon=True).start()


def start_ray(choice: str, config: Any) -> None:
    """Start Ray, if it is the launcher: left to the launcher, it would keep SIGTERM for itself."""
    if choice != "ray":
        return
    import ray
    from omegaconf import OmegaConf

    if not ray.is_initialized():
        with sigterm_kept():
            ray.init(**dict(OmegaConf.to_object(config.ray.init)))  # type: ignore[arg-type]


def _start_joblib_workers(config: Mapping[str, Any]) -> None:
    from joblib import Parallel, delayed

    options = {key: value for key, value in config.items() if key in _JOBLIB_OPTIONS}
    with suppress(Exception):  # the launcher will say what is wrong
        Parallel(backend="loky", **options)(delayed(warm_up)() for _ in range(workers_of("joblib", config)))


_JOBLIB_OPTIONS = ("n_jobs", "timeout", "temp_folder", "max_nbytes", "mmap_mode")
"""Options by which joblib tells whether it can use the workers that are there."""


def workers_of(choice: str, config: Mapping[str, Any]) -> int:
    """How many jobs a launcher runs at a time on this machine.

    >>> workers_of("joblib", {"n_jobs": 2})
    2

    Raises
    ------
    ConfigError
        If its option for that is no such number.
    """
    count = _WORKERS.get(choice)
    return 1 if count is None else max(1, count(config))


def _cores() -> int:
    return os.cpu_count() or 1


def _own_workers(config: Mapping[str, Any]) -> int:
    workers = config["workers"]
    if not _is_whole(workers) or workers < 1:
        raise ConfigError(f"hydra.launcher.workers must be an integer > 0; given: {workers!r}.")
    return int(workers)


def _joblib_workers(config: Mapping[str, Any]) -> int:
    n_jobs = config.get("n_jobs")
    if n_jobs is None:
        return 1
    if not _is_whole(n_jobs) or n_jobs == 0:
        raise ConfigError(
            "hydra.launcher.n_jobs must be an integer > 0, or -1 for all cores, -2 for all but one, …; "
            f"given: {n_jobs!r}."
        )
    return int(n_jobs) if n_jobs > 0 else _cores() + 1 + int(n_jobs)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_WORKERS: Mapping[str, Callable[[Mapping[str, Any]], int]] = {
    "gradmix": _own_workers,
    "joblib": _joblib_workers,
    "ray": lambda config: _cores(),
    "submitit_local": lambda config: _cores(),
}


_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    # Retries are the sweep's, by on_error; Ray's own messages would drown the sweep's.
    "ray": {
        "ray.remote.max_retries": 0,
        "ray.init.log_to_driver": False,
        "ray.init.include_dashboard": False,
        "ray.init.object_store_memory": 78_643_200,  # as the launcher sets it: jobs hand little over
    },
}
"""Choice of launcher → its options as suits us, unless a person has set them."""


def set_defaults(choice: str, config: Any) -> None:
    """Set a launcher's options that a person has left open."""
    from omegaconf import OmegaConf

    for path, value in _DEFAULTS.get(choice, {}).items():
        if OmegaConf.select(config, path) is None:
            OmegaConf.update(config, path, value, force_add=True)


@contextmanager
def threads_for(workers: int) -> Iterator[int]:
    """Share the cores out among workers that are started in the context; how many threads each may have."""
    threads = threads_of_each(workers)
    before = dict(os.environ)
    os.environ.update({name: str(threads) for name in THREAD_VARIABLES if name not in before})
    try:
        yield threads
    finally:
        for name in THREAD_VARIABLES:
            if name not in before:
                del os.environ[name]
