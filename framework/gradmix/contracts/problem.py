"""Problems: functions to differentiate, with their exact derivatives, and questions to solve."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

from gradmix.contracts.component import Component
from gradmix.contracts.question import Question
from gradmix.contracts.role import Role

Operator = Literal["derivative", "gradient", "jacobian"]
"""What a problem asks a differentiator for: the name of the method."""


class Problem(Component, ABC):
    """Base of all problems: a dataclass of options with a function, a point and, if known, the exact answer."""

    kind: ClassVar[str] = "problem"
    role: ClassVar[Role] = Role.GIVEN
    operator: Operator = "gradient"
    """What is asked: ``derivative`` (ℝ→ℝᵐ), ``gradient`` (ℝⁿ→ℝ) or ``jacobian`` (ℝⁿ→ℝᵐ)."""

    @abstractmethod
    def function(self, x: Any) -> Any:
        """Evaluate the function, in plain NumPy."""

    @abstractmethod
    def point(self) -> Any:
        """Where to differentiate: a float or an array."""

    def exact(self) -> Any:
        """Derivative at the point, nearly to the last digit, found without a differentiator; None if unknown."""
        return None

    def question(self) -> Question | None:
        """What it asks a solver, with the start and the exact solution, if known; None if it asks nothing.

        It is made for every run of a sweep before the first one starts, so it must be quick.
        """
        return None
