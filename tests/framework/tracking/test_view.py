"""What MLflow is to show of a journal."""

import json

from gradmix.journal.reading import read_run
from gradmix.tracking.view import view_of
from made_journals import write_events, write_run


def iterations(start, values):
    return [
        {"event": "iteration", "start": start, "step": step, "metrics": {"log_likelihood": value}}
        for step, value in enumerate(values, start=1)
    ]


STARTS = [*iterations(0, [-9.0, -8.0]), *iterations(1, [-7.0, -4.0, -3.0]), *iterations(2, [-9.5])]


def shown(folder, best_start=1, **options):
    """Curves by metric of a run of three starts, of which the second is best."""
    write_run(folder, **options)
    lines = (folder / "journal.jsonl").read_text().splitlines(keepends=True)
    extra = [_line(event) for event in STARTS]
    text = "".join([lines[0], *extra, *lines[1:]]).replace('"best_start": 0', f'"best_start": {best_start}')
    (folder / "journal.jsonl").write_text(text)
    curves = {}
    for point in view_of(read_run(folder)).points:
        curves.setdefault(point.key, []).append((point.step, point.value))
    return curves


def _line(event):
    return json.dumps({"event": event["event"], "time": 1.7e9, **event}) + "\n"


def test_the_curve_is_that_of_the_best_start_also_if_it_is_not_the_last(tmp_path):
    curves = shown(tmp_path, metrics={"log_likelihood": -3.0, "bic": 5.0})
    assert curves["log_likelihood"] == [(1, -7.0), (2, -4.0), (3, -3.0)]
    assert curves["bic"] == [(0, 5.0)]


def test_every_start_leaves_how_it_ended(tmp_path):
    assert shown(tmp_path)["start.log_likelihood"] == [(0, -8.0), (1, -3.0), (2, -9.5)]


def test_of_a_run_that_was_killed_the_start_at_work_is_shown(tmp_path):
    assert shown(tmp_path, status="killed")["log_likelihood"] == [(1, -9.5)]


def view(folder, *events, **started):
    first = {"event": "started", "format": 1, "run_id": "r", "name": "trial", "label": "l", **started}
    return view_of(read_run(write_events(folder, [first, *events])))


def test_a_clock_that_went_back_puts_nothing_before_the_start(tmp_path):
    late = {"event": "iteration", "time": 1.6e9, "start": 0, "step": 1, "metrics": {"loss": 1.0}}
    seen = view(tmp_path, late, {"event": "finished", "time": 1.6e9})
    assert [point.time for point in seen.points] == [seen.start_time]
    assert seen.end_time == seen.start_time == 1_700_000_000_000


def test_texts_are_cut_where_mlflow_takes_no_more(tmp_path):
    seen = view(tmp_path, {"event": "failed", "error": "x" * 6000}, params={"fits": "y" * 5000, "long": "z" * 5001})
    assert seen.params == {"fits": "y" * 5000, "long": "z" * 4999 + "…"}
    assert seen.tags["gradmix.error"] == "x" * 4999 + "…"


def test_numbers_that_are_not_finite_are_a_tag(tmp_path):
    result = {"event": "result", "metrics": {"bic": "inf", "aic": 2.0, "icl": "nan"}, "best_start": 0}
    seen = view(tmp_path, result, {"event": "finished"})
    assert [(point.key, point.value) for point in seen.points] == [("aic", 2.0)]
    assert seen.tags["gradmix.non_finite"] == "bic=inf, icl=nan"


def test_a_resumed_sweep_has_a_point_for_each_stretch(tmp_path):
    stretches = [{"event": "result", "metrics": {"done": done}} for done in (1, 3)]
    seen = view(tmp_path, *stretches, {"event": "finished"}, kind="sweep")
    assert [(point.key, point.step, point.value) for point in seen.points] == [("done", 0, 1.0), ("done", 1, 3.0)]


def test_each_plugin_is_named_once_and_in_order_with_what_comes_from_it(tmp_path):
    seen = view(tmp_path, plugins={"task": "p 2", "clusterer": "a 1", "dataset": "p 2"})
    assert seen.tags["gradmix.plugin"] == "a 1: clusterer, p 2: dataset task"


def test_the_best_value_of_a_sweep_is_named_after_its_metric(tmp_path):
    result = {"event": "result", "metrics": {"done": 2, "best": 5.0}, "best": "bic 5: seed=1"}
    seen = view(tmp_path, result, {"event": "finished"}, kind="sweep")
    assert {point.key: point.value for point in seen.points} == {"done": 2.0, "best.bic": 5.0}
