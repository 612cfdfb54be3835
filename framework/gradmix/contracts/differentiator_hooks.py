"""Hooks of a differentiator: what a plugin implements, on flat vectors, each with a default built from the others."""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import IO, Any, ClassVar, final

import numpy as np

from gradmix.contracts import operators
from gradmix.contracts.colouring import Colouring
from gradmix.contracts.component import Component
from gradmix.contracts.errors import DifferentiationError
from gradmix.contracts.flat_function import FlatFunction
from gradmix.contracts.meaning import Meaning
from gradmix.contracts.operators import VectorFunction
from gradmix.contracts.role import Role

Function = Callable[..., Any]
"""A function in plain NumPy. Arguments and result are numbers, arrays, or dicts, tuples and lists of these."""

Pullback = Callable[[Any], Any]
"""The function w ↦ w·J, from shape (m,) to shape (n,)."""


class DifferentiatorHooks(Component, ABC):
    """The part of a differentiator that a plugin implements: `push` or `pull`, and any hook with a faster way."""

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
        if type(self).push_many is not DifferentiatorHooks.push_many:
            y, pushed = operators.push_many(self, f, x, v[np.newaxis])
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
        name = type(self).__name__
        raise DifferentiationError(f"{name} cannot compute derivatives of order {order}; nest `derivative`.")

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
        raise DifferentiationError(f"{type(self).__name__} cannot compute sparse matrices; leave out sparse=True.")

    @final
    def nested(self, f: VectorFunction, x: Any, order: int) -> Any:
        """Compute a derivative of any order by nesting; `higher` can call it if first derivatives are exact."""
        inner = f if order == 1 else lambda y: self.nested(f, y, order - 1)
        return self.push(inner, x, np.ones(1))[1]

    def session(self) -> AbstractContextManager[Any]:
        """Return a context manager that is active while an operator works."""
        return operators.NOTHING_SET

    def prepared(self, f: FlatFunction, x: Any) -> DifferentiatorHooks:
        """Return the differentiator that `prepare` uses: this one, or one that has compiled or recorded f at x."""
        return self

    def save_prepared(self, file: IO[bytes]) -> None:
        """Write the recording to a file, as data. Only a differentiator that `prepared` has returned implements this.

        Raises
        ------
        DifferentiationError
            If the recording cannot be saved.
        """
        raise DifferentiationError(f"{type(self).__name__} cannot save a prepared function.")

    def loaded(self, f: FlatFunction, x: Any, file: IO[bytes], name: str) -> DifferentiatorHooks:
        """Restore what `prepared` returned for f from a file that `save_prepared` wrote, without executing its content.

        `name` is the name of the file in error messages.

        Raises
        ------
        DifferentiationError
            If the file was written for another function or by another version.
        """
        raise DifferentiationError(f"{type(self).__name__} cannot load a prepared function from a file.")

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
        raise DifferentiationError(f"{type(self).__name__} does not write source code; use differentiator=source.")

    def metrics(self) -> tuple[Meaning, ...]:
        """Return the metrics that `measured` computes for a function's derivative, such as the size of its formula."""
        return ()

    def measured(self, f: FlatFunction, x: Any) -> Mapping[str, float]:
        """Return the value of each of its `metrics` for a function, at points with the structure of x."""
        return {}

    def _gradient_of(self, f: VectorFunction) -> VectorFunction:
        return lambda x: self.first(f, x)[1]
