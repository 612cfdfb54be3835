import pytest

from gradmix.contracts.meaning import COSTS, METRICS, PRIMARY, is_confounded, metric_named


def test_every_metric_that_is_ranked_by_has_a_better_way():
    assert all(METRICS[name].better for name in (*PRIMARY, *COSTS))


def test_times_and_memory_are_timings_and_nothing_else_is():
    assert {name for name, metric in METRICS.items() if metric.is_timing} == {
        name for name in METRICS if name.startswith(("time.", "memory."))
    }


@pytest.mark.parametrize("name", ["log_likelihood", "inertia"])
def test_more_clusters_flatter_the_fit_but_not_the_criteria(name):
    assert is_confounded(metric_named(name), ["clusterer.n_components"])
    assert not is_confounded(metric_named(name), ["dataset", "clusterer.n_init"])
    assert not any(is_confounded(METRICS[criterion], ["clusterer.n_components"]) for criterion in ("bic", "aic", "icl"))
