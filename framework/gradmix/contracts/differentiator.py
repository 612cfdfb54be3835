"""Differentiators: plugins implement hooks on flat vectors; the final operators for users are built from the hooks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, final

from gradmix.contracts import operators
from gradmix.contracts.colouring import Colouring, colouring_of
from gradmix.contracts.differentiator_hooks import DifferentiatorHooks, Function
from gradmix.contracts.errors import DifferentiationError, did_you_mean
from gradmix.contracts.files import regular_file
from gradmix.contracts.flat_function import ArgNums, FlatFunction, at_point
from gradmix.contracts.operators import operator
from gradmix.contracts.prepared import Prepared
from gradmix.contracts.returned import check_metrics, unlike

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


class Differentiator(DifferentiatorHooks):
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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in HOOKS.keys() & vars(cls).keys():
            raise TypeError(
                f"{cls.__name__} defines {name}, which is final: implement {HOOKS[name]} on flat vectors instead. "
                "docs/upgrading.md shows how."
            )
        if not isinstance(cls.lacks, Mapping):
            raise TypeError(f"{cls.__name__}.lacks must be a mapping of operators to reasons; it is {cls.lacks!r}")
        for name in cls.lacks.keys() - HOOKS.keys():
            raise TypeError(f"{cls.__name__}.lacks: {name!r} is not an operator.{did_you_mean(name, HOOKS)}")
        cls.pushes = cls.push is not Differentiator.push or cls.push_many is not Differentiator.push_many
        cls.pulls = cls.pull is not Differentiator.pull
        if not (cls.pushes or cls.pulls):
            raise TypeError(f"{cls.__name__} must define push(self, f, x, v) or pull(self, f, x)")

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
        f, args
            As for `derivative`.
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
                "a colouring saves no work for this function: compute the matrix without sparse=."
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
        """Return the derivative of a function as the source of a Python module; parameters as for `gradient`.

        Only the structure of the arguments matters.

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
