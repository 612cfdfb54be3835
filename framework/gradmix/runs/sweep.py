"""A sweep: all jobs checked before the first one starts, then launched by whichever of Hydra's launchers was chosen."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from omegaconf import DictConfig

from gradmix.config.code_options import check_code_options
from gradmix.config.spec import RunSpec, read_spec
from gradmix.contracts.errors import ConfigError, GradmixError
from gradmix.registry.registry import describe
from gradmix.runs.environment import environment
from gradmix.runs.events import SweepInfo, tell_watchers
from gradmix.runs.folder import fresh_folder
from gradmix.runs.job import plain_config
from gradmix.runs.journal import FORMAT, Journal
from gradmix.runs.runner import Outcome

Overrides = tuple[str, ...]
Compose = Callable[[Overrides], DictConfig]
Launch = Callable[[Sequence[Overrides], Path], Sequence[Outcome | GradmixError]]

_MOST_ERRORS_SHOWN = 10


def expand(choices: Mapping[str, Sequence[str]]) -> list[Overrides]:
    """Every combination of the overrides, the last key varying fastest.

    >>> expand({"a": ["a=1"], "b": ["b=1", "b=2"]})
    [('a=1', 'b=1'), ('a=1', 'b=2')]
    """
    return list(itertools.product(*choices.values()))


def run_sweep(
    choices: Mapping[str, Sequence[str]], compose: Compose, launch: Launch, named: Sequence[str] = ()
) -> list[Outcome | GradmixError]:
    """Check all jobs, then launch them, and journal the sweep itself.

    Parameters
    ----------
    choices
        Key → the overrides to try.
    compose
        Composes a job's config from its overrides.
    launch
        Launches jobs in a folder, and returns how they ended.
    named
        What of `choices` the command line gives, as overrides: only there may code be named.

    Raises
    ------
    ConfigError
        If any combination cannot be built; names each. Nothing was started then.
    """
    jobs = expand(choices)
    settings = _check(jobs, compose, named)[0].settings
    folder = fresh_folder(Path(settings.runs_dir) / settings.name, "sweep")
    sweep = SweepInfo(settings.name, folder, len(jobs))
    varies = [key for key, overrides in choices.items() if len(overrides) > 1]
    journal = Journal(folder)
    try:
        journal.write(
            "started",
            format=FORMAT,
            kind="sweep",
            run_id=uuid.uuid4().hex,
            name=settings.name,
            label=f"sweep over {', '.join(varies)}" if varies else "sweep",
            varies=varies,
            jobs=jobs,
            tracking=settings.tracking.uri,
            environment=environment(),
        )
        tell_watchers("sweep_started", sweep)
        outcomes = list(launch(jobs, folder))
        done = sum(isinstance(each, Outcome) and each.status == "finished" for each in outcomes)
        failed = len(outcomes) - done
        journal.write("result", metrics={"done": done, "failed": failed})
        journal.write("finished")
    except BaseException as error:
        journal.write("interrupted" if isinstance(error, KeyboardInterrupt) else "failed", error=describe(error))
        raise
    finally:
        journal.close()
        tell_watchers("sweep_ended", sweep)
    return outcomes


def _check(jobs: Sequence[Overrides], compose: Compose, named: Sequence[str]) -> list[RunSpec]:
    specs: list[RunSpec] = []
    wrong: list[str] = []
    for overrides in jobs:
        try:
            specs.append(read_spec(plain_config(compose(overrides))))
            check_code_options(specs[-1], named)
            if len(specs) == 1:
                tell_watchers("settings_known", specs[0].settings)
        except GradmixError as error:
            wrong.append(f"  {' '.join(overrides) or '(no overrides)'}\n      {error}")
    if wrong:
        more = [f"  … and {len(wrong) - _MOST_ERRORS_SHOWN} more"] if len(wrong) > _MOST_ERRORS_SHOWN else []
        raise ConfigError(
            "\n".join(
                [
                    f"{len(wrong)} of the {len(jobs)} combinations cannot be run; nothing was started.",
                    *wrong[:_MOST_ERRORS_SHOWN],
                    *more,
                ]
            )
        )
    for each in ("name", "runs_dir", "tracking"):
        if len({getattr(spec.settings, each) for spec in specs}) > 1:
            raise ConfigError(f"a sweep has one {each} for all its jobs; sweep over something else.")
    return specs
