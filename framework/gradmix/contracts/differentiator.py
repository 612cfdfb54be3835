"""Differentiators: one primitive, from which every operator follows."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from gradmix.contracts.component import Component

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Function = Callable[[Any], Any]
"""A function of one scalar or array, written in plain NumPy, that returns a scalar or an array."""


class Differentiator(Component, ABC):
    """Base of all differentiators: a dataclass of options that defines `jvp` or `vjp`.

    Every other operator follows from that one, and may be overridden where there is a faster way.
    Points and results are floats or arrays of float64; integers are taken as floats.

    Examples
    --------
    >>> import gradmix
    >>> dual = gradmix.differentiator("dual")
    >>> float(dual.derivative(lambda x: x**3, 2.0))
    12.0
    >>> dual.gradient(lambda x: x[0] * x[1], [2.0, 5.0])
    array([5., 2.])
    """

    kind: ClassVar[str] = "differentiator"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.jvp is Differentiator.jvp and cls.vjp is Differentiator.vjp:
            raise TypeError(f"{cls.__name__} must define jvp(self, f, x, v) or vjp(self, f, x, w)")

    def jvp(self, f: Function, x: Any, v: Any) -> Any:
        """Push forward: the directional derivative J(x)·v, of the shape of f(x).

        Parameters
        ----------
        f
            The function.
        x
            The point.
        v
            The direction (tangent), of the shape of `x`.
        """
        import numpy as np

        jacobian = self.jacobian(f, x)
        return np.tensordot(jacobian, np.asarray(v, dtype=float), axes=np.ndim(v)) if np.ndim(v) else jacobian * v

    def vjp(self, f: Function, x: Any, w: Any) -> Any:
        """Pull back: w·J(x), of the shape of `x`.

        Parameters
        ----------
        f
            The function.
        x
            The point.
        w
            The weights (cotangent), of the shape of f(x).
        """
        import numpy as np

        jacobian = self.jacobian(f, x)
        return np.tensordot(np.asarray(w, dtype=float), jacobian, axes=np.ndim(w)) if np.ndim(w) else w * jacobian

    def derivative(self, f: Function, x: Any) -> Any:
        """f'(x) of a function of one real variable, of the shape of f(x)."""
        return self.jvp(f, x, 1.0)

    def gradient(self, f: Function, x: Any) -> Any:
        """∇f(x) of a function with one real value, of the shape of `x`."""
        return self.value_and_gradient(f, x)[1]

    def value_and_gradient(self, f: Function, x: Any) -> tuple[Any, Any]:
        """f(x) and ∇f(x) of a function with one real value."""
        point = as_point(x)
        value = f(point)
        if type(self).vjp is not Differentiator.vjp:
            return value, self.vjp(f, point, 1.0)
        return value, _along_each_entry(self, f, point)

    def jacobian(self, f: Function, x: Any) -> Any:
        """J(x): the derivative of each entry of f(x) by each entry of `x`, shape f(x).shape + x.shape.

        Column by column with `jvp`, row by row with `vjp`; where both are there, whichever needs fewer sweeps.
        """
        import numpy as np

        point = as_point(x)
        if type(self).vjp is Differentiator.vjp:
            return np.moveaxis(_along_each_entry(self, f, point), range(np.ndim(point)), range(-np.ndim(point), 0))
        rows = [self.vjp(f, point, w) for w in unit_vectors(np.shape(f(point)))]
        return np.reshape(np.stack(rows), (*np.shape(f(point)), *np.shape(point)))

    def hvp(self, f: Function, x: Any, v: Any) -> Any:
        """H(x)·v, the Hessian's product with a direction, of the shape of `x`."""
        if type(self).jvp is not Differentiator.jvp:
            return self.jvp(lambda y: self.gradient(f, y), x, v)
        return self.vjp(lambda y: self.gradient(f, y), x, v)

    def hessian(self, f: Function, x: Any) -> Any:
        """H(x): second derivatives of a function with one real value, shape x.shape + x.shape."""
        return self.jacobian(lambda y: self.gradient(f, y), x)


def as_point(x: Any) -> Any:
    """Take a point as float64, whatever it came as; an object that is being traced stays what it is."""
    import numpy as np

    if hasattr(x, "__array_ufunc__") and not isinstance(x, np.ndarray | np.generic):
        return x
    return np.array(x, dtype=np.float64)[()]


def unit_vectors(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """One unit array for each entry of an array of `shape`, stacked: shape (size, *shape)."""
    import numpy as np

    size = int(np.prod(shape))
    return np.eye(size).reshape(size, *shape)


def _along_each_entry(differentiator: Differentiator, f: Function, point: Any) -> Any:
    """Derivatives of f along each entry of the point, shape x.shape + f(x).shape."""
    import numpy as np

    columns = [differentiator.jvp(f, point, v[()]) for v in unit_vectors(np.shape(point))]
    return np.reshape(np.stack(columns), (*np.shape(point), *np.shape(columns[0])))
