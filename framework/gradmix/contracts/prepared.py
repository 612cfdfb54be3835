"""Operators of one function, prepared for points with the structure of an example."""

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
    from gradmix.contracts.differentiator_hooks import DifferentiatorHooks


def shortened(method: OperatorT) -> OperatorT:
    """Make a method an operator that tries the differentiator's `shortcut` first."""
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
    """The operators of one prepared function; `Differentiator.prepare` returns it.

    Each operator takes the function's arguments. The arguments to differentiate by must have the structure of the
    example.

    Parameters
    ----------
    differentiator
        The differentiator that computes, as `Differentiator.prepared` has returned it.
    function
        The function, with the example.
    origin
        The differentiator that prepared it.
    """

    differentiator: DifferentiatorHooks
    function: FlatFunction
    origin: DifferentiatorHooks
    known: dict[bool, Colouring | None] = field(default_factory=dict, init=False, repr=False, compare=False)
    """The colouring of the last sparse Jacobian (False) and of the last sparse Hessian (True)."""
    _shortcuts: Mapping[str, Callable[..., Any] | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        made = {name: self.differentiator.shortcut(name) for name in ("gradient", "value_and_gradient")}
        object.__setattr__(self, "_shortcuts", made)

    @property
    def reasons(self) -> Mapping[str, str]:
        """Hook that gains nothing from the preparation → reason; empty if all hooks gain."""
        return self.differentiator.unprepared

    def to_file(self, path: str | os.PathLike[str]) -> None:
        """Write the recording to a file, for ``prepare(…, from_file=path)`` of the same differentiator.

        Raises
        ------
        DifferentiationError
            If the recording cannot be saved.
        """
        Path(path).write_bytes(self._saved())

    def _saved(self) -> bytes:
        file = BytesIO()
        self.differentiator.save_prepared(file)
        return file.getvalue()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the function, the example and, if it can be saved, the recording."""
        try:
            saved = self._saved()
        except DifferentiationError:
            saved = b""
        return _unpickled, (self.origin, self.function, saved), {"known": self.known}

    def check_operator(self, operator: str) -> None:
        """Check that it supports an operator, as `Differentiator.check_operator` does."""
        self.differentiator.check_operator(operator)

    def session(self) -> AbstractContextManager[Any]:
        """Return a context manager that is active while an operator works."""
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
        """As `Differentiator.jacobian`; the colouring of a sparse one is stored for the next call."""
        if sparse is not False:
            return self._sparse(args, False, colouring_of(sparse))
        return operators.jacobian(self.differentiator, *self._at(args))

    @operator
    def hessian(self, *args: Any, sparse: bool | Colouring = False) -> Any:
        """As `Differentiator.hessian`; the colouring of a sparse one is stored for the next call."""
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
                "Prepare the function again for such points."
            )
        operators.check_plain(self.differentiator, x)
        return function, x


def _unpickled(origin: DifferentiatorHooks, function: FlatFunction, saved: bytes) -> Prepared:
    """Prepare the function again, from the recording if it still belongs to this function."""
    with origin.session():
        x = at_point(function.f, function.args, function.argnums)[1]
        try:
            made = origin.loaded(function, x, BytesIO(saved), "the pickled preparation")
        except DifferentiationError:
            made = origin.prepared(function, x)
        return Prepared(made, function, origin)
