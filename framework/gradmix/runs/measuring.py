"""Metrics that a config adds: measured on what a task has found, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from numbers import Real

from gradmix.contracts.by_name import lacking, lend_by_name
from gradmix.contracts.errors import PluginError, listing
from gradmix.contracts.metric import Metric
from gradmix.contracts.task import Result
from gradmix.registry.entry import describe_use
from gradmix.runs.limits import TimedOutError

_PLAIN_NAME = re.compile(r"[\w.-]+")


def measured(metrics: Mapping[str, Metric], result: Result) -> dict[str, float]:
    """Measure what a task has found, by the metrics of these names.

    Raises `PluginError` if a metric fails, gives no number, or has the name of one of the task's own.
    """
    found: dict[str, float] = {}
    for own, metric in metrics.items():
        missing = lacking(metric.measure, result.answer)
        if missing:
            raise PluginError(
                f"metric.{own} needs {listing(missing)}, which the task's answer lacks though its class names it."
            )
        try:
            value = lend_by_name(metric.measure, result.answer)
        except (KeyboardInterrupt, MemoryError, TimedOutError):
            raise
        except BaseException as error:  # SystemExit, too, would end more than this run
            raise PluginError(f"metric.{own} failed: {describe_use(error)}") from error
        values = {f"{own}.{name}": each for name, each in value.items()} if isinstance(value, Mapping) else {own: value}
        for name, each in values.items():
            if not isinstance(each, Real) or not _PLAIN_NAME.fullmatch(name):
                raise PluginError(f"metric.{name} must be a number under a plain name; it is {each!r}.")
            found[name] = float(each)
    taken = found.keys() & result.metrics.keys()
    if taken:
        raise PluginError(f"metrics that the task has itself: {listing(taken)}; choose metric.* under other names.")
    return found
