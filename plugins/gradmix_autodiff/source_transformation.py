"""The differentiator ``source``: source code transformation, forward and reverse."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gradmix import DifferentiationError, Differentiator, FlatFunction, Pullback, VectorFunction

if TYPE_CHECKING:
    from gradmix_autodiff.source.transformed import Transformed

_HIGHEST = 8


@cache
def _transformed() -> type[Transformed]:
    """Return the function that transforms. It and all rules are imported at the first differentiation."""
    from gradmix_autodiff.engine import install
    from gradmix_autodiff.source.transformed import Transformed

    install()
    return Transformed


@dataclass
class SourceTransformation(Differentiator):
    """Source code transformation: read a function's definition, and write the code of its derivative.

    Loops, branches, writes into plain arrays and functions of `math` are followed; nothing is traced or recorded. What
    cannot be transformed is named with its line.

    Parameters
    ----------
    mode
        forward, reverse, or auto, which takes the cheaper one. Second derivatives are forward over reverse.
    compiled
        Whether first derivatives are compiled by numba, for functions of numbers and arrays of up to two dimensions.

    Notes
    -----
    Source: Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), sections 6.2 and 12.2.

    Examples
    --------
    >>> import numpy as np
    >>> from gradmix_problems.lecture import Lecture
    >>> SourceTransformation().gradient(Lecture().function, [0.0, 2.0])
    array([3., 0.])
    """

    mode: Literal["auto", "forward", "reverse"] = "auto"
    compiled: bool = False
    nests = False
    uses_rules = True
    writes_code = True

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """Push by the emitted forward code, or by rows of the Jacobian if the mode is reverse."""
        made = self._of(f)
        if self.mode != "reverse":
            return made.push(x, v)
        y, pullback = self.pull(f, x)
        return y, np.array([pullback(row) @ v for row in np.eye(len(y))])

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """Pull by the emitted reverse code, or by columns of the Jacobian if the mode is forward."""
        made = self._of(f)
        if self.mode == "forward":
            y, columns = f(x), np.stack([made.push(x, each)[1] for each in np.eye(len(x))])
            return y, lambda w: columns @ w
        made.program("reverse")  # the error for code that cannot be transformed comes before f runs
        return f(x), lambda w: made.pulled(x, w)

    def first(self, f: VectorFunction, x: Any) -> tuple[Any, Any]:
        """Run the reverse code once. It is an error if f has several values."""
        made = self._of(f)
        if self.mode == "forward" or not made.has_one_value(x):
            return super().first(f, x)
        return made.value_and_gradient(x)

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """Return the product by the reverse code, transformed again in forward mode."""
        return self._of(f).product(x, v)

    def second(self, f: VectorFunction, x: Any) -> Any:
        """Return the Hessian by one product for each variable."""
        made = self._of(f)
        return np.stack([made.product(x, each) for each in np.eye(len(x))])

    def higher(self, f: VectorFunction, x: Any, order: int) -> Any:
        """Return higher derivatives by transforming the forward code again."""
        return self._derivatives(f, x, np.ones(1), order)[order]

    def series(self, f: VectorFunction, x: Any, v: Any, order: int) -> Any:
        """Return all coefficients by one run of the forward code, transformed again."""
        if not order:
            return np.stack([f(x)])
        found = self._derivatives(f, x, v, order)
        return np.stack([each / math.factorial(k) for k, each in enumerate(found)])

    def _derivatives(self, f: VectorFunction, x: Any, v: Any, order: int) -> list[Any]:
        if order > _HIGHEST:
            raise DifferentiationError(
                f"source computes derivatives up to order {_HIGHEST}, because each order multiplies the size "
                f"of its code; given: {order}. Use differentiator=taylor."
            )
        return self._of(f).derivatives(x, v, order)

    def written(self, f: FlatFunction, x: Any) -> str:
        """Return the emitted code as a module: in auto mode forward for a function of one number, else reverse.

        With `compiled`, the code is compiled, so that an error names whatever cannot be compiled.
        """
        forward = self.mode == "forward" or (self.mode == "auto" and f.argument.is_scalar)
        made = self._of(f)
        if self.compiled and forward:
            made.push(x, np.zeros(len(x)))
        elif self.compiled:
            made.pulled(x, np.zeros(len(f(x))))
        return made.program("forward" if forward else "reverse").printed()

    def _of(self, f: VectorFunction) -> Transformed:
        if not isinstance(f, FlatFunction):
            raise DifferentiationError(
                "source transforms functions as they are written; it cannot transform a function that another "
                "transformation returned."
            )
        return _transformed()(f, self.compiled)
