import json

import pytest

from gradmix.journal.events import EVENTS, InvalidEventError, check_started, name_of, parse_event


def line(event="started", **fields):
    return json.dumps({"event": event, "time": 1.0, **fields}).encode()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\0\0\0",
        b"3",
        b"null",
        b"[]",
        b"{}",
        b'{"event": "iteration"}',
        b'{"time": 1}',
        b'{"event": 3, "time": 1}',
        b'{"event": "finished", "time": "noon"}',
        b'{"event": "finished", "time": true}',
        b'{"event": "finished", "time": 1' + b"0" * 400 + b"}",
        b'{"event": "finished", "time": 1' + b"0" * 5000 + b"}",
        b"[" * 100_000,
        b'{"event": "started", "time": 1, "params": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"event": "caf\xe9", "time": 1}',
    ],
    ids=lambda text: text[:30].decode(errors="replace"),
)
def test_what_is_not_an_event_is_refused(text):
    with pytest.raises(InvalidEventError):
        parse_event(text)


@pytest.mark.parametrize(
    ("event", "field", "value"),
    [
        ("started", "arguments", [1]),
        ("started", "arguments", "seed=1"),
        ("started", "working_folder", {}),
        ("started", "params", []),
        ("started", "jobs", ["seed=1"]),
        ("started", "format", "1"),
        ("started", "run_id", None),
        ("started", "tracking", 3),
        ("started", "plugins", "p 1"),
        ("result", "metrics", [1.0]),
        ("result", "metrics", {"bic": "3"}),
        ("result", "metrics", {"bic": None}),
        ("result", "metrics", {"bic": 10**400}),
        ("result", "best_start", "0"),
        ("result", "inputs", [1]),
        ("result", "stopped", "patience"),
        ("timing", "seconds", [0.1, "0.2"]),
        ("failed", "error", ["it broke"]),
        ("finished", "crc32", "abc"),
        ("job", "number", "3"),
        ("job", "folder", 3),
        ("job", "overrides", [["seed=1"]]),
        ("asked", "jobs", [{"number": 1}]),
        ("resumed", "arguments", {"seed": 1}),
    ],
)
def test_a_field_of_another_type_is_named(event, field, value):
    with pytest.raises(InvalidEventError, match=field):
        parse_event(line(event, **{"number": 1, field: value}))


@pytest.mark.parametrize("event", [*sorted(EVENTS.keys() - {"iteration", "job"}), "of a later version"])
def test_fields_may_be_missing_and_unknown_ones_are_kept(event):
    assert parse_event(line(event, novelty=[1]))["novelty"] == [1]


@pytest.mark.parametrize("missing", ["start", "step", "metrics"])
def test_an_iteration_without_what_makes_it_one_is_refused(missing):
    fields = {"start": 0, "step": 1, "metrics": {"loss": "-inf"}}
    assert parse_event(line("iteration", **fields))["metrics"] == {"loss": "-inf"}
    with pytest.raises(InvalidEventError, match=f"{missing} is missing"):
        parse_event(line("iteration", **{name: each for name, each in fields.items() if name != missing}))


def test_a_later_format_is_refused_and_an_earlier_one_is_not():
    with pytest.raises(InvalidEventError, match="newer gradmix"):
        check_started(parse_event(line(format=99)))
    check_started(parse_event(line()))


@pytest.mark.parametrize("order", [("event", "time", "step"), ("step", "time", "event")])
def test_the_name_of_an_event_does_not_depend_on_the_order_of_its_fields(order):
    fields = {"event": "iteration", "time": 1.0, "step": 3}
    assert name_of(json.dumps({name: fields[name] for name in order}).encode()) == "iteration"
    assert name_of(b"nonsense") == name_of(b"[]") == name_of(b"[" * 100_000) == ""
