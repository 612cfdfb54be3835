"""The events of a journal: their names and fields, and the check of a line.

Every field except ``event`` and ``time`` may be missing, since older versions wrote fewer fields. A present field must
have the type in the table; fields that are not in the table are passed through unchecked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

Event = Mapping[str, Any]
"""One line of a journal: its ``event``, its ``time`` (seconds since 1970), and the fields of that event."""

FORMAT = 1
"""Version of the format; a journal of a later version is refused."""

TERMINAL_EVENTS = {
    "finished": "finished",
    "failed": "failed",
    "interrupted": "killed",
    "timed_out": "timed_out",
    "out_of_memory": "out_of_memory",
}
"""Event that ends a journal → status of the run."""

RESUMED = "resumed"
"""Event that continues a journal after its end."""

CHECKSUM = "crc32"
"""Field of a terminal event: CRC-32 of all lines before it. Version 0.1 did not write it."""

_BEGINNING = b'{"event": "'
"""First bytes of every line that gradmix writes: the name of its event can be read without parsing the line."""

ITERATION = _BEGINNING + b'iteration"'
"""First bytes of an iteration's line; most lines of a journal are iterations."""

_NOT_FINITE = ("nan", "inf", "-inf")


class InvalidEventError(ValueError):
    """Raised if a line is not a valid event; the message gives the reason."""


def is_number(value: Any) -> bool:
    """Return whether a value is a number that a float can represent.

    >>> is_number(3), is_number(True), is_number("3"), is_number(10**400)
    (True, False, False, False)
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value.bit_length() < 1024
    return isinstance(value, float)


def _is_metric(value: Any) -> bool:
    """Return whether a value is a number, or a string that represents NaN or an infinity."""
    return is_number(value) or isinstance(value, bool) or value in _NOT_FINITE


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_job(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() >= _JOB.keys() and not _wrong(value, _JOB)


def _list_of(each: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(each, value))


_IS: Mapping[str, Callable[[Any], bool]] = {
    "a string": _is_text,
    "a string or null": lambda value: value is None or _is_text(value),
    "an integer": lambda value: isinstance(value, int),
    "an integer or null": lambda value: value is None or isinstance(value, int),
    "true or false": lambda value: isinstance(value, bool),
    "a number": is_number,
    "a mapping": lambda value: isinstance(value, dict),
    "a mapping of numbers": lambda value: isinstance(value, dict) and all(map(_is_metric, value.values())),
    "a list of numbers": _list_of(is_number),
    "a list of strings": _list_of(_is_text),
    "a list of lists of strings": _list_of(_list_of(_is_text)),
    "a list of mappings": _list_of(lambda value: isinstance(value, dict)),
    "a list of jobs": _list_of(_is_job),
}
"""Type of a field, in words → function that checks whether a value has this type."""

_JOB = {"number": "an integer", "overrides": "a list of strings"}
_ERROR = {"error": "a string", "traceback": "a string", CHECKSUM: "an integer"}

EVENTS: Mapping[str, Mapping[str, str]] = {
    "started": {
        **dict.fromkeys(("kind", "run_id", "run_key", "name", "label", "timings_key"), "a string"),
        **dict.fromkeys(("working_folder", "user"), "a string"),
        **dict.fromkeys(("config", "params", "plugins", "environment", "settings", "metrics", "drawn_by"), "a mapping"),
        **dict.fromkeys(("arguments", "overrides", "varies", "content"), "a list of strings"),
        "git": "a mapping",
        **dict.fromkeys(("sweep", "tracking"), "a string or null"),
        "format": "a number",
        "jobs": "a list of lists of strings",
    },
    "iteration": {"start": "an integer", "step": "an integer", "metrics": "a mapping of numbers"},
    "system": {"metrics": "a mapping of numbers"},
    "timing": {"seconds": "a list of numbers", "block": "a string or null"},
    "result": {
        "metrics": "a mapping of numbers",
        "best_start": "an integer or null",
        "best": "a string",
        "inputs": "a list of mappings",
        "stopped": "a mapping",
        "remarks": "a mapping",
    },
    "finished": {CHECKSUM: "an integer"},
    **dict.fromkeys(("failed", "interrupted", "timed_out", "out_of_memory"), _ERROR),
    "asked": {"jobs": "a list of jobs"},
    "job": {
        **_JOB,
        **dict.fromkeys(("status", "run_key", "run_id"), "a string"),
        **dict.fromkeys(("folder", "error"), "a string or null"),
        **dict.fromkeys(("reused", "timings"), "true or false"),
    },
    RESUMED: {"arguments": "a list of strings", "environment": "a mapping"},
}
"""Name of an event → its fields with their types."""

_REQUIRED: Mapping[str, tuple[str, ...]] = {"iteration": ("start", "step", "metrics"), "job": ("number",)}
"""Name of an event → the fields that it must have."""


def parse_event(line: bytes) -> Event:
    """Parse and check one line; raise `InvalidEventError` if it is not a valid event."""
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
    """Parse lines and yield the valid events; invalid lines are left out."""
    for line in lines:
        with suppress(InvalidEventError):
            yield parse_event(line)


def name_of(line: bytes) -> str:
    """Return the name of the event on a line; empty if the line is not valid JSON. Fast for lines written by gradmix.

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
    """Check that an event can begin a journal of a version that this one reads; raise `InvalidEventError` if not."""
    if event["event"] != "started":
        raise InvalidEventError("is not the start of a journal.")
    if event.get("format", 0) > FORMAT:
        raise InvalidEventError(f"was written by a newer gradmix (format {event['format']}); upgrade to read it.")


def _wrong(event: Event, fields: Mapping[str, str]) -> list[str]:
    return [f"{name} must be {kind}" for name, kind in fields.items() if name in event and not _IS[kind](event[name])]
