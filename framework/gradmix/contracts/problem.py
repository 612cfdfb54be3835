"""Problems: functions to differentiate, with their exact derivatives, and questions to solve."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

from gradmix.contracts.component import Component
from gradmix.contracts.question import Question
from gradmix.contracts.role import Role

Operator = Literal["derivative", "gradient", "jacobian"]
"""The name of the differentiator's method that a problem requires."""


class Problem(Component, ABC):
    """Base of all problems: a dataclass of options with a function, a point and, if known, the exact answer."""

    kind: ClassVar[str] = "problem"
    role: ClassVar[Role] = Role.GIVEN
    operator: Operator = "gradient"
    """The required derivative: ``derivative`` (ℝ→ℝᵐ), ``gradient`` (ℝⁿ→ℝ) or ``jacobian`` (ℝⁿ→ℝᵐ)."""

    @abstractmethod
    def function(self, x: Any) -> Any:
        """Evaluate the function, in plain NumPy."""

    @abstractmethod
    def point(self) -> Any:
        """Return the point at which to differentiate: a float or an array."""

    def exact(self) -> Any:
        """Return the derivative at the point, accurate to almost the last digit; None if unknown.

        It must not be computed by a differentiator.
        """
        return None

    def question(self) -> Question | None:
        """Return the question for a solver, with the start and the exact solution if known; None if there is none.

        It is called for every run of a sweep before the first one starts, so it must be fast.
        """
        return None
