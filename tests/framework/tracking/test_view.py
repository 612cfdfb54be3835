"""What MLflow is to show of a journal."""

import json

from gradmix.journal.reading import read_run
from gradmix.tracking.view import view_of
from made_journals import write_run


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
