"""Defaults and results of the built-in components are those that were recorded for this version."""

import json

import pytest

import recorded_results
from recorded_results import RECORD, defaults, differences, results, version

RECORDED = json.loads(RECORD.read_text())
ADVICE = (
    "If that is meant: raise fallback-version in pyproject.toml if the present one is released, then run `make record`."
)


def test_the_record_is_of_this_version():
    assert RECORDED["version"] == version(), ADVICE


@pytest.mark.parametrize(("what", "tell"), [("defaults", defaults), ("results", results)])
def test_nothing_has_changed_within_this_version(what, tell):
    pytest.importorskip("faiss")  # the record has the options of all peers
    changes = list(differences(RECORDED[what], json.loads(json.dumps(tell()))))
    assert not changes, "\n  ".join([f"{what} are not those of {version()}.", *changes, ADVICE])


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        ({"gmm": {"tol": 1e-6}}, {"gmm": {"tol": 1e-5}}),
        ({"gmm": {"tol": 1e-6}}, {"gmm": {"tol": 1e-6, "new": None}}),
        ({"gmm": {"tol": 1e-6}}, {}),
        ({"x": {"bic": 100.0}}, {"x": {"bic": 100.000001}}),
        ({"x": {"flag": True}}, {"x": {"flag": 1}}),
        ({"x": {"computed": [1.0, 2.0]}}, {"x": {"computed": [1.0, 2.001]}}),
        ({"x": {"computed": [1.0, 2.0]}}, {"x": {"computed": [1.0]}}),
    ],
)
def test_a_change_is_found(recorded, told):
    assert list(differences(recorded, told))


def test_the_last_bits_are_no_change():
    assert not list(differences({"bic": 100.0, "n": 3}, {"bic": 100.0 + 1e-12, "n": 3}))


def test_what_is_released_is_not_recorded_again(monkeypatch, tmp_path, capsys):
    record = tmp_path / "results.json"
    record.write_text(json.dumps({**RECORDED, "results": {}}))
    monkeypatch.setattr(recorded_results, "RECORD", record)
    monkeypatch.setattr(recorded_results, "defaults", lambda: RECORDED["defaults"])
    monkeypatch.setattr(recorded_results, "results", lambda: RECORDED["results"])
    monkeypatch.setattr(recorded_results, "is_released", lambda number: True)
    assert recorded_results.main() == 1
    assert "raise fallback-version" in capsys.readouterr().out
    monkeypatch.setattr(recorded_results, "is_released", lambda number: False)
    assert recorded_results.main() == 0
    assert json.loads(record.read_text()) == RECORDED
