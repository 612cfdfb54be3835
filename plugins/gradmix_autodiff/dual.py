"""The differentiator ``dual``: dual numbers x + ẋ₁d₁ + … + ẋₚdₚ with dᵢdⱼ = 0, forward mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from gradmix import Differentiator, Function, PositiveInt, VectorFunction


@cache
def _push_many() -> Callable[..., tuple[Any, Any]]:
    """Return the function that pushes tangents. It and all rules are imported at the first differentiation."""
    from gradmix_autodiff.pushing import push_many

    return push_many


@dataclass
class DualNumbers(Differentiator):
    """Forward mode by dual numbers with several components, on plain NumPy functions.

    Parameters
    ----------
    components
        Number of dual components per evaluation: a gradient of n variables takes n/components evaluations.
    compiled
        Whether `prepare` compiles loops over the entries of arrays by numba, where that is installed.

    Notes
    -----
    Source: Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), chapter 3.

    Examples
    --------
    >>> DualNumbers().jacobian(lambda x: x**2, [1.0, 3.0])
    array([[2., 0.],
           [0., 6.]])
    """

    components: PositiveInt = 64
    compiled: bool = True
    uses_rules = True

    @classmethod
    def has_rule(cls, function: Function) -> bool:
        """Return whether the table has a rule for the function."""
        from gradmix_autodiff.engine import has_rule

        return has_rule(function)

    @property
    def chunk(self) -> int:
        """Return the number of tangents per evaluation: one for each component."""
        return self.components

    def setup(self) -> None:
        """Import the forward pass and all rules."""
        super().setup()
        _push_many()

    def push_many(self, f: VectorFunction, x: Any, V: Any) -> tuple[Any, Any]:
        """Push all tangents through f, one dual component for each.

        If a tangent is not finite, f is evaluated again carefully: absent tangents are distinguished from zeros.
        """
        return _push_many()(f, x, V)

    def sparse(self, f: VectorFunction, x: Any, is_second: bool, known: Any) -> tuple[Any, Any]:
        """Compress by a traced pattern and a colouring: tangents for columns, cotangents for dense rows."""
        from gradmix_autodiff.sparse.compression import sparse_hessian, sparse_jacobian

        return (sparse_hessian if is_second else sparse_jacobian)(f, x, known)

    def prepared(self, f: Any, x: Any) -> Differentiator:
        """Record f and its derivative at x as a program, valid at all points that take the same path through f."""
        from gradmix_autodiff.program.prepared import prepared

        return prepared(self, f, x, self.compiled)

    def loaded(self, f: Any, x: Any, file: Any, name: str) -> Differentiator:
        """Return a prepared object from programs that were recorded earlier."""
        from gradmix_autodiff.program.prepared import loaded

        return loaded(self, f, x, self.compiled, file, name)

    def higher(self, f: VectorFunction, x: Any, order: int) -> Any:
        """Nested derivatives."""
        return self.nested(f, x, order)
