"""The operators, written once for all differentiators, from their hooks, which work on flat vectors."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, final

import numpy as np

from gradmix.contracts.errors import DifferentiationError, NumericalError
from gradmix.contracts.flat_function import FlatFunction, may_be_complex
from gradmix.contracts.points import Structure, flattened, is_traced, of_one_array
from gradmix.contracts.returned import shape_of, unlike

if TYPE_CHECKING:
    from types import TracebackType

    from gradmix.contracts.colouring import Colouring
    from gradmix.contracts.differentiator_hooks import DifferentiatorHooks

VectorFunction = Callable[[Any], Any]
"""A function from a flat vector to a flat vector."""


class Offering(Protocol):
    """An object with operators: a differentiator, or a prepared function."""

    def check_operator(self, operator: str) -> None:
        """Raise DifferentiationError if it does not support an operator."""

    def session(self) -> AbstractContextManager[Any]:
        """Return a context manager that is active while an operator works."""


NOTHING_SET = nullcontext()
"""The session of an object that needs no context: it need not be entered."""

OperatorT = TypeVar("OperatorT", bound=Callable[..., Any])


def operator(method: OperatorT) -> OperatorT:
    """Make a method an operator: final, checked for support, and run in the differentiator's session.

    An exception in the user's function reaches the caller without the frames of gradmix in its traceback.
    """
    name = method.__name__

    @wraps(method)
    def called(self: Offering, *args: Any, **kwargs: Any) -> Any:
        self.check_operator(name)
        try:
            session = self.session()
            if session is NOTHING_SET:
                return method(self, *args, **kwargs)
            if not isinstance(session, AbstractContextManager):
                raise unlike(f"{type(self).__name__}.session", "a context manager", session)
            with session:
                return method(self, *args, **kwargs)
        except Exception as error:
            raise error.with_traceback(_users_part(error.__traceback__))  # noqa: B904 -- the same error

    return cast("OperatorT", final(called))


def _users_part(traceback: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback from the user's function on, or all of it if the error came from elsewhere."""
    part, each = traceback, traceback
    while each is not None:
        if each.tb_frame.f_code is FlatFunction.__call__.__code__ and each.tb_next is not None:
            part = each.tb_next
        each = each.tb_next
    return part


def jvp(made: DifferentiatorHooks, f: FlatFunction, x: Any, v: Any) -> Any:
    """Compute J(x)·v."""
    tangent = _direction(made, "v", v, "x", f.argument)
    pushed = push(made, f, x, tangent)[1] if len(x) else np.zeros(len(f(x)))
    result = _result(f, x)
    return result.arrange(_vector(pushed, result.size, made, "push"))


def vjp(made: DifferentiatorHooks, f: FlatFunction, x: Any, w: Any) -> Any:
    """Compute w·J(x)."""
    _, pullback = pull(made, f, x) if len(x) else (f(x), lambda w: x)
    cotangent = _direction(made, "w", w, "f(x)", _result(f, x))
    return f.argument.arrange(pullback(cotangent))


def value_and_gradient(made: DifferentiatorHooks, f: FlatFunction, x: Any) -> tuple[Any, Any]:
    """Compute f(x) and ∇f(x)."""
    if not len(x):
        y = f(x)
        check_one_value(f)
        return y[0], f.argument.arrange(x)
    y, gradient = _pair(made.first(f, x), made, "first")
    check_one_value(f)
    return _vector(y, 1, made, "first")[0], f.argument.arrange(_vector(gradient, len(x), made, "first"))


def derivative(made: DifferentiatorHooks, f: FlatFunction, x: Any, order: int) -> Any:
    """Compute a derivative of a function of one variable."""
    if not f.argument.is_scalar:
        raise DifferentiationError(
            f"a derivative needs a function of one variable; x has {f.argument}. Use gradient or jacobian."
        )
    if isinstance(order, bool) or not isinstance(order, int | np.integer) or order < 1:
        raise DifferentiationError(f"the order of a derivative must be an integer ≥ 1; given: {order!r}.")
    if order == 1:
        hook, derived = "push", push(made, f, x, np.ones(1))[1]
    else:
        hook, derived = "higher", made.higher(f, x, int(order))
    result = _result(f, x)
    return result.arrange(_vector(derived, result.size, made, hook))


def jacobian(made: DifferentiatorHooks, f: FlatFunction, x: Any) -> Any:
    """Compute J(x)."""
    matrix = _matrix(made, f, x)
    return _result(f, x).arrange_matrix(matrix, f.argument)


def hvp(made: DifferentiatorHooks, f: FlatFunction, x: Any, v: Any) -> Any:
    """Compute H(x)·v."""
    tangent = _direction(made, "v", v, "x", f.argument)
    if not len(x):
        return f.argument.arrange(tangent)
    product = _of_one_value(f, lambda: made.product(f, x, tangent))
    return f.argument.arrange(_vector(product, len(x), made, "product"))


def hessian(made: DifferentiatorHooks, f: FlatFunction, x: Any) -> Any:
    """Compute H(x)."""
    shape = (len(x), len(x))
    second = _of_one_value(f, lambda: made.second(f, x)) if len(x) else np.zeros(shape)
    return f.argument.arrange_matrix(_array(second, shape, made, "second"), f.argument)


def sparse(
    made: DifferentiatorHooks,
    f: FlatFunction,
    x: Any,
    is_second: bool,
    given: Colouring | None,
    known: Colouring | None = None,
) -> tuple[Any, Colouring | None]:
    """Compute J(x) or H(x) as a sparse matrix, with a colouring for other points.

    A colouring that the user has given must match the matrix's kind and shape; one known from another point need not.
    """
    if is_traced(x):
        raise DifferentiationError("a sparse matrix holds plain numbers and cannot be differentiated again.")
    if given is not None:
        _check_colouring(given, is_second, (given.shape[0], len(x)))
    if not len(x):
        from scipy.sparse import csc_matrix

        m = len(f(x))
        if is_second:
            check_one_value(f)
        return csc_matrix((0 if is_second else m, 0)), None
    known = known if given is None else given
    if is_second:
        return cast("tuple[Any, Any]", _of_one_value(f, lambda: made.sparse(f, x, True, known)))
    matrix, found = made.sparse(f, x, False, known)
    if given is not None:
        _check_colouring(given, is_second, matrix.shape)
    return matrix, found


def _check_colouring(given: Colouring, is_second: bool, shape: tuple[int, ...]) -> None:
    if given.is_second != is_second:
        kinds = ("a Jacobian", "a Hessian")
        raise DifferentiationError(f"the colouring belongs to {kinds[given.is_second]}, not to {kinds[is_second]}.")
    if given.shape != shape:
        raise DifferentiationError(f"the colouring is for a matrix of shape {given.shape}; this one has {shape}.")


def taylor(made: DifferentiatorHooks, f: FlatFunction, x: Any, v: Any, order: int) -> Any:
    """Compute the Taylor coefficients along a direction."""
    if isinstance(order, bool) or not isinstance(order, int | np.integer) or order < 0:
        raise DifferentiationError(f"the order of a series must be an integer ≥ 0; given: {order!r}.")
    if v is None and not f.argument.is_scalar:
        raise DifferentiationError(f"a series needs a direction v with the structure of x, which has {f.argument}.")
    tangent = np.ones(1) if v is None else _direction(made, "v", v, "x", f.argument)
    if len(x):
        rows = made.series(f, x, tangent, int(order))
    else:
        y = f(x)
        rows = np.stack([y, *[np.zeros(len(y))] * int(order)])
    result = _result(f, x)
    return of_one_array((int(order) + 1,)).arrange_matrix(
        _array(rows, (int(order) + 1, result.size), made, "series"), result
    )


# Whole derivatives on flat vectors, computed by the hooks.

_PAIRS = {
    "push": "the pair f(x), J(x)·v",
    "push_many": "the pair f(x), J(x)·v for each tangent",
    "pull": "the pair of f(x) and a function w ↦ w·J(x)",
    "first": "the pair f(x), ∇f(x)",
}
"""Hook that returns a pair → description of the pair."""

_RESULTS = {
    "push": "J(x)·v",
    "push_many": "J(x)·v for each tangent",
    "pull": "a function that returns w·J(x)",
    "first": "∇f(x)",
    "matrix": "J(x)",
    "product": "H(x)·v",
    "second": "H(x)",
}
"""Hook → description of the array that it computes."""


def _pair(returned: Any, made: DifferentiatorHooks, hook: str) -> tuple[Any, Any]:
    if type(returned) is tuple and len(returned) == 2:
        return returned
    raise unlike(f"{type(made).__name__}.{hook}", _PAIRS[hook], returned)


def _number_of_values(f: VectorFunction, y: Any, otherwise: int) -> int:
    """Return the number of values of f: as in its last call, else as many as y has, else `otherwise`."""
    result = getattr(f, "result", None)
    return result.size if result is not None else otherwise if y is None else math.prod(shape_of(y) or ())


def push(made: DifferentiatorHooks, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
    """Compute f(x), or None, and J(x)·v, which is checked."""
    y, pushed = _pair(made.push(f, x, v), made, "push")
    found = shape_of(pushed)
    m = _number_of_values(f, y, found[0] if found else 1)
    return y, _vector(pushed, m, made, "push")


def push_many(made: DifferentiatorHooks, f: VectorFunction, x: Any, V: Any) -> tuple[Any, Any]:
    """Compute f(x), or None, and J(x)·v for each row v of V, which is checked."""
    y, pushed = _pair(made.push_many(f, x, V), made, "push_many")
    m = _number_of_values(f, y, math.prod(shape_of(pushed) or ()) // len(V))
    return y, _array(pushed, (len(V), m), made, "push_many")


def pull(made: DifferentiatorHooks, f: VectorFunction, x: Any) -> tuple[Any, VectorFunction]:
    """Compute f(x) and the pullback, whose results are checked."""
    y, pullback = _pair(made.pull(f, x), made, "pull")
    if not callable(pullback):
        raise unlike(f"{type(made).__name__}.pull", _PAIRS["pull"], (y, pullback))
    if y is None or len(shape_of(y) or ()) != 1:
        raise unlike(f"{type(made).__name__}.pull", "f(x), shape (m,), first", y)
    return _vector(y, math.prod(np.shape(y)), made, "pull"), lambda w: _vector(pullback(w), len(x), made, "pull")


def along_each_variable(made: DifferentiatorHooks, f: VectorFunction, x: Any) -> tuple[Any, Any]:
    """Compute f(x) and the derivatives along each variable, shape (n, m), in chunks to avoid a whole unit matrix."""
    n, y, parts = len(x), None, []
    for start in range(0, n, made.chunk):
        count = min(made.chunk, n - start)
        basis = np.zeros((count, n))
        basis.reshape(-1)[start :: n + 1] = 1.0
        y, pushed = push_many(made, f, x, basis)
        parts.append(pushed)
    return y, parts[0] if len(parts) == 1 else np.concatenate(parts)


def rows(pullback: VectorFunction, m: int, n: int) -> Any:
    """Compute the Jacobian, shape (m, n), by pulling back each unit vector."""
    pulled = []
    for place in range(m):
        w = np.zeros(m)
        w[place] = 1.0
        pulled.append(pullback(w))
    return np.stack(pulled) if pulled else np.zeros((m, n))


def _matrix(made: DifferentiatorHooks, f: FlatFunction, x: Any) -> Any:
    if not len(x):
        return np.zeros((len(f(x)), 0))
    matrix = made.matrix(f, x)
    return _array(matrix, (_result(f, x).size, len(x)), made, "matrix")


def check_plain(made: DifferentiatorHooks, x: Any) -> None:
    """Check that a point or direction is not traced if the differentiator does not nest.

    Raises
    ------
    DifferentiationError
        If it is traced; the message names the differentiator.
    """
    if not made.nests and is_traced(x):
        raise DifferentiationError(
            f"{type(made).__name__} takes only plain numbers: it cannot be nested in another differentiation."
        )


def _direction(made: DifferentiatorHooks, name: str, given: Any, of: str, structure: Structure) -> Any:
    flat, own = flattened(given)
    check_plain(made, flat)
    if own != structure:
        raise DifferentiationError(f"{name} has {own}, but {of} has {structure}.")
    return flat


def _result(f: FlatFunction, x: Any) -> Structure:
    """Return the structure of f(x), as stored in the last call of f; call it if no hook has done so."""
    if f.result is None:
        f(x)
    assert f.result is not None
    return f.result


def check_one_value(f: VectorFunction) -> None:
    """Check that a function whose gradient is requested has one real value.

    Raises
    ------
    DifferentiationError
        If it has several; the message names the structure of its value.
    """
    result = getattr(f, "result", None)
    if result is not None and not result.is_scalar:
        raise DifferentiationError(
            f"a gradient needs a function with one real value; the value here has {result}. Use jacobian."
        )


def _of_one_value(f: FlatFunction, compute: Callable[[], Any]) -> Any:
    """Compute a second derivative; if f has several values, that error takes precedence over any other."""
    try:
        computed = compute()
    except Exception:
        check_one_value(f)
        raise
    check_one_value(f)
    return computed


def _vector(values: Any, size: int, made: DifferentiatorHooks, hook: str) -> Any:
    return _array(values, (size,), made, hook)


def _array(values: Any, shape: tuple[int, ...], made: DifferentiatorHooks, hook: str) -> Any:
    """Convert a hook's return value to a NumPy array of float64; a traced one is returned unchanged."""
    if type(values) is np.ndarray and values.dtype == np.float64 and values.shape == shape:
        return values
    if shape_of(values) != shape:
        what = _RESULTS.get(hook, "an array")
        raise unlike(f"{type(made).__name__}.{hook}", f"{what}, shape {shape}", values)
    if is_traced(values):
        return values
    array = np.asarray(values)
    if array.dtype.kind == "c" and may_be_complex.get():
        return array
    if array.dtype.kind not in "biuf":
        raise NumericalError(f"{type(made).__name__}.{hook} returned {values!r}; derivatives are real numbers.")
    return array.astype(np.float64)
