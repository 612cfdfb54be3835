"""The events ``notify``: post the outcome of a run to a chat, or to any service that accepts JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from gradmix import ConfigError, Events, PositiveFloat, RunInfo, SendsTo

_MOST_METRICS = 6
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""Characters with a special meaning in Slack → their escaped forms."""


@dataclass
class Notify(Events):
    """Post the outcome of a run as ``{"text": …}``, the format of Slack's incoming webhooks and similar services.

    Parameters
    ----------
    url
        Address to post to; http or https. It must be given on the command line, so that no config file can send data.
    about
        Which runs to report: all, or only failed ones.
    timeout
        Seconds to wait for an answer.

    Notes
    -----
    Anyone who has the address of a webhook can post to it. To keep it out of the journals, take it from the
    environment:
    ``'events.notify.url=${oc.env:WEBHOOK}'``.
    """

    url: Annotated[str, SendsTo()]
    about: Literal["all", "failed"] = "all"
    timeout: PositiveFloat = 10.0

    def check(self) -> None:
        """Check every option, and that the address is an http or https address."""
        super().check()
        if not self.url.lower().startswith(("http://", "https://")):
            raise ConfigError(f"events.notify.url must begin with http:// or https://; given: {self.url!r}.")

    def run_finished(self, run: RunInfo, metrics: Mapping[str, float], stopped: str) -> None:
        """Post that the run has finished, with its first metrics."""
        if self.about == "all":
            own = {name: value for name, value in metrics.items() if not name.startswith("time.")}
            values = ", ".join(f"{name} {value:.6g}" for name, value in list(own.items())[:_MOST_METRICS])
            early = f" early, stopped by {stopped}" if stopped else ""
            self._post(f"{_named(run)} finished{early}. {values}")

    def run_failed(self, run: RunInfo, error: BaseException) -> None:
        """Post that the run has failed, and why."""
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
