"""The events ``notify``: post to a chat, or to anything that takes JSON, how a run ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from gradmix import ConfigError, Events, PositiveFloat, RunInfo, SendsTo

_MOST_METRICS = 6
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""Letters that would be commands in Slack, and how they are written there."""


@dataclass
class Notify(Events):
    """Post how a run ended, as ``{"text": …}``, which Slack's incoming webhooks and their likes take.

    Parameters
    ----------
    url
        Where to; http or https. It must stand on the command line: a config file cannot send anything anywhere.
    about
        Which runs: all, or only those that failed.
    timeout
        Seconds to wait for an answer.

    Notes
    -----
    Who has the address of a webhook can write to it. Taken from the environment, it stays out of the journals:
    ``'events.notify.url=${oc.env:WEBHOOK}'``.
    """

    url: Annotated[str, SendsTo()]
    about: Literal["all", "failed"] = "all"
    timeout: PositiveFloat = 10.0

    def check(self) -> None:
        """Check every option, and that the address is one of the web."""
        super().check()
        if not self.url.lower().startswith(("http://", "https://")):
            raise ConfigError(f"events.notify.url must begin with http:// or https://; given: {self.url!r}.")

    def run_finished(self, run: RunInfo, metrics: Mapping[str, float], stopped: str) -> None:
        """Tell that it has finished, with its first metrics."""
        if self.about == "all":
            own = {name: value for name, value in metrics.items() if not name.startswith("time.")}
            told = ", ".join(f"{name} {value:.6g}" for name, value in list(own.items())[:_MOST_METRICS])
            early = f" early, stopped by {stopped}" if stopped else ""
            self._post(f"{_named(run)} finished{early}. {told}")

    def run_failed(self, run: RunInfo, error: BaseException) -> None:
        """Tell that it has failed, and why."""
        why = "interrupted" if isinstance(error, KeyboardInterrupt) else f"{type(error).__name__}: {error}"
        self._post(f"{_named(run)} failed: {why} ({run.folder})")

    def _post(self, text: str) -> None:
        from urllib.request import Request, urlopen

        content = json.dumps({"text": text.translate(_ESCAPED)}).encode()
        request = Request(self.url, content, {"Content-Type": "application/json; charset=utf-8"})
        with urlopen(request, timeout=self.timeout):
            pass


def _named(run: RunInfo) -> str:
    parts = [f"{name} {value}" for name, value in run.params.items() if "." not in name]
    return f"{run.name} ({', '.join(parts)})"
