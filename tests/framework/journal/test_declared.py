"""What journals declare of parts, seeds and metrics, those of 0.1 included."""

import pytest

import gradmix
from gradmix.contracts.role import Role
from gradmix.journal.declared import declared_in

PARAMS_OF_0_1 = {
    "task": "cluster",
    "clusterer": "gmm",
    "clusterer.n_components": 3,
    "clusterer.random_state": 0,
    "dataset": "iris",
    "metric.silhouette": "silhouette",
    "metric.silhouette.seed": 7,
    "seed": 0,
}


def test_a_journal_of_0_1_declares_what_its_names_meant_then():
    declared = declared_in({"params": PARAMS_OF_0_1, "metrics": {"silhouette": {"better": "higher"}}})
    assert {path: part.role for path, part in declared.parts.items()} == {
        "task": Role.TASK,
        "clusterer": Role.ALGORITHM,
        "dataset": Role.GIVEN,
        "metric.silhouette": Role.MEASURE,
    }
    assert declared.seeds == {"seed", "clusterer.random_state", "metric.silhouette.seed"}
    assert declared.meanings["log_likelihood"].confounded_by == {"clusterer", "clusterer.n_components"}
    assert not declared.meanings["bic"].confounded_by
    assert declared.meanings["silhouette"].better == "higher"


def test_a_journal_that_declares_its_parts_is_read_by_no_name():
    started = {
        "params": PARAMS_OF_0_1,
        "parts": {"dataset": {"kind": "clusterer", "role": "algorithm"}},
        "seeds": ["clusterer.n_components"],
        "metrics": {"a": {"better": "lower"}, "bic": {"better": "higher"}},
        "ranking": ["bic", "a"],
    }
    declared = declared_in(started)
    assert declared.parts["dataset"].role is Role.ALGORITHM
    assert set(declared.parts) == {"dataset"}
    assert declared.seeds == {"clusterer.n_components"}
    assert [(name, meaning.better) for name, meaning in declared.meanings.items()] == [
        ("bic", "higher"),
        ("a", "lower"),
    ]


@pytest.mark.parametrize(
    "started",
    [{}, {"params": 3}, {"parts": {"x": 3, "y": {"role": "of a later version"}}, "seeds": 4, "ranking": {}}],
)
def test_whatever_is_malformed_is_left_out(started):
    declared = declared_in(started)
    assert not declared.parts
    assert not declared.seeds


def test_every_built_in_kind_states_its_role():
    roles = {kind: kind.role for kind in (gradmix.Clusterer, gradmix.Dataset, gradmix.Metric, gradmix.Events)}
    assert [role.has_several for role in roles.values()] == [False, False, True, True]
    assert [role.is_compared for role in roles.values()] == [True, False, False, False]
