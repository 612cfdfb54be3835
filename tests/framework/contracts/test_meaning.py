import json

import pytest

from gradmix import Meaning
from gradmix.contracts.meaning import TIME, meaning_of, merged, ranking_metric, read_meanings, recorded

ERROR = Meaning("error", "lower", "K", "root mean square error", by_ratio=True)
FIT = Meaning("fit", "higher", rewards_freedom=True, confounded_by=frozenset({"solver", "solver.degree"}))

SPOILED = Meaning("bic", "lower", spoiled_by="n_collapsed")


@pytest.mark.parametrize("meaning", [ERROR, FIT, TIME, SPOILED, Meaning("loss")])
def test_a_meaning_is_read_from_a_journal_as_it_was_recorded(meaning):
    assert read_meanings(json.loads(json.dumps({meaning.name: recorded(meaning)}))) == {meaning.name: meaning}


@pytest.mark.parametrize("record", [None, [], {"fit": None}, {"fit": 3}])
def test_a_malformed_record_declares_nothing(record):
    assert read_meanings(record) == {}


def test_a_malformed_field_says_nothing():
    record = {"fit": {"better": "sideways", "confounded_by": "solver", "by_ratio": "no", "is_cost": 1}}
    assert read_meanings(record) == {"fit": Meaning("fit")}


def test_times_and_memory_are_timings_whoever_reports_them():
    assert meaning_of("time.compile").is_timing
    assert meaning_of("memory.peak_bytes").unit == "B"
    assert not meaning_of("timely").is_timing


def test_a_metric_is_confounded_by_the_parameters_that_improve_it_and_no_others():
    assert FIT.is_confounded(["seed", "solver.degree"])
    assert not FIT.is_confounded(["other.degree", "degree"])


def test_what_confounds_a_metric_in_one_run_confounds_it_in_all():
    other = {"fit": Meaning("fit", "higher", confounded_by=frozenset({"solver.knots"}))}
    assert merged([{"fit": FIT}, other])["fit"].confounded_by == {"solver", "solver.degree", "solver.knots"}


def test_runs_are_ranked_by_the_first_metric_that_all_have_and_that_is_fair():
    cost = Meaning("calls", "lower", is_cost=True)
    declared = {each.name: each for each in (FIT, cost, Meaning("rounds"), ERROR)}
    runs = [{"fit": 1.0, "calls": 3.0, "rounds": 4.0, "error": 2.0}, {"fit": 2.0, "calls": 3.0, "error": 1.0}]
    assert ranking_metric(runs, declared, []) == FIT
    assert ranking_metric(runs, declared, ["solver"]) == ERROR
    assert ranking_metric([*runs, {"fit": 3.0}], declared, ["solver"]) is None
    assert ranking_metric([{"fit": float("nan"), "error": 1.0}], declared, []) == ERROR
    assert ranking_metric([], declared, []) is None


def test_a_result_that_another_metric_spoils_is_the_worst():
    runs = [{"bic": -9.0, "n_collapsed": 1.0}, {"bic": 3.0, "n_collapsed": 0.0}, {"bic": 5.0}]
    assert [SPOILED.is_spoiled(run) for run in runs] == [True, False, False]
    assert sorted(runs, key=SPOILED.loss) == [*runs[1:], runs[0]]
    assert Meaning("accuracy", "higher").loss({"accuracy": 0.5, "n_collapsed": 3.0}) == -0.5
