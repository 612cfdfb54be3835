"""The differentiator ``tape``: record every operation, then walk back; reverse mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from gradmix import Differentiator, Function, Pullback, VectorFunction

if TYPE_CHECKING:
    from gradmix_autodiff.graph import Graph
    from gradmix_autodiff.pullback import Recorded


_ONE = np.ones(1)


@cache
def _recorder() -> type[Recorded]:
    """Return the class that records. It and all rules are imported at the first differentiation."""
    from gradmix_autodiff.pullback import Recorded

    return Recorded


@dataclass
class Tape(Differentiator):
    """Reverse mode by a tape, on plain NumPy functions: a gradient in one evaluation, whatever the number of variables.

    Parameters
    ----------
    compiled
        Whether `prepare` compiles loops over the entries of arrays by numba, where that is installed.

    Notes
    -----
    Source: Griewank & Walther, *Evaluating Derivatives*, 2nd ed. (SIAM 2008), section 3.2; the record is the
    Wengert list (Wengert, Commun. ACM 7 (1964) 463-464).

    Examples
    --------
    >>> Tape().gradient(lambda x: (x**2).sum(), [1.0, 3.0])
    array([2., 6.])
    """

    compiled: bool = True
    uses_rules = True

    @classmethod
    def has_rule(cls, function: Function) -> bool:
        """Return whether the table has a rule for the function."""
        from gradmix_autodiff.engine import has_rule

        return has_rule(function)

    def setup(self) -> None:
        """Import the recorder and all rules."""
        super().setup()
        _recorder()

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """Record f once; each pullback walks the record backwards."""
        with np.errstate(all="ignore"):
            recorded = _recorder()(f, x)
        return recorded.value, recorded.pull

    def first(self, f: VectorFunction, x: Any) -> tuple[Any, Any]:
        """Return value and gradient by pulling 1 back. It is an error if f has several values."""
        with np.errstate(all="ignore"):
            recorded = _recorder()(f, x)
            y = recorded.value
            is_one = (y.shape if type(y) is np.ndarray else np.shape(y)) == (1,)
            return y, recorded.pull_once(_ONE) if is_one else np.zeros(len(x))

    def graph(self, f: Function, *args: Any, direction: Sequence[Any] | None = None) -> Graph:
        """Return the computational graph of a function at a point, with values, tangents and adjoints.

        Parameters
        ----------
        f
            The function, with one real value.
        args
            Its arguments: numbers and arrays.
        direction
            A tangent for each argument. Along the first argument unless given.

        Returns
        -------
        Graph
            Printed, it is a table; ``to_dot()`` is text for Graphviz.

        Examples
        --------
        >>> print(Tape().graph(lambda x1, x2: x1 * x2 + np.sin(x1), 2.0, 3.0))
            operation  value     tangent    adjoint
        x1             2         1          2.58385
        x2             3         0          2
        w3  x1 * x2    6         3          1
        w4  sin(x1)    0.909297  -0.416147  1
        w5  w3 + w4    6.9093    2.58385    1
        """
        from gradmix_autodiff.graph import computational_graph

        return computational_graph(f, args, [1.0, *[0.0] * (len(args) - 1)] if direction is None else direction)

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
        """Nest derivatives. For several values, the pullback w ↦ w·J is linear in w: pulling it back gives J."""
        inner = f if order == 1 else lambda y: self.higher(f, y, order - 1)
        y, pullback = self.pull(inner, x)
        m = len(y)
        return pullback(np.ones(1)) if m == 1 else self.pull(pullback, np.ones(m))[1](np.ones(1))
