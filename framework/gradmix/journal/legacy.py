"""Information that journals of version 0.1 lack: roles of parts, meanings of metrics, and which options are seeds.

From 0.2 on, the journal itself declares it. No rows are added here, and only `gradmix.journal.declared` uses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gradmix.contracts.meaning import Meaning
from gradmix.contracts.role import Role

ROLES: Mapping[str, Role] = {
    "task": Role.TASK,
    "clusterer": Role.ALGORITHM,
    "differentiator": Role.ALGORITHM,
    "dataset": Role.GIVEN,
    "problem": Role.GIVEN,
}
"""Kind of a part, which was also the name of its field → its role."""

_SEVERAL = {"metric": Role.MEASURE, "events": Role.OBSERVER}
_SEEDS = ("seed", "random_state")
_FREEDOM = ("n_clusters", "n_components", "covariance_type", "clusterer")

_MEANINGS = (
    Meaning("derivative_error", "lower", "", "largest error, relative to max(|exact|, 1)", by_ratio=True),
    Meaning("bic", "lower", "", "Bayesian information criterion: fit, with a penalty for each parameter"),
    Meaning("adjusted_rand_index", "higher", "", "agreement with the true groups; 1 is perfect, 0 is chance"),
    Meaning("log_likelihood", "higher", "nats", "total log-likelihood of the data", rewards_freedom=True),
    Meaning("inertia", "lower", "", "sum of squared distances to the centers", rewards_freedom=True),
    Meaning("function_evaluations", "lower", "calls", "calls of the user's function", is_cost=True, by_ratio=True),
    Meaning("n_iter", None, "iterations", "iterations made"),
    Meaning("converged", None, "", "whether it converged"),
    Meaning("derivative_error_ulp", "lower", "ulp", "largest error in units in the last place", by_ratio=True),
    Meaning("aic", "lower", "", "Akaike's information criterion"),
    Meaning("icl", "lower", "", "BIC, with a penalty for groups that overlap"),
    Meaning("normalized_mutual_information", "higher", "", "information shared with the true groups; 1 is perfect"),
    Meaning("conformance", "higher", "", "share of the applicable checks that passed"),
    Meaning("checks.failed", "lower", "checks", "checks that failed"),
    Meaning("checks.passed", "higher", "checks", "checks that passed"),
)


def roles(params: Mapping[str, Any]) -> dict[str, tuple[str, Role]]:
    """Return the path of each part → its kind and role."""
    found = {name: (name, ROLES[name]) for name in params if name in ROLES}
    several = (path for path in params if path.count(".") == 1 and path.partition(".")[0] in _SEVERAL)
    return found | {path: (kind := path.partition(".")[0], _SEVERAL[kind]) for path in several}


def seeds(params: Mapping[str, Any]) -> frozenset[str]:
    """Return the parameters that are seeds."""
    return frozenset(path for path in params if path.rpartition(".")[2] in _SEEDS)


def meanings(params: Mapping[str, Any]) -> dict[str, Meaning]:
    """Return the meanings of the metrics of 0.1's own tasks, in the order in which they ranked results."""
    freedom = frozenset(path for path in params if path.rpartition(".")[2] in _FREEDOM)
    return {each.name: replace(each, confounded_by=freedom) if each.rewards_freedom else each for each in _MEANINGS}
