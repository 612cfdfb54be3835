"""Differentiators: plugins implement hooks on flat vectors; the final operators for users are built from the hooks."""

from __future__ import annotations

import math
import os
from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import IO, Any, ClassVar, final

import numpy as np

from gradmix.contracts import operators
from gradmix.contracts.colouring import Colouring, colouring_of
from gradmix.contracts.component import Component
from gradmix.contracts.errors import DifferentiationError, did_you_mean
from gradmix.contracts.files import regular_file
from gradmix.contracts.flat_function import ArgNums, FlatFunction, at_point
from gradmix.contracts.meaning import Meaning
from gradmix.contracts.operators import VectorFunction, operator
from gradmix.contracts.prepared import Prepared
from gradmix.contracts.returned import check_metrics, unlike
from gradmix.contracts.role import Role

Function = Callable[..., Any]
"""A function in plain NumPy. Arguments and result are numbers, arrays, or dicts, tuples and lists of these."""

Pullback = Callable[[Any], Any]
"""The function w ↦ w·J, from shape (m,) to shape (n,)."""

HOOKS: Mapping[str, str] = {
    "jvp": "push(self, f, x, v)",
    "vjp": "pull(self, f, x)",
    "derivative": "push(self, f, x, v), or higher(self, f, x, order) for higher orders",
    "gradient": "pull(self, f, x), push_many(self, f, x, V) or first(self, f, x)",
    "value_and_gradient": "pull(self, f, x), push_many(self, f, x, V) or first(self, f, x)",
    "jacobian": "matrix(self, f, x), and sparse(self, f, x, is_second, known)",
    "colouring": "sparse(self, f, x, is_second, known)",
    "hvp": "product(self, f, x, v)",
    "hessian": "second(self, f, x), and sparse(self, f, x, is_second, known)",
    "taylor": "series(self, f, x, v, order)",
    "prepare": "prepared(self, f, x)",
    "code": "written(self, f, x)",
    "measures": "measured(self, f, x)",
}
"""Final operator → the hook that a plugin implements instead of overriding it."""


class Differentiator(Component, ABC):
    """Base of all differentiators: a dataclass of options that implements `push` or `pull`.

    Users call the operators, which are final: `derivative`, `gradient`, `value_and_gradient`, `jacobian`, `hessian`,
    `hvp`, `jvp`, `vjp`, `taylor`, and `prepare`. Plugins implement hooks, which take a function f: ℝⁿ → ℝᵐ of flat
    arrays of float64. One of `push`, `push_many` and `pull` is enough; override another hook if there is a faster way.
    This class does everything else: containers, shapes, checks, the choice of the mode, the basis in chunks.

    Points are numbers, arrays, or dicts, tuples and lists of these. Results have the same structure, as in JAX. A list
    or tuple that contains only real numbers, nested or not, counts as an array. Integers are converted to floats.

    Examples
    --------
    >>> import gradmix
    >>> dual = gradmix.differentiator("dual")
    >>> float(dual.derivative(lambda x: x**3, 2.0))
    12.0
    >>> dual.gradient(lambda x: x[0] * x[1], [2.0, 5.0])
    array([5., 2.])
    >>> dual.gradient(lambda model: model["slope"] * 3.0 + model["offset"], {"slope": 2.0, "offset": 1.0})
    {'slope': np.float64(3.0), 'offset': np.float64(1.0)}
    """

    kind: ClassVar[str] = "differentiator"
    role: ClassVar[Role] = Role.ALGORITHM
    lacks: ClassVar[Mapping[str, str]] = {}
    """Operators that it does not support, each with the reason: ``{"hvp": "second derivatives are not traced"}``."""
    follows_values: ClassVar[bool] = True
    """Whether functions may branch and loop on computed values; if False, such functions are refused."""
    nests: ClassVar[bool] = True
    """Whether it can differentiate at traced values, either its own or those of another differentiator."""
    uses_rules: ClassVar[bool] = False
    """Whether it uses the rules that plugins add by `gradmix_rules`; the rules are then part of the run key."""
    writes_code: ClassVar[bool] = False
    """Whether `code` returns the derivative of a function as source code."""
    pushes: ClassVar[bool] = False
    """Whether it implements `push` or `push_many`."""
    pulls: ClassVar[bool] = False
    """Whether it implements `pull`."""

    @property
    def accuracy(self) -> float:
        """Bound on the relative error of first derivatives of smooth functions of moderate size."""
        return 1e-12

    @property
    def chunk(self) -> int:
        """Number of tangents that `push_many` receives at once."""
        return 64

    @classmethod
    def has_rule(cls, function: Function) -> bool:
        """Return whether it has a built-in rule for a function, which takes precedence over one of `gradmix_rules`."""
        return False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in HOOKS.keys() & vars(cls).keys():
            raise TypeError(
                f"{cls.__name__} defines {name}, which is final: implement {HOOKS[name]} on flat vectors instead. "
                "docs/upgrading.md shows how."
            )
        for name in cls.lacks.keys() - HOOKS.keys():
            raise TypeError(f"{cls.__name__}.lacks: {name!r} is not an operator.{did_you_mean(name, HOOKS)}")
        cls.pushes = cls.push is not Differentiator.push or cls.push_many is not Differentiator.push_many
        cls.pulls = cls.pull is not Differentiator.pull
        if not (cls.pushes or cls.pulls):
            raise TypeError(f"{cls.__name__} must define push(self, f, x, v) or pull(self, f, x)")

    # The hooks.

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """Push a tangent forward: compute f(x) and J(x)·v.

        Parameters
        ----------
        f
            The function; it maps shape (n,) to shape (m,).
        x
            The point, shape (n,), n > 0.
        v
            The tangent, shape (n,).

        Returns
        -------
        tuple
            f(x), shape (m,), or None if it was not computed; J(x)·v, shape (m,).
        """
        if type(self).push_many is not Differentiator.push_many:
            y, pushed = self.push_many(f, x, v[np.newaxis])
            return y, pushed[0]
        y, pullback = operators.pull(self, f, x)
        return y, operators.rows(pullback, len(y), len(x)) @ v

    def push_many(self, f: VectorFunction, x: Any, V: Any) -> tuple[Any, Any]:
        """Push several tangents forward at once.

        Parameters
        ----------
        f, x
            As for `push`.
        V
            The tangents, shape (p, n), p > 0.

        Returns
        -------
        tuple
            f(x), shape (m,), or None; J(x)·v for each tangent, shape (p, m).
        """
        pushed = [operators.push(self, f, x, v) for v in V]
        return pushed[0][0], np.stack([each for _, each in pushed])

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """Evaluate f and return its pullback.

        Parameters
        ----------
        f, x
            As for `push`.

        Returns
        -------
        tuple
            f(x), shape (m,); the function w ↦ w·J(x), from shape (m,) to shape (n,), which can be called repeatedly.
        """
        y, columns = operators.along_each_variable(self, f, x)
        return (f(x) if y is None else y), lambda w: columns @ w

    def first(self, f: VectorFunction, x: Any) -> tuple[Any, Any]:
        """Compute f(x), shape (1,), and ∇f(x), shape (n,), of a function with one value.

        The default calls one pullback or, without `pull`, pushes along each variable.

        Raises
        ------
        DifferentiationError
            If f has more than one value.
        """
        if self.pulls:
            y, pullback = operators.pull(self, f, x)
            operators.check_one_value(f)
            return y, pullback(np.ones(1))
        y, columns = operators.along_each_variable(self, f, x)
        operators.check_one_value(f)
        return (f(x) if y is None else y), columns[:, 0]

    def matrix(self, f: VectorFunction, x: Any) -> Any:
        """Compute J(x), shape (m, n), by rows or by columns: the fewer, if it can do both."""
        if self.pulls:
            y, pullback = operators.pull(self, f, x)
            if not self.pushes or math.prod(np.shape(y)) <= len(x):
                return operators.rows(pullback, math.prod(np.shape(y)), len(x))
        return np.transpose(operators.along_each_variable(self, f, x)[1])

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """Compute H(x)·v, shape (n,), of a function with one value, by pushing or pulling through its gradient."""
        if self.pushes:
            return operators.push(self, self._gradient_of(f), x, v)[1]
        return operators.pull(self, self._gradient_of(f), x)[1](v)  # the Hessian is symmetric

    def second(self, f: VectorFunction, x: Any) -> Any:
        """Compute H(x), shape (n, n), of a function with one value, as the Jacobian of the gradient."""
        return self.matrix(self._gradient_of(f), x)

    def higher(self, f: VectorFunction, x: Any, order: int) -> Any:
        """Compute a derivative of order 2 or higher, shape (m,), of a function of one variable.

        Raises
        ------
        DifferentiationError
            If it cannot compute derivatives of this order.
        """
        raise DifferentiationError(f"{type(self).__name__} has no derivative of order {order}: nest `derivative`.")

    def series(self, f: VectorFunction, x: Any, v: Any, order: int) -> Any:
        """Compute the Taylor coefficients of t ↦ f(x + t v) at 0, shape (order + 1, m), from one derivative each."""
        first = [self.push(f, x, v)[1]] if order else []
        others = [self.higher(lambda t: f(x + t * v), np.zeros(1), k) / math.factorial(k) for k in range(2, order + 1)]
        return np.stack([f(x), *first, *others])

    def sparse(
        self, f: VectorFunction, x: Any, is_second: bool, known: Colouring | None
    ) -> tuple[Any, Colouring | None]:
        """Compute J(x), or H(x) of a function with one value, as a sparse matrix, with a colouring for other points.

        Parameters
        ----------
        f, x
            As for `push`.
        is_second
            Whether the Hessian is requested.
        known
            A colouring for as many variables, or None. The method checks whether it is valid at x.

        Returns
        -------
        tuple
            `scipy.sparse.csc_matrix` of shape (m, n), or (n, n); the colouring that is valid at x, or None if a
            colouring does not pay.

        Raises
        ------
        DifferentiationError
            If it does not support sparse matrices.
        """
        raise DifferentiationError(f"{type(self).__name__} makes no sparse matrices: leave out sparse=True.")

    @final
    def nested(self, f: VectorFunction, x: Any, order: int) -> Any:
        """Compute a derivative of any order by nesting; `higher` can call it if first derivatives are exact."""
        inner = f if order == 1 else lambda y: self.nested(f, y, order - 1)
        return self.push(inner, x, np.ones(1))[1]

    def session(self) -> AbstractContextManager[Any]:
        """Return a context manager that is active while an operator works."""
        return operators.NOTHING_SET

    def prepared(self, f: FlatFunction, x: Any) -> Differentiator:
        """Return the differentiator that `prepare` uses: this one, or one that has compiled or recorded f at x."""
        return self

    def save_prepared(self, file: IO[bytes]) -> None:
        """Write the recording to a file, as data. Only a differentiator that `prepared` has returned implements this.

        Raises
        ------
        DifferentiationError
            If the recording cannot be saved.
        """
        raise DifferentiationError(f"{type(self).__name__} has nothing prepared that could be saved.")

    def loaded(self, f: FlatFunction, x: Any, file: IO[bytes], name: str) -> Differentiator:
        """Restore what `prepared` returned for f from a file that `save_prepared` wrote, without executing its content.

        `name` is the name of the file in error messages.

        Raises
        ------
        DifferentiationError
            If the file was written for another function or by another version.
        """
        raise DifferentiationError(f"{type(self).__name__} takes nothing prepared from a file.")

    @property
    def unprepared(self) -> Mapping[str, str]:
        """Hooks that gain nothing from the preparation, each with the reason; for a differentiator from `prepared`."""
        return {}

    def shortcut(self, operator: str) -> Function | None:
        """Return a fast path that an operator of a prepared function tries first, or None if there is none.

        It is called on the differentiator that `prepared` returned. The fast path takes the operator's arguments and
        returns its result, or None if these arguments need the general path. Arguments that it accepts are not checked
        again, so that small functions have little overhead.
        """
        return None

    def written(self, f: FlatFunction, x: Any) -> str:
        """Return the derivative of a function as source code, for points with the structure of x.

        Raises
        ------
        DifferentiationError
            If it does not write source code.
        """
        raise DifferentiationError(f"{type(self).__name__} writes no source code: use differentiator=source.")

    def metrics(self) -> tuple[Meaning, ...]:
        """Return the metrics that `measured` computes for a function's derivative, such as the size of its formula."""
        return ()

    def measured(self, f: FlatFunction, x: Any) -> Mapping[str, float]:
        """Return the value of each of its `metrics` for a function, at points with the structure of x."""
        return {}

    def _gradient_of(self, f: VectorFunction) -> VectorFunction:
        return lambda x: self.first(f, x)[1]

    # The operators.

    @final
    def check_operator(self, operator: str) -> None:
        """Check that it supports an operator.

        It is called before anything is differentiated and when a sweep is planned.

        Raises
        ------
        DifferentiationError
            If it does not support the operator; the message gives the reason.
        """
        if operator in self.lacks:
            raise DifferentiationError(f"{type(self).__name__} has no {operator}: {self.lacks[operator]}.")

    @operator
    def derivative(self, f: Function, *args: Any, argnums: int = 0, order: int = 1) -> Any:
        """Compute f⁽ᵏ⁾(x) of a function of one real variable, with the structure of f(x).

        Parameters
        ----------
        f
            The function.
        args
            Its arguments.
        argnums
            The position of the variable among them; the others are constant.
        order
            The order of the derivative, from 1. Not every differentiator supports higher orders.
        """
        return operators.derivative(self, *self._at(f, args, argnums), order)

    @operator
    def gradient(self, f: Function, *args: Any, argnums: ArgNums = 0) -> Any:
        """Compute ∇f(x) of a function with one real value, with the structure of the argument.

        Parameters
        ----------
        f
            The function.
        args
            Its arguments.
        argnums
            The position of the argument to differentiate by, or several positions, for which the result is a tuple.
            The other arguments are constant.
        """
        return operators.value_and_gradient(self, *self._at(f, args, argnums))[1]

    @operator
    def value_and_gradient(self, f: Function, *args: Any, argnums: ArgNums = 0) -> tuple[Any, Any]:
        """Compute f(x) and ∇f(x) of a function with one real value; parameters as for `gradient`."""
        return operators.value_and_gradient(self, *self._at(f, args, argnums))

    @operator
    def jacobian(self, f: Function, *args: Any, argnums: ArgNums = 0, sparse: bool | Colouring = False) -> Any:
        """Compute J(x), the derivative of each entry of f(x) by each entry of the argument.

        Parameters
        ----------
        f, args, argnums
            As for `gradient`.
        sparse
            Whether to return a sparse matrix; or the colouring to compute it with. Not every differentiator supports
            this.

        Returns
        -------
        numpy.ndarray or container
            Shape f(x).shape + x.shape. Containers nest as in JAX: f(x)'s structure outside, the argument's inside.
            A sparse matrix is a `scipy.sparse.csc_matrix` with a row for each entry of f(x) and a column for each entry
            of the argument, one array after the other.
        """
        if sparse is not False:
            return operators.sparse(self, *self._at(f, args, argnums), False, colouring_of(sparse))[0]
        return operators.jacobian(self, *self._at(f, args, argnums))

    @operator
    def hessian(self, f: Function, *args: Any, argnums: ArgNums = 0, sparse: bool | Colouring = False) -> Any:
        """Compute H(x), the second derivatives of a function with one real value, shape x.shape + x.shape.

        Parameters and containers are as for `jacobian`.
        """
        if sparse is not False:
            return operators.sparse(self, *self._at(f, args, argnums), True, colouring_of(sparse))[0]
        return operators.hessian(self, *self._at(f, args, argnums))

    @operator
    def colouring(self, f: Function, *args: Any, argnums: ArgNums = 0, second: bool = False) -> Colouring:
        """Find the colouring of a sparse Jacobian, or Hessian if `second`, to pass as `sparse=` at other points.

        Raises
        ------
        DifferentiationError
            If a colouring does not pay: it needs about as many directions as there are variables.
        """
        found = operators.sparse(self, *self._at(f, args, argnums), second, None)[1]
        if found is None:
            raise DifferentiationError(
                "a colouring does not pay for this function: compute the matrix without sparse=."
            )
        return found

    @operator
    def jvp(self, f: Function, x: Any, v: Any, args: Sequence[Any] = ()) -> Any:
        """Push forward: compute the directional derivative J(x)·v, with the structure of f(x).

        Parameters
        ----------
        f
            The function.
        x
            The point, its first argument.
        v
            The direction (tangent), with the structure of `x`.
        args
            Further arguments of f, which are constant.
        """
        return operators.jvp(self, *self._at(f, (x, *args)), v)

    @operator
    def vjp(self, f: Function, x: Any, w: Any, args: Sequence[Any] = ()) -> Any:
        """Pull back: compute w·J(x), with the structure of `x`.

        Parameters
        ----------
        f, x, args
            As for `jvp`.
        w
            The weights (cotangent), with the structure of f(x).
        """
        return operators.vjp(self, *self._at(f, (x, *args)), w)

    @operator
    def hvp(self, f: Function, x: Any, v: Any, args: Sequence[Any] = ()) -> Any:
        """Compute the Hessian-vector product H(x)·v, with the structure of `x`; parameters as for `jvp`."""
        return operators.hvp(self, *self._at(f, (x, *args)), v)

    @operator
    def taylor(self, f: Function, x: Any, v: Any = None, args: Sequence[Any] = (), *, order: int) -> Any:
        """Compute the Taylor coefficients of f(x + t v) in t up to an order: f(x), J(x)·v, …, f⁽ᵏ⁾/k!.

        Parameters
        ----------
        f, x, args
            As for `jvp`.
        v
            The direction, with the structure of `x`. It can be omitted if x is a number; the default is then 1.
        order
            The highest order, from 0.

        Returns
        -------
        numpy.ndarray or container
            The structure of f(x), with a first axis of length order + 1.

        Examples
        --------
        >>> import gradmix
        >>> gradmix.differentiator("taylor").taylor(lambda x: 1.0 / (1.0 - x), 0.5, order=3)
        array([ 2.,  4.,  8., 16.])
        """
        return operators.taylor(self, *self._at(f, (x, *args)), v, order)

    @final
    def prepare(
        self, f: Function, *example: Any, argnums: ArgNums = 0, from_file: str | os.PathLike[str] | None = None
    ) -> Prepared:
        """Prepare to differentiate a function repeatedly, at points with the structure of an example.

        Parameters
        ----------
        f
            The function.
        example
            Arguments with the structure of those to come.
        argnums
            The positions of those that it will be differentiated by.
        from_file
            A file that `Prepared.to_file` has written, from which to read the preparation. Files from any source are
            safe.

        Returns
        -------
        Prepared
            An object with the same operators, which do not take f.

        Raises
        ------
        DifferentiationError
            If the file was written for another function, for one that reads other values, or by another version.

        Examples
        --------
        >>> import gradmix
        >>> prepared = gradmix.differentiator("tape").prepare(lambda x: x[0] * x[1], [1.0, 1.0])
        >>> prepared.gradient([2.0, 5.0])
        array([5., 2.])
        """
        with self.session():
            function, x = self._at(f, example, argnums)
            if from_file is not None:
                with open(regular_file(from_file), "rb") as file:
                    return Prepared(self.loaded(function, x, file, os.fspath(from_file)), function, self)
            prepared = self.prepared(function, x)
            if not isinstance(prepared, Differentiator):
                raise unlike(f"{type(self).__name__}.prepared", "a differentiator", prepared)
            return Prepared(prepared, function, self)

    @final
    def code(self, f: Function, *args: Any, argnums: ArgNums = 0) -> str:
        """Return the derivative of a function as the source of a Python module.

        Parameters
        ----------
        f
            The function.
        args
            Its arguments, of which only the structure matters.
        argnums
            The positions of those that it is differentiated by.

        Raises
        ------
        DifferentiationError
            If the differentiator does not write source code.
        """
        with self.session():
            return self.written(*self._at(f, args, argnums))

    @final
    def measures(self, f: Function, *args: Any, argnums: ArgNums = 0) -> Mapping[str, float]:
        """Return the differentiator's own `metrics` for a function; parameters as for `code`."""
        with self.session():
            measured = self.measured(*self._at(f, args, argnums))
            check_metrics(f"{type(self).__name__}.measured", measured)
            return measured

    def _at(self, f: Function, args: Sequence[Any], argnums: ArgNums = 0) -> tuple[FlatFunction, Any]:
        function, x = at_point(f, args, argnums)
        operators.check_plain(self, x)
        return function, x
