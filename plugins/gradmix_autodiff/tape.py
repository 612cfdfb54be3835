"""The differentiator ``tape``: record every operation, then walk back; reverse mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gradmix import Differentiator, Pullback, VectorFunction


@dataclass
class Tape(Differentiator):
    """Reverse mode by a tape, on plain NumPy functions: a gradient in one evaluation, whatever the number of variables.

    Notes
    -----
    Source: Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), section 3.2; the record is the
    Wengert list (Wengert, Commun. ACM 7 (1964) 463-464).

    Examples
    --------
    >>> Tape().gradient(lambda x: (x**2).sum(), [1.0, 3.0])
    array([2., 6.])
    """

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """Record f once; each pullback walks the record backwards."""
        from gradmix_autodiff.pullback import Recorded

        recorded = Recorded(f, x)
        return recorded.value, recorded.pull

    def higher(self, f: VectorFunction, x: Any, order: int) -> Any:
        """Nested derivatives."""
        return self.nested(f, x, order)
