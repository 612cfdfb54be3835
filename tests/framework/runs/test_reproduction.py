"""Two runs compared value by value: to the last bit, or to a tolerance where processor or versions differ."""

import json
import math

import pytest

from gradmix.journal.reading import read_run
from gradmix.runs.reproduction import Reproduction
from made_journals import write_events

HERE = {"python": "3.11.7", "processor": "P1", "instructions": "AVX2", "numpy": "2.4.6", "threads": 2}
MEANINGS = {"derivative_error_ulp": {"better": "lower", "unit": "ulp"}, "log_likelihood": {"better": "higher"}}
CURVES = [[-9.0, -8.0], [-7.0, -4.0, -3.0]]
METRICS = {"log_likelihood": -3.0, "bic": 11.0, "time.seconds": 0.5}


def run(folder, environment=HERE, curves=CURVES, metrics=METRICS, model=None, error="", **started):
    first = {"event": "started", "format": 1, "run_id": "r", "name": "trial", "label": "l", "metrics": MEANINGS}
    events = [
        {"event": "iteration", "start": start, "step": step, "metrics": {"log_likelihood": value, "time.x": id(folder)}}
        for start, curve in enumerate(curves)
        for step, value in enumerate(curve, start=1)
    ]
    end = {"event": "failed", "error": error} if error else {"event": "finished"}
    events += [] if error else [{"event": "result", "metrics": metrics, "best_start": 1}]
    write_events(folder, [{**first, "environment": environment, **started}, *events, end])
    if model is not None:
        (folder / "artifacts").mkdir()
        (folder / "artifacts" / "model.json").write_text(json.dumps({"model": model}))
    return read_run(folder)


@pytest.fixture
def again(tmp_path):
    """A run and the same again, with changes."""

    def compare(before=None, **after):
        return Reproduction(run(tmp_path / "before", **(before or {})), run(tmp_path / "after", **after))

    return compare


def test_the_same_run_is_identical_whatever_time_it_took(again):
    made = again(metrics={**METRICS, "time.seconds": 9.0, "time.compile": 1.0})
    assert made.is_exact
    assert made.is_identical
    assert not made.deviations
    assert made.n_iterations == 5
    assert made.n_compared == 5 + len(("number of iterations", "status", "best start", "log_likelihood", "bic"))


def test_one_bit_of_one_iteration_of_another_start_is_found(again):
    made = again(curves=[[-9.0, math.nextafter(-8.0, 0.0)], CURVES[1]])
    assert not made.is_identical
    (found,) = made.deviations
    assert found.where == "iteration 2: log_likelihood"
    assert 0 < found.size < 1e-15


@pytest.mark.parametrize(
    ("other", "name"),
    [
        ({"processor": "P2"}, "processor"),
        ({"instructions": "AVX512"}, "instructions"),
        ({"numpy": "3.0"}, "numpy"),
        ({"threads": 1}, "threads"),
    ],
)
def test_on_another_processor_or_version_nine_digits_do(again, other, name):
    made = again(environment={**HERE, **other}, metrics={**METRICS, "bic": 11.0 * (1 + 5e-10)})
    assert set(made.surroundings) == {name}
    assert not made.is_exact
    assert made.is_identical
    assert 4e-10 < made.size < 6e-10


def test_more_than_that_is_a_difference_there_too(again):
    assert not again(
        environment={**HERE, "processor": "P2"}, metrics={**METRICS, "bic": 11.0 * (1 + 2e-9)}
    ).is_identical


def test_another_version_of_a_plugin_counts_as_another_version(again):
    made = again(
        {"plugins": {"clusterer": "a 1 (x)", "dataset": "a 1 (y)", "task": "b 1 (x)"}},
        plugins={"clusterer": "a 2 (v)", "dataset": "a 2 (w)", "task": "b 1 (y)"},
    )
    assert made.surroundings == {
        "plugin of clusterer, dataset": ("a 1", "a 2"),
        "plugin of task": ("b 1", "b 1 with other source code"),
    }
    assert not made.is_exact


def test_options_that_a_newer_version_added_are_named_with_their_values(again):
    made = again({"params": {"a": 1, "b": 2}}, params={"a": 1, "b": 3, "c": 4, "d": True})
    assert made.others == {"b": ("2", "3"), "new options": ("none", "c=4, d=True")}


def test_another_commit_is_said_and_excuses_nothing(again):
    git = {"commit": "1" * 40, "branch": "main", "dirty": True}
    made = again({"git": git}, git={**git, "commit": "2" * 40, "dirty": False})
    assert made.others == {"git commit": ("1" * 12 + " with changes", "2" * 12)}
    assert made.is_exact


def test_what_an_older_journal_does_not_say_counts_as_equal(again):
    made = again({"environment": {"python": "3.11.7"}})
    assert made.is_exact
    assert made.others == {}


def test_errors_in_units_of_the_last_place_are_measured_in_those_where_processors_differ(again):
    small, larger = ({**METRICS, "derivative_error_ulp": value} for value in (0.5, 2.0))
    assert again({"metrics": small}, metrics=larger, environment={**HERE, "processor": "P2"}).is_identical


@pytest.mark.parametrize(
    "changes",
    [
        {"curves": [CURVES[0], CURVES[1][:2]]},
        {"metrics": {**METRICS, "bic": "nan"}},
        {"metrics": {"log_likelihood": -3.0}},
        {"metrics": {**METRICS, "icl": 1.0}},
        {"error": "it broke"},
    ],
)
def test_what_is_missing_or_not_finite_differs(again, changes):
    made = again(environment={**HERE, "processor": "P2"}, **changes)
    assert not made.is_identical
    assert made.size == math.inf or made.deviations[0].where == "number of iterations"


def test_the_same_without_a_finite_value_is_the_same(again):
    metrics = {**METRICS, "bic": "nan", "aic": "-inf"}
    assert again({"metrics": metrics}, metrics=metrics).is_identical


def test_models_are_compared_number_by_number(again):
    model = {"means": [[1.0, 2.0]], "kind": "full"}
    made = again({"model": model}, model={**model, "means": [[1.0, math.nextafter(2.0, 3.0)]]})
    assert [each.where for each in made.deviations] == ["model.means[0][1]"]


def test_a_failure_is_reproduced_by_the_same_error(tmp_path):
    before = run(tmp_path / "a", error="it broke")
    assert Reproduction(before, run(tmp_path / "b", error="it broke")).is_identical
    assert not Reproduction(before, run(tmp_path / "c", error="it broke otherwise")).is_identical
