"""The differentiator ``second_order``."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gradmix import ConfigError, Differentiator, Pullback, VectorFunction, part


@dataclass
class SecondOrder(Differentiator):
    """Second derivatives by one differentiator inside another; first derivatives by the inner one.

    Parameters
    ----------
    outer
        The differentiator of the gradients; it traces through the inner one.
    inner
        The differentiator that computes the gradients.

    Notes
    -----
    Forward over reverse, ``dual`` outside ``tape``, gives the Hessian's product with a direction for a few times the
    cost of the function (Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (2008), section 5.4). Divided
    differences of exact gradients keep more digits than second differences.

    Examples
    --------
    >>> import gradmix
    >>> mixed = gradmix.differentiator("second_order", outer="dual", inner="tape")
    >>> mixed.hessian(lambda x: x[0] ** 2 * x[1], [1.0, 3.0])
    array([[6., 2.],
           [2., 0.]])
    """

    uses_rules: ClassVar[bool] = True

    outer: Differentiator = part("dual")
    inner: Differentiator = part("tape")

    @property
    def accuracy(self) -> float:
        """Return the accuracy of the inner one, which computes the first derivatives."""
        return self.inner.accuracy

    def check(self) -> None:
        """Check every option, and that the outer differentiator can trace through the inner one."""
        super().check()
        self._check_that_both_nest()

    def _check_that_both_nest(self) -> None:
        for role, each in (("outer", self.outer), ("inner", self.inner)):
            if not each.nests:
                raise ConfigError(f"differentiator.{role} must work on traced values; {type(each).__name__} does not.")

    def session(self) -> AbstractContextManager[Any]:
        """Enter the sessions of both differentiators."""
        self._check_that_both_nest()
        stack = ExitStack()
        stack.enter_context(self.outer.session())
        stack.enter_context(self.inner.session())
        return stack

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """Push a tangent forward by the inner one."""
        return self.inner.push(f, x, v)

    def push_many(self, f: VectorFunction, x: Any, V: Any) -> tuple[Any, Any]:
        """Push several tangents forward by the inner one."""
        return self.inner.push_many(f, x, V)

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """Pull back by the inner one."""
        return self.inner.pull(f, x)

    def first(self, f: VectorFunction, x: Any) -> tuple[Any, Any]:
        """Return value and gradient by the inner one."""
        return self.inner.first(f, x)

    def matrix(self, f: VectorFunction, x: Any) -> Any:
        """Return the Jacobian by the inner one."""
        return self.inner.matrix(f, x)

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """Push or pull the inner one's gradient by the outer one."""
        if self.outer.pushes:
            return self.outer.push(self._gradient_of(f), x, v)[1]
        return self.outer.pull(self._gradient_of(f), x)[1](v)

    def second(self, f: VectorFunction, x: Any) -> Any:
        """Return the gradient by the inner one, and its Jacobian by the outer one."""
        return self.outer.matrix(self._gradient_of(f), x)

    def higher(self, f: VectorFunction, x: Any, order: int) -> Any:
        """Return higher derivatives: the second by both, each further one by the outer one."""
        return self.outer.push(lambda y: self._derivative(f, y, order - 1), x, np.ones(1))[1]

    def _derivative(self, f: VectorFunction, x: Any, order: int) -> Any:
        by = self.inner if order == 1 else self.outer
        inside = f if order == 1 else lambda y: self._derivative(f, y, order - 1)
        return by.push(inside, x, np.ones(1))[1]
