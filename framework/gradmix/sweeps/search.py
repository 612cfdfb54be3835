"""Adaptive sweeps: Optuna chooses the next jobs from the results of earlier ones (its ask-and-tell interface)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

import optuna
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from gradmix.contracts.errors import ConfigError, did_you_mean, listing
from gradmix.contracts.meaning import Direction, meaning_of, ranking_metric
from gradmix.contracts.option_types import NonNegativeInt, PositiveInt
from gradmix.journal.reading import Run
from gradmix.sweeps.plan import Overrides

_SIGNS = {"lower": 1.0, "higher": -1.0}
"""Which direction is better → factor by which a value is multiplied, so that smaller is better."""

_SLIP = 0.8
"""Similarity (as measured by `difflib`) from which a name is probably a typing error of another."""


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """The options ``hydra.sweeper.*`` of a search."""

    n_trials: PositiveInt = 20
    """Total number of jobs."""
    batch: PositiveInt = 1
    """Number of jobs chosen at a time. Choose at least the number of workers to keep all of them busy."""
    metric: str | None = None
    """Metric to optimise; None for the metric by which such runs are ranked."""
    better: Direction | None = None
    """Whether lower or higher is better; None if the metric declares this."""
    sampler: Literal["tpe", "gp", "cmaes", "qmc", "random"] = "tpe"
    seed: NonNegativeInt = 0


class Search:
    """A search over the ranges, intervals and choices among the overrides; the other overrides apply to every job.

    By default, runs are not ranked by a metric that improves automatically with a searched option, such as the number
    of clusters.
    """

    def __init__(self, overrides: Sequence[Override], options: SearchOptions, seed: int) -> None:
        self._study = _study(options.sampler, seed)
        self.metric, self.better = options.metric, options.better
        overrides = list({each.get_key_element(): each for each in overrides}.values())  # the last one wins
        self.fixed = fixed_of(overrides)
        self.space = {each.get_key_element(): _distribution(each) for each in overrides if each.is_sweep_override()}
        if not self.space:
            raise ConfigError(
                "there is nothing to search: give a range, an interval or choices, such as "
                "clusterer.n_components=range(1,9) clusterer.reg_covar='tag(log,interval(1e-9,1e-2))'."
            )
        self._keys = [each.get_key_element() for each in overrides]

    def doubt(self, declared: Iterable[str]) -> str:
        """Return a warning if the metric's name is probably a typing error of a declared one; otherwise empty."""
        near = [] if self.metric is None else get_close_matches(self.metric, declared, n=1, cutoff=_SLIP)
        if not near or near[0] == self.metric:
            return ""
        return f"hydra.sweeper.metric={self.metric}: no job declares such a metric. Did you mean {near[0]}?"

    def ask(self, count: int) -> list[tuple[Any, Overrides]]:
        """Return the next trials, each with the overrides of its job."""
        trials = [self._study.ask(self.space) for _ in range(count)]
        texts = [self.fixed | {key: f"{key}={value}" for key, value in trial.params.items()} for trial in trials]
        return [(trial, tuple(map(text.__getitem__, self._keys))) for trial, text in zip(trials, texts, strict=True)]

    def tell(self, trial: Any, end: Run | None) -> None:
        """Tell Optuna the result of a trial's job."""
        value = None if end is None else self._loss(end)
        if value is None:
            self._study.tell(trial, state=TrialState.FAIL)
        else:
            self._study.tell(trial, value)

    def remember(self, overrides: Overrides, end: Run) -> None:
        """Tell Optuna of a job from before the search was resumed."""
        value = self._loss(end)
        texts = dict(override.split("=", 1) for override in overrides)
        space = {key: each for key, each in self.space.items() if key in texts}  # its component may lack some options
        if value is not None and space:
            params = {key: _parsed(texts[key], each) for key, each in space.items()}
            self._study.add_trial(create_trial(value=value, params=params, distributions=space))

    def _loss(self, end: Run) -> float | None:
        """Return a job's value, with its sign such that smaller is better; None if it has no valid value.

        Raises `ConfigError` if the job lacks the metric, or if it is unknown whether lower or higher is better.
        """
        if not end.is_finished:
            return None
        name = self._metric(end)
        better = self.better or meaning_of(name, end.declared.meanings).better
        if better not in _SIGNS:
            raise ConfigError(f"set the better direction of {name}: hydra.sweeper.better=lower or =higher.")
        value, is_spoiled = end.metrics[name], meaning_of(name, end.declared.meanings).is_spoiled(end.metrics)
        return _SIGNS[better] * value if math.isfinite(value) and not is_spoiled else None

    def _metric(self, end: Run) -> str:
        if self.metric is None:
            varies = [key.replace("/", ".") for key in self.space]
            ranking = ranking_metric([end.metrics], end.declared.meanings, varies)
            if ranking is None:
                raise ConfigError(f"set the metric to optimise: hydra.sweeper.metric=…, one of {listing(end.metrics)}.")
            return ranking.name
        if self.metric not in end.metrics:
            near = did_you_mean(self.metric, end.metrics)
            raise ConfigError(
                f"hydra.sweeper.metric={self.metric}: the runs have no such metric.{near} "
                f"They have: {listing(end.metrics)}. `gradmix resume` accepts another one: hydra.sweeper.metric=…"
            )
        return self.metric


def fixed_of(overrides: Sequence[Override]) -> dict[str, str]:
    """Return key → override, for the overrides that are not swept."""
    fixed = (each for each in overrides if not each.is_sweep_override())
    return {key: f"{key}={each.get_value_element_as_str()}" for each in fixed if (key := each.get_key_element())}


def _parsed(text: str, space: BaseDistribution) -> Any:
    return text if isinstance(space, CategoricalDistribution) else space.to_external_repr(float(text))


def _distribution(override: Override) -> BaseDistribution:
    """Return Optuna's distribution for one of Hydra's sweeps."""
    sweep: Any = override.value()
    try:
        if isinstance(sweep, RangeSweep) and isinstance(sweep.start, int) and isinstance(sweep.step, int):
            return IntDistribution(sweep.start, int(sweep.stop) - 1, step=sweep.step)  # type: ignore[arg-type]
        if isinstance(sweep, IntervalSweep):
            is_whole = isinstance(sweep.start, int) and isinstance(sweep.end, int)
            kind: Any = IntDistribution if is_whole else FloatDistribution
            return kind(sweep.start, sweep.end, log="log" in sweep.tags)  # type: ignore[no-any-return]
        return CategoricalDistribution(list(override.sweep_string_iterator()))
    except ValueError as error:
        raise ConfigError(f"{override.input_line} cannot be searched: {error}") from error


def _study(name: str, seed: int) -> optuna.Study:
    """Create an empty study with the sampler of this name."""
    makers: Mapping[str, Callable[[], optuna.samplers.BaseSampler]] = {
        "tpe": lambda: optuna.samplers.TPESampler(seed=seed),
        "gp": lambda: optuna.samplers.GPSampler(seed=seed),
        "cmaes": lambda: optuna.samplers.CmaEsSampler(seed=seed),
        "qmc": lambda: optuna.samplers.QMCSampler(seed=seed),
        "random": lambda: optuna.samplers.RandomSampler(seed=seed),
    }
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(direction="minimize", sampler=makers[name]())
