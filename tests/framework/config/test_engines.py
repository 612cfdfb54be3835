"""Engines in a sweep: no part of what is computed, unless its timings are asked for."""

import pytest

from gradmix.config.spec import read_spec


def spec(timing: dict | None = None, **engine):
    """The spec of a small run on an engine."""
    clusterer, dataset = {"name": "kmeans"}, {"name": "iris"}
    return read_spec(
        {
            "name": "trial",
            "task": {"name": "cluster"},
            "clusterer": clusterer,
            "dataset": dataset,
            "engine": engine or {"name": "serial"},
            "timing": timing or {},
        }
    )


@pytest.mark.parametrize("engine", [{"name": "threads"}, {"name": "threads", "n_threads": 2}], ids=str)
def test_an_engine_changes_the_identity_of_timings_alone(engine):
    assert spec(**engine).run_key == spec().run_key
    assert spec({"repeats": 2}, **engine).run_key != spec({"repeats": 2}).run_key
    assert spec({"repeats": 2}).run_key == spec().run_key


def test_a_run_is_not_named_after_its_engine():
    assert spec(name="threads").label == "kmeans on iris"
