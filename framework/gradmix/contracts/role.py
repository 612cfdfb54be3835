"""Roles: the purpose of a kind of component in an experiment."""

from __future__ import annotations

from enum import Enum


class Role(Enum):
    """The purpose of the components of a kind.

    A contract states its role once; planning, comparison, configs and listings depend on the role, not on the kind.
    """

    TASK = "task"
    """Defines the work that a run does with the other components; a run has one."""
    ALGORITHM = "algorithm"
    """Does the work: algorithms are compared on the same work."""
    GIVEN = "given"
    """Provides the data or problem to solve; results are compared only on the same data or problem."""
    MEASURE = "measure"
    """Scores the answer of a run; a run has any number of them."""
    OBSERVER = "observer"
    """Follows a run; a run has any number of them."""
    ENGINE = "engine"
    """Determines where or with what the work is done; engines are compared on the same work."""
    INGREDIENT = "ingredient"
    """Part of an algorithm, chosen inside the component that holds it."""

    @property
    def is_held(self) -> bool:
        """Whether its components are parts of a task or of another component."""
        return self not in (Role.TASK, Role.MEASURE, Role.OBSERVER)

    @property
    def is_compared(self) -> bool:
        """Whether its components are compared with each other on the same work."""
        return self in (Role.ALGORITHM, Role.ENGINE)

    @property
    def has_several(self) -> bool:
        """Whether a config can choose several of its components for a run: ``metric=[silhouette,davies_bouldin]``."""
        return self in (Role.MEASURE, Role.OBSERVER)

    @property
    def has_group(self) -> bool:
        """Whether its kinds are config groups themselves, at the top of a config."""
        return self is not Role.INGREDIENT
