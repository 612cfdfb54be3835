"""The events of a journal: which there are, what each holds, and how one line is checked.

Every field but ``event`` and ``time`` may be missing, since older versions wrote fewer. A field that is there has the
type that the table names; fields that the table does not name are passed through.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

Event = Mapping[str, Any]
"""One line of a journal: its ``event``, its ``time`` (seconds since 1970), and the fields of that event."""

FORMAT = 1
"""Version of the format; a journal of a later one is refused."""

TERMINAL_EVENTS = {
    "finished": "finished",
    "failed": "failed",
    "interrupted": "killed",
    "timed_out": "timed_out",
    "out_of_memory": "out_of_memory",
}
"""Event that ends a journal → status of its run."""

RESUMED = "resumed"
"""Event that continues a journal that had ended."""

CHECKSUM = "crc32"
"""Field of a terminal event: CRC-32 of all the lines before it. Version 0.1 wrote none."""

_BEGINNING = b'{"event": "'
"""How the lines that gradmix writes begin: the name of such an event is known without parsing it."""

ITERATION = _BEGINNING + b'iteration"'
"""How most lines of a journal begin."""

_NOT_FINITE = ("nan", "inf", "-inf")

_Check = Callable[[Any], str]
"""Says what is wrong with a value; empty if nothing is."""


def is_number(value: Any) -> bool:
    """Whether a value is a number that a float can hold.

    >>> is_number(3), is_number(True), is_number("3"), is_number(10**400)
    (True, False, False, False)
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value.bit_length() < 1024
    return isinstance(value, float)


def _a(name: str, *types: type) -> _Check:
    return lambda value: "" if isinstance(value, types) else f"must be {name}"


def _list_of(check: _Check, name: str) -> _Check:
    def wrong(value: Any) -> str:
        is_right = isinstance(value, list) and not any(map(check, value))
        return "" if is_right else f"must be a list of {name}"

    return wrong


def _or_null(check: _Check) -> _Check:
    return lambda value: "" if value is None else check(value)


def _number(value: Any) -> str:
    return "" if is_number(value) else "must be a number"


def _metrics(value: Any) -> str:
    """Numbers, or the strings that stand for those that are not finite."""
    if not isinstance(value, dict):
        return "must be a mapping"
    for name, each in value.items():
        if not is_number(each) and not isinstance(each, bool) and each not in _NOT_FINITE:
            return f"has {name!r}: {each!r}, which is not a number"
    return ""


_text, _integer, _flag = _a("a string", str), _a("an integer", int), _a("true or false", bool)
_mapping, _texts = _a("a mapping", dict), _list_of(_a("a string", str), "strings")
_error = {"error": _text, "traceback": _text, CHECKSUM: _integer}
_job = {"number": _integer, "overrides": _texts}


def _job_request(value: Any) -> str:
    return (
        "" if isinstance(value, dict) and value.keys() >= _job.keys() and not _wrong(value, _job) else "must be a job"
    )


EVENTS: Mapping[str, Mapping[str, _Check]] = {
    "started": {
        **dict.fromkeys(("kind", "run_id", "run_key", "name", "label", "timings_key", "working_folder"), _text),
        **dict.fromkeys(("config", "params", "plugins", "environment", "settings", "metrics", "drawn_by"), _mapping),
        **dict.fromkeys(("arguments", "overrides", "varies"), _texts),
        **dict.fromkeys(("sweep", "tracking"), _or_null(_text)),
        "format": _number,
        "jobs": _list_of(_texts, "lists of strings"),
    },
    "iteration": {"start": _integer, "step": _integer, "metrics": _metrics},
    "system": {"metrics": _metrics},
    "timing": {"seconds": _list_of(_number, "numbers"), "block": _or_null(_text)},
    "result": {
        "metrics": _metrics,
        "best_start": _or_null(_integer),
        "best": _text,
        "inputs": _list_of(_mapping, "mappings"),
        "stopped": _mapping,
    },
    "finished": {CHECKSUM: _integer},
    "failed": _error,
    "interrupted": _error,
    "timed_out": _error,
    "out_of_memory": _error,
    "asked": {"jobs": _list_of(_job_request, "jobs")},
    "job": {
        **_job,
        "folder": _or_null(_text),
        "status": _text,
        "run_key": _text,
        "reused": _flag,
        "timings": _flag,
        "error": _or_null(_text),
    },
    RESUMED: {"arguments": _texts, "environment": _mapping},
}
"""Name of an event → its fields and what each must be."""

REQUIRED: Mapping[str, tuple[str, ...]] = {"iteration": ("start", "step", "metrics"), "job": ("number",)}
"""Fields without which an event means nothing."""


class InvalidEventError(ValueError):
    """A line is not a valid event; the message says why."""


def parse_event(line: bytes) -> Event:
    """Parse and check one line.

    Raises
    ------
    InvalidEventError
        If it is not a valid event.
    """
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str) or not is_number(event.get("time")):
        raise InvalidEventError("is not a valid event; was the file edited?")
    wrong = _wrong(event, EVENTS.get(event["event"], {})) or _missing(event)
    if wrong:
        raise InvalidEventError(wrong)
    return event


def name_of(line: bytes) -> str:
    """The name of the event on a line; fast for lines that gradmix wrote. Empty if the line is not valid JSON.

    >>> name_of(b'{"event": "iteration", "time": 1.0}'), name_of(b'{"time": 1.0, "event": "job"}')
    ('iteration', 'job')
    """
    if line.startswith(_BEGINNING):
        return line[len(_BEGINNING) : line.find(b'"', len(_BEGINNING))].decode(errors="replace")
    try:
        return str(json.loads(line)["event"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""


def check_started(event: Event) -> None:
    """Check that a journal begins as one that this version can read.

    Raises
    ------
    InvalidEventError
        If it does not, or if a later version wrote it.
    """
    if event["event"] != "started":
        raise InvalidEventError("is not the start of a journal.")
    if event.get("format", 0) > FORMAT:
        raise InvalidEventError(f"is of a newer gradmix (format {event['format']}); upgrade to read it.")


def _wrong(event: Event, fields: Mapping[str, _Check]) -> str:
    for name, check in fields.items():
        if name in event and (reason := check(event[name])):
            return f"is not a valid event: {name} {reason}; was the file edited?"
    return ""


def _missing(event: Event) -> str:
    missing = [name for name in REQUIRED.get(event["event"], ()) if name not in event]
    return f"is not a valid event: {missing[0]} is missing; was the file edited?" if missing else ""
