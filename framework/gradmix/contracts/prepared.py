"""Operators of one function, prepared for points that are arranged as an example."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import wraps
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, final

from gradmix.contracts import operators
from gradmix.contracts.colouring import Colouring, colouring_of
from gradmix.contracts.errors import DifferentiationError
from gradmix.contracts.flat_function import FlatFunction, at_point
from gradmix.contracts.operators import OperatorT, operator

if TYPE_CHECKING:
    from gradmix.contracts.differentiator import Differentiator


def shortened(method: OperatorT) -> OperatorT:
    """Make a method an operator that tries the differentiator's short way first."""
    whole, name = operator(method), method.__name__

    @wraps(method)
    def called(self: Prepared, *args: Any) -> Any:
        short = self._shortcuts[name]
        if short is not None and (found := short(*args)) is not None:
            return found
        return whole(self, *args)

    return cast("OperatorT", final(called))


@dataclass(frozen=True)
class Prepared:
    """What `Differentiator.prepare` returns: the operators of one function.

    Each takes the function's arguments. Those that it is differentiated by must be arranged as in the example.

    Parameters
    ----------
    differentiator
        What computes.
    function
        The function, with the example.
    origin
        The differentiator that prepared it.
    """

    differentiator: Differentiator
    function: FlatFunction
    origin: Differentiator
    known: dict[bool, Colouring | None] = field(default_factory=dict, init=False, repr=False, compare=False)
    """How sparse Jacobians (False) and Hessians (True) were computed last."""
    _shortcuts: Mapping[str, Callable[..., Any] | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        made = {name: self.differentiator.shortcut(name) for name in ("gradient", "value_and_gradient")}
        object.__setattr__(self, "_shortcuts", made)

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why some derivatives are computed as if the function were not prepared: hook → reason; empty if all are."""
        return self.differentiator.unprepared

    def to_file(self, path: str | os.PathLike[str]) -> None:
        """Write what was recorded to a file, for ``prepare(…, from_file=path)`` of the same differentiator.

        Raises
        ------
        DifferentiationError
            If that cannot be saved.
        """
        Path(path).write_bytes(self._saved())

    def _saved(self) -> bytes:
        file = BytesIO()
        self.differentiator.save_prepared(file)
        return file.getvalue()

    def __reduce__(self) -> tuple[Any, ...]:
        """What pickle keeps: the function and the example, and what was recorded, so far as it can be saved."""
        try:
            saved = self._saved()
        except DifferentiationError:
            saved = b""
        return _unpickled, (self.origin, self.function, saved), {"known": self.known}

    def check_operator(self, operator: str) -> None:
        """As `Differentiator.check_operator`."""
        self.differentiator.check_operator(operator)

    def session(self) -> AbstractContextManager[Any]:
        """What is set while an operator works."""
        return self.differentiator.session()

    @operator
    def derivative(self, *args: Any, order: int = 1) -> Any:
        """As `Differentiator.derivative`."""
        return operators.derivative(self.differentiator, *self._at(args), order)

    @shortened
    def gradient(self, *args: Any) -> Any:
        """As `Differentiator.gradient`."""
        return operators.value_and_gradient(self.differentiator, *self._at(args))[1]

    @shortened
    def value_and_gradient(self, *args: Any) -> tuple[Any, Any]:
        """As `Differentiator.value_and_gradient`."""
        return operators.value_and_gradient(self.differentiator, *self._at(args))

    @operator
    def jacobian(self, *args: Any, sparse: bool | Colouring = False) -> Any:
        """As `Differentiator.jacobian`; the pattern of a sparse one is kept."""
        if sparse is not False:
            return self._sparse(args, False, colouring_of(sparse))
        return operators.jacobian(self.differentiator, *self._at(args))

    @operator
    def hessian(self, *args: Any, sparse: bool | Colouring = False) -> Any:
        """As `Differentiator.hessian`; the pattern of a sparse one is kept."""
        if sparse is not False:
            return self._sparse(args, True, colouring_of(sparse))
        return operators.hessian(self.differentiator, *self._at(args))

    @operator
    def jvp(self, x: Any, v: Any, args: Sequence[Any] = ()) -> Any:
        """As `Differentiator.jvp`."""
        return operators.jvp(self.differentiator, *self._at((x, *args)), v)

    @operator
    def vjp(self, x: Any, w: Any, args: Sequence[Any] = ()) -> Any:
        """As `Differentiator.vjp`."""
        return operators.vjp(self.differentiator, *self._at((x, *args)), w)

    @operator
    def hvp(self, x: Any, v: Any, args: Sequence[Any] = ()) -> Any:
        """As `Differentiator.hvp`."""
        return operators.hvp(self.differentiator, *self._at((x, *args)), v)

    @operator
    def taylor(self, x: Any, v: Any = None, args: Sequence[Any] = (), *, order: int) -> Any:
        """As `Differentiator.taylor`."""
        return operators.taylor(self.differentiator, *self._at((x, *args)), v, order)

    def _sparse(self, args: Sequence[Any], is_second: bool, given: Colouring | None) -> Any:
        known = self.known.get(is_second)
        found, self.known[is_second] = operators.sparse(self.differentiator, *self._at(args), is_second, given, known)
        return found

    def _at(self, args: Sequence[Any]) -> tuple[FlatFunction, Any]:
        prepared = self.function
        if len(args) != len(prepared.args):
            raise DifferentiationError(
                f"the function was prepared for {len(prepared.args)} arguments, not {len(args)}."
            )
        function, x = at_point(prepared.f, args, prepared.argnums)
        if function.argument != prepared.argument:
            raise DifferentiationError(
                f"the function was prepared for {prepared.argument}; this point has {function.argument}. "
                "Prepare it again for such points."
            )
        operators.check_plain(self.differentiator, x)
        return function, x


def _unpickled(origin: Differentiator, function: FlatFunction, saved: bytes) -> Prepared:
    """One that is prepared again, from what was recorded if that is still of this function."""
    with origin.session():
        x = at_point(function.f, function.args, function.argnums)[1]
        try:
            made = origin.loaded(function, x, BytesIO(saved), "the pickled one")
        except DifferentiationError:
            made = origin.prepared(function, x)
        return Prepared(made, function, origin)
