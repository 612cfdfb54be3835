"""Patience: it stops where the definition says, checked by brute force; the run has the best of what there is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import journals
from gradmix import Iteration, Objective, StopRun
from gradmix.config.spec import read_spec
from gradmix.runs.runner import Order, execute
from gradmix_events.patience import Patience

SLOW = {
    "name": "trial",
    "task": {"name": "cluster"},
    "clusterer": {"name": "gmm", "n_components": 3, "tol": 0.0, "max_iter": 200, "random_state": 0},
    "dataset": {"name": "old_faithful"},
    "pictures": False,
}


def run(folder, rounds=5, min_delta=0.01, **clusterer):
    events = {"patience": {"name": "patience", "rounds": rounds, "min_delta": min_delta}}
    config = {**SLOW, "clusterer": {**SLOW["clusterer"], **clusterer}, "events": events}
    outcome = execute(Order(read_spec(config), folder))
    return outcome, [event for event in journals(folder)[0] if event["event"] == "iteration"]


def stops_at(values, rounds, min_delta, *, maximise):
    """The first iteration whose gain over so many rounds is too small, counted from 1; None if there is none."""
    sign = 1 if maximise else -1
    slow = [t for t in range(rounds, len(values)) if sign * values[t] - sign * values[t - rounds] < min_delta]
    return slow[0] + 1 if slow else None


@given(
    values=st.lists(st.integers(-20, 20).map(float), max_size=30),
    rounds=st.integers(1, 6),
    min_delta=st.integers(0, 5).map(float),
    maximise=st.booleans(),
)
def test_it_stops_where_its_definition_says(values, rounds, min_delta, maximise):
    patience, stopped = Patience(rounds, min_delta), None
    patience.run_started()
    for step, value in enumerate(values, start=1):
        try:
            patience.iteration(Iteration(None, {"value": value}, step=step), Objective("value", maximise))
        except StopRun:
            stopped = step
            break
    assert stopped == stops_at(values, rounds, min_delta, maximise=maximise)


def test_a_run_has_the_result_of_its_last_iteration_and_says_why(tmp_path):
    outcome, iterations = run(tmp_path)
    values = [event["metrics"]["log_likelihood"] for event in iterations]
    assert len(values) == stops_at(values, 5, 0.01, maximise=True) < 200
    assert outcome.metrics["log_likelihood"] == values[-1]
    assert outcome.metrics["converged"] == 0
    assert outcome.metrics["n_iter"] == len(values)
    stopped = journals(tmp_path)[0][-2]["stopped"]
    assert stopped["by"] == "patience"
    assert stopped["reason"].startswith("log_likelihood gained 0.00")


def test_it_leaves_a_fit_that_converges_first_alone(tmp_path):
    outcome, _ = run(tmp_path, n_components=2, tol=1e-6)
    assert outcome.metrics["converged"] == 1
    assert "stopped" not in journals(tmp_path)[0][-2]


def test_an_objective_that_falls_is_followed_too(tmp_path):
    config = {**SLOW, "clusterer": {"name": "kmeans", "n_clusters": 4, "random_state": 0}}
    events = {"patience": {"name": "patience", "rounds": 1, "min_delta": 1e9}}
    execute(Order(read_spec({**config, "events": events}), tmp_path))
    events = journals(tmp_path)[0]
    assert events[-2]["stopped"]["reason"].startswith("inertia gained")
    assert sum(event["event"] == "iteration" for event in events) == 2


def test_of_several_starts_the_first_slow_one_ends_the_run(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "many").mkdir()
    _, alone = run(tmp_path / "one")
    outcome, several = run(tmp_path / "many", n_init=4)
    assert [event["metrics"] for event in several] == [event["metrics"] for event in alone]
    assert outcome.metrics["n_iter"] == len(alone)


def test_it_begins_anew_with_each_start():
    patience, objective = Patience(2, 0.5), Objective("value", maximise=True)
    patience.run_started()
    for value in (10.0, 11.0):
        patience.iteration(Iteration(None, {"value": value}, start=0), objective)
    for value in (1.0, 2.0):  # far below the start before: no loss
        patience.iteration(Iteration(None, {"value": value}, start=1), objective)
    with pytest.raises(StopRun):
        patience.iteration(Iteration(None, {"value": 1.4}, start=1), objective)


def test_one_object_can_watch_one_run_after_another(tmp_path):
    config = {**SLOW, "events": {"patience": {"name": "patience", "min_delta": 0.01}}}
    spec, counts = read_spec(config), []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        counts.append(execute(Order(spec, tmp_path / name)).metrics["n_iter"])
    assert counts[0] == counts[1]


def test_an_iteration_without_the_objective_is_an_error():
    patience = Patience()
    patience.run_started()
    with pytest.raises(KeyError, match="value"):
        patience.iteration(Iteration(None, {"other": 1.0}), Objective("value", maximise=True))
