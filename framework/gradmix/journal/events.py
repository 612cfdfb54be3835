"""The events of a journal: which there are, what each holds, and how one line is checked.

Every field but ``event`` and ``time`` may be missing, since older versions wrote fewer. A field that is there has the
type that the table names; fields that the table does not name are passed through.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

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


class InvalidEventError(ValueError):
    """A line is not a valid event; the message says why."""


def is_number(value: Any) -> bool:
    """Whether a value is a number that a float can hold.

    >>> is_number(3), is_number(True), is_number("3"), is_number(10**400)
    (True, False, False, False)
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value.bit_length() < 1024
    return isinstance(value, float)


class _Type(NamedTuple):
    """A type of a field: its name, and whether a value is of it."""

    name: str
    has: Callable[[Any], bool]


def _of(name: str, *types: type) -> _Type:
    return _Type(name, lambda value: isinstance(value, types))


def _list_of(name: str, each: _Type) -> _Type:
    return _Type(f"a list of {name}", lambda value: isinstance(value, list) and all(map(each.has, value)))


def _or_null(given: _Type) -> _Type:
    return _Type(given.name, lambda value: value is None or given.has(value))


def _is_metric(value: Any) -> bool:
    """Whether it is a number, or one of the strings that stand for those that are not finite."""
    return is_number(value) or isinstance(value, bool) or value in _NOT_FINITE


def _is_job(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() >= _job.keys() and not _wrong(value, _job)


_text, _integer, _flag = _of("a string", str), _of("an integer", int), _of("true or false", bool)
_number, _mapping, _texts = _Type("a number", is_number), _of("a mapping", dict), _list_of("strings", _of("", str))
_metrics = _Type("a mapping of numbers", lambda value: isinstance(value, dict) and all(map(_is_metric, value.values())))
_error = {"error": _text, "traceback": _text, CHECKSUM: _integer}
_job = {"number": _integer, "overrides": _texts}

EVENTS: Mapping[str, Mapping[str, _Type]] = {
    "started": {
        **dict.fromkeys(("kind", "run_id", "run_key", "name", "label", "timings_key", "working_folder"), _text),
        **dict.fromkeys(("config", "params", "plugins", "environment", "settings", "metrics", "drawn_by"), _mapping),
        **dict.fromkeys(("arguments", "overrides", "varies"), _texts),
        **dict.fromkeys(("sweep", "tracking"), _or_null(_text)),
        "format": _number,
        "jobs": _list_of("lists of strings", _texts),
    },
    "iteration": {"start": _integer, "step": _integer, "metrics": _metrics},
    "system": {"metrics": _metrics},
    "timing": {"seconds": _list_of("numbers", _number), "block": _or_null(_text)},
    "result": {
        "metrics": _metrics,
        "best_start": _or_null(_integer),
        "best": _text,
        "inputs": _list_of("mappings", _mapping),
        "stopped": _mapping,
        "remarks": _mapping,
    },
    "finished": {CHECKSUM: _integer},
    **dict.fromkeys(("failed", "interrupted", "timed_out", "out_of_memory"), _error),
    "asked": {"jobs": _list_of("jobs", _Type("", _is_job))},
    "job": {
        **_job,
        **dict.fromkeys(("status", "run_key"), _text),
        **dict.fromkeys(("folder", "error"), _or_null(_text)),
        **dict.fromkeys(("reused", "timings"), _flag),
    },
    RESUMED: {"arguments": _texts, "environment": _mapping},
}
"""Name of an event → its fields and the type of each."""

_REQUIRED: Mapping[str, tuple[str, ...]] = {"iteration": ("start", "step", "metrics"), "job": ("number",)}
"""Fields without which an event means nothing."""


def parse_event(line: bytes) -> Event:
    """Parse and check one line; raises `InvalidEventError` if it is not a valid event."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str) or not is_number(event.get("time")):
        raise InvalidEventError("is not a valid event; was the file edited?")
    missing = [f"{name} is missing" for name in _REQUIRED.get(event["event"], ()) if name not in event]
    wrong = [*missing, *_wrong(event, EVENTS.get(event["event"], {}))]
    if wrong:
        raise InvalidEventError(f"is not a valid event: {wrong[0]}; was the file edited?")
    return event


def valid_events(lines: Iterable[bytes]) -> Iterator[Event]:
    """Parse lines; those that are not valid events are left out."""
    for line in lines:
        with suppress(InvalidEventError):
            yield parse_event(line)


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
    """Check that a journal begins as one that this version can read; raises `InvalidEventError` if it does not."""
    if event["event"] != "started":
        raise InvalidEventError("is not the start of a journal.")
    if event.get("format", 0) > FORMAT:
        raise InvalidEventError(f"is of a newer gradmix (format {event['format']}); upgrade to read it.")


def _wrong(event: Event, fields: Mapping[str, _Type]) -> list[str]:
    given = {name: each for name, each in fields.items() if name in event}
    return [f"{name} must be {each.name}" for name, each in given.items() if not each.has(event[name])]
