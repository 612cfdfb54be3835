"""Differentiators: one primitive, from which every operator follows."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

import numpy as np

from gradmix.contracts.component import Component
from gradmix.contracts.errors import DifferentiationError
from gradmix.contracts.role import Role

if TYPE_CHECKING:
    from numpy.typing import NDArray

Function = Callable[[Any], Any]
"""A function of one scalar or array, written in plain NumPy, that returns a scalar or an array."""

DERIVED = frozenset({"derivative", "gradient", "value_and_gradient", "jacobian", "hvp", "hessian"})
"""Operators that follow from `jvp` or `vjp`."""

OperatorT = TypeVar("OperatorT", bound=Callable[..., Any])


def _if_offered(operator: OperatorT) -> OperatorT:
    """Make an operator refuse where the differentiator's `lacks` names it."""

    @wraps(operator)
    def checked(self: Differentiator, *args: Any, **kwargs: Any) -> Any:
        self.check_operator(operator.__name__)
        return operator(self, *args, **kwargs)

    return cast("OperatorT", checked)


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
    role: ClassVar[Role] = Role.ALGORITHM
    lacks: ClassVar[Mapping[str, str]] = {}
    """Operators that it refuses, each with the reason: ``{"hvp": "second derivatives are not traced"}``."""
    follows_values: ClassVar[bool] = True
    """Whether functions may branch and loop by the values that they compute; if not, it refuses those that do."""

    @property
    def accuracy(self) -> float:
        """Relative error that it stays within on smooth functions of moderate size, first derivatives."""
        return 1e-12

    def check_operator(self, operator: str) -> None:
        """Check that it offers an operator, before anything is differentiated and when a sweep is planned.

        Raises
        ------
        DifferentiationError
            Says why it does not.
        """
        if operator in self.lacks:
            raise DifferentiationError(f"{type(self).__name__} has no {operator}: {self.lacks[operator]}.")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.jvp is Differentiator.jvp and cls.vjp is Differentiator.vjp:
            raise TypeError(f"{cls.__name__} must define jvp(self, f, x, v) or vjp(self, f, x, w)")
        for operator in DERIVED & vars(cls).keys():
            setattr(cls, operator, _if_offered(vars(cls)[operator]))

    @_if_offered
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
        point, tangent = as_point(x), as_point(v)
        check_shape("v", tangent, "x", np.shape(point))
        jacobian = self.jacobian(f, point)
        return np.tensordot(jacobian, tangent, axes=np.ndim(tangent)) if np.ndim(tangent) else jacobian * tangent

    @_if_offered
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
        point, cotangent = as_point(x), as_point(w)
        jacobian = self.jacobian(f, point)
        check_shape("w", cotangent, "f(x)", np.shape(jacobian)[: np.ndim(jacobian) - np.ndim(point)])
        return (
            np.tensordot(cotangent, jacobian, axes=np.ndim(cotangent)) if np.ndim(cotangent) else cotangent * jacobian
        )

    @_if_offered
    def derivative(self, f: Function, x: Any) -> Any:
        """f'(x) of a function of one real variable, of the shape of f(x)."""
        if np.ndim(as_point(x)):
            raise DifferentiationError(
                f"a derivative needs a function of one variable; x has the shape {np.shape(x)}. "
                "Ask for the gradient or the jacobian."
            )
        return self.jvp(f, x, 1.0)

    @_if_offered
    def gradient(self, f: Function, x: Any) -> Any:
        """∇f(x) of a function with one real value, of the shape of `x`."""
        return self.value_and_gradient(f, x)[1]

    @_if_offered
    def value_and_gradient(self, f: Function, x: Any) -> tuple[Any, Any]:
        """f(x) and ∇f(x) of a function with one real value."""
        point = as_point(x)
        value = f(point)
        check_scalar(value)
        if type(self).vjp is not Differentiator.vjp:
            return value, self.vjp(f, point, 1.0)
        return value, _along_each_entry(self, f, point)

    @_if_offered
    def jacobian(self, f: Function, x: Any) -> Any:
        """J(x): the derivative of each entry of f(x) by each entry of `x`, shape f(x).shape + x.shape.

        Column by column with `jvp`, row by row with `vjp`.
        """
        point = as_point(x)
        if type(self).vjp is Differentiator.vjp:
            return np.moveaxis(_along_each_entry(self, f, point), range(np.ndim(point)), range(-np.ndim(point), 0))
        shape = np.shape(f(point))
        return stacked([self.vjp(f, point, w[()]) for w in unit_vectors(shape)], (*shape, *np.shape(point)))

    @_if_offered
    def hvp(self, f: Function, x: Any, v: Any) -> Any:
        """H(x)·v, the Hessian's product with a direction, of the shape of `x`."""
        if type(self).jvp is not Differentiator.jvp:
            return self.jvp(lambda y: self.gradient(f, y), x, v)
        return self.vjp(lambda y: self.gradient(f, y), x, v)

    @_if_offered
    def hessian(self, f: Function, x: Any) -> Any:
        """H(x): second derivatives of a function with one real value, shape x.shape + x.shape."""
        return self.jacobian(lambda y: self.gradient(f, y), x)


def as_point(x: Any) -> Any:
    """Take a point or a direction as float64, whatever it came as; what is being traced stays what it is.

    Raises
    ------
    DifferentiationError
        If it holds anything but real numbers.
    """
    if type(x) is np.ndarray and x.dtype == np.float64 and x.ndim:
        return x.copy()
    if is_traced(x):
        return x
    if np.ma.is_masked(x):
        raise DifferentiationError(f"points and directions have no masked values; given: {x!r}.")
    array = np.asarray(x)
    if array.dtype == object and any(is_traced(entry) for entry in array.flat):
        return np.stack([as_point(entry) for entry in array])
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool) or np.iscomplexobj(array):
        raise DifferentiationError(f"points and directions are real numbers; given: {x!r}.")
    return np.array(array, dtype=np.float64)[()]


class Traced:
    """Marker of values that stand for numbers or arrays while a function is followed; differentiators derive theirs.

    Whatever else works with NumPy's functions, such as a pandas Series, is data.
    """

    __slots__ = ()


def is_traced(x: Any) -> bool:
    """Whether something is not a number or an array but stands for one, as differentiators make them."""
    return isinstance(x, Traced)


def check_shape(name: str, given: Any, of: str, shape: tuple[int, ...]) -> None:
    """Check that a direction has the shape that it must have.

    Raises
    ------
    DifferentiationError
        Names both shapes.
    """
    if np.shape(given) != tuple(shape):
        raise DifferentiationError(f"{name} has the shape {np.shape(given)}, but {of} has {tuple(shape)}.")


def check_scalar(value: Any) -> None:
    """Check that a function whose gradient is asked for has one real value.

    Raises
    ------
    DifferentiationError
        Names its shape, and what to ask for instead.
    """
    if np.shape(value):
        raise DifferentiationError(
            f"a gradient needs a function with one real value; this one's has the shape {np.shape(value)}. "
            "Ask for the jacobian."
        )


def stacked(arrays: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """Stack arrays and give the whole a shape; zeros if there are none."""
    return np.reshape(np.stack(arrays), shape) if len(arrays) else np.zeros(shape)


def unit_vectors(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """One unit array for each entry of an array of `shape`, stacked: shape (size, *shape)."""
    size = int(np.prod(shape))
    return np.eye(size).reshape(size, *shape)


def _along_each_entry(differentiator: Differentiator, f: Function, point: Any) -> Any:
    """Derivatives of f along each entry of the point, shape x.shape + f(x).shape."""
    columns = [differentiator.jvp(f, point, v[()]) for v in unit_vectors(np.shape(point))]
    return stacked(columns, (*np.shape(point), *np.shape(columns[0] if columns else f(point))))
